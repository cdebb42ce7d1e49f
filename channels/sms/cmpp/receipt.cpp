#include "channels/sms/cmpp/receipt.hpp"

#include "server/base/digest.hpp"

#include <algorithm>
#include <charconv>

namespace tocsin::cmpp {
namespace {

using contract::Said;

struct Row {
    std::string_view stat;
    std::uint8_t kind;
    Said said;
};
// clang-format off
constexpr Row words[] = {
    {"DELIVRD", 2, Said::delivered},
    {"EXPIRED", 3, Said::failed},    // unreachable while it was valid: another way may reach them
    {"DELETED", 4, Said::refused},
    {"UNDELIV", 5, Said::refused},
    {"ACCEPTD", 6, Said::accepted},  // on its way: proves nothing more than SUBMIT_RESP did
    {"UNKNOWN", 7, Said::accepted},  // an invalid state, which is no end
    {"REJECTD", 8, Said::refused},
};
// "MA:0012": who says so, and whether somebody behind did not answer (A: another way may do
// better) or answered with an error.
constexpr Row letters[] = {
    {"MA:", 9,  Said::failed},   // the short message centre
    {"MB:", 9,  Said::refused},
    {"MK:", 10, Said::refused},  // the network behind it
    {"CA:", 11, Said::failed},   // prepaid billing
    {"CB:", 11, Said::refused},
    {"DA:", 12, Said::failed},   // the service platform
    {"DB:", 12, Said::refused},
    {"IA:", 13, Said::failed},   // the next gateway
    {"IB:", 13, Said::refused},
    {"ID:", 14, Said::refused},  // this gateway itself
};
// clang-format on
constexpr Row of_another_kind{"", 15, Said::refused};  // all known ones are failures
constexpr Row unheard_of{"", 0, Said::accepted};       // proves nothing, so it ends nothing

constexpr std::uint16_t number_max = 0xFFF;

char upper(char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; }
bool begins(std::string_view stat, std::string_view word) {
    return stat.size() >= word.size() &&
           std::ranges::equal(stat.substr(0, word.size()), word, {}, upper);
}

const Row& row_of(std::string_view stat) {
    for (const auto& row : words)
        if (stat.size() == row.stat.size() && begins(stat, row.stat)) return row;
    for (const auto& row : letters)
        if (begins(stat, row.stat)) return row;
    return stat.find(':') != stat.npos ? of_another_kind : unheard_of;
}

/// Letters in the number occur ("ID:E001"): no number, then.
std::uint16_t number_of(std::string_view stat) {
    const auto colon = stat.find(':');
    if (colon == stat.npos) return 0;
    const auto digits = stat.substr(colon + 1);
    unsigned value = 0;
    const auto [end, fault] = std::from_chars(digits.begin(), digits.end(), value, 10);
    const bool number = fault == std::errc() && end == digits.end() && value < number_max;
    return number ? std::uint16_t(value) : number_max;
}

}  // namespace

contract::MessageId key_of(std::uint64_t message_id, std::string_view tag) {
    contract::MessageId key{};
    if (message_id == 0) return key;
    for (int i = 0; i < 8; ++i) key.bytes[std::size_t(i)] = char(message_id >> (56 - 8 * i));
    std::ranges::copy(tag, key.bytes.begin() + 8);
    key.length = std::uint8_t(8 + tag.size());
    return key;
}

std::string tag_of(std::string_view account) {
    const auto sum = crc32c(account);
    return {char(sum >> 24), char(sum >> 16), char(sum >> 8), char(sum)};
}

Meant meaning_of_stat(std::string_view stat) {
    while (!stat.empty() && stat.back() == ' ') stat.remove_suffix(1);
    const auto& row = row_of(stat);
    return {row.said, std::uint16_t(row.kind << 12 | number_of(stat))};
}

}  // namespace tocsin::cmpp
