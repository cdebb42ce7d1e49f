#include "server/ledger/settings_check.hpp"

#include <charconv>

namespace tocsin::ledger {

const std::vector<Setting>& settings_required() {
    static const std::vector<Setting> all{
        {"appendonly", "yes"},
        {"appendfsync", "always"},
        {"no-appendfsync-on-rewrite", "no"},  // yes: no fsync while the log is rewritten
        {"maxmemory-policy", "noeviction"},
        {"aof-load-truncated", "yes"},  // no: a torn tail stops the next start
    };
    return all;
}

std::map<std::string, std::string> read_info(std::string_view text) {
    std::map<std::string, std::string> out;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        const auto colon = line.find(':');
        if (colon != line.npos && !line.starts_with('#'))
            out.emplace(line.substr(0, colon), line.substr(colon + 1));
    }
    return out;
}

namespace {

std::string at(const std::map<std::string, std::string>& in, std::string_view key) {
    const auto found = in.find(std::string(key));
    return found == in.end() ? "" : found->second;
}

int number(std::string_view text) {
    int out = 0;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
}

}  // namespace

std::vector<std::string> objections(const RedisFacts& facts, int replicas_required) {
    if (!facts.trouble.empty()) return {"the settings of Redis cannot be read: " + facts.trouble};
    std::vector<std::string> out;
    for (const auto& [name, value] : settings_required()) {
        const auto is = at(facts.settings, name);
        if (is != value) out.push_back(fmt::format("{} is \"{}\", not \"{}\"", name, is, value));
    }
    if (const auto role = at(facts.info, "role"); role != "master")
        out.push_back(fmt::format("its role is \"{}\", not \"master\"", role));
    if (const auto version = at(facts.info, "redis_version"); number(version) < 7)
        out.push_back(fmt::format("its version is \"{}\", 7.0 or later is needed", version));
    if (at(facts.info, "aof_last_write_status") == "err")
        out.push_back("its last write to the log failed");
    if (number(at(facts.settings, "min-replicas-to-write")) < replicas_required)
        out.push_back(fmt::format("min-replicas-to-write is below {}", replicas_required));
    return out;
}

}  // namespace tocsin::ledger
