#include "server/app/config.hpp"

#include "server/base/digest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <map>
#include <sstream>

namespace tocsin::app {
namespace {

using std::chrono::milliseconds;

bool loopback(std::string_view address) {
    return address.starts_with("127.") || address.starts_with("[::1]:");
}

/// One address has one listener; the system finds a number for each port 0.
void check_addresses(const Settings& from, const Listen& to) {
    std::map<std::string_view, const char*> taken;
    const std::pair<const char*, std::string_view> listeners[] = {
        {"api", to.api}, {"public", to.public_}, {"admin", to.admin}};
    for (const auto& [key, address] : listeners) {
        if (address.ends_with(":0")) continue;
        const auto [first, fresh] = taken.emplace(address, key);
        if (!fresh)
            from.complain(from.has(key) ? key : first->second,
                          fmt::format("{} is already where listen.{} listens", address,
                                      from.has(key) ? first->second : key));
    }
}

Listen read_listen(const Settings& from) {
    Listen to;
    to.api = from.text("api", to.api);
    to.public_ = from.text("public", to.public_);
    to.admin = from.text("admin", to.admin);
    to.public_tls = from.flag("public_tls", to.public_tls);
    if (!to.public_tls && !loopback(to.public_))
        from.complain("public_tls",
                      "plain HTTP is for loopback only: put a front before it, or leave TLS on");
    if (!loopback(to.admin)) from.complain("admin", "the admin listener is for loopback only");
    check_addresses(from, to);
    from.finish();
    return to;
}

Tls read_tls(const Settings& from) {
    Tls to{from.file("certificate"), from.file("key"), from.file("client_ca"),
           from.file("client_crl")};
    for (const auto* key : {"certificate", "key"}) (void)from.required(key);
    for (const auto& [key, file] :
         {std::pair("certificate", to.certificate), std::pair("key", to.key),
          std::pair("client_ca", to.client_ca), std::pair("client_crl", to.client_crl)})
        if (!file.empty() && !std::filesystem::exists(file))
            from.complain(key, "no such file: " + file.string());
    if (!to.client_crl.empty() && to.client_ca.empty())
        from.complain("client_crl", "revokes nothing without client_ca");
    from.finish();
    return to;
}

/// What planning only notes of an alert's words and level, and a city may want to refuse.
constexpr std::string_view may_be_refused[] = {"instruction-missing", "status-words",
                                               "level-mismatch",      "level-unknown",
                                               "language-stale",      "eventcode-known"};

/// CAP rule B2: what separates references stands in no sender.
bool is_cap_sender(std::string_view text) {
    return !text.empty() && text.find_first_of(" \t\r\n,<&") == text.npos;
}

Ledger read_ledger(const Settings& from) {
    Ledger to;
    to.embedded = from.flag("embedded", true);
    to.data = from.file("data");
    to.url = from.text("url");
    to.password_file = from.file("password_file");
    to.keep = std::chrono::duration_cast<std::chrono::hours>(from.duration("keep", to.keep));
    if (to.embedded && to.data.empty())
        from.complain("data", "is missing: the folder of the embedded Redis");
    if (to.embedded && !to.url.empty())
        from.complain("url", "is for a Redis of your own: set embedded = false");
    if (!to.embedded && to.url.empty())
        from.complain("url", R"(is missing: "redis://host:port" of your Redis)");
    from.finish();
    return to;
}

Limits read_limits(const Settings& from) {
    Limits to;
    to.alert_bytes =
        std::size_t(from.number("alert_bytes", std::int64_t(to.alert_bytes), 4096, 8 << 20));
    to.per_sender_per_minute =
        int(from.number("per_sender_per_minute", to.per_sender_per_minute, 1, 1000000));
    to.connections = int(from.number("connections", to.connections, 1, 1000000));
    to.connections_per_address =
        int(from.number("connections_per_address", to.connections_per_address, 1, 1000000));
    to.intake_threads = int(from.number("intake_threads", to.intake_threads, 1, 64));
    to.failures_per_minute =
        int(from.number("failures_per_minute", to.failures_per_minute, 1, 1000000));
    to.strict_references = from.texts("strict_references");
    for (const auto& sender : to.strict_references)
        if (!is_cap_sender(sender))
            from.complain("strict_references", fmt::format("'{}' is no CAP sender", sender));
    to.gb18030 = from.flag("gb18030", to.gb18030);
    to.refused_rules = from.texts("refused_rules", to.refused_rules);
    for (const auto& rule : to.refused_rules)
        if (std::ranges::find(may_be_refused, rule) == std::end(may_be_refused))
            from.complain("refused_rules",
                          fmt::format("'{}' is none of {}", rule, fmt::join(may_be_refused, ", ")));
    from.finish();
    return to;
}

void read_city(const Settings& from, Config& to) {
    auto& city = to.city;
    city.name_zh = from.text("name", city.name_zh);
    city.name_en = from.text("name_en", city.name_en);
    city.languages = from.texts("languages", city.languages);
    city.signature_zh = from.text("signature", city.signature_zh);
    city.signature_en = from.text("signature_en", city.signature_en);
    city.utc_offset = std::chrono::minutes(from.number("utc_offset_minutes", 480, -840, 840));
    city.default_life = std::chrono::duration_cast<std::chrono::hours>(
        from.duration("default_life", city.default_life));
    to.regions = from.file("regions");
    city.templates = from.file("templates");
    for (const auto* key : {"regions", "templates"}) (void)from.required(key);
    if (!to.regions.empty() && !std::filesystem::exists(to.regions))
        from.complain("regions", "no such file: " + to.regions.string());
    to.cells = from.file("cells");
    if (!to.cells.empty() && !std::filesystem::exists(to.cells))
        from.complain("cells", "no such file: " + to.cells.string());
    std::error_code ignored;
    if (!city.templates.empty() && !std::filesystem::is_directory(city.templates, ignored))
        from.complain("templates", "no such folder: " + city.templates.string());
    to.geocode_schemes = from.texts("geocode_schemes");
    to.own_sender = from.text("own_sender");
    if (from.has("own_sender") && !is_cap_sender(to.own_sender))
        from.complain("own_sender", fmt::format("'{}' is no CAP sender", to.own_sender));
    if (city.languages.empty())
        from.complain("languages", "is empty: nobody could be told anything");
    from.finish();
}

const contract::Listed* channel_named(std::string_view name) {
    for (const auto& listed : contract::catalogue())
        if (listed.name == name) return &listed;
    return nullptr;
}

std::vector<std::string_view> channel_names() {
    std::vector<std::string_view> names;
    for (const auto& listed : contract::catalogue()) names.push_back(listed.name);
    return names;
}

contract::Depth depth(const Settings& from, std::string_view key) {
    const auto word = from.choice(key, "platform", {"platform", "front-end", "terminal"});
    return word == "terminal"    ? contract::Depth::terminal
           : word == "front-end" ? contract::Depth::front_end
                                 : contract::Depth::platform;
}

/// Which of the two a word would mean is nothing to leave to their order.
void check_words(const Settings& from, const replies::Words& words) {
    const std::pair<const char*, const std::vector<std::string>&> lists[] = {
        {"stop", words.stop}, {"start", words.start}, {"acknowledge", words.acknowledge}};
    std::map<std::string, const char*> taken;
    for (const auto& [key, list] : lists)
        for (const auto& word : list) {
            const auto [first, fresh] = taken.emplace(replies::plain(word), key);
            if (fresh || first->second == key || first->first.empty()) continue;
            const bool given = from.has(key);  // else the word stands in the list before
            from.complain(
                given ? key : first->second,
                fmt::format("'{}' is already a word of {}", word, given ? first->second : key));
        }
}

/// What phones reply; a list that is given takes the place of ours.
replies::Words read_replies(const Settings& from) {
    replies::Words words;
    const auto list = [&](const char* key, std::vector<std::string>& to) {
        if (from.has(key)) to = from.texts(key);
        for (const auto& word : to)
            if (replies::plain(word).empty())
                from.complain(key, "has a word without a letter or digit");
    };
    list("stop", words.stop);
    list("start", words.start);
    list("acknowledge", words.acknowledge);
    check_words(from, words);
    from.finish();
    return words;
}

void read_bulk(const Settings& from, plan::Endpoint& to) {
    to.audience = from.text("audience", "public");
    const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; };
    if (to.audience.empty() || to.audience.size() > 64 || !std::ranges::all_of(to.audience, fits))
        from.complain("audience", "must be 1 to 64 letters, digits, - and _, as it is imported");
    to.red_overrides_opt_out = from.flag("red_overrides_opt_out", false);
    to.rate = from.real("rate", 1000, 0.1, 1e7);
}

/// A channel is made from its cells, too: another content is another endpoint. Asked of a table of
/// its own, for what is looked at here is no key that the channel knows.
std::string digest_of_cells(const Settings& channel) {
    const auto file = channel.file("cells");
    if (file.empty()) return {};
    std::ifstream in(file, std::ios::binary);
    std::ostringstream bytes;
    if (in) bytes << in.rdbuf();
    return "# cells " + sha256_hex(bytes.view());
}

Endpoint read_endpoint(const Settings& from) {
    plan::Endpoint to;
    to.name = from.required("name");
    to.channel = from.choice("channel", "null", channel_names());
    if (!from.has("channel")) from.complain("channel", "is missing");
    to.bearer = from.text("bearer", to.channel);
    to.areas = from.texts("areas");
    if (to.areas.empty()) from.complain("areas", "is missing or empty: there is no default area");
    if (!from.has("peer")) from.complain("peer", R"(is missing: "live" (the public) or "sandbox")");
    to.live = from.choice("peer", "sandbox", {"live", "sandbox"}) == "live";
    to.drills = depth(from, "drills");
    to.sandbox = from.text("sandbox");
    to.backup = from.text("backup");
    to.backup_only = from.flag("backup_only", false);
    to.restricted = from.flag("restricted", false);
    to.languages = from.texts("languages");
    const auto* listed = channel_named(to.channel);
    if (listed) {
        to.budgets.assign(listed->can.budgets.begin(), listed->can.budgets.end());
        to.highest = listed->can.highest;
        to.bulk = listed->can.bulk;
        to.withdraws = listed->can.withdraws;
        to.updates_in_place = listed->can.updates_in_place;
        if (to.bulk) read_bulk(from, to);
        to.cells.assign(listed->can.cells.begin(), listed->can.cells.end());
        if (!to.cells.empty()) to.bscs = from.texts("bscs");
    }
    auto own = from.table(to.channel);
    auto print = from.print() + digest_of_cells(from.table(to.channel));
    Endpoint endpoint{std::move(to), std::move(own), std::move(print),
                      from.duration("probe", std::chrono::minutes(3)),
                      from.duration("answer_within", std::chrono::seconds(30))};
    from.finish();
    return endpoint;
}

void check_pairs(const Settings& from, const std::vector<Endpoint>& endpoints) {
    std::map<std::string, const plan::Endpoint*> by_name;
    const auto tables = from.tables("endpoint");
    for (std::size_t i = 0; i < endpoints.size(); ++i)
        if (const auto& one = endpoints[i].plan; !by_name.emplace(one.name, &one).second)
            tables[i].complain("name", fmt::format("two are named '{}'", one.name));
    for (std::size_t i = 0; i < endpoints.size(); ++i) {
        const auto& one = endpoints[i].plan;
        const auto twin = by_name.find(one.sandbox), backup = by_name.find(one.backup);
        if (!one.sandbox.empty() && (twin == by_name.end() || twin->second->live))
            tables[i].complain("sandbox", fmt::format("'{}' is no sandbox endpoint", one.sandbox));
        if (!one.live && !one.sandbox.empty())
            tables[i].complain("sandbox", "this is a sandbox itself and needs no twin");
        if (!one.backup.empty() && (backup == by_name.end() || backup->second->live != one.live ||
                                    backup->first == one.name))
            tables[i].complain(
                "backup",
                fmt::format("'{}' is not another endpoint of the same kind of peer", one.backup));
    }
}

}  // namespace

Result<Config> read_config(const std::filesystem::path& file, Complaints& complaints) {
    const auto settings = Settings::read(file, complaints);
    if (!settings) return settings.error();
    Config config;
    read_city(settings->table("city"), config);
    config.listen = read_listen(settings->table("listen"));
    config.tls = read_tls(settings->table("tls"));
    config.ledger = read_ledger(settings->table("ledger"));
    config.limits = read_limits(settings->table("limits"));
    config.replies = read_replies(settings->table("replies"));
    config.credentials = authority::read_credentials(*settings, complaints);
    if (!settings->has("credential"))
        settings->complain("credential", "none: nobody could do anything");
    for (const auto& endpoint : settings->tables("endpoint"))
        config.endpoints.push_back(read_endpoint(endpoint));
    if (config.endpoints.empty()) settings->complain("endpoint", "none: nobody could be reached");
    check_pairs(*settings, config.endpoints);
    settings->finish();
    config.source = *settings;
    return config;
}

}  // namespace tocsin::app
