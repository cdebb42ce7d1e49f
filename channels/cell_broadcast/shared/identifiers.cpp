#include "channels/cell_broadcast/shared/identifiers.hpp"

#include <algorithm>

namespace tocsin::cell_broadcast {
namespace {

using contract::Facts, contract::Level, contract::Mode;

// TS 23.041 table; 4370 (presidential, EU level 1) is never chosen by a rule.
constexpr Identifier extreme_immediate_observed{4371, 4384}, extreme_immediate_likely{4372, 4385},
    extreme_expected_observed{4373, 4386}, extreme_expected_likely{4374, 4387},
    severe_immediate_observed{4375, 4388}, severe_immediate_likely{4376, 4389},
    severe_expected_observed{4377, 4390}, severe_expected_likely{4378, 4391},
    required_monthly_test{4380, 4393}, exercise{4381, 4394}, public_safety{4396, 4397},
    state_local_test{4398, 4399}, information{6400, 0}, none{};

struct Row {
    std::string_view severity, urgency, certainty;
    Identifier identifier;
};
constexpr Row rows[] = {{"Extreme", "Immediate", "Observed", extreme_immediate_observed},
                        {"Extreme", "Immediate", "Likely", extreme_immediate_likely},
                        {"Extreme", "Expected", "Observed", extreme_expected_observed},
                        {"Extreme", "Expected", "Likely", extreme_expected_likely},
                        {"Severe", "Immediate", "Observed", severe_immediate_observed},
                        {"Severe", "Immediate", "Likely", severe_immediate_likely},
                        {"Severe", "Expected", "Observed", severe_expected_observed},
                        {"Severe", "Expected", "Likely", severe_expected_likely}};

// All clear is no mere information: 6400 is shown to those who asked for it, and has no second
// language.
constexpr Profile profiles_[] = {
    {"china",
     false,
     {information, public_safety, severe_immediate_observed, extreme_immediate_observed},
     exercise,
     required_monthly_test,
     public_safety,
     true},
    {"eu_alert",
     true,
     {information, public_safety, public_safety, public_safety},
     exercise,
     state_local_test,
     public_safety,
     false},
    {"wea", true, {none, none, none, none}, exercise, state_local_test, public_safety, false},
};

constexpr std::uint16_t drills_only[] = {4355, 4380, 4381, 4393, 4394, 4398, 4399};

// Warning type: seven bits what, then alert and popup.
constexpr Primary primary_earthquake{4352, 0x0180}, primary_tsunami{4353, 0x0380},
    primary_both{4354, 0x0580}, primary_test{4355, 0x0780};

bool says(std::string_view event, std::span<const std::string_view> words) {
    return std::ranges::any_of(
        words, [&](std::string_view word) { return event.find(word) != event.npos; });
}

std::optional<Primary> quake(const Facts& facts) {
    constexpr std::string_view quakes[] = {"地震", "arthquake"}, waves[] = {"海啸", "sunami"};
    if (facts.urgency != "Immediate") return std::nullopt;  // a report, not a warning
    const bool shakes = says(facts.event, quakes), floods = says(facts.event, waves);
    if (shakes && floods) return primary_both;
    if (shakes) return primary_earthquake;
    return floods ? std::optional(primary_tsunami) : std::nullopt;
}

void add(std::vector<std::uint16_t>& to, Identifier identifier) {
    for (const auto one : {identifier.local, identifier.additional})
        if (one != 0 && std::ranges::find(to, one) == to.end()) to.push_back(one);
}

}  // namespace

std::span<const Profile> profiles() { return profiles_; }

const Profile* find_profile(std::string_view name) {
    const auto* found = std::ranges::find(profiles_, name, &Profile::name);
    return found == std::end(profiles_) ? nullptr : found;
}

std::optional<Identifier> live_identifier(const Profile& profile, Level level, const Facts& facts) {
    const bool known = level >= Level::blue && level <= Level::red;
    const auto by_level = profile.levels[known ? std::size_t(level) - 1 : 0];
    const auto found = [](Identifier i) { return i.local ? std::optional(i) : std::nullopt; };
    if (!profile.by_facts) return found(by_level);
    for (const auto& row : rows)
        if (row.severity == facts.severity && row.urgency == facts.urgency &&
            row.certainty == facts.certainty)
            return row.identifier;
    const bool grave =
        facts.severity == "Extreme" || facts.severity == "Severe" || facts.severity == "Moderate";
    return found(profile.levels[grave ? 1 : 0]);
}

Identifier drill_identifier(const Profile& profile, Mode mode) {
    return mode == Mode::exercise ? profile.exercise : profile.test;
}

std::optional<Primary> live_primary(const Profile& profile, const Facts& facts) {
    return profile.primary ? quake(facts) : std::nullopt;
}

std::optional<Primary> drill_primary(const Profile& profile, const Facts& facts) {
    if (!profile.primary || !quake(facts)) return std::nullopt;
    return primary_test;
}

bool for_drills_only(std::uint16_t identifier) {
    return std::ranges::find(drills_only, identifier) != std::end(drills_only);
}

std::vector<std::uint16_t> live_identifiers(const Profile& profile) {
    std::vector<std::uint16_t> out;
    for (const auto& level : profile.levels) add(out, level);
    if (profile.by_facts)
        for (const auto& row : rows) add(out, row.identifier);
    add(out, profile.all_clear);
    return out;
}

std::vector<std::uint16_t> drill_identifiers(const Profile& profile) {
    std::vector<std::uint16_t> out;
    add(out, profile.exercise);
    add(out, profile.test);
    return out;
}

}  // namespace tocsin::cell_broadcast
