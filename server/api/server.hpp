#pragma once
#include "server/api/by_region.hpp"
#include "server/api/http.hpp"
#include "server/api/pages.hpp"
#include "server/api/recipients.hpp"
#include "server/api/tls.hpp"
#include "server/authority/authority.hpp"
#include "server/cap/judge.hpp"
#include "server/dispatch/hub.hpp"
#include "server/ledger/ledger.hpp"
#include "server/plan/plan.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace prometheus {
class Registry;
}
namespace tocsin::replies {
class Replies;
}

/// The server's face: three listeners, their routes, and the way of an alert from a POST to its 202
/// (design.md 3, 4). Owns threads and sockets; everything else is lent to it.
namespace tocsin::api {

struct Listening {
    std::size_t total = 20000, per_address = 1000;  // connections, all listeners together
};

struct Config {
    std::string api = "127.0.0.1:8443", public_ = "127.0.0.1:8080", admin = "127.0.0.1:9090";
    bool public_tls = true;  // plain only on loopback: start() refuses it elsewhere
    TlsFiles tls;
    HttpLimits http;
    Listening connections;
    std::size_t intake_threads = 2;
    std::size_t in_flight = 1024;  // alerts between parse and 202; more: 503
    cap::Limits cap;               // its `bytes` is limits.alert_bytes
    std::uint64_t audience_bytes = 4ULL << 30U;
    int per_sender_per_minute = 60;  // and as many red ones beside them; 0: no limit
    int failures_per_minute = 30;    // bad tokens, by address; 0: no limit
    std::string own_sender;          // of the Cancels made here; empty: the original's sender
    /// What the planner only notes and intake refuses in an Actual, unless overridden (scar B4).
    std::vector<std::string> refused_rules{"instruction-missing"};
    std::vector<std::string> strict_references;  // CAP senders whose unknown references are errors
    std::chrono::milliseconds heartbeat{10000};
    std::chrono::milliseconds drain{5000};
    std::string version = "0.1.0";
};

/// An audience being read; server/audience does it, app wires it.
class AudienceImport {
public:
    struct Line {
        std::uint64_t line;
        std::string reason;
    };
    struct Outcome {
        plan::Audience audience;
        std::uint64_t rejected = 0;
        std::vector<Line> rejected_lines;  // the first 100
    };
    virtual ~AudienceImport() = default;
    /// Pieces as they come, on one thread. Not empty: give up, and why (422).
    virtual std::string feed(std::string_view piece) = 0;
    /// On the core loop, after the last piece: stored, or nothing is changed.
    virtual void finish(ledger::Then<Outcome> then) = 0;
};

struct Deps {
    boost::asio::io_context* core = nullptr;  // its thread owns ledger, hub, recipients
    ledger::Ledger* ledger = nullptr;
    dispatch::Hub* hub = nullptr;
    Recipients* recipients = nullptr;     // may be absent
    replies::Replies* replies = nullptr;  // may be absent
    std::shared_ptr<Pages> pages = std::make_shared<Pages>();
    std::shared_ptr<Pages> sandbox = std::make_shared<Pages>();  // shown on admin only
    std::shared_ptr<prometheus::Registry> metrics;
    std::function<Instant()> clock = now;
    // From any thread; what they give may change on reload.
    std::function<plan::Made(const plan::Request&)> plan;  // with the census as of now
    std::function<std::shared_ptr<const authority::Authority>()> authority;
    std::function<bool(std::string_view region, std::string_view area)> shares;  // for ?area=
    Ground ground;                                                               // for by_region
    std::function<std::string(std::string_view event)> event_class;  // "rainstorm" -> "natural"
    std::function<std::unique_ptr<AudienceImport>(const std::string& name)> import;
    std::function<void()> audiences_changed;  // on the core loop
    std::function<bool()> ready;              // beside the ledger's health; empty: ready
};

struct Ports {
    unsigned short api = 0, public_ = 0, admin = 0;
};

class Server {
public:
    Server(Config config, Deps deps);
    /// Outlives the core loop and the ledger's callbacks: answers that come late land here.
    ~Server();

    /// All three listen, or none does; the fault says which and what to do.
    Result<Ports> start();
    /// Certificate and key are read again; connections that are open stay as they are.
    Result<bool> reload_tls(const TlsFiles& files);
    /// Accepts no more, lets answers finish, ends streams; returns when all is closed. Not on core.
    void stop();

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace tocsin::api
