#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Telephone numbers as integers: E.164 without "+", 7 to 15 digits (8613800138000).
namespace tocsin::audience {

enum class NumberFlaw { none, empty, form, not_mobile, country, invalid };

struct Number {
    std::uint64_t e164 = 0;  // 0 where there is a flaw
    NumberFlaw flaw = NumberFlaw::none;
};

/// Mainland mobiles as `+86`, `0086`, `86` or the bare 11 digits; others with "+" or "00" in front.
/// Blanks, hyphens, dots and brackets do not count. Only what can take a text is a number here.
Number normalised(std::string_view text);

/// "cmcc", "cucc", "ctcc", "cbn" or "other", by the prefix. Since numbers move between operators
/// (2019) a prefix is a good guess and no proof: the operators' own gateways send on.
std::string_view network_of(std::uint64_t e164);

/// "861380***0001"; of shorter ones less is shown. Anything but digits is left out.
std::string masked(std::string_view text);

/// 8 bytes: the digits as nibbles from the highest on, their count in the lowest.
std::uint64_t pack(std::uint64_t e164);
std::optional<std::uint64_t> unpack(std::uint64_t packed);

/// foreign.cpp, where libphonenumber is. `text` begins with "+".
Number foreign(std::string_view text);

}  // namespace tocsin::audience
