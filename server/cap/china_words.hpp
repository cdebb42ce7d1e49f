#pragma once
#include "server/cap/alert.hpp"

#include <string_view>

/// The profile's own words, as tables. Used by china*.cpp only.
namespace tocsin::cap::china {

struct Level {
    std::string_view english, chinese, roman;  // "Red", "红", "I"
    Severity severity;
};
inline constexpr Level levels[] = {{"Red", "红", "I", Severity::extreme},
                                   {"Orange", "橙", "II", Severity::severe},
                                   {"Yellow", "黄", "III", Severity::moderate},
                                   {"Blue", "蓝", "IV", Severity::minor},
                                   {"White", "白", "", Severity::unknown}};

inline constexpr std::string_view sender_code = "CN:senderCode", event_type = "CN:eventType",
                                  severity = "CN:severity", level = "CN:level",
                                  method = "CN:method.", audience = "CN:audienceGrp.",
                                  inner = "CN:Inner", geocode = "CPEAS Geographic Code",
                                  profile = "profile:CN-EWIS:1";

/// CAP category of an event code ("11B03": Met).
std::string_view category(std::string_view code);
bool is_identifier(std::string_view text);  // 14 characters, '_', 14 digits, maybe "_0"
bool is_sender_code(std::string_view text);

}  // namespace tocsin::cap::china
