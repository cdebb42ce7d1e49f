#include "channels/sms/smpp/receipt.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace tocsin::smpp {
namespace {

using contract::Said;

constexpr std::uint8_t esm_type_bits = 0x3C, esm_receipt = 0x04, esm_intermediate = 0x20;
constexpr std::uint16_t error_max = 0xFFF;

struct State {
    std::string_view stat;
    std::uint8_t number;
    Said said;
};
// clang-format off
constexpr State states[] = {
    {"ENROUTE", 1,  Said::accepted},
    {"DELIVRD", 2,  Said::delivered},
    {"EXPIRED", 3,  Said::failed},    // unreachable while it was valid: another way may reach them
    {"DELETED", 4,  Said::refused},
    {"UNDELIV", 5,  Said::refused},
    {"ACCEPTD", 6,  Said::accepted},  // somebody took it on behalf of the subscriber: not delivered
    {"UNKNOWN", 7,  Said::refused},
    {"REJECTD", 8,  Said::refused},
    // Not of the standard, but seen; their own numbers above those of message_state.
    {"FAILED",  9,  Said::refused},
    {"SKIPPED", 9,  Said::refused},
    {"BUFFRED", 10, Said::accepted},
    {"SCHEDUL", 10, Said::accepted},
};
// clang-format on
constexpr State vendors_own{"", 15, Said::refused};  // "MK:0012": all known ones are failures
constexpr State unheard_of{"", 0, Said::accepted};   // proves nothing, so it ends nothing

char upper(char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; }
bool same_letters(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, upper, upper);
}
constexpr auto blanks = [] {
    std::array<bool, 256> out{};
    for (const unsigned char c : {' ', '\t', '\r', '\n', '\0'}) out[c] = true;
    return out;
}();

/// `key` in small letters.
bool starts(std::string_view word, std::string_view key) {
    if (word.size() < key.size()) return false;
    bool same = true;
    for (std::size_t i = 0; i < key.size(); ++i) same &= (word[i] | 0x20) == (key[i] | 0x20);
    return same;
}
void keep_first(std::string_view& field, std::string_view word, std::size_t key) {
    if (field.empty()) field = word.substr(key);
}

const State& by_stat(std::string_view stat) {
    for (const auto& state : states)
        if (same_letters(state.stat, stat)) return state;
    return stat.find(':') != stat.npos ? vendors_own : unheard_of;
}

/// The TLV first; one that says nothing known leaves it to the text.
const State& state_of(std::optional<std::uint8_t> number, std::string_view stat) {
    for (const auto& state : states)
        if (number == state.number && state.number <= 8) return state;
    return stat.empty() ? unheard_of : by_stat(stat);
}

std::uint16_t error_of(const Deliver& deliver, std::string_view err) {
    if (deliver.network_error) return std::min(*deliver.network_error, error_max);
    if (err.empty()) return 0;
    std::uint32_t value = 0;
    const auto [end, fault] = std::from_chars(err.data(), err.data() + err.size(), value, 10);
    if (fault == std::errc() && end == err.data() + err.size())
        return std::uint16_t(std::min<std::uint32_t>(value, error_max));
    const auto [hex_end, hex_fault] =
        std::from_chars(err.data(), err.data() + err.size(), value, 16);
    const bool hex = hex_fault == std::errc() && hex_end == err.data() + err.size();
    return hex ? std::uint16_t(std::min<std::uint32_t>(value, error_max)) : error_max;
}

/// Some peers write the receipt itself in UCS2.
std::string_view as_ascii(const Deliver& deliver, std::string& room) {
    const auto words = deliver.words;
    if (deliver.data_coding != 8 || words.size() < 2 || words[0] != '\0') return words;
    room.clear();
    for (std::size_t at = 1; at < words.size(); at += 2)
        room += words[at - 1] == '\0' ? words[at] : '?';
    return room;
}

}  // namespace

ReceiptText parse_receipt_text(std::string_view text) {
    ReceiptText out;
    for (std::size_t from = 0, to = 0; from < text.size(); from = to + 1) {
        to = from;
        while (to < text.size() && !blanks[static_cast<unsigned char>(text[to])]) ++to;
        const auto word = text.substr(from, to - from);
        if (word.size() < 3) continue;
        switch (word[0] | 0x20) {
            case 'i':
                if (starts(word, "id:")) keep_first(out.id, word, 3);
                break;
            case 's':
                if (starts(word, "stat:")) keep_first(out.stat, word, 5);
                break;
            case 'e':
                if (starts(word, "err:")) keep_first(out.err, word, 4);
                break;
            case 't':
                // The text field quotes the message itself, which may say "stat:DELIVRD".
                if (starts(word, "text:")) return out;
                break;
            default: break;
        }
    }
    return out;
}

std::optional<ReceiptSays> read_receipt(const Deliver& deliver,
                                        bool id_is_receipt,
                                        std::string& text) {
    const auto kind = deliver.esm_class & esm_type_bits;
    const auto words = as_ascii(deliver, text);
    const bool looks_like_one = id_is_receipt && words.size() > 3 && starts(words, "id:");
    const bool declared = kind == esm_receipt || kind == esm_intermediate;
    if (!declared && !looks_like_one) return std::nullopt;
    const auto fields = parse_receipt_text(words);
    if (!declared && fields.id.empty()) return std::nullopt;
    const auto& state = state_of(deliver.state, fields.stat);
    const bool final = kind != esm_intermediate;
    return ReceiptSays{{deliver.receipted_id, fields.id},
                       final ? state.said : Said::accepted,
                       std::uint16_t(state.number << 12 | error_of(deliver, fields.err))};
}

}  // namespace tocsin::smpp
