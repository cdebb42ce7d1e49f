#include "server/cli/init.hpp"

#include "server/base/digest.hpp"
#include "server/cli/certificates.hpp"
#include "server/cli/sample.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

namespace tocsin::cli {
namespace {

namespace fs = std::filesystem;

struct Role {
    const char *file, *role, *person, *cap_senders, *modes;
};

// clang-format off
constexpr Role roles[] = {
    {"sender",   "sender",   "duty forecaster", R"(["11000041600000@example.org"])", R"(["live", "exercise", "test"])"},
    {"drill",    "sender",   "trainee",         R"(["11000041600000@example.org"])", R"(["exercise", "test"])"},
    {"approver", "approver", "duty chief",      "[]",                                R"(["live", "exercise", "test"])"},
    {"operator", "operator", "duty operator",   "[]",                                R"(["live", "exercise", "test", "replay"])"},
    {"agency",   "agency",   "an agency",       "[]",                                R"(["live", "exercise", "test"])"},
    {"auditor",  "auditor",  "an auditor",      "[]",                                R"(["live", "exercise", "test", "replay"])"},
    {"admin",    "admin",    "administrator",   "[]",                                R"(["live", "exercise", "test", "replay"])"},
};
// clang-format on

constexpr std::string_view head =
    R"(# Tocsin. Every key is described in schemas/tocsin.schema.json; an unknown key is an error.
# Check a change with `tocsind --check --config tocsin.toml`, apply it with SIGHUP.

[city]
name = "北京"
name_en = "Beijing"
signature = "北京预警"            # in front of each SMS: 【北京预警】
signature_en = "Beijing Alert"
languages = ["zh-CN", "en-US"]    # the first is the city's own
regions = "regions.geojson"       # districts, functional areas, streets
templates = "templates"           # the words; see templates/README.md
utc_offset_minutes = 480          # how times are written
default_life = "24h"              # of an alert that says no end
# own_sender = "warnings@city.example"   # CAP sender of the Cancels made here; else the original's

[listen]
api = "127.0.0.1:{0}"          # HTTPS: senders, operators, agencies
public = "127.0.0.1:{1}"       # HTTPS: the public site and its feeds
admin = "127.0.0.1:{2}"        # plain, loopback only: /healthz /readyz /metrics
public_tls = true                 # false only on loopback, behind a front

[tls]
certificate = "tls/server.crt"
key = "tls/server.key"
# client_ca = "tls/clients.crt"   # who may come with a certificate instead of a token
# client_crl = "tls/clients.crl"  # who no longer may

[ledger]
embedded = true                   # a redis-server of our own; or: url = "redis://host:6379"
data = "data"
keep = "90d"                      # how long ended alerts stay

[limits]
alert_bytes = 1048576
per_sender_per_minute = 60
connections = 4096
connections_per_address = 256
intake_threads = 2
failures_per_minute = 30          # bad tokens, by address
strict_references = []            # CAP senders who must not refer to what is unknown here

# An endpoint is one peer. `peer` says whether the public is behind it; `sandbox` is its twin, to
# which drills go instead. `areas` are the regions that it reaches: none means nobody.
[[endpoint]]
name = "log"
channel = "null"
peer = "live"
areas = ["110000"]
sandbox = "log-test"

[[endpoint]]
name = "log-test"
channel = "null"
peer = "sandbox"
areas = ["110000"]

[[endpoint]]
name = "site"
channel = "web"
peer = "live"
areas = ["110000"]
sandbox = "site-test"
[endpoint.web]
base = "https://127.0.0.1:{1}"
verify = "https://127.0.0.1:{1}"   # the channel reads its own site back: the proof
ca = "tls/ca.crt"
state = "data/site.json"

[[endpoint]]
name = "site-test"                # shown on the admin listener, never to the public
channel = "web"
peer = "sandbox"
areas = ["110000"]
[endpoint.web]
base = "http://127.0.0.1:{2}/sandbox/site-test"
verify = "http://127.0.0.1:{2}/sandbox/site-test"
state = "data/site-test.json"

# Text messages: an SMSC that speaks SMPP 3.4 (channels/sms/smpp/README.md), for instance
# [[endpoint]]
# name = "sms"
# channel = "smpp"
# peer = "live"
# areas = ["110000"]
# audience = "public"             # imported by `tocsin audience import public FILE.csv`
# rate = 1000                     # segments a second, for the forecast
# [endpoint.smpp]
# host = "127.0.0.1"
# port = 2775
# system_id = "tocsin"
# password_file = "smpp.password"
)";

std::string credential(const Role& role, const std::string& token) {
    return fmt::format(
        "\n[[credential]]\nname = \"{}\"\nperson = \"{}\"\nrole = \"{}\"\ntoken_sha256 = "
        "\"{}\"\ncap_senders = {}\nareas = [\"*\"]\n"
        "levels = [\"red\", \"orange\", \"yellow\", \"blue\"]\nevents = [\"*\"]\nmodes = {}\n",
        role.file, role.person, role.role, sha256_hex(token), role.cap_senders, role.modes);
}

Result<std::string> write_tokens(const fs::path& folder) {
    std::string toml;
    for (const auto& role : roles) {
        const auto token = hex(random_bytes(32));
        auto written =
            write_new(folder / "tokens" / (std::string(role.file) + ".token"), token + "\n", 0600);
        if (!written) return written.error();
        toml += credential(role, token);
    }
    return toml;
}

Result<fs::path> copy_city(const Init& wanted, const fs::path& share) {
    std::error_code bad;
    const auto regions = share / "data" / wanted.city / "regions.geojson";
    if (!fs::exists(regions))
        return Fault{Cause::refused, "no such city: " + wanted.city + " (there is: beijing)"};
    fs::copy_file(regions, wanted.folder / "regions.geojson", bad);
    if (!bad)
        fs::copy(share / "templates", wanted.folder / "templates", fs::copy_options::recursive,
                 bad);
    if (bad) return Fault{Cause::internal, "copying the city's data: " + bad.message()};
    return wanted.folder;
}

}  // namespace

Result<fs::path> share_folder() {
    std::vector<fs::path> places;
    if (const auto* named = std::getenv("TOCSIN_SHARE")) places.emplace_back(named);
    std::error_code bad;
    const auto program = fs::read_symlink("/proc/self/exe", bad).parent_path();
    places.push_back(program / ".." / "share" / "tocsin");
    places.push_back(program / ".." / "..");
    for (const auto& place : places)
        if (fs::exists(place / "templates") && fs::exists(place / "data" / "beijing"))
            return fs::weakly_canonical(place);
    return Fault{Cause::refused,
                 "the city's data is not where the program was installed: set TOCSIN_SHARE"};
}

Result<fs::path> init(const Init& wanted, const fs::path& share) {
    const auto file = wanted.folder / "tocsin.toml";
    if (fs::exists(file))
        return Fault{Cause::refused, file.string() + " is there already: choose another folder"};
    if (wanted.port < 1 || wanted.port > 65533)
        return Fault{Cause::refused, "the port and the two after it must be within 1 and 65535"};
    std::error_code bad;
    for (const auto* part : {"tls", "tokens", "data"}) {
        fs::create_directories(wanted.folder / part, bad);
        if (!bad) fs::permissions(wanted.folder / part, fs::perms::owner_all, bad);
        if (bad)
            return Fault{Cause::refused, (wanted.folder / part).string() + ": " + bad.message()};
    }
    if (auto copied = copy_city(wanted, share); !copied) return copied;
    if (auto made = write_certificates(wanted.folder / "tls", 825); !made) return made;
    if (auto written = write_sample(wanted.folder / "audience.csv", wanted.sample,
                                    wanted.folder / "regions.geojson");
        !written)
        return written;
    const auto credentials = write_tokens(wanted.folder);
    if (!credentials) return credentials.error();
    const auto text =
        fmt::format(fmt::runtime(head), wanted.port, wanted.port + 1, wanted.port + 2) +
        *credentials;
    return write_new(file, text, 0600);
}

}  // namespace tocsin::cli
