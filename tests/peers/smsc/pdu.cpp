#include "tests/peers/smsc/pdu.hpp"

#include <algorithm>
#include <cstring>

namespace tocsin::smsc {
namespace {

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint8_t>(bytes[at]);
}

class Cursor {
public:
    Cursor(std::string_view body, const char*& violation) : rest_(body), violation_(violation) {}

    std::uint8_t integer(const char* missing) {
        if (rest_.empty()) return fail(missing), 0;
        const auto value = byte_at(rest_, 0);
        rest_.remove_prefix(1);
        return value;
    }
    /// `most` bytes with the NUL.
    std::string_view text(std::size_t most, const char* wrong) {
        const auto end = rest_.substr(0, most).find('\0');
        if (end == rest_.npos) return fail(wrong), std::string_view();
        const auto value = rest_.substr(0, end);
        rest_.remove_prefix(end + 1);
        return value;
    }
    std::string_view octets(std::size_t count, const char* missing) {
        if (rest_.size() < count) return fail(missing), std::string_view();
        const auto value = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return value;
    }
    void fail(const char* why) {
        if (!violation_) violation_ = why;
        rest_ = {};
    }
    bool ok() const { return !violation_; }
    std::string_view rest() const { return rest_; }

private:
    std::string_view rest_;
    const char*& violation_;
};

bool digits(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// "" or YYMMDDhhmmsstnnp.
bool is_time(std::string_view text) {
    static thread_local char last[16] = {};  // neighbours say the same
    if (text.empty()) return true;
    if (text.size() == 16 && std::memcmp(text.data(), last, 16) == 0) return true;
    if (text.size() != 16 || !digits(text.substr(0, 15))) return false;
    const bool well =
        text[15] == 'R' ? text.substr(12, 3) == "000" : text[15] == '+' || text[15] == '-';
    if (well) std::memcpy(last, text.data(), 16);
    return well;
}

struct Split {
    bool header = false, sar = false, payload = false;
    unsigned sar_seen = 0;
};

void read_tlvs(Cursor& cursor, Submit& out, Split& split) {
    while (cursor.ok() && !cursor.rest().empty()) {
        const auto head = cursor.octets(4, "bytes behind the fields that are no TLV");
        if (head.empty()) return;
        const auto tag = unsigned(byte_at(head, 0) << 8 | byte_at(head, 1));
        const auto length = std::size_t(byte_at(head, 2) << 8 | byte_at(head, 3));
        const auto value = cursor.octets(length, "a TLV longer than the PDU");
        if (!cursor.ok()) return;
        const auto sized = [&](std::size_t bytes) {
            if (length != bytes) cursor.fail("a TLV of the wrong length");
            return length == bytes;
        };
        if (tag == 0x020C && sized(2)) {
            out.reference = std::uint16_t(byte_at(value, 0) << 8 | byte_at(value, 1));
            split.sar_seen |= 1;
        }
        if (tag == 0x020E && sized(1)) out.parts = byte_at(value, 0), split.sar_seen |= 2;
        if (tag == 0x020F && sized(1)) out.part = byte_at(value, 0), split.sar_seen |= 4;
        if (tag == 0x0204) sized(2);
        if (tag == 0x0424) {
            if (!out.words.empty()) cursor.fail("both short_message and message_payload");
            out.words = value;
            split.payload = true;
        }
    }
    if (split.sar_seen != 0 && split.sar_seen != 7) cursor.fail("SAR TLVs that are not complete");
    split.sar = split.sar_seen == 7;
}

void read_user_data_header(Cursor& cursor, Submit& out, Split& split) {
    split.header = true;
    const auto whole = out.words;
    const std::size_t length = whole.empty() ? 0 : byte_at(whole, 0);
    if (length < 2 || whole.size() < length + 1) return cursor.fail("a broken user data header");
    bool concatenation = false;
    for (std::size_t at = 1; at < length + 1;) {
        if (at + 2 > length + 1) return cursor.fail("a broken user data header");
        const auto kind = byte_at(whole, at), size = byte_at(whole, at + 1);
        if (at + 2 + size > length + 1) return cursor.fail("a broken user data header");
        const auto value = whole.substr(at + 2, size);
        if (kind == 0x00 && size == 3) {
            out.reference = byte_at(value, 0);
            out.parts = byte_at(value, 1), out.part = byte_at(value, 2), concatenation = true;
        }
        if (kind == 0x08 && size == 4) {
            out.reference = std::uint16_t(byte_at(value, 0) << 8 | byte_at(value, 1));
            out.parts = byte_at(value, 2), out.part = byte_at(value, 3), concatenation = true;
        }
        at += 2u + size;
    }
    if (!concatenation) cursor.fail("a user data header without concatenation");
    out.words.remove_prefix(length + 1);
}

/// How many octets from the front surely hold no half of a surrogate pair: four units at once.
std::size_t no_surrogates(std::string_view words) {
    constexpr std::uint64_t high_bits = 0x00F8'00F8'00F8'00F8, halves = 0x00D8'00D8'00D8'00D8;
    constexpr std::uint64_t ones = 0x0001'0001'0001'0001, tops = 0x8000'8000'8000'8000;
    std::size_t at = 0;
    for (; at + 8 <= words.size(); at += 8) {
        std::uint64_t four;
        std::memcpy(&four, words.data() + at, 8);
        const auto rest =
            (four & high_bits) ^ halves;  // little-endian: a unit's first octet is low
        if ((rest - ones) & ~rest & tops) break;
    }
    return at;
}

bool is_ucs2(std::uint8_t coding) { return coding == 0x08 || coding == 0x18; }

void check_words(Cursor& cursor, const Submit& out, const Split& split, std::size_t header) {
    if (out.parts < 1 || out.part < 1 || out.part > out.parts)
        return cursor.fail("a part beyond the number of parts");
    if (split.header && split.sar) return cursor.fail("user data header and SAR TLVs together");
    if (out.words.empty()) return cursor.fail("no words");
    if (is_ucs2(out.coding)) {
        if (out.words.size() % 2) return cursor.fail("UCS2 of an odd size");
        for (std::size_t at = no_surrogates(out.words); at < out.words.size(); at += 2) {
            const auto high = byte_at(out.words, at);
            if (high >= 0xDC && high < 0xE0) return cursor.fail("half a surrogate pair");
            if (high < 0xD8 || high >= 0xDC) continue;
            at += 2;
            if (at >= out.words.size() || (byte_at(out.words, at) & 0xFC) != 0xDC)
                return cursor.fail("half a surrogate pair");
        }
        if (!split.payload && out.words.size() + header > 140)
            return cursor.fail("more than 140 octets on the radio");
        return;
    }
    if (out.coding == 0) {
        if (out.words.back() == 0x1B) return cursor.fail("half an escape sequence");
        const auto septets = out.words.size() + (header * 8 + 6) / 7;
        if (!split.payload && septets > 160)
            return cursor.fail("more than 160 septets on the radio");
    }
}

}  // namespace

std::uint32_t read_u32(std::string_view bytes, std::size_t at) {
    std::uint32_t value;
    std::memcpy(&value, bytes.data() + at, 4);
    return __builtin_bswap32(value);
}

Header read_header(std::string_view bytes) {
    return {read_u32(bytes, 0), read_u32(bytes, 4), read_u32(bytes, 8), read_u32(bytes, 12)};
}

std::optional<Submit> read_submit(std::string_view body, const char*& violation) {
    Cursor cursor(body, violation);
    Submit out{};
    cursor.text(6, "service_type");
    const auto source_ton = cursor.integer("source_addr_ton");
    const auto source_npi = cursor.integer("source_addr_npi");
    out.source = cursor.text(21, "source_addr");
    const auto ton = cursor.integer("dest_addr_ton"), npi = cursor.integer("dest_addr_npi");
    out.destination = cursor.text(21, "destination_addr");
    out.esm_class = cursor.integer("esm_class");
    cursor.integer("protocol_id");
    out.priority = cursor.integer("priority_flag");
    if (!is_time(cursor.text(17, "schedule_delivery_time"))) cursor.fail("schedule_delivery_time");
    if (!is_time(cursor.text(17, "validity_period"))) cursor.fail("validity_period");
    out.registered = cursor.integer("registered_delivery");
    const auto replace = cursor.integer("replace_if_present_flag");
    out.coding = cursor.integer("data_coding");
    cursor.integer("sm_default_msg_id");
    const std::size_t length = cursor.integer("sm_length");
    if (length > 254) cursor.fail("sm_length above 254");
    out.words = cursor.octets(length, "short_message");
    Split split;
    read_tlvs(cursor, out, split);
    if (!cursor.ok()) return std::nullopt;
    if (source_ton > 6 || source_npi > 18 || ton > 6 || npi > 18) cursor.fail("TON or NPI");
    if (source_ton == 5 && out.source.size() > 11) cursor.fail("a name of more than 11 characters");
    if (out.destination.size() < 7 || out.destination.size() > 15 || !digits(out.destination) ||
        out.destination[0] == '0')
        cursor.fail("a destination that is no E.164 number");
    if (out.priority > 3) cursor.fail("priority_flag");
    if (replace > 1) cursor.fail("replace_if_present_flag");
    const auto whole = out.words.size();
    if (out.esm_class & 0x40) read_user_data_header(cursor, out, split);
    if (cursor.ok()) check_words(cursor, out, split, split.sar ? 7 : whole - out.words.size());
    if (!cursor.ok()) return std::nullopt;
    return out;
}

std::optional<Bind> read_bind(std::string_view body, const char*& violation) {
    Cursor cursor(body, violation);
    Bind out{};
    out.system_id = cursor.text(16, "system_id");
    out.password = cursor.text(65, "password");
    cursor.text(13, "system_type");
    const auto version = cursor.integer("interface_version");
    cursor.integer("addr_ton");
    cursor.integer("addr_npi");
    cursor.text(41, "address_range");
    if (cursor.ok() && !cursor.rest().empty()) cursor.fail("bytes behind a bind");
    if (cursor.ok() && version != 0x34 && version != 0x50) cursor.fail("interface_version");
    if (!cursor.ok()) return std::nullopt;
    return out;
}

void put_u16(std::string& out, std::uint16_t value) {
    out.push_back(char(value >> 8));
    out.push_back(char(value));
}
void put_u32(std::string& out, std::uint32_t value) {
    char bytes[4];
    write_u32(bytes, value);
    out.append(bytes, 4);
}
void write_u32(char* at, std::uint32_t value) {
    value = __builtin_bswap32(value);
    std::memcpy(at, &value, 4);
}
void put_header(std::string& out,
                std::size_t body_bytes,
                std::uint32_t command,
                std::uint32_t status,
                std::uint32_t sequence) {
    char bytes[header_bytes];
    write_u32(bytes, std::uint32_t(header_bytes + body_bytes));
    write_u32(bytes + 4, command);
    write_u32(bytes + 8, status);
    write_u32(bytes + 12, sequence);
    out.append(bytes, header_bytes);
}

}  // namespace tocsin::smsc
