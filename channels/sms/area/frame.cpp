#include "channels/sms/area/frame.hpp"

#include <fmt/format.h>

#include <charconv>

namespace tocsin::smpp_area {
namespace {

namespace tag {
enum : std::uint16_t {
    reference = 0x0204,
    interface_version = 0x0210,
    payload = 0x0424,
    message_state = 0x0427,
    content_type = 0x0601,
    message_class = 0x0603,
    repetitions = 0x0604,
    interval = 0x0605,
    area = 0x0606,
    error_status = 0x0607,
    area_success = 0x0608
};
}

class Writer {
public:
    Writer(Command command, std::uint32_t status, std::uint32_t sequence) {
        u32(0), u32(std::uint32_t(command)), u32(status), u32(sequence);
    }
    void u8(std::uint8_t value) { out_ += char(value); }
    void u16(std::uint16_t value) { u8(std::uint8_t(value >> 8)), u8(std::uint8_t(value)); }
    void u32(std::uint32_t value) { u16(std::uint16_t(value >> 16)), u16(std::uint16_t(value)); }
    void text(const char* name, std::string_view value, std::size_t with_nul_max) {
        if (value.size() + 1 > with_nul_max && wrong_.empty())
            wrong_ = fmt::format("{} has more than {} bytes", name, with_nul_max - 1);
        if (value.find('\0') != value.npos && wrong_.empty())
            wrong_ = fmt::format("{} has a NUL inside", name);
        out_ += value;
        out_ += '\0';
    }
    void address(const Address& address) {
        u8(address.ton), u8(address.npi), text("source_addr", address.digits, 21);
    }
    void tlv(std::uint16_t tag, std::string_view value) {
        if (value.size() > 0xFFFF && wrong_.empty())
            wrong_ = fmt::format("TLV {:#06x} of {} bytes", tag, value.size());
        u16(tag), u16(std::uint16_t(value.size()));
        out_ += value;
    }
    void tlv8(std::uint16_t tag, std::uint8_t value) { tlv(tag, std::string(1, char(value))); }
    void tlv16(std::uint16_t tag, std::uint16_t value) {
        tlv(tag, std::string{char(value >> 8), char(value)});
    }
    void area(const Area& area) {
        tlv(tag::area, std::string(1, char(area.format)) + area.details);
    }
    Result<std::string> done() {
        if (out_.size() > pdu_bytes_max && wrong_.empty())
            wrong_ = fmt::format("a PDU of {} bytes", out_.size());
        if (!wrong_.empty()) return Fault{Cause::over_limit, wrong_};
        const auto length = std::uint32_t(out_.size());
        for (const int i : {0, 1, 2, 3}) out_[std::size_t(i)] = char(length >> (24 - 8 * i));
        return std::move(out_);
    }

private:
    std::string out_, wrong_;
};

class Reader {
public:
    explicit Reader(std::string_view body) : rest_(body) {}
    std::uint8_t u8() {
        if (rest_.empty()) return fail("a body that ends too soon"), std::uint8_t(0);
        const auto value = std::uint8_t(rest_.front());
        rest_.remove_prefix(1);
        return value;
    }
    std::uint16_t u16() {
        const auto high = u8();
        return std::uint16_t(high << 8 | u8());
    }
    std::string text(std::size_t with_nul_max) {
        const auto end = rest_.find('\0');
        if (end == rest_.npos || end + 1 > with_nul_max)
            return fail("a text without its NUL"), std::string();
        std::string out(rest_.substr(0, end));
        rest_.remove_prefix(end + 1);
        return out;
    }
    Address address() {
        Address out;
        out.ton = u8(), out.npi = u8(), out.digits = text(21);
        return out;
    }
    struct Tlv {
        std::uint16_t tag;
        std::string_view value;
        std::uint32_t number() const {
            std::uint32_t out = 0;
            for (const char c : value) out = out << 8 | std::uint8_t(c);
            return out;
        }
    };
    std::optional<Tlv> tlv() {
        if (rest_.empty() || !wrong_.empty()) return std::nullopt;
        const auto tag = u16();
        const std::size_t length = u16();
        if (!wrong_.empty() || length > rest_.size())
            return fail("a TLV longer than its PDU"), std::nullopt;
        const auto value = rest_.substr(0, length);
        rest_.remove_prefix(length);
        return Tlv{tag, value};
    }
    /// A TLV's length is fixed by its tag.
    void exactly(const Tlv& tlv, std::size_t bytes) {
        if (tlv.value.size() != bytes)
            fail(fmt::format("TLV {:#06x} of {} bytes, not {}", tlv.tag, tlv.value.size(), bytes));
    }
    Area area(const Tlv& tlv) {
        if (tlv.value.empty() || tlv.value.front() > 2) return fail("an area of no format"), Area{};
        return {AreaFormat(tlv.value.front()), std::string(tlv.value.substr(1))};
    }
    void fail(std::string what) {
        if (wrong_.empty()) wrong_ = std::move(what);
        rest_ = {};
    }
    bool empty() const { return rest_.empty(); }
    template <class T> Result<T> done(T value) const {
        if (!wrong_.empty()) return Fault{Cause::malformed, wrong_};
        return value;
    }

private:
    std::string_view rest_;
    std::string wrong_;
};

/// Relative: YYMMDDhhmmss000R.
std::string validity(std::uint32_t seconds) {
    if (seconds == 0) return {};
    const auto days = std::min(seconds / 86400, 28u), rest = seconds % 86400;
    return fmt::format("0000{:02}{:02}{:02}{:02}000R", days, rest / 3600, rest / 60 % 60,
                       rest % 60);
}

std::optional<std::uint32_t> seconds_of(std::string_view text) {
    if (text.empty()) return 0;
    std::uint32_t parts[4]{};
    if (text.size() != 16 || !text.starts_with("0000") || !text.ends_with("000R"))
        return std::nullopt;
    for (std::size_t i = 0; i < 4; ++i) {
        const auto* from = text.data() + 4 + 2 * i;
        const auto [end, fault] = std::from_chars(from, from + 2, parts[i]);
        if (fault != std::errc() || end != from + 2) return std::nullopt;
    }
    return ((parts[0] * 24 + parts[1]) * 60 + parts[2]) * 60 + parts[3];
}

void read_tlv(Reader& in, const Reader::Tlv& tlv, Broadcast& out) {
    const auto number = [&](std::size_t bytes) { return in.exactly(tlv, bytes), tlv.number(); };
    switch (tlv.tag) {
        case tag::area: out.areas.push_back(in.area(tlv)); break;
        case tag::content_type: {
            const auto value = number(3);
            out.content_network = std::uint8_t(value >> 16);
            out.content_type = std::uint16_t(value);
            break;
        }
        case tag::repetitions: out.repetitions = std::uint16_t(number(2)); break;
        case tag::interval: {
            const auto value = number(3);
            out.interval_unit = std::uint8_t(value >> 16);
            out.interval = std::uint16_t(value);
            break;
        }
        case tag::payload: out.words = tlv.value; break;
        case tag::reference: out.reference = std::uint16_t(number(2)); break;
        case tag::message_class: out.message_class = std::uint8_t(number(1)); break;
        default: break;  // unknown tags are skipped
    }
}

std::optional<std::uint16_t> read_reference(Reader& in) {
    std::optional<std::uint16_t> out;
    while (const auto tlv = in.tlv())
        if (tlv->tag == tag::reference) in.exactly(*tlv, 2), out = std::uint16_t(tlv->number());
    return out;
}

}  // namespace

Result<std::optional<Pdu>> Decoder::next() {
    if (pending_.size() < 4) return std::optional<Pdu>();
    const auto u32 = [&](std::size_t at) {
        std::uint32_t out = 0;
        for (std::size_t i = 0; i < 4; ++i) out = out << 8 | std::uint8_t(pending_[at + i]);
        return out;
    };
    const std::size_t length = u32(0);
    if (length < header_bytes || length > pdu_bytes_max)
        return Fault{Cause::malformed, fmt::format("a PDU of {} bytes", length)};
    if (pending_.size() < length) return std::optional<Pdu>();
    Pdu out{Command(u32(4)), u32(8), u32(12), pending_.substr(header_bytes, length - header_bytes)};
    pending_.erase(0, length);
    return std::optional<Pdu>(std::move(out));
}

Result<std::string> encode(Command bind, const Bind& message, std::uint32_t sequence) {
    Writer out(bind, 0, sequence);
    out.text("system_id", message.system_id, 16);
    // 8 characters by the standard; many peers give longer ones, and take them.
    out.text("password", message.password, 65);
    out.text("system_type", message.system_type, 13);
    out.u8(version_50);
    out.u8(0), out.u8(0), out.text("address_range", "", 41);
    return out.done();
}

Result<std::string> encode(const Broadcast& message, std::uint32_t sequence) {
    Writer out(Command::broadcast_sm, 0, sequence);
    out.text("service_type", message.service_type, 6);
    out.address(message.source);
    out.text("message_id", message.message_id, 65);
    out.u8(message.priority);
    out.text("schedule_delivery_time", "", 17);
    out.text("validity_period", validity(message.valid_s), 17);
    out.u8(message.replace), out.u8(message.data_coding), out.u8(0);
    for (const auto& area : message.areas) out.area(area);
    out.tlv(tag::content_type,
            std::string{char(message.content_network), char(message.content_type >> 8),
                        char(message.content_type)});
    out.tlv16(tag::repetitions, message.repetitions);
    out.tlv(tag::interval, std::string{char(message.interval_unit), char(message.interval >> 8),
                                       char(message.interval)});
    out.tlv(tag::payload, message.words);
    if (message.reference) out.tlv16(tag::reference, *message.reference);
    if (message.message_class) out.tlv8(tag::message_class, *message.message_class);
    return out.done();
}

Result<std::string> encode_query(const Which& which, std::uint32_t sequence) {
    Writer out(Command::query_broadcast_sm, 0, sequence);
    out.text("message_id", which.message_id, 65);
    out.address(which.source);
    if (which.reference) out.tlv16(tag::reference, *which.reference);
    return out.done();
}

Result<std::string> encode_cancel(const Which& which, std::uint32_t sequence) {
    Writer out(Command::cancel_broadcast_sm, 0, sequence);
    out.text("service_type", which.service_type, 6);
    out.text("message_id", which.message_id, 65);
    out.address(which.source);
    if (which.reference) out.tlv16(tag::reference, *which.reference);
    return out.done();
}

std::string bare(Command command, std::uint32_t status, std::uint32_t sequence) {
    return *Writer(command, status, sequence).done();
}

std::string encode_answer(const BroadcastAnswer& answer, std::uint32_t sequence) {
    Writer out(Command::broadcast_sm_resp, 0, sequence);
    out.text("message_id", answer.message_id, 65);
    for (const auto& [status, area] : answer.failed) {
        out.tlv(tag::error_status, std::string{char(status >> 24), char(status >> 16),
                                               char(status >> 8), char(status)});
        out.area(area);
    }
    return *out.done();
}

std::string encode_answer(const QueryAnswer& answer, std::uint32_t sequence) {
    Writer out(Command::query_broadcast_sm_resp, 0, sequence);
    out.text("message_id", answer.message_id, 65);
    out.tlv8(tag::message_state, answer.state);
    for (const auto& [area, success] : answer.areas) {
        out.area(area);
        out.tlv8(tag::area_success, success);
    }
    return *out.done();
}

Result<Broadcast> parse_broadcast(std::string_view body) {
    Reader in(body);
    Broadcast out;
    out.service_type = in.text(6);
    out.source = in.address();
    out.message_id = in.text(65);
    out.priority = in.u8();
    if (!in.text(17).empty()) in.fail("a schedule, which we never set");
    const auto valid = seconds_of(in.text(17));
    if (!valid) in.fail("validity_period is no relative time");
    out.valid_s = valid.value_or(0);
    const auto replace = in.u8();
    if (replace > 1) in.fail("replace_if_present_flag is neither 0 nor 1");
    out.replace = replace == 1;
    out.data_coding = in.u8();
    in.u8();
    while (const auto tlv = in.tlv()) read_tlv(in, *tlv, out);
    return in.done(std::move(out));
}

Result<Which> parse_query(std::string_view body) {
    Reader in(body);
    Which out;
    out.message_id = in.text(65);
    out.source = in.address();
    out.reference = read_reference(in);
    return in.done(std::move(out));
}

Result<Which> parse_cancel(std::string_view body) {
    Reader in(body);
    Which out;
    out.service_type = in.text(6);
    out.message_id = in.text(65);
    out.source = in.address();
    out.reference = read_reference(in);
    return in.done(std::move(out));
}

Result<BroadcastAnswer> parse_broadcast_answer(std::string_view body) {
    Reader in(body);
    BroadcastAnswer out;
    if (in.empty()) return out;
    out.message_id = in.text(65);
    std::uint32_t status = 0;
    while (const auto tlv = in.tlv()) {
        if (tlv->tag == tag::error_status) in.exactly(*tlv, 4), status = tlv->number();
        if (tlv->tag == tag::area) out.failed.push_back({status, in.area(*tlv)});
    }
    return in.done(std::move(out));
}

Result<QueryAnswer> parse_query_answer(std::string_view body) {
    Reader in(body);
    QueryAnswer out;
    if (in.empty()) return out;
    out.message_id = in.text(65);
    bool open = false;
    while (const auto tlv = in.tlv()) {
        if (tlv->tag == tag::message_state)
            in.exactly(*tlv, 1), out.state = std::uint8_t(tlv->number());
        if (tlv->tag == tag::area) out.areas.push_back({in.area(*tlv)}), open = true;
        if (tlv->tag == tag::area_success) {
            in.exactly(*tlv, 1);
            // One belongs to the area before it; a peer with a single area may leave the area out.
            if (!open) out.areas.push_back({});
            out.areas.back().success = std::uint8_t(tlv->number());
            open = false;
        }
    }
    return in.done(std::move(out));
}

Result<std::optional<std::uint8_t>> parse_bind_answer(std::string_view body) {
    Reader in(body);
    std::optional<std::uint8_t> out;
    if (in.empty()) return out;
    in.text(16);
    while (const auto tlv = in.tlv())
        if (tlv->tag == tag::interface_version)
            in.exactly(*tlv, 1), out = std::uint8_t(tlv->number());
    return in.done(out);
}

}  // namespace tocsin::smpp_area
