#include "channels/cell_broadcast/shared/dcs.hpp"

#include <algorithm>

namespace tocsin::cell_broadcast {
namespace {

struct Row {
    std::uint8_t dcs;
    std::string_view language;
};
// TS 23.038, 5: groups 0000 and 0010, all in the GSM alphabet.
constexpr Row rows[] = {{0x00, "de"}, {0x01, "en"}, {0x02, "it"}, {0x03, "fr"}, {0x04, "es"},
                        {0x05, "nl"}, {0x06, "sv"}, {0x07, "da"}, {0x08, "pt"}, {0x09, "fi"},
                        {0x0A, "no"}, {0x0B, "el"}, {0x0C, "tr"}, {0x0D, "hu"}, {0x0E, "pl"},
                        {0x20, "cs"}, {0x21, "he"}, {0x22, "ar"}, {0x23, "ru"}, {0x24, "is"}};

bool small_letter(char c) { return c >= 'a' && c <= 'z'; }

Alphabet general(std::uint8_t dcs) {
    switch (dcs >> 2 & 3) {
        case 1: return Alphabet::octets;
        case 2: return Alphabet::ucs2;
        default: return Alphabet::gsm7;  // reserved is read as the GSM alphabet
    }
}

}  // namespace

Coding coding_of(std::uint8_t dcs) {
    for (const auto& row : rows)
        if (row.dcs == dcs) return {Alphabet::gsm7, std::string(row.language), false};
    if (dcs == dcs_gsm7_prefixed) return {Alphabet::gsm7, {}, true};
    if (dcs == dcs_ucs2_prefixed) return {Alphabet::ucs2, {}, true};
    const auto group = dcs >> 4;
    if (group >= 4 && group <= 7) return {general(dcs), {}, false};
    if (group == 9) return {general(dcs), {}, false};
    if (group == 15) return {dcs & 4 ? Alphabet::octets : Alphabet::gsm7, {}, false};
    return {Alphabet::gsm7, {}, false};
}

std::uint8_t gsm7_dcs(std::string_view language) {
    const auto code = two_letters(language);
    const auto* found = std::ranges::find(rows, code, &Row::language);
    return found == std::end(rows) ? dcs_gsm7_unspecified : found->dcs;
}

std::string two_letters(std::string_view language) {
    const auto code = language.substr(0, language.find('-'));
    const bool well = code.size() == 2 && std::ranges::all_of(code, small_letter);
    return well ? std::string(code) : std::string();
}

}  // namespace tocsin::cell_broadcast
