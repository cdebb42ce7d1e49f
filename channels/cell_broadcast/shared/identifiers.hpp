#pragma once
#include "server/contract/order.hpp"

#include <optional>
#include <span>
#include <string_view>
#include <vector>

/// Message identifiers (TS 23.041, 9.4.1.2.2) by profile, as data. What kills is live or not live:
/// live alerts and drills are asked for by two functions, and no table is used by both.
namespace tocsin::cell_broadcast {

struct Identifier {
    std::uint16_t local = 0, additional = 0;  // of the country's language, of a second; 0: none
    bool operator==(const Identifier&) const = default;
};

/// ETWS primary notification: no words, an alarm within seconds.
struct Primary {
    std::uint16_t identifier, warning_type;
    bool operator==(const Primary&) const = default;
};

struct Profile {
    std::string_view name;
    bool by_facts;              // severity, urgency and certainty choose; else the level
    Identifier levels[4];       // blue to red; by facts: what no row takes (local 0: refused)
    Identifier exercise, test;  // drills
    Identifier all_clear;       // words after a warning was withdrawn
    bool primary;               // earthquakes and tsunamis alarm by ETWS as well
};

std::span<const Profile> profiles();
const Profile* find_profile(std::string_view name);

/// Nothing: the profile does not carry such an alert.
std::optional<Identifier> live_identifier(const Profile& profile,
                                          contract::Level level,
                                          const contract::Facts& facts);
Identifier drill_identifier(const Profile& profile, contract::Mode mode);

std::optional<Primary> live_primary(const Profile& profile, const contract::Facts& facts);
std::optional<Primary> drill_primary(const Profile& profile, const contract::Facts& facts);

/// Reserved by the standards for tests and exercises.
bool for_drills_only(std::uint16_t identifier);
/// All that the profile may have used for one side: what an alert that nobody remembers can be on.
std::vector<std::uint16_t> live_identifiers(const Profile& profile);
std::vector<std::uint16_t> drill_identifiers(const Profile& profile);

}  // namespace tocsin::cell_broadcast
