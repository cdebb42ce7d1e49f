#pragma once
#include "channels/sms/cmpp/frame.hpp"
#include "channels/sms/shared/replies.hpp"

/// Texts as CMPP carries them. Out: ASCII or UCS2, in parts that leave room for their header. In:
/// what phones send, which is GBK as often as not.
namespace tocsin::cmpp {

inline constexpr std::uint8_t format_ascii = 0, format_ucs2 = 8, format_gbk = 15;
inline constexpr std::uint8_t format_class = 0x10;  // added: class 0, shown at once

struct Parts {
    std::uint8_t format;
    std::vector<std::string> bytes;  // headers not included
};
/// ASCII if allowed and if every character is one that the air interface has as one septet; else
/// UCS2. Nothing is cut off: a text that needs more than 255 parts is a fault.
[[nodiscard]] Result<Parts> split(std::string_view utf8, bool ascii_allowed);

sms::Piece piece_of(const Deliver& deliver);

/// A number as a person of China writes it, or with 86 in front, gives the same: digits of E.164.
std::string person(std::string_view number);

}  // namespace tocsin::cmpp
