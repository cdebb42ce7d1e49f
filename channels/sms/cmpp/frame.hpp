#pragma once
#include "channels/sms/shared/segment.hpp"
#include "server/base/fault.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// CMPP on the wire, 3.0 and 2.0: PDUs in and out, big-endian, nothing remembered but the bytes that
/// are not yet a PDU. Strings have fixed widths and end at their first NUL. A length outside 12
/// bytes .. 64 KiB means that the stream is lost (never resynchronised).
namespace tocsin::cmpp {

enum class Command : std::uint32_t {
    connect = 1,
    terminate = 2,
    submit = 4,
    deliver = 5,
    query = 6,
    cancel = 7,
    active_test = 8,
    connect_answer = 0x80000001,
    terminate_answer = 0x80000002,
    submit_answer = 0x80000004,
    deliver_answer = 0x80000005,
    query_answer = 0x80000006,
    cancel_answer = 0x80000007,
    active_test_answer = 0x80000008
};
constexpr bool is_answer(Command command) { return std::uint32_t(command) & 0x80000000; }

inline constexpr std::size_t header_bytes = 12;
inline constexpr std::size_t pdu_bytes_max = 64 * 1024;
inline constexpr std::size_t destinations_max = 99;
inline constexpr std::size_t source_addr_bytes = 6, proof_bytes = 16;

/// 3.0 widened numbers from 21 to 32 bytes and results from one byte to four, and more.
enum class Layout : std::uint8_t { v2, v3 };
constexpr std::uint8_t version_of(Layout layout) { return layout == Layout::v3 ? 0x30 : 0x20; }
constexpr std::size_t number_bytes(Layout layout) { return layout == Layout::v3 ? 32 : 21; }

struct Pdu {
    Command command;
    std::uint32_t sequence;
    std::string_view body;  // valid until the decoder is pushed to
};

/// Bytes as they arrive in, PDUs out when whole. After a fault the stream is lost.
class Decoder {
public:
    void push(std::string_view bytes);
    [[nodiscard]] Result<std::optional<Pdu>> next();
    void clear() { pending_.clear(), taken_ = 0; }

private:
    std::string pending_;
    std::size_t taken_ = 0;
};

// --- values; what was parsed points into the body ---

struct Connect {
    std::string_view source_addr, proof;
    std::uint8_t version = 0x30;
    std::uint32_t timestamp = 0;  // MMDDhhmmss as a number
    bool operator==(const Connect&) const = default;
};
struct ConnectAnswer {
    std::uint32_t status = 0;
    std::string_view proof;
    std::uint8_t version = 0x30;  // the highest that the gateway speaks
    bool operator==(const ConnectAnswer&) const = default;
};
struct Terminate {
    bool operator==(const Terminate&) const = default;
};
struct TerminateAnswer {
    bool operator==(const TerminateAnswer&) const = default;
};
struct ActiveTest {
    bool operator==(const ActiveTest&) const = default;
};
struct ActiveTestAnswer {
    bool operator==(const ActiveTestAnswer&) const = default;
};

struct Submit {
    std::uint64_t message_id = 0;
    std::uint8_t parts = 1, part = 1, registered = 1, level = 0;
    std::string_view service_id;
    std::uint8_t fee_user_type = 0;
    std::string_view fee_terminal;
    std::uint8_t fee_terminal_type = 0;  // 3.0 only
    std::uint8_t protocol_id = 0, header = 0, format = 0;
    std::string_view message_source, fee_type, fee_code, valid_time, at_time, source;
    std::vector<std::string_view> numbers;
    std::uint8_t number_type = 0;  // 3.0 only
    std::string_view words;        // a user data header included
    std::string_view link_id;      // 2.0: 8 reserved bytes
    bool operator==(const Submit&) const = default;
};
struct SubmitAnswer {
    std::uint64_t message_id = 0;
    std::uint32_t result = 0;
    bool operator==(const SubmitAnswer&) const = default;
};

struct Deliver {
    std::uint64_t message_id = 0;  // of this PDU, not of what a report is about
    std::string_view to, service_id;
    std::uint8_t protocol_id = 0, header = 0, format = 0;
    std::string_view from;
    std::uint8_t from_type = 0;  // 3.0 only
    std::uint8_t registered = 0;
    std::string_view words, link_id;
    bool is_report() const { return registered == 1; }
    bool operator==(const Deliver&) const = default;
};
struct DeliverAnswer {
    std::uint64_t message_id = 0;
    std::uint32_t result = 0;
    bool operator==(const DeliverAnswer&) const = default;
};
/// The content of a DELIVER that is a status report.
struct Report {
    std::uint64_t message_id = 0;  // as SUBMIT_RESP named it
    std::string_view stat, submitted, done, to;
    std::uint32_t centre_sequence = 0;
    bool operator==(const Report&) const = default;
};

struct Query {
    std::string_view day;    // YYYYMMDD
    std::uint8_t type = 0;   // 0 all, 1 by service
    std::string_view code;   // Service_Id when type is 1
    std::string_view spare;  // 8 reserved bytes
    bool operator==(const Query&) const = default;
};
struct QueryAnswer {
    std::string_view day;
    std::uint8_t type = 0;
    std::string_view code;
    std::uint32_t messages = 0, users = 0;                               // from us
    std::uint32_t forwarded = 0, waiting = 0, failed = 0;                // to phones
    std::uint32_t brought = 0, brought_waiting = 0, brought_failed = 0;  // from phones
    bool operator==(const QueryAnswer&) const = default;
};
struct Cancel {
    std::uint64_t message_id = 0;
    bool operator==(const Cancel&) const = default;
};
struct CancelAnswer {
    std::uint32_t failed = 0;  // 0: cancelled
    bool operator==(const CancelAnswer&) const = default;
};

using Body = std::variant<Connect,
                          ConnectAnswer,
                          Terminate,
                          TerminateAnswer,
                          ActiveTest,
                          ActiveTestAnswer,
                          Submit,
                          SubmitAnswer,
                          Deliver,
                          DeliverAnswer,
                          Query,
                          QueryAnswer,
                          Cancel,
                          CancelAnswer>;

/// One whole PDU. Over limit: a text is longer than its field.
[[nodiscard]] Result<std::string> encode(const Body& message,
                                         std::uint32_t sequence,
                                         Layout layout);
/// Refused: a command that CMPP does not have. Results are read by the length of the body, so that
/// an answer of either version is understood.
[[nodiscard]] Result<Body> decode(const Pdu& pdu, Layout layout);

// --- the same for single PDUs, where speed or certainty counts ---

[[nodiscard]] Result<ConnectAnswer> parse_connect_answer(std::string_view body);
[[nodiscard]] Result<SubmitAnswer> parse_submit_answer(std::string_view body);
[[nodiscard]] Result<Deliver> parse_deliver(std::string_view body, Layout layout);
/// 71 bytes, or 60 with a number of 21, whatever the version: gateways mix them.
[[nodiscard]] Result<Report> parse_report(std::string_view words);
std::string encode_report(const Report& report, Layout layout);

void put_bare(std::string& out, Command command, std::uint32_t sequence);
void put_active_test_answer(std::string& out, std::uint32_t sequence);
void put_deliver_answer(std::string& out,
                        const DeliverAnswer& answer,
                        std::uint32_t sequence,
                        Layout layout);

/// A SUBMIT that lacks its one number: encoded once for all recipients. `submit.numbers` is not looked
/// at. Over limit: a field is longer than CMPP allows.
[[nodiscard]] Result<sms::Segment> make_segment(const Submit& submit, Layout layout);

}  // namespace tocsin::cmpp
