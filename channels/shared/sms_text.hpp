#pragma once
#include "server/base/fault.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// SMS alphabets and segments (3GPP TS 23.038, 23.040): UTF-8 in, octets as submitted out.
namespace tocsin::shared {

enum class Alphabet : std::uint8_t { gsm7, ucs2 };
/// How a text of several segments says so. The user data header takes room; the SMSC builds one for
/// `sar` too; `payload` hands over the whole text as one.
enum class LongForm : std::uint8_t { udh8, udh16, sar, payload };

struct Segments {
    Alphabet alphabet;
    std::vector<std::string>
        parts;  // gsm7: a septet an octet; ucs2: UTF-16BE; headers not included
};

/// Septets or UTF-16 code units that one segment takes: alone, or as one of several.
std::size_t units_alone(Alphabet alphabet);
std::size_t units_in_part(Alphabet alphabet, LongForm form);

/// UTF-16BE without a byte order mark. Malformed: not UTF-8.
Result<std::string> to_ucs2(std::string_view utf8);
/// Unpacked septets, escapes of two; empty optional-like fault `refused` if a character has none.
Result<std::string> to_gsm7(std::string_view utf8);
/// What a phone sent: never fails, odd units become U+FFFD.
std::string from_ucs2(std::string_view octets);
std::string from_gsm7(std::string_view septets);
std::string from_latin1(std::string_view octets);

/// GSM 7-bit if allowed and possible, else UCS2. No surrogate pair and no escape is ever split, and
/// nothing is ever cut off (scar A7): a text that needs more than 255 parts is a fault.
Result<Segments> segment(std::string_view utf8, LongForm form, bool gsm7_allowed);

/// The user data header of part `part` (from 1) of `parts`.
std::string user_data_header(LongForm form,
                             std::uint16_t reference,
                             std::uint8_t parts,
                             std::uint8_t part);

}  // namespace tocsin::shared
