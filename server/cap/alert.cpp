#include "server/cap/alert.hpp"

#include <fmt/format.h>

namespace tocsin::cap {

const char* word(Status status) {
    static constexpr const char* words[] = {"Actual", "Exercise", "System", "Test", "Draft"};
    return words[static_cast<int>(status)];
}

const char* word(MsgType type) {
    static constexpr const char* words[] = {"Alert", "Update", "Cancel", "Ack", "Error"};
    return words[static_cast<int>(type)];
}

const char* word(Scope scope) {
    static constexpr const char* words[] = {"Public", "Restricted", "Private"};
    return words[static_cast<int>(scope)];
}

const char* word(Urgency urgency) {
    static constexpr const char* words[] = {"Immediate", "Expected", "Future", "Past", "Unknown"};
    return words[static_cast<int>(urgency)];
}

const char* word(Severity severity) {
    static constexpr const char* words[] = {"Extreme", "Severe", "Moderate", "Minor", "Unknown"};
    return words[static_cast<int>(severity)];
}

const char* word(Certainty certainty) {
    static constexpr const char* words[] = {"Observed", "Likely", "Possible", "Unlikely",
                                            "Unknown"};
    return words[static_cast<int>(certainty)];
}

std::string to_text(const Time& time) {
    // CAP has no fractions (3.3.2): a Time made by us, not read, is cut to its second.
    auto text = rfc3339(std::chrono::floor<std::chrono::seconds>(time.at), time.offset);
    if (time.unknown_offset) text[text.size() - 6] = '-';
    return text;
}

std::string triple(std::string_view sender, std::string_view identifier, const Time& sent) {
    return fmt::format("{},{},{}", sender, identifier, to_text(sent));
}

}  // namespace tocsin::cap
