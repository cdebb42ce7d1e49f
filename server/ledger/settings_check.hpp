#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// Is this Redis one that may be trusted with a warning? (reliability.md 2, scar F10.) Pure.
namespace tocsin::ledger {

struct RedisFacts {
    std::map<std::string, std::string> settings;  // as CONFIG GET told them
    std::map<std::string, std::string> info;  // as INFO told it: redis_version, role, run_id, ...
    std::string trouble;                      // why they could not be read; empty: they could
};

/// The settings that must hold, and to what.
struct Setting {
    std::string_view name, value;
};
const std::vector<Setting>& settings_required();

/// "key:value" lines of INFO.
std::map<std::string, std::string> read_info(std::string_view text);

/// One sentence for each thing that is wrong; none: 202 may be given.
std::vector<std::string> objections(const RedisFacts& facts, int replicas_required);

}  // namespace tocsin::ledger
