#pragma once
#include "channels/sms/area/shape.hpp"

#include <optional>

/// The broadcast part of SMPP 5.0 on the wire: PDUs in and out, big-endian. Nothing is remembered but
/// the bytes that are not yet a PDU. Lengths outside 16 bytes .. 64 KiB mean the stream is lost.
namespace tocsin::smpp_area {

enum class Command : std::uint32_t {
    bind_transmitter = 0x02,
    deliver_sm = 0x05,
    unbind = 0x06,
    bind_transceiver = 0x09,
    enquire_link = 0x15,
    broadcast_sm = 0x111,
    query_broadcast_sm = 0x112,
    cancel_broadcast_sm = 0x113,
    generic_nack = 0x80000000,
    bind_transmitter_resp = 0x80000002,
    deliver_sm_resp = 0x80000005,
    unbind_resp = 0x80000006,
    bind_transceiver_resp = 0x80000009,
    enquire_link_resp = 0x80000015,
    broadcast_sm_resp = 0x80000111,
    query_broadcast_sm_resp = 0x80000112,
    cancel_broadcast_sm_resp = 0x80000113
};
inline constexpr std::uint32_t response_bit = 0x80000000;

inline constexpr std::size_t header_bytes = 16, pdu_bytes_max = 64 * 1024;
inline constexpr std::uint32_t sequence_max = 0x7FFFFFFF;
inline constexpr std::uint8_t version_50 = 0x50;

struct Pdu {
    Command command;
    std::uint32_t status, sequence;
    std::string body;
    bool operator==(const Pdu&) const = default;
};

class Decoder {
public:
    void push(std::string_view bytes) { pending_ += bytes; }
    /// Malformed: the stream is lost.
    [[nodiscard]] Result<std::optional<Pdu>> next();
    void clear() { pending_.clear(); }

private:
    std::string pending_;
};

struct Address {
    std::uint8_t ton = 0, npi = 0;
    std::string digits;
    bool operator==(const Address&) const = default;
};

struct Bind {
    std::string system_id, password, system_type;
    bool operator==(const Bind&) const = default;
};

/// broadcast_sm (4.4.1). The four TLVs that it must have, and those that we set.
struct Broadcast {
    std::string service_type;
    Address source;
    std::string message_id;     // of the one to replace; empty: by reference, or none
    std::uint8_t priority = 0;  // of cell broadcast: 0 normal, 1 immediate, 2 high
    std::uint32_t valid_s = 0;  // 0: as the peer derives it from repetitions
    bool replace = false;
    std::uint8_t data_coding = 0;
    std::vector<Area> areas;
    std::uint8_t content_network = 0;  // 0 generic, 1 GSM, 2 TDMA, 3 CDMA
    std::uint16_t content_type = 1;    // 1 emergency broadcasts
    std::uint16_t repetitions = 0;     // 0: until its validity ends
    std::uint8_t interval_unit = 0;    // 0 as often as possible, 8 s, 9 min, 10 h ...
    std::uint16_t interval = 0;
    std::string words;  // message_payload
    std::optional<std::uint16_t> reference;
    std::optional<std::uint8_t> message_class;
    bool operator==(const Broadcast&) const = default;
};

/// query_broadcast_sm and, with a service type, cancel_broadcast_sm: by id or by reference, never both.
struct Which {
    std::string service_type;  // cancel only
    std::string message_id;
    Address source;
    std::optional<std::uint16_t> reference;
    bool operator==(const Which&) const = default;
};

struct Failed {
    std::uint32_t status = 0;
    Area area;
    bool operator==(const Failed&) const = default;
};
struct BroadcastAnswer {
    std::string message_id;
    std::vector<Failed> failed;  // areas that were not taken though the message was
    bool operator==(const BroadcastAnswer&) const = default;
};
inline constexpr std::uint8_t success_unknown = 255;
struct Reached {
    Area area;
    std::uint8_t success = success_unknown;  // per cent of base stations
    bool operator==(const Reached&) const = default;
};
struct QueryAnswer {
    std::string message_id;
    std::uint8_t state = 7;  // UNKNOWN
    std::vector<Reached> areas;
    bool operator==(const QueryAnswer&) const = default;
};

/// Each is one whole PDU; over limit: a field is longer than SMPP allows.
[[nodiscard]] Result<std::string> encode(Command bind, const Bind& message, std::uint32_t sequence);
[[nodiscard]] Result<std::string> encode(const Broadcast& message, std::uint32_t sequence);
[[nodiscard]] Result<std::string> encode_query(const Which& which, std::uint32_t sequence);
[[nodiscard]] Result<std::string> encode_cancel(const Which& which, std::uint32_t sequence);
std::string bare(Command command, std::uint32_t status, std::uint32_t sequence);
/// What the peer answers; for tests.
std::string encode_answer(const BroadcastAnswer& answer, std::uint32_t sequence);
std::string encode_answer(const QueryAnswer& answer, std::uint32_t sequence);

[[nodiscard]] Result<Broadcast> parse_broadcast(std::string_view body);
[[nodiscard]] Result<Which> parse_query(std::string_view body);
[[nodiscard]] Result<Which> parse_cancel(std::string_view body);
/// A body may be missing when the status is not 0: then all is empty.
[[nodiscard]] Result<BroadcastAnswer> parse_broadcast_answer(std::string_view body);
[[nodiscard]] Result<QueryAnswer> parse_query_answer(std::string_view body);
/// sc_interface_version; absent: the peer says nothing of it.
[[nodiscard]] Result<std::optional<std::uint8_t>> parse_bind_answer(std::string_view body);

}  // namespace tocsin::smpp_area
