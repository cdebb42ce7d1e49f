#include "server/plan/measure.hpp"

namespace tocsin::plan {
namespace {

struct Rune {
    char32_t value;
    std::size_t bytes;
};

/// The alert was checked to be UTF-8 before it came here; a stray byte counts as one character.
Rune rune_at(std::string_view s, std::size_t at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    const auto lead = byte(at);
    const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (lead < 0xC0 || at + bytes > s.size()) return {lead, 1};
    char32_t value = lead & (0xFF >> (bytes + 1));
    for (std::size_t i = 1; i < bytes; ++i) value = value << 6 | (byte(at + i) & 0x3F);
    return {value, bytes};
}

template <class Each> void each_rune(std::string_view s, Each each) {
    for (std::size_t at = 0; at < s.size();) {
        const auto rune = rune_at(s, at);
        each(rune.value, at, rune.bytes);
        at += rune.bytes;
    }
}

/// GSM 03.38 default alphabet beyond ASCII, and what of ASCII it lacks.
constexpr std::u32string_view gsm_more = U"£¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà";
constexpr std::u32string_view gsm_escaped = U"\f^{}\\[~]|€";
constexpr std::u32string_view ascii_not_gsm = U"`";

/// 1 or 2 septets, 0 if GSM 03.38 has no such character.
std::size_t septets_of(char32_t c) {
    if (gsm_escaped.find(c) != gsm_escaped.npos) return 2;
    if (c == U'\n' || c == U'\r') return 1;
    if (c < 0x80) return c >= 0x20 && c != 0x7F && ascii_not_gsm.find(c) == ascii_not_gsm.npos;
    return gsm_more.find(c) != gsm_more.npos;
}

/// Fills parts one after another without splitting what belongs together.
std::size_t parts(std::string_view s, std::size_t a_part, std::size_t (*width)(char32_t)) {
    std::size_t count = 1, used = 0;
    each_rune(s, [&](char32_t c, std::size_t, std::size_t) {
        const auto wide = width(c);
        if (used + wide > a_part) ++count, used = 0;
        used += wide;
    });
    return count;
}

std::size_t units_of(char32_t c) { return c > 0xFFFF ? 2 : 1; }

bool ends_anywhere(char32_t c) {
    return std::u32string_view(U"。！？\n").find(c) != std::u32string_view::npos;
}
bool closes(char32_t c) {
    return std::u32string_view(U"”’」』）)\"'").find(c) != std::u32string_view::npos;
}

/// "1." at the start of an item ends no sentence.
bool numbers_an_item(std::string_view s, std::size_t dot) {
    auto from = dot;
    while (from > 0 && s[from - 1] >= '0' && s[from - 1] <= '9') --from;
    return from < dot && dot - from <= 2 &&
           (from == 0 || s[from - 1] == ' ' || s[from - 1] == '\n');
}

bool ends_in_latin(std::string_view s, std::size_t at) {
    const char c = s[at];
    if (c != '.' && c != '!' && c != '?') return false;
    if (c == '.' && numbers_an_item(s, at)) return false;
    auto next = at + 1;
    while (next < s.size() && closes(rune_at(s, next).value)) next += rune_at(s, next).bytes;
    if (next >= s.size()) return true;
    if (s[next] != ' ' && s[next] != '\n') return false;
    next = s.find_first_not_of(" \n", next);
    return next == s.npos || !(s[next] >= 'a' && s[next] <= 'z');
}

std::size_t speech_ms(std::string_view s) {
    std::size_t total = 0;  // four Han or some fifteen letters a second
    each_rune(s, [&](char32_t c, std::size_t, std::size_t) { total += c >= 0x2E80 ? 250 : 66; });
    return total;
}

/// An SMS budget is a number of segments: what a page holds depends on the alphabet of the text.
bool fits_sms(const contract::Budget& b, std::string_view s) {
    using Unit = contract::Budget::Unit;
    const std::size_t pages = std::max<std::uint32_t>(b.pages, 1);
    if (segments(s) > pages) return false;
    if (pages > 1) return true;
    if (const auto septets = gsm_septets(s))
        return *septets <= (b.unit == Unit::septets ? b.per_page : b.per_page * 16 / 7);
    return ucs2_units(s) <= (b.unit == Unit::septets ? b.per_page * 7 / 16 : b.per_page);
}

}  // namespace

std::size_t ucs2_units(std::string_view utf8) {
    std::size_t units = 0;
    each_rune(utf8, [&](char32_t c, std::size_t, std::size_t) { units += units_of(c); });
    return units;
}

std::optional<std::size_t> gsm_septets(std::string_view utf8) {
    std::size_t septets = 0;
    bool all = true;
    each_rune(utf8, [&](char32_t c, std::size_t, std::size_t) {
        const auto wide = septets_of(c);
        all = all && wide > 0;
        septets += wide;
    });
    return all ? std::optional(septets) : std::nullopt;
}

std::size_t characters(std::string_view utf8) {
    std::size_t count = 0;
    each_rune(utf8, [&](char32_t, std::size_t, std::size_t) { ++count; });
    return count;
}

std::size_t segments(std::string_view utf8) {
    if (const auto septets = gsm_septets(utf8))
        return *septets <= 160 ? 1 : parts(utf8, 153, septets_of);
    return ucs2_units(utf8) <= 70 ? 1 : parts(utf8, 67, units_of);
}

bool fits(const contract::Budget& budget, std::string_view utf8) {
    using Unit = contract::Budget::Unit;
    const auto room = std::size_t(budget.per_page) * std::max<std::uint32_t>(budget.pages, 1);
    if (budget.form == contract::Form::sms &&
        (budget.unit == Unit::ucs2 || budget.unit == Unit::septets))
        return fits_sms(budget, utf8);
    switch (budget.unit) {
        case Unit::bytes: return utf8.size() <= room;
        case Unit::characters: return characters(utf8) <= room;
        case Unit::ucs2: return ucs2_units(utf8) <= room;
        case Unit::septets: {
            const auto septets = gsm_septets(utf8);
            return septets ? *septets <= room : ucs2_units(utf8) * 16 <= room * 7;
        }
        case Unit::milliseconds: return speech_ms(utf8) <= room;
    }
    return false;
}

std::vector<std::size_t> sentence_ends(std::string_view utf8) {
    std::vector<std::size_t> ends;
    bool open = false;  // an end was seen; closing quotes still belong to the sentence
    std::size_t end = 0;
    each_rune(utf8, [&](char32_t c, std::size_t at, std::size_t bytes) {
        if (open && !closes(c)) ends.push_back(end), open = false;
        if (ends_anywhere(c) || ends_in_latin(utf8, at)) open = true;
        end = at + bytes;
    });
    if (!utf8.empty()) ends.push_back(utf8.size());
    return ends;
}

std::string plain(std::string_view utf8) {
    std::string out;
    each_rune(utf8, [&](char32_t c, std::size_t at, std::size_t bytes) {
        const bool control = (c < 0x20 && c != U'\n') || (c >= 0x7F && c < 0xA0);
        const bool bidi = (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) ||
                          c == 0x200E || c == 0x200F || c == 0xFEFF;
        if (c == U'\t') out += ' ';
        if (!control && !bidi) out.append(utf8.substr(at, bytes));
    });
    const auto from = out.find_first_not_of(" \n");
    if (from == out.npos) return {};
    return out.substr(from, out.find_last_not_of(" \n") - from + 1);
}

}  // namespace tocsin::plan
