#include "server/cap/lexical.hpp"

#include <libxml/uri.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace tocsin::cap {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool xml_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; }

/// Reads `digits` digits at `at`; -1 if they are not all there.
int number(std::string_view text, std::size_t at, std::size_t digits) {
    int value = 0;
    for (std::size_t i = at; i < at + digits; ++i) {
        if (i >= text.size() || !digit(text[i])) return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

bool parses_as_uri(const std::string& text) {
    const auto uri = xmlParseURI(text.c_str());
    if (uri) xmlFreeURI(uri);
    return uri != nullptr;
}

}  // namespace

std::string_view trim(std::string_view text) {
    while (!text.empty() && xml_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && xml_space(text.back())) text.remove_suffix(1);
    return text;
}

std::string collapse(std::string_view text) {
    std::string out;
    for (const char c : trim(text)) {
        if (!xml_space(c))
            out += c;
        else if (out.back() != ' ')
            out += ' ';
    }
    return out;
}

std::string quoted(std::string_view text) {
    constexpr std::size_t most = 60;
    std::string out = "'";
    std::size_t at = 0;
    for (std::size_t shown = 0; at < text.size() && shown < most; ++shown) {
        const auto c = next_character(text, at);
        const bool plain = !is_control(c) && !is_format(c) && c != 0x2028 && c != 0x2029;
        append_utf8(out, plain ? c : U'?');
    }
    return out + (at < text.size() ? "…'" : "'");
}

bool same_letters(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

std::optional<double> plain_decimal(std::string_view text) {
    std::size_t at = text.starts_with('-');
    const auto digits = [&] {
        const auto from = at;
        while (at < text.size() && digit(text[at])) ++at;
        return at > from;
    };
    if (!digits()) return {};
    if (at < text.size()) {
        if (text[at++] != '.' || !digits() || at != text.size()) return {};
    }
    double value = 0;
    const auto end = text.data() + text.size();
    if (std::from_chars(text.data(), end, value).ec != std::errc{}) return {};
    return value;
}

ReadTime read_time(std::string_view text) {
    using namespace std::chrono;
    ReadTime read;
    const auto v = trim(text);
    constexpr std::string_view shape = "0000-00-00T00:00:00+00:00";
    if (v.size() != shape.size()) return read;
    for (std::size_t i = 0; i < v.size(); ++i) {
        const bool fits = shape[i] == '0'   ? digit(v[i])
                          : shape[i] == '+' ? v[i] == '+' || v[i] == '-'
                                            : v[i] == shape[i];
        if (!fits) return read;
    }
    const auto at = [&](std::size_t i) { return number(v, i, 2); };
    const year_month_day date{year(number(v, 0, 4)), month(unsigned(at(5))), day(unsigned(at(8)))};
    const int hour = at(11), minute = at(14), second = at(17), off_h = at(20), off_m = at(23);
    const bool midnight = hour == 24 && minute == 0 && second == 0;
    const auto offset = hours(off_h) + minutes(off_m);
    if (!date.ok() || date.year() == year(0) || (hour > 23 && !midnight) || minute > 59 ||
        second > 59 || off_m > 59 || offset > hours(14))
        return read;
    const bool minus = v[19] == '-';
    read.form = midnight || v.size() != text.size() ? TimeForm::schema_only : TimeForm::right;
    read.plus_zero = !minus && offset == minutes(0);
    read.time.unknown_offset = minus && offset == minutes(0);
    read.time.offset = minus ? -offset : offset;
    read.time.at = Instant(sys_days(date) + hours(hour) + minutes(minute) + seconds(second) -
                           read.time.offset);
    return read;
}

bool is_language(std::string_view text) {
    const auto v = trim(text);
    std::size_t length = 0;
    bool first = true;
    for (const char c : v) {
        if (c == '-') {
            if (length == 0) return false;
            length = 0, first = false;
        } else if (!(letter(c) || (!first && digit(c))) || ++length > 8) {
            return false;
        }
    }
    return length > 0;
}

bool is_any_uri(std::string_view text) {
    // libxml2's own reading of xs:anyURI: what is not plain ASCII counts as a letter, then RFC 3986.
    auto v = collapse(text);
    if (v.empty()) return true;
    for (char& c : v)
        if (static_cast<unsigned char>(c) <= 32 || static_cast<unsigned char>(c) >= 127 ||
            std::strchr("<>\"{}|\\^`", c))
            c = '_';
    return parses_as_uri(v);
}

bool is_link(std::string_view text) {
    std::string v(text);
    for (char& c : v) {
        if (static_cast<unsigned char>(c) <= 32 || c == 127 || std::strchr("<>\"{}|\\^`", c))
            return false;
        if (static_cast<unsigned char>(c) > 127) c = '_';
    }
    return parses_as_uri(v);
}

bool is_integer(std::string_view text) {
    auto v = trim(text);
    if (v.starts_with('+') || v.starts_with('-')) v.remove_prefix(1);
    return !v.empty() && v.size() <= 24 && std::ranges::all_of(v, digit);
}

bool is_decimal(std::string_view text) {
    auto v = trim(text);
    if (v.starts_with('+') || v.starts_with('-')) v.remove_prefix(1);
    const auto digits = std::ranges::count_if(v, digit);
    const auto points = std::ranges::count(v, '.');
    return digits > 0 && digits <= 24 && points <= 1 &&
           static_cast<std::size_t>(digits + points) == v.size();
}

double to_double(std::string_view decimal) {
    auto v = trim(decimal);
    if (v.starts_with('+')) v.remove_prefix(1);
    double value = 0;
    std::from_chars(v.data(), v.data() + v.size(), value, std::chars_format::fixed);
    return value;
}

std::optional<std::int64_t> to_int64(std::string_view integer) {
    auto v = trim(integer);
    if (v.starts_with('+')) v.remove_prefix(1);
    std::int64_t value = 0;
    const auto [end, code] = std::from_chars(v.data(), v.data() + v.size(), value);
    if (code != std::errc{} || end != v.data() + v.size()) return {};
    return value;
}

std::optional<std::string> scheme(std::string_view uri) {
    const auto v = trim(uri);
    const auto colon = v.find(':');
    if (colon == v.npos || colon == 0 || !letter(v[0])) return {};
    std::string found;
    for (const char c : v.substr(0, colon)) {
        if (!letter(c) && !digit(c) && c != '+' && c != '-' && c != '.') return {};
        found += lower(c);
    }
    return found;
}

std::optional<std::string> from_base64(std::string_view text) {
    static constexpr auto values = [] {
        std::array<signed char, 256> table{};
        table.fill(-1);
        constexpr std::string_view alphabet =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        for (std::size_t i = 0; i < alphabet.size(); ++i)
            table[static_cast<unsigned char>(alphabet[i])] = static_cast<signed char>(i);
        return table;
    }();
    std::string out;
    out.reserve(text.size() / 4 * 3);
    unsigned bits = 0;
    std::size_t letters = 0, pads = 0;
    for (const char c : text) {
        if (xml_space(c)) continue;
        const int value = values[static_cast<unsigned char>(c)];
        if (c == '=' ? ++pads > 2 : (value < 0 || pads > 0)) return {};
        if (c == '=') continue;
        bits = (bits << 6) | static_cast<unsigned>(value);
        if (++letters % 4 != 1) out += char((bits >> (6 - 2 * ((letters - 1) % 4))) & 0xFF);
    }
    const auto rest = letters % 4;
    if (rest == 1 || (letters + pads) % 4 != 0) return {};
    return out;
}

}  // namespace tocsin::cap
