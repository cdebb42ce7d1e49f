#include "channels/shared/sms_text.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>

namespace tocsin::shared {
namespace {

// TS 23.038, 6.2.1, in the order of their septets; 0x1B is the escape.
constexpr std::u16string_view basic =
    u"@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u001BÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    u"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
static_assert(basic.size() == 128);

struct Extension {
    char16_t character;
    char septet;
};
constexpr Extension extensions[] = {{u'\f', 0x0A}, {u'^', 0x14}, {u'{', 0x28}, {u'}', 0x29},
                                    {u'\\', 0x2F}, {u'[', 0x3C}, {u'~', 0x3D}, {u']', 0x3E},
                                    {u'|', 0x40},  {u'€', 0x65}};
constexpr char escape = 0x1B;
constexpr char32_t replacement = 0xFFFD;

/// One code point from the front of `text`, which it shortens; nothing if that is not UTF-8.
std::optional<char32_t> next_point(std::string_view& text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t length = lead < 0x80                   ? 1
                               : lead >= 0xC2 && lead < 0xE0 ? 2
                               : (lead & 0xF0) == 0xE0       ? 3
                               : lead >= 0xF0 && lead < 0xF5 ? 4
                                                             : 0;
    if (length == 0 || text.size() < length) return std::nullopt;
    static constexpr unsigned char lead_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    char32_t point = lead & lead_bits[length];
    for (std::size_t i = 1; i < length; ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if ((byte & 0xC0) != 0x80) return std::nullopt;
        point = point << 6 | (byte & 0x3F);
    }
    const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
    if (overlong || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return std::nullopt;
    text.remove_prefix(length);
    return point;
}

Fault not_utf8(std::string_view rest, std::string_view all) {
    return {Cause::malformed, fmt::format("no UTF-8 at byte {}", all.size() - rest.size())};
}

std::string_view without_mark(std::string_view utf8) {
    if (utf8.starts_with("\xEF\xBB\xBF")) utf8.remove_prefix(3);
    return utf8;
}

void put_unit(std::string& out, char32_t unit) {
    out += char(unit >> 8 & 0xFF);
    out += char(unit & 0xFF);
}

void put_point(std::string& out, char32_t point) {
    if (point < 0x80) {
        out += char(point);
    } else if (point < 0x800) {
        out += char(0xC0 | point >> 6);
        out += char(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        out += char(0xE0 | point >> 12);
        out += char(0x80 | (point >> 6 & 0x3F));
        out += char(0x80 | (point & 0x3F));
    } else {
        out += char(0xF0 | point >> 18);
        out += char(0x80 | (point >> 12 & 0x3F));
        out += char(0x80 | (point >> 6 & 0x3F));
        out += char(0x80 | (point & 0x3F));
    }
}

/// Septet of every character below U+2100 in one step; -1 none, +128 by the extension table.
const std::array<std::int16_t, 0x2100>& septets() {
    static const auto table = [] {
        std::array<std::int16_t, 0x2100> made;
        made.fill(-1);
        for (std::size_t i = 0; i < basic.size(); ++i)
            if (char(i) != escape) made[basic[i]] = std::int16_t(i);
        for (const auto& [character, septet] : extensions)
            made[character] = std::int16_t(128 + septet);
        return made;
    }();
    return table;
}

/// Where a part of at most `most` octets may end: before a pair or an escape that would be split.
std::size_t cut(std::string_view rest, std::size_t most, Alphabet alphabet) {
    if (rest.size() <= most) return rest.size();
    if (alphabet == Alphabet::gsm7) {
        // A septet 0x1B in the text is always an escape, never a letter after one.
        return rest[most - 1] == escape ? most - 1 : most;
    }
    const auto high = static_cast<unsigned char>(rest[most - 2]);
    return high >= 0xD8 && high < 0xDC ? most - 2 : most;
}

}  // namespace

std::size_t units_alone(Alphabet alphabet) { return alphabet == Alphabet::gsm7 ? 160 : 70; }

std::size_t units_in_part(Alphabet alphabet, LongForm form) {
    const bool narrow = form == LongForm::udh8;  // a SAR reference is 16 bits wide as well
    if (alphabet == Alphabet::gsm7) return narrow ? 153 : 152;
    return narrow ? 67 : 66;
}

Result<std::string> to_ucs2(std::string_view utf8) {
    std::string out;
    out.reserve(utf8.size() * 2);
    for (auto rest = without_mark(utf8); !rest.empty();) {
        const auto point = next_point(rest);
        if (!point) return not_utf8(rest, utf8);
        if (*point < 0x10000) {
            put_unit(out, *point);
        } else {
            put_unit(out, 0xD800 + ((*point - 0x10000) >> 10));
            put_unit(out, 0xDC00 + ((*point - 0x10000) & 0x3FF));
        }
    }
    return out;
}

Result<std::string> to_gsm7(std::string_view utf8) {
    std::string out;
    out.reserve(utf8.size());
    for (auto rest = without_mark(utf8); !rest.empty();) {
        const auto point = next_point(rest);
        if (!point) return not_utf8(rest, utf8);
        const int septet = *point < septets().size() ? septets()[*point] : -1;
        if (septet < 0)
            return Fault{Cause::refused,
                         fmt::format("U+{:04X} is not in the GSM alphabet", std::uint32_t(*point))};
        if (septet >= 128) out += escape;
        out += char(septet & 0x7F);
    }
    return out;
}

std::string from_ucs2(std::string_view octets) {
    std::string out;
    const auto unit = [&](std::size_t at) {
        return char32_t(static_cast<unsigned char>(octets[at]) << 8 |
                        static_cast<unsigned char>(octets[at + 1]));
    };
    for (std::size_t at = 0; at + 1 < octets.size(); at += 2) {
        auto point = unit(at);
        if (point >= 0xD800 && point < 0xE000) {
            const bool pair = point < 0xDC00 && at + 3 < octets.size() && unit(at + 2) >= 0xDC00 &&
                              unit(at + 2) < 0xE000;
            if (pair) {
                point = 0x10000 + ((point - 0xD800) << 10) + (unit(at + 2) - 0xDC00);
                at += 2;
            } else {
                point = replacement;
            }
        }
        put_point(out, point);
    }
    return out;
}

std::string from_gsm7(std::string_view septets) {
    std::string out;
    for (std::size_t at = 0; at < septets.size(); ++at) {
        const auto septet = static_cast<unsigned char>(septets[at]);
        if (septet == escape && at + 1 < septets.size()) {
            const char wanted = septets[++at];
            char32_t point = u' ';  // 23.038: an unknown extension shows as a space
            for (const auto& [character, code] : extensions)
                if (code == wanted) point = character;
            put_point(out, point);
        } else {
            put_point(out, septet < 128 && septet != escape ? basic[septet] : replacement);
        }
    }
    return out;
}

std::string from_latin1(std::string_view octets) {
    std::string out;
    for (const unsigned char octet : octets) put_point(out, octet);
    return out;
}

Result<Segments> segment(std::string_view utf8, LongForm form, bool gsm7_allowed) {
    auto alphabet = Alphabet::ucs2;
    auto coded = to_ucs2(utf8);
    if (!coded) return coded.error();
    if (gsm7_allowed) {
        if (auto septets = to_gsm7(utf8)) coded = std::move(septets), alphabet = Alphabet::gsm7;
    }
    const std::size_t octets = alphabet == Alphabet::gsm7 ? 1 : 2;
    const std::string_view all = *coded;
    if (all.size() <= units_alone(alphabet) * octets || form == LongForm::payload)
        return Segments{alphabet, {*coded}};
    Segments out{alphabet, {}};
    for (auto rest = all; !rest.empty();) {
        const auto taken = cut(rest, units_in_part(alphabet, form) * octets, alphabet);
        out.parts.emplace_back(rest.substr(0, taken));
        rest.remove_prefix(taken);
    }
    if (out.parts.size() > 255)
        return Fault{Cause::over_limit,
                     fmt::format("{} segments, a message has 255 at most", out.parts.size())};
    return out;
}

std::string user_data_header(LongForm form,
                             std::uint16_t reference,
                             std::uint8_t parts,
                             std::uint8_t part) {
    const auto low = char(reference & 0xFF), high = char(reference >> 8);
    if (form == LongForm::udh8) return {5, 0, 3, low, char(parts), char(part)};
    if (form == LongForm::udh16) return {6, 8, 4, high, low, char(parts), char(part)};
    return {};
}

}  // namespace tocsin::shared
