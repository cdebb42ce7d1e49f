#include "server/audience/phone.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace tocsin::audience {
namespace {

constexpr std::size_t mainland_digits = 11, text_max = 64, shown_front = 6, shown_back = 4;
constexpr std::uint64_t mainland = 8600000000000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// 1[3-9] and nine more digits, or 0.
std::uint64_t mainland_mobile(std::string_view text) {
    if (text.size() != mainland_digits || text[0] != '1' || text[1] < '3') return 0;
    std::uint64_t value = 0;
    for (const char c : text) {
        if (!is_digit(c)) return 0;
        value = value * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return mainland + value;
}

std::uint64_t quick(std::string_view text) {
    switch (text.size()) {
        case mainland_digits: return mainland_mobile(text);
        case mainland_digits + 2:
            return text.starts_with("86") ? mainland_mobile(text.substr(2)) : 0;
        case mainland_digits + 3:
            return text.starts_with("+86") ? mainland_mobile(text.substr(3)) : 0;
        case mainland_digits + 4:
            return text.starts_with("0086") ? mainland_mobile(text.substr(4)) : 0;
        default: return 0;
    }
}

Number slow(std::string_view text) {
    std::string bare;
    for (const char c : text)
        if (std::string_view(" -.()\t").find(c) == std::string_view::npos) bare += c;
    if (bare.empty()) return {0, NumberFlaw::empty};
    if (bare.starts_with("00")) bare.replace(0, 2, "+");
    const auto digits = std::string_view(bare).substr(bare.starts_with('+') ? 1 : 0);
    if (text.size() > text_max || digits.empty() || !std::ranges::all_of(digits, is_digit))
        return {0, NumberFlaw::form};
    if (const auto e164 = quick(bare)) return {e164, NumberFlaw::none};
    if (bare.starts_with("+86")) return {0, NumberFlaw::not_mobile};
    return bare.starts_with('+') ? foreign(bare) : Number{0, NumberFlaw::not_mobile};
}

// Prefixes of the Ministry of Industry and Information Technology's numbering plan, three digits,
// and four where virtual operators or satellites share one. 154 and 164 are assigned to nobody.
struct Range {
    std::string_view network, prefixes;
};
constexpr Range ranges[] = {
    {"cmcc",
     "134 135 136 137 138 139 147 148 150 151 152 157 158 159 165 172 178 182 183 184 187 188 195 "
     "197 198 "
     "1440 1703 1705 1706"},
    {"cucc",
     "130 131 132 145 146 155 156 166 167 171 175 176 185 186 196 1400 1704 1707 1708 1709"},
    {"ctcc", "133 149 153 162 173 177 180 181 189 190 191 193 199 1349 1410 1700 1701 1702 1740"},
    {"cbn", "192"},
};

using Networks = std::array<std::uint8_t, 10000>;  // by four digits; 0: other, else 1 + range

constexpr Networks make_networks() {
    Networks networks{};
    for (const std::size_t length : {3u, 4u})  // the longer prefix has the last word
        for (std::size_t range = 0; range < std::size(ranges); ++range) {
            const auto text = ranges[range].prefixes;
            for (std::size_t from = 0; from < text.size();) {
                const auto to = std::min(text.find(' ', from), text.size());
                std::size_t value = 0;
                for (auto i = from; i < to; ++i)
                    value = value * 10 + static_cast<std::size_t>(text[i] - '0');
                if (to - from == length)
                    for (std::size_t i = 0; i < (length == 3 ? 10 : 1); ++i)
                        networks[length == 3 ? value * 10 + i : value] =
                            static_cast<std::uint8_t>(range + 1);
                from = to + 1;
            }
        }
    return networks;
}
constexpr Networks networks = make_networks();

}  // namespace

Number normalised(std::string_view text) {
    if (const auto e164 = quick(text)) return {e164, NumberFlaw::none};
    return slow(text);
}

std::string_view network_of(std::uint64_t e164) {
    if (e164 / 100000000000 != 86) return "other";
    const auto range = networks[e164 / 10000000 % 10000];
    return range == 0 ? "other" : ranges[range - 1].network;
}

std::string masked(std::string_view text) {
    std::string digits;
    for (const char c : text)
        if (is_digit(c) && digits.size() < text_max) digits += c;
    const bool whole = digits.size() >= mainland_digits;
    const auto front = whole ? shown_front : std::min<std::size_t>(digits.size() / 3, 3);
    const auto back = whole ? shown_back : std::min<std::size_t>(digits.size() / 4, 2);
    if (digits.size() == mainland_digits) return digits.substr(0, 4) + "***" + digits.substr(7);
    return digits.substr(0, front) + "***" + digits.substr(digits.size() - back);
}

std::uint64_t pack(std::uint64_t e164) {
    std::uint64_t packed = 0, count = 0;
    for (; e164 > 0; e164 /= 10, ++count) packed = packed >> 4 | e164 % 10 << 60;
    return packed | count;
}

std::optional<std::uint64_t> unpack(std::uint64_t packed) {
    const auto count = packed & 15;
    std::uint64_t e164 = 0;
    for (std::uint64_t i = 0; i < 15; ++i) {
        const auto digit = packed >> (60 - 4 * i) & 15;
        if (digit > 9 || (i >= count && digit != 0) || (i == 0 && digit == 0)) return std::nullopt;
        if (i < count) e164 = e164 * 10 + digit;
    }
    return count == 0 ? std::nullopt : std::optional(e164);
}

}  // namespace tocsin::audience
