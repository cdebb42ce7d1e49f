#pragma once
#include "channels/sms/shared/segment.hpp"
#include "server/base/fault.hpp"

#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

/// SMPP 3.4 on the wire: PDUs in and out, big-endian, nothing remembered but the bytes that are not
/// yet a PDU. Lengths outside 16 bytes .. 64 KiB mean the stream is lost (never resynchronised).
namespace tocsin::smpp {

enum class Command : std::uint32_t {
    bind_receiver = 0x01,
    bind_transmitter = 0x02,
    query_sm = 0x03,
    submit_sm = 0x04,
    deliver_sm = 0x05,
    unbind = 0x06,
    bind_transceiver = 0x09,
    outbind = 0x0B,
    enquire_link = 0x15,
    alert_notification = 0x102,
    data_sm = 0x103,
    generic_nack = 0x80000000
};
inline constexpr std::uint32_t response_bit = 0x80000000;
constexpr Command response(Command request) {
    return Command(std::uint32_t(request) | response_bit);
}
constexpr bool is_response(Command command) { return std::uint32_t(command) & response_bit; }

inline constexpr std::size_t header_bytes = 16;
inline constexpr std::size_t pdu_bytes_max = 64 * 1024;
inline constexpr std::uint32_t sequence_max = 0x7FFFFFFF;
inline constexpr std::uint8_t version_34 = 0x34;

/// command_status, those that this code names; all others are only numbers (status.hpp).
namespace status {
enum : std::uint32_t {
    ok = 0x00,
    invalid_length = 0x01,
    invalid_command_length = 0x02,
    invalid_command = 0x03,
    invalid_bind_status = 0x04,
    already_bound = 0x05,
    system_error = 0x08,
    invalid_source = 0x0A,
    invalid_destination = 0x0B,
    bind_failed = 0x0D,
    invalid_password = 0x0E,
    invalid_system_id = 0x0F,
    queue_full = 0x14,
    submit_failed = 0x45,
    throttled = 0x58,
    expired = 0x62,  // RINVEXPIRY: what we say of a recipient whose time ran out in our hands
    unknown_error = 0xFF
};
}

struct Pdu {
    Command command;
    std::uint32_t status, sequence;
    std::string_view body;  // valid until the decoder is pushed to
};

/// Bytes as they arrive in, PDUs out when whole, without copying any but those that a read cut.
class Decoder {
public:
    /// Calls heard(pdu) for each whole PDU while that returns true. False: the stream is lost.
    template <class Heard> [[nodiscard]] bool each(std::string_view bytes, Heard heard) {
        if (!pending_.empty()) {
            if (!complete(bytes)) return lost_length(pending_) == 0;
            if (!heard(pdu_in(pending_))) return pending_.clear(), true;
            pending_.clear();
        }
        while (bytes.size() >= 4) {
            const auto length = length_in(bytes);
            if (!possible(length)) return false;
            if (bytes.size() < length) break;
            if (!heard(pdu_in(bytes.substr(0, length)))) return true;
            bytes.remove_prefix(length);
        }
        pending_ = bytes;
        return true;
    }
    void clear() { pending_.clear(); }

    static std::uint32_t u32(const char* at) {
        std::uint32_t value;
        std::memcpy(&value, at, 4);
        return __builtin_bswap32(value);
    }

private:
    static bool possible(std::size_t length) {
        return length >= header_bytes && length <= pdu_bytes_max;
    }
    static std::size_t length_in(std::string_view bytes) { return u32(bytes.data()); }
    /// 0: none, or one that may be.
    static std::size_t lost_length(std::string_view bytes) {
        return bytes.size() >= 4 && !possible(length_in(bytes)) ? length_in(bytes) | 1 : 0;
    }
    static Pdu pdu_in(std::string_view whole) {
        return {Command(u32(whole.data() + 4)), u32(whole.data() + 8), u32(whole.data() + 12),
                whole.substr(header_bytes)};
    }
    /// Takes from `bytes` what the PDU begun lacks; true when it is whole.
    bool complete(std::string_view& bytes);
    std::string pending_;  // less than one PDU
};

struct Address {
    std::uint8_t ton = 0, npi = 0;
    std::string digits;
    bool operator==(const Address&) const = default;
};
struct AddressView {
    std::uint8_t ton, npi;
    std::string_view digits;
};

/// deliver_sm, and data_sm from the peer, which says the same in other fields.
struct Deliver {
    AddressView from, to;
    std::uint8_t esm_class, data_coding;
    std::string_view words;         // short_message, else message_payload; with its header, if any
    std::string_view receipted_id;  // TLV 0x001E
    std::optional<std::uint8_t> state;           // TLV 0x0427
    std::optional<std::uint16_t> network_error;  // TLV 0x0423, its code
    // TLVs 0x020C, 0x020E, 0x020F: one segment of several, without a user data header.
    std::uint16_t reference = 0;
    std::uint8_t parts = 1, part = 1;
};
[[nodiscard]] Result<Deliver> parse_deliver(std::string_view body);
/// The same for those who want no words about what is wrong.
[[nodiscard]] bool read_deliver(std::string_view body, Deliver& out);
[[nodiscard]] bool read_data(std::string_view body, Deliver& out);
[[nodiscard]] Result<Deliver> parse_data(std::string_view body);

/// submit_sm_resp: a body is missing when the status is not 0, and then the id is empty.
[[nodiscard]] Result<std::string_view> parse_message_id(std::string_view body);

struct BindAnswer {
    std::string_view system_id;
    std::optional<std::uint8_t> version;  // absent: 3.3, which knows no TLVs
};
[[nodiscard]] Result<BindAnswer> parse_bind_answer(std::string_view body);

struct QueryAnswer {
    std::string_view message_id, final_date;
    std::uint8_t state, error;
};
[[nodiscard]] Result<QueryAnswer> parse_query_answer(std::string_view body);

struct Bind {
    std::string system_id, password, system_type;
    Address range;
};
/// Each appends one whole PDU.
void put_bind(std::string& out, Command kind, const Bind& bind, std::uint32_t sequence);
void put_bare(std::string& out, Command command, std::uint32_t status, std::uint32_t sequence);
/// deliver_sm_resp and data_sm_resp: an empty message id.
void put_taken(std::string& out, Command command, std::uint32_t status, std::uint32_t sequence);
void put_query(std::string& out,
               std::string_view message_id,
               const Address& source,
               std::uint32_t sequence);

struct Submit {
    std::string service_type;
    Address source;
    std::uint8_t destination_ton = 1, destination_npi = 1;
    std::uint8_t esm_class = 0, protocol_id = 0, priority = 0, registered = 1, data_coding = 0;
    std::string words;     // short_message, its user data header included
    bool payload = false;  // the words go as message_payload
    std::string tlvs;      // ready made, see put_tlv
};
void put_tlv(std::string& out, std::uint16_t tag, std::string_view value);
std::string big_endian(std::uint16_t value);

/// A submit_sm without its number: what stands before and after is encoded once for all recipients
/// of a segment; per recipient a number and a sequence are spliced in.
class SubmitTemplate {
public:
    /// Over limit: a field is longer than SMPP allows.
    [[nodiscard]] static Result<SubmitTemplate> make(const Submit& submit);
    /// Relative, at most 28 days; 0 and below become one second.
    void validity(std::chrono::seconds left);
    void append(std::string& out, std::uint64_t number, std::uint32_t sequence) const;
    const sms::Segment& segment() const { return segment_; }

private:
    sms::Segment segment_;
};

}  // namespace tocsin::smpp
