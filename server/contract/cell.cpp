#include "server/contract/cell.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace tocsin::contract {
namespace {

constexpr unsigned identity_bits = 40, mnc_bits = 11, mcc_bits = 10;
constexpr std::uint64_t long_mnc_from = 100, mnc_numbers = 1100;
constexpr std::uint64_t lac_deleted = 0xFFFE;

constexpr std::uint64_t low(std::uint64_t value, unsigned bits) {
    return value & ((std::uint64_t(1) << bits) - 1);
}

constexpr unsigned bits_of(Radio radio) {
    switch (radio) {
        case Radio::gsm:
        case Radio::umts: return 32;
        case Radio::lte: return 28;
        case Radio::nr: return 36;
    }
    return 0;
}

bool has_area(Radio radio) { return radio == Radio::gsm || radio == Radio::umts; }

Fault no_cell(std::string_view text, std::string_view why) {
    return {Cause::malformed, fmt::format("'{}' is no cell: {}", text, why)};
}

std::optional<std::uint64_t> number(std::string_view digits) {
    std::uint64_t value = 0;
    const auto* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (digits.empty() || error != std::errc() || stop != end) return std::nullopt;
    return value;
}

/// The text between dashes; more than four parts count as five.
struct Parts {
    std::array<std::string_view, 5> at;
    std::size_t count = 0;
};
Parts split(std::string_view text) {
    Parts parts;
    while (parts.count < parts.at.size()) {
        const auto dash = text.find('-');
        parts.at[parts.count++] = text.substr(0, dash);
        if (dash == text.npos) break;
        text.remove_prefix(dash + 1);
    }
    return parts;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? char(c + 'a' - 'A') : c; }

bool same(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (lower(a[i]) != lower(b[i])) return false;
    return true;
}

struct Named {
    Radio radio;
    const char *word, *generation;
};
constexpr std::array radios{Named{Radio::gsm, "gsm", "2g"}, Named{Radio::umts, "umts", "3g"},
                            Named{Radio::lte, "lte", "4g"}, Named{Radio::nr, "nr", "5g"}};

}  // namespace

std::uint64_t to_number(const Cell& cell) {
    const auto mnc = cell.mnc + (cell.long_mnc ? long_mnc_from : 0);
    return ((std::uint64_t(cell.radio) << mcc_bits | cell.mcc) << mnc_bits | mnc) << identity_bits |
           low(cell.identity, identity_bits);
}

std::optional<Cell> cell_of(std::uint64_t number) {
    const auto radio = number >> (mcc_bits + mnc_bits + identity_bits);
    const auto mcc = low(number >> (mnc_bits + identity_bits), mcc_bits);
    const auto mnc = low(number >> identity_bits, mnc_bits);
    const auto identity = low(number, identity_bits);
    if (radio < std::uint64_t(Radio::gsm) || radio > std::uint64_t(Radio::nr)) return std::nullopt;
    if (mcc > 999 || mnc >= mnc_numbers || identity >> bits_of(Radio(radio))) return std::nullopt;
    const bool is_long = mnc >= long_mnc_from;
    return Cell{Radio(radio), std::uint16_t(mcc),
                std::uint16_t(is_long ? mnc - long_mnc_from : mnc), is_long, identity};
}

std::string to_text(const Cell& cell) {
    const auto network = cell.long_mnc ? fmt::format("{:03}-{:03}", cell.mcc, cell.mnc)
                                       : fmt::format("{:03}-{:02}", cell.mcc, cell.mnc);
    const auto prefix =
        cell.radio == Radio::gsm ? std::string() : fmt::format("{}:", word(cell.radio));
    return has_area(cell.radio) ? fmt::format("{}{}-{}-{}", prefix, network, cell.lac(), cell.ci())
                                : fmt::format("{}{}-{}", prefix, network, cell.identity);
}

std::string cell_text(std::uint64_t number) {
    const auto cell = cell_of(number);
    return cell ? to_text(*cell) : fmt::format("cell {}", number);
}

Result<Cell> parse_cell(std::string_view text, std::optional<Radio> wanted) {
    auto radio = wanted.value_or(Radio::gsm);
    auto rest = text;
    if (const auto colon = text.find(':'); colon != text.npos) {
        const auto said = radio_of(text.substr(0, colon));
        if (!said) return no_cell(text, "its radio is none of gsm, umts, lte, nr");
        if (wanted && *said != *wanted)
            return no_cell(text, fmt::format("it is said to be of {}", word(*wanted)));
        radio = *said;
        rest.remove_prefix(colon + 1);
    }
    const auto parts = split(rest);
    if (parts.count != (has_area(radio) ? 4U : 3U))
        return no_cell(text, has_area(radio) ? "MCC-MNC-LAC-CI is wanted"
                                             : "MCC-MNC and one number are wanted");
    const auto mcc = number(parts.at[0]), mnc = number(parts.at[1]);
    if (!mcc || parts.at[0].size() != 3) return no_cell(text, "the MCC is not three digits");
    if (!mnc || parts.at[1].size() < 2 || parts.at[1].size() > 3)
        return no_cell(text, "the MNC is not two or three digits");
    Cell cell{radio, std::uint16_t(*mcc), std::uint16_t(*mnc), parts.at[1].size() == 3, 0};
    if (!has_area(radio)) {
        const auto identity = number(parts.at[2]);
        if (!identity || *identity >> bits_of(radio))
            return no_cell(text, fmt::format("its identity has to be below 2^{}", bits_of(radio)));
        cell.identity = *identity;
        return cell;
    }
    const auto lac = number(parts.at[2]), ci = number(parts.at[3]);
    if (!lac || *lac > 0xFFFF || !ci || *ci > 0xFFFF)
        return no_cell(text, "LAC and CI have to be 0 to 65535");
    if (*lac == 0 || *lac == lac_deleted)
        return no_cell(text, fmt::format("LAC {} names no area", *lac));
    cell.identity = *lac << 16 | *ci;
    return cell;
}

const char* word(Radio radio) {
    for (const auto& one : radios)
        if (one.radio == radio) return one.word;
    return "?";
}

std::optional<Radio> radio_of(std::string_view word) {
    for (const auto& one : radios)
        if (same(word, one.word) || same(word, one.generation)) return one.radio;
    return std::nullopt;
}

}  // namespace tocsin::contract
