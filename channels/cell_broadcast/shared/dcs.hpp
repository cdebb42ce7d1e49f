#pragma once
#include <cstdint>
#include <string>
#include <string_view>

/// Data coding scheme of cell broadcast (3GPP TS 23.038, 5): alphabet and language in one octet.
namespace tocsin::cell_broadcast {

enum class Alphabet : std::uint8_t { gsm7, octets, ucs2 };

struct Coding {
    Alphabet alphabet;
    std::string language;  // ISO 639-1; empty: the octet does not say
    bool prefixed;         // each page begins with its language
    bool operator==(const Coding&) const = default;
};

inline constexpr std::uint8_t dcs_gsm7_unspecified = 0x0F, dcs_gsm7_prefixed = 0x10,
                              dcs_ucs2_prefixed = 0x11, dcs_ucs2 = 0x48;

Coding coding_of(std::uint8_t dcs);
/// For a text in the GSM alphabet: the octet that names the language, else 0x0F.
std::uint8_t gsm7_dcs(std::string_view language);
/// "zh-CN" -> "zh"; empty if it has no code of two letters.
std::string two_letters(std::string_view language);

}  // namespace tocsin::cell_broadcast
