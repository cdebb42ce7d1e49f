#include "channels/sms/smpp/frame.hpp"

#include "channels/sms/shared/protocol.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace tocsin::smpp {
namespace {

constexpr std::size_t service_type_max = 5, system_id_max = 15, system_type_max = 12;
constexpr std::size_t password_max = 64;  // 8 by the standard, but many servers take more
constexpr std::size_t address_max = 20, address_range_max = 40, short_message_max = 254;
constexpr std::size_t id_bytes_max = 255;  // 64 by the standard; peers exceed it

void write_u32(char* at, std::uint32_t value) {
    value = __builtin_bswap32(value);
    std::memcpy(at, &value, 4);
}
std::uint16_t read_u16(const char* at) {
    return std::uint16_t(static_cast<unsigned char>(at[0]) << 8 |
                         static_cast<unsigned char>(at[1]));
}

/// Takes fields off the front; after the first that is not there all are empty and `ok` is false.
class Fields {
public:
    explicit Fields(std::string_view bytes) : rest_(bytes) {}

    std::uint8_t u8() {
        const auto byte = octets(1);
        return byte.empty() ? 0 : static_cast<unsigned char>(byte[0]);
    }
    std::string_view octets(std::size_t count) {
        if (rest_.size() < count) return fail();
        const auto taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }
    /// Up to a NUL, which must be there within `most` + 1 bytes.
    std::string_view c_string(std::size_t most) {
        const auto end = rest_.substr(0, most + 1).find('\0');
        if (end == rest_.npos) return fail();
        const auto taken = rest_.substr(0, end);
        rest_.remove_prefix(end + 1);
        return taken;
    }
    AddressView address(std::size_t most) {
        const auto ton = u8(), npi = u8();
        return {ton, npi, c_string(most)};
    }
    bool ok() const { return ok_; }
    std::string_view rest() const { return rest_; }

private:
    std::string_view fail() {
        ok_ = false;
        rest_ = {};
        return {};
    }
    std::string_view rest_;
    bool ok_ = true;
};

Fault cut_off(std::string_view what, std::string_view body) {
    return {Cause::malformed, fmt::format("{} body of {} bytes has a field beyond its end or "
                                          "without its NUL",
                                          what, body.size())};
}

/// Calls take(tag, value) for each. A broken tail ends the list: a receipt is worth more than the
/// correctness of a TLV after it.
template <class Take> void each_tlv(std::string_view rest, Take take) {
    while (rest.size() >= 4) {
        const std::size_t length = read_u16(rest.data() + 2);
        if (rest.size() < 4 + length) return;
        take(read_u16(rest.data()), rest.substr(4, length));
        rest.remove_prefix(4 + length);
    }
}

std::string_view without_nul(std::string_view value) { return value.substr(0, value.find('\0')); }

void read_tlvs(std::string_view rest, Deliver& deliver) {
    each_tlv(rest, [&](std::uint16_t tag, std::string_view value) {
        if (tag == 0x001E) deliver.receipted_id = without_nul(value);
        if (tag == 0x0427 && value.size() == 1)
            deliver.state = static_cast<unsigned char>(value[0]);
        if (tag == 0x0423 && value.size() == 3) deliver.network_error = read_u16(value.data() + 1);
        if (tag == 0x0424 && deliver.words.empty()) deliver.words = value;
        if (tag == 0x020C && value.size() == 2) deliver.reference = read_u16(value.data());
        if (tag == 0x020E && value.size() == 1)
            deliver.parts = static_cast<unsigned char>(value[0]);
        if (tag == 0x020F && value.size() == 1) deliver.part = static_cast<unsigned char>(value[0]);
    });
}

void put_header(std::string& out, Command command, std::uint32_t status, std::uint32_t sequence) {
    char header[header_bytes];
    write_u32(header, header_bytes);
    write_u32(header + 4, std::uint32_t(command));
    write_u32(header + 8, status);
    write_u32(header + 12, sequence);
    out.append(header, header_bytes);
}
void put_c_string(std::string& out, std::string_view text) { out.append(text).push_back('\0'); }
void put_address(std::string& out, const Address& address) {
    out.push_back(char(address.ton));
    out.push_back(char(address.npi));
    put_c_string(out, address.digits);
}
void close_pdu(std::string& out, std::size_t from) {
    write_u32(out.data() + from, std::uint32_t(out.size() - from));
}

}  // namespace

bool Decoder::complete(std::string_view& bytes) {
    const auto take = [&](std::size_t wanted) {
        const auto lacks = wanted > pending_.size() ? wanted - pending_.size() : 0;
        const auto taken = std::min(lacks, bytes.size());
        pending_.append(bytes.substr(0, taken));
        bytes.remove_prefix(taken);
        return pending_.size() >= wanted;
    };
    return take(4) && possible(length_in(pending_)) && take(length_in(pending_));
}

bool read_deliver(std::string_view body, Deliver& out) {
    Fields fields(body);
    out = {};
    fields.c_string(service_type_max);
    out.from = fields.address(address_range_max);
    out.to = fields.address(address_range_max);
    out.esm_class = fields.u8();
    fields.octets(2);     // protocol_id, priority_flag
    fields.c_string(16);  // schedule_delivery_time, null by the standard
    fields.c_string(16);  // validity_period, null by the standard
    fields.octets(2);     // registered_delivery, replace_if_present_flag
    out.data_coding = fields.u8();
    fields.octets(1);  // sm_default_msg_id
    out.words = fields.octets(fields.u8());
    if (!fields.ok()) return false;
    read_tlvs(fields.rest(), out);
    return true;
}

Result<Deliver> parse_deliver(std::string_view body) {
    Deliver out{};
    if (!read_deliver(body, out)) return cut_off("deliver_sm", body);
    return out;
}

bool read_data(std::string_view body, Deliver& out) {
    Fields fields(body);
    out = {};
    fields.c_string(service_type_max);
    out.from = fields.address(64);
    out.to = fields.address(64);
    out.esm_class = fields.u8();
    fields.octets(1);  // registered_delivery
    out.data_coding = fields.u8();
    if (!fields.ok()) return false;
    read_tlvs(fields.rest(), out);
    return true;
}

Result<Deliver> parse_data(std::string_view body) {
    Deliver out{};
    if (!read_data(body, out)) return cut_off("data_sm", body);
    return out;
}

Result<std::string_view> parse_message_id(std::string_view body) {
    if (body.empty()) return std::string_view();
    Fields fields(body);
    const auto id = fields.c_string(id_bytes_max);
    if (!fields.ok()) return cut_off("submit_sm_resp", body);
    return id;
}

Result<BindAnswer> parse_bind_answer(std::string_view body) {
    Fields fields(body);
    BindAnswer out{fields.c_string(64), {}};
    if (!fields.ok()) return cut_off("bind response", body);
    each_tlv(fields.rest(), [&](std::uint16_t tag, std::string_view value) {
        if (tag == 0x0210 && value.size() == 1) out.version = static_cast<unsigned char>(value[0]);
    });
    return out;
}

Result<QueryAnswer> parse_query_answer(std::string_view body) {
    Fields fields(body);
    QueryAnswer out{};
    out.message_id = fields.c_string(id_bytes_max);
    out.final_date = fields.c_string(16);
    out.state = fields.u8();
    out.error = fields.u8();
    if (!fields.ok()) return cut_off("query_sm_resp", body);
    return out;
}

void put_bind(std::string& out, Command kind, const Bind& bind, std::uint32_t sequence) {
    const auto from = out.size();
    put_header(out, kind, status::ok, sequence);
    put_c_string(out, std::string_view(bind.system_id).substr(0, system_id_max));
    put_c_string(out, std::string_view(bind.password).substr(0, password_max));
    put_c_string(out, std::string_view(bind.system_type).substr(0, system_type_max));
    out.push_back(char(version_34));
    put_address(out, bind.range);
    close_pdu(out, from);
}

void put_bare(std::string& out, Command command, std::uint32_t status, std::uint32_t sequence) {
    put_header(out, command, status, sequence);
}

void put_taken(std::string& out, Command command, std::uint32_t status, std::uint32_t sequence) {
    const auto from = out.size();
    put_header(out, command, status, sequence);
    out.push_back('\0');
    close_pdu(out, from);
}

void put_query(std::string& out,
               std::string_view message_id,
               const Address& source,
               std::uint32_t sequence) {
    const auto from = out.size();
    put_header(out, Command::query_sm, status::ok, sequence);
    put_c_string(out, message_id.substr(0, 64));
    put_address(out, source);
    close_pdu(out, from);
}

std::string big_endian(std::uint16_t value) { return {char(value >> 8), char(value & 0xFF)}; }

void put_tlv(std::string& out, std::uint16_t tag, std::string_view value) {
    out += big_endian(tag);
    out += big_endian(std::uint16_t(value.size()));
    out += value;
}

Result<SubmitTemplate> SubmitTemplate::make(const Submit& submit) {
    if (submit.service_type.size() > service_type_max)
        return Fault{Cause::over_limit, "service_type is longer than 5 characters"};
    if (submit.source.digits.size() > address_max)
        return Fault{Cause::over_limit, "the source address is longer than 20 characters"};
    if (!submit.payload && submit.words.size() > short_message_max)
        return Fault{Cause::over_limit,
                     fmt::format("a short_message of {} bytes, 254 at most", submit.words.size())};
    if (submit.words.size() + submit.tlvs.size() > pdu_bytes_max - 256)
        return Fault{Cause::over_limit, fmt::format("words of {} bytes", submit.words.size())};
    std::string before, after;
    put_header(before, Command::submit_sm, status::ok, 0);
    put_c_string(before, submit.service_type);
    put_address(before, submit.source);
    before.push_back(char(submit.destination_ton));
    before.push_back(char(submit.destination_npi));
    after.push_back('\0');  // ends the number
    after.push_back(char(submit.esm_class));
    after.push_back(char(submit.protocol_id));
    after.push_back(char(submit.priority));
    after.push_back('\0');  // schedule_delivery_time: now
    const auto validity_at = std::uint16_t(after.size());
    put_c_string(after, "000000000001000R");
    after.push_back(char(submit.registered));
    after.push_back('\0');  // replace_if_present_flag
    after.push_back(char(submit.data_coding));
    after.push_back('\0');  // sm_default_msg_id
    after.push_back(submit.payload ? '\0' : char(submit.words.size()));
    if (!submit.payload) after += submit.words;
    after += submit.tlvs;
    if (submit.payload) put_tlv(after, 0x0424, submit.words);
    SubmitTemplate out;
    out.segment_ = sms::Segment(std::move(before), std::move(after), {12, 0, validity_at, true});
    return out;
}

void SubmitTemplate::validity(std::chrono::seconds left) {
    segment_.validity(sms::Protocol::relative_validity(left));
}

void SubmitTemplate::append(std::string& out, std::uint64_t number, std::uint32_t sequence) const {
    const auto from = out.size();
    out.resize(from + segment_.bytes_most());
    const auto* end = segment_.put(out.data() + from, sms::Digits(number), sequence);
    out.resize(std::size_t(end - out.data()));
}

}  // namespace tocsin::smpp
