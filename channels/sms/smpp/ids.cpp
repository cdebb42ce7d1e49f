#include "channels/sms/smpp/ids.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace tocsin::smpp {
namespace {

__extension__ typedef unsigned __int128 Wide;  // -Wpedantic knows it only so
constexpr std::size_t sample_max = 1024;       // answers and receipts remembered while learning
constexpr std::size_t look_every = 8;          // receipts between two looks
constexpr std::size_t hits_needed = 8;         // so many by chance are out of the question

char folded(char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; }

std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
    const auto product = Wide(a) * b;
    return std::uint64_t(product) ^ std::uint64_t(product >> 64);
}

/// Two independent 64-bit lanes by multiply and fold. Not against an attacker: the peer makes the
/// ids of its own messages and could confuse them without any collision.
std::array<char, 16> hash16(std::string_view text) {
    std::uint64_t a = 0x9E3779B97F4A7C15 ^ text.size(), b = 0xD1B54A32D192ED03 + text.size();
    for (std::size_t at = 0; at < text.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + at, std::min<std::size_t>(8, text.size() - at));
        a = mixed(a ^ word, 0xA0761D6478BD642F) + at;
        b = mixed(b + word, 0xE7037ED1A0B428DB) ^ (a >> 32);
    }
    a = mixed(a, 0x8EBC6AF09C88C6E3);
    b = mixed(b, 0x589965CC75374CC3);
    std::array<char, 16> out;
    std::memcpy(out.data(), &a, 8);
    std::memcpy(out.data() + 8, &b, 8);
    return out;
}

std::string_view trimmed(std::string_view id) {
    id = id.substr(0, id.find('\0'));
    while (!id.empty() && id.front() == ' ') id.remove_prefix(1);
    while (!id.empty() && id.back() == ' ') id.remove_suffix(1);
    while (id.size() > 1 && id.front() == '0') id.remove_prefix(1);
    return id;
}

int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = folded(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

std::optional<Wide> number(std::string_view text, unsigned base) {
    Wide value = 0;
    if (text.empty()) return std::nullopt;
    for (const char c : text) {
        const auto d = digit(c);
        if (d >= int(base)) return std::nullopt;
        if (value > (~Wide(0) - Wide(d)) / base) return std::nullopt;
        value = value * base + Wide(d);
    }
    return value;
}

/// Digits of `value` at the end of `room`.
std::string_view written(Wide value, unsigned base, std::span<char, 40> room) {
    auto at = room.size();
    do {
        room[--at] = "0123456789abcdef"[std::size_t(value % base)];
        value /= base;
    } while (value != 0);
    return {room.data() + at, room.size() - at};
}

std::string as_text(const MessageId& key) { return {key.bytes.data(), key.length}; }

constexpr IdForm forms[] = {IdForm::same, IdForm::resp_hex_receipt_dec,
                            IdForm::resp_dec_receipt_hex};

const char* name(IdForm form) {
    switch (form) {
        case IdForm::same: return "same";
        case IdForm::resp_hex_receipt_dec: return "resp_hex_receipt_dec";
        case IdForm::resp_dec_receipt_hex: return "resp_dec_receipt_hex";
    }
    return "?";
}

}  // namespace

MessageId key_of_answer(std::string_view id) {
    id = trimmed(id);
    MessageId key{};
    if (id.size() <= key.bytes.size()) {
        std::ranges::transform(id, key.bytes.begin(), folded);
        key.length = std::uint8_t(id.size());
        return key;
    }
    std::string whole(id);
    std::ranges::transform(whole, whole.begin(), folded);
    const auto hash = hash16(whole);
    std::ranges::copy(hash, key.bytes.begin());
    key.length = std::uint8_t(hash.size());
    return key;
}

MessageId key_of_receipt(std::string_view id, IdForm form) {
    if (form == IdForm::same) return key_of_answer(id);
    const bool decimal = form == IdForm::resp_hex_receipt_dec;
    const auto value = number(trimmed(id), decimal ? 10 : 16);
    if (!value) return key_of_answer(id);
    char room[40];
    return key_of_answer(written(*value, decimal ? 16 : 10, room));
}

Tag tag_of(std::string_view account, const std::vector<Tag>& taken) {
    std::uint32_t hash = 2166136261;  // FNV-1a: the same in every run and build
    for (const unsigned char c : account) hash = (hash ^ c) * 16777619;
    for (;; ++hash) {
        const auto at = hash % (26 * 26);
        const Tag out{char('A' + at / 26), char('A' + at % 26)};
        if (std::ranges::find(taken, out) == taken.end()) return out;
    }
}

MessageId tagged(const MessageId& key, const Tag& tag) {
    if (tag.empty() || key.length == 0) return key;
    auto out = key;
    if (key.length + tag.size() > key.bytes.size()) {
        const auto hash = hash16({key.bytes.data(), key.length});
        std::ranges::copy(hash, out.bytes.begin());
        out.length = std::uint8_t(hash.size());
    }
    std::ranges::copy(tag, out.bytes.begin() + out.length);
    out.length = std::uint8_t(out.length + tag.size());
    return out;
}

std::string name(const Reading& reading) {
    return reading.prefer_tlv
               ? fmt::format("tlv {}, else text {}", name(reading.tlv), name(reading.text))
               : fmt::format("text {}", name(reading.text));
}

MessageId key_of(const ReceiptIds& ids, const Reading& reading) {
    const bool tlv = ids.text.empty() || (reading.prefer_tlv && !ids.tlv.empty());
    return tlv ? key_of_receipt(ids.tlv, reading.tlv) : key_of_receipt(ids.text, reading.text);
}

void Learner::restart() {
    learning_ = true;
    looked_at_ = 0;
    answers_.clear();
    seen_.clear();
}

void Learner::answered(const MessageId& key) {
    if (learning_ && key.length > 0 && answers_.size() < sample_max) answers_.insert(as_text(key));
}

void Learner::received(const ReceiptIds& ids, contract::Said said, std::uint16_t code) {
    if (learning_ && seen_.size() < sample_max)
        seen_.push_back({std::string(ids.tlv), std::string(ids.text), said, code});
}

std::size_t Learner::hits(const Reading& reading) const {
    return std::size_t(std::ranges::count_if(seen_, [&](const Seen& seen) {
        return answers_.contains(as_text(key_of({seen.tlv, seen.text}, reading)));
    }));
}

std::optional<Reading> Learner::decide() {
    if (!learning_ || seen_.size() < looked_at_ + look_every) return std::nullopt;
    looked_at_ = seen_.size();
    if (hits(reading_) > 0) return learning_ = false, std::nullopt;
    // The nearest reading first: what was set and right stays as it was.
    std::vector<Reading> others;
    for (const auto form : forms) others.push_back({reading_.prefer_tlv, reading_.tlv, form});
    for (const auto form : forms) others.push_back({true, form, reading_.text});
    for (const auto form : forms) others.push_back({false, reading_.tlv, form});
    for (const auto& other : others) {
        if (other == reading_ || hits(other) < hits_needed) continue;
        learning_ = false;
        return reading_ = other;
    }
    return std::nullopt;
}

std::vector<contract::Receipt> Learner::missed() const {
    std::vector<contract::Receipt> out;
    for (const auto& seen : seen_)
        out.push_back({key_of({seen.tlv, seen.text}, reading_), seen.said, seen.code});
    return out;
}

}  // namespace tocsin::smpp
