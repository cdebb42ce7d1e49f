#pragma once
#include "server/base/fault.hpp"
#include "server/cap/alert.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The Chinese national profile of warning messages (the "12379" platform): CAP in spirit, other
/// in names, times, levels and areas. Both ways; what it cannot say is refused, never guessed.
namespace tocsin::cap {

struct NationalIn {
    /// CAP sender = <senderCode>@<host>.
    std::string host = "warning.example";
    /// Chinese name of an event code; without it, or if it knows none, the headline's word counts.
    std::function<std::string(std::string_view code)> event_name;
    /// `sent` of a known message; without it the time in the identifier counts.
    std::function<std::optional<Time>(std::string_view identifier)> sent_of;
};

struct National {
    Alert alert;
    std::string signer;                 // the person: for the audit log, never published
    std::vector<std::string> left_out;  // what CAP has no place for, in words
};

/// Any namespace or none; blanks for T in times; parallel comma lists; metres.
Result<National> read_national(std::string_view bytes, const NationalIn& in = {});
Result<Alert> from_national(std::string_view bytes, const NationalIn& in = {});

struct NationalOut {
    /// Who signs the release; the issuing unit if empty.
    std::string signer;
    /// The first message of the event that an identifier belongs to (references always name it).
    std::function<std::string(std::string_view identifier)> first_of;
};

/// Needs parameter CN:senderCode, eventCode CN:eventType and a Chinese block. Refused: Ack, Error,
/// System, what is neither public nor CN:Inner, an area that it cannot say.
Result<std::string> to_national(const Alert& alert, const NationalOut& out = {});

/// "北京市气象台" "发布" "暴雨" "红" of a headline; `change` is 升级, 降级 or 继续, or empty.
struct Headline {
    std::string sender, verb, change, event, colour;
    bool operator==(const Headline&) const = default;
};
std::optional<Headline> parse_headline(std::string_view headline);

/// Items of a list with ',' or '，', trimmed; empty ones are left out.
std::vector<std::string> split_list(std::string_view list);

}  // namespace tocsin::cap
