#pragma once
#include "server/contract/channel.hpp"

#include <string_view>
#include <vector>

/// How long a text is, in every unit that a medium counts in, and where it may be cut.
namespace tocsin::plan {

/// UTF-16 code units: what UCS2 SMS and cell broadcast count. A surrogate pair is two.
std::size_t ucs2_units(std::string_view utf8);
/// GSM 03.38 septets, two for each character of the extension table; nothing if a character is in
/// neither.
std::optional<std::size_t> gsm_septets(std::string_view utf8);
std::size_t characters(std::string_view utf8);
/// SMS segments: 160 septets or 70 units in one, then 153 or 67 each. A pair of
/// surrogates or an escaped character is never split, so a part may hold one unit less.
std::size_t segments(std::string_view utf8);

/// Does the text fit into the budget's pages?
bool fits(const contract::Budget& budget, std::string_view utf8);

/// The ends (byte offsets) of the sentences of a text, in any script; the last is its size. A number
/// in a list ("1. ") or an abbreviation before a small letter ends nothing.
std::vector<std::size_t> sentence_ends(std::string_view utf8);

/// Controls and bidirectional overrides out (CAP rule C15), blanks at the ends too; line breaks stay.
std::string plain(std::string_view utf8);

}  // namespace tocsin::plan
