#include "channels/sms/cmpp/words.hpp"

#include "channels/shared/sms_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::cmpp {
namespace {

constexpr std::size_t ascii_alone = 160;
// CMPP lets only a plain ASCII text have more than 140 bytes; the header takes 6 of them.
constexpr std::size_t ascii_in_part = 134;

/// Brackets and their like take two septets, a backtick has none: gateways differ in what they do.
bool is_safe(char c) {
    if (c == '\n' || c == '\r') return true;
    return c >= ' ' && c <= '~' && std::string_view("[]{}\\^|~`").find(c) == std::string_view::npos;
}

}  // namespace

Result<Parts> split(std::string_view utf8, bool ascii_allowed) {
    if (ascii_allowed && std::ranges::all_of(utf8, is_safe)) {
        const auto each = utf8.size() <= ascii_alone ? ascii_alone : ascii_in_part;
        if (utf8.size() > each * 255)
            return Fault{Cause::over_limit, fmt::format("{} characters", utf8.size())};
        Parts out{format_ascii, {}};
        do {
            out.bytes.emplace_back(utf8.substr(0, each));
            utf8.remove_prefix(std::min(each, utf8.size()));
        } while (!utf8.empty());
        return out;
    }
    auto segments = shared::segment(utf8, shared::LongForm::udh8, false);
    if (!segments) return segments.error();
    return Parts{format_ucs2, std::move(segments->parts)};
}

sms::Piece piece_of(const Deliver& deliver) {
    const auto letters = sms::letters_of(deliver.format, sms::Letters::octets);
    return deliver.header ? sms::without_header(deliver.words, letters)
                          : sms::Piece{deliver.words, letters};
}

std::string person(std::string_view number) {
    if (number.starts_with('+')) number.remove_prefix(1);
    const bool of_china = number.size() == 11 && number[0] == '1';
    return (of_china ? "86" : "") + std::string(number);
}

}  // namespace tocsin::cmpp
