#pragma once
#include "server/authority/credential.hpp"
#include "server/base/fault.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The one place that decides who may do what. Pure: no clock, no socket, no store. Immutable;
/// swapped whole when the configuration is read again.
namespace tocsin::authority {

/// How regions lie to each other; places.hpp makes it of an atlas, tests of a table.
struct Places {
    std::function<bool(std::string_view inner, std::string_view outer)> within;
    std::function<bool(std::string_view a, std::string_view b)> shares;
    std::function<std::string(std::string_view code)> name;  // "房山区", or empty
};

/// Somebody who has shown a token or a certificate. Keeps its credential alive over a reload.
class Principal {
public:
    explicit Principal(std::shared_ptr<const Credential> of) : credential_(std::move(of)) {}
    const Credential& operator*() const { return *credential_; }
    const Credential* operator->() const { return credential_.get(); }

private:
    std::shared_ptr<const Credential> credential_;
};

enum class Act : std::uint8_t {
    post,        // an alert of one's own
    plan,        // what would happen
    cancel,      // take back what is in force
    read,        // alerts, deliveries, events
    recipients,  // single recipients
    see_endpoints,
    pause,      // pause, resume, probe
    audiences,  // read, replace, remove
    me
};

/// What the act is about. An absent part is not asked about: intake asks early what it knows early.
struct Subject {
    std::optional<std::string> cap_sender;
    std::optional<Mode> mode;
    std::optional<Depth> depth;
    std::optional<Level> level;
    std::optional<std::string> event;     // key: "rainstorm"
    std::string event_class;              // of the key: "natural"
    std::vector<std::string> categories;  // of CAP: all must be allowed, if key and class are not
    const std::vector<std::string>* regions = nullptr;
};

struct Refusal {
    std::string rule;     // "area-not-allowed", ...
    std::string message;  // "110109 may not warn for 110111 房山区; allowed areas: 110109"
    std::vector<std::string> allowed;
};

class Authority {
public:
    Authority(std::vector<Credential> credentials, Places places);

    /// One refusal for unknown and expired alike, in the same time: nobody learns which exist.
    Result<Principal> by_token(std::string_view token, Instant now) const;
    /// `sans` as "DNS:...", "URI:...": of a certificate that TLS has verified.
    Result<Principal> by_certificate(const std::vector<std::string>& sans, Instant now) const;

    /// Is it still in force, after time has passed or the configuration was read again?
    bool stands(const Principal& who, Instant now) const;

    /// Nothing: it may. The first rule that forbids it otherwise.
    std::optional<Refusal> may(const Principal& who, Act act, const Subject& subject = {}) const;

    std::size_t size() const { return credentials_.size(); }

private:
    std::vector<std::shared_ptr<const Credential>> credentials_;
    Places places_;
};

}  // namespace tocsin::authority
