#pragma once
#include "server/authority/credential.hpp"
#include "server/base/settings.hpp"
#include "server/contract/catalogue.hpp"
#include "server/plan/plan.hpp"
#include "server/replies/meaning.hpp"

#include <filesystem>
#include <optional>

/// tocsin.toml as values (design.md 6). Every key is described in schemas/tocsin.schema.json.
namespace tocsin::app {

struct Listen {
    std::string api = "127.0.0.1:8443", public_ = "127.0.0.1:8080", admin = "127.0.0.1:9090";
    bool public_tls = true;  // plain only on loopback
    bool operator==(const Listen&) const = default;
};

struct Tls {
    std::filesystem::path certificate, key, client_ca, client_crl;
};

struct Ledger {
    bool embedded = true;
    std::filesystem::path data, password_file;
    std::string url;  // of a Redis that we don't run
    std::chrono::hours keep{24 * 90};
    bool operator==(const Ledger&) const = default;
};

struct Limits {
    std::size_t alert_bytes = 1048576;
    int per_sender_per_minute = 60;
    int connections = 4096, connections_per_address = 256;
    int intake_threads = 2;
    int failures_per_minute = 30;                                   // bad tokens, by address
    std::vector<std::string> strict_references;                     // CAP senders (rule B15)
    std::vector<std::string> refused_rules{"instruction-missing"};  // of an Actual, not only noted
    bool gb18030 = false;                                           // taken as encoding of CAP
    bool operator==(const Limits&) const = default;
};

/// One [[endpoint]]: what the planner sees, and what its channel reads itself.
struct Endpoint {
    plan::Endpoint plan;
    Settings channel;   // [endpoint.<channel>]
    std::string print;  // the whole table as text: did it change?
    std::chrono::milliseconds probe, answer_within;
};

struct Config {
    plan::City city;                           // without atlas: loaded from `regions`
    std::vector<std::string> geocode_schemes;  // whose codes are those of GB/T 2260, too
    std::string own_sender;  // CAP sender of the Cancels made here; empty: the original's
    std::filesystem::path regions, cells;
    Listen listen;
    Tls tls;
    Ledger ledger;
    Limits limits;
    replies::Words replies;
    std::vector<Endpoint> endpoints;
    std::vector<authority::Credential> credentials;
    std::optional<Settings> source;  // for complaints of what is looked at later
};

/// All faults at once: file:line:column, key, what. Areas, words and channels are looked at by
/// read_setup (setup.hpp), which builds on this.
Result<Config> read_config(const std::filesystem::path& file, Complaints& complaints);

}  // namespace tocsin::app
