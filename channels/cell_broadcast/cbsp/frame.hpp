#pragma once
#include "channels/cell_broadcast/shared/pages.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// CBSP (3GPP TS 48.049) on the wire: every message and information element, both directions, and
/// nothing remembered but the bytes that are not yet a message. encode() writes nothing that a base
/// station controller is known to die of.
namespace tocsin::cbsp {

using cell_broadcast::Page;

enum class Type : std::uint8_t {
    write_replace = 0x01,
    write_replace_complete,
    write_replace_failure,
    kill,
    kill_complete,
    kill_failure,
    load_query,
    load_query_complete,
    load_query_failure,
    status_query,
    status_query_complete,
    status_query_failure,
    set_drx,
    set_drx_complete,
    set_drx_failure,
    reset,
    reset_complete,
    reset_failure,
    restart,
    failure,
    error_indication,
    keep_alive,
    keep_alive_complete
};
const char* word(Type type);

/// How a list names its cells; the numbers are those on the wire.
enum class Naming : std::uint8_t { cgi = 0, lac_ci = 1, ci = 2, lai = 4, lac = 5, all = 6 };

/// 24 bits as they stand on the wire: TS 24.008, 10.5.1.3.
std::uint32_t plmn(std::uint16_t mcc, std::uint16_t mnc, bool long_mnc);

struct Place {  // of the three, those that the naming has; the others are 0
    std::uint32_t plmn = 0;
    std::uint16_t lac = 0, ci = 0;
    auto operator<=>(const Place&) const = default;
};
struct Places {
    Naming naming = Naming::cgi;
    std::vector<Place> entries;  // none for `all`
    bool operator==(const Places&) const = default;
};

enum class Reached : std::uint8_t { ok, overflow, unknown };
struct Count {
    Place place;
    std::uint16_t broadcasts = 0;
    Reached info = Reached::ok;
    bool operator==(const Count&) const = default;
};
struct Counts {
    Naming naming = Naming::cgi;
    std::vector<Count> entries;
    bool operator==(const Counts&) const = default;
};
struct Load {
    Place place;
    std::uint8_t predicted = 0, requested = 0;  // percent of the channel
    bool operator==(const Load&) const = default;
};
struct Loads {
    Naming naming = Naming::cgi;
    std::vector<Load> entries;
    bool operator==(const Loads&) const = default;
};

namespace cause {
enum : std::uint8_t {
    not_recognised,
    value_invalid,
    not_identified,  // there is no such message
    cell_not_valid,
    unrecognised_message,
    missing_element,
    bsc_capacity,
    cell_memory,
    bsc_memory,
    not_supported,
    not_operational,
    incompatible_drx,
    no_extended_channel,
    already_used,  // the message is there already
    unspecified,
    lai_or_lac_not_valid
};
}
const char* cause_word(std::uint8_t cause);

struct Failed {  // each entry names its cell in its own way
    Naming naming = Naming::cgi;
    Place place;
    std::uint8_t cause = 0;
    bool operator==(const Failed&) const = default;
};

inline constexpr std::size_t security_octets = 50;

/// Every element is here once; which of them a message has is a table in frame.cpp.
struct Pdu {
    Type type = Type::keep_alive;
    std::optional<std::uint16_t> identifier{}, fresh{},
        old{};  // message identifier, new and old serial
    std::optional<Places> cells{};
    std::optional<std::uint8_t> channel{}, category{};
    std::optional<std::uint16_t> period{}, times{};  // repetition in 1.883 s; broadcasts requested
    std::optional<std::uint8_t> pages{}, dcs{};      // how many; data coding scheme
    std::vector<Page> contents{};
    std::optional<Counts> counts{};
    std::optional<std::vector<Failed>> failures{};
    std::optional<Loads> loads{};
    std::optional<std::uint8_t> cause{}, recovery{}, emergency{};
    std::optional<std::uint16_t> warning_type{};
    std::optional<std::string> security{};  // 50 octets
    std::optional<std::uint8_t> warning_period{}, keep_alive{}, broadcast{}, schedule_period{},
        slots{};
    bool operator==(const Pdu&) const = default;
};

inline constexpr std::size_t header_bytes = 4;
inline constexpr std::size_t pdu_bytes_max = 512 * 1024;  // far above any real one

/// Malformed: an element is missing or not of this message. Over limit: a list longer than its
/// length can say.
Result<std::string> encode(const Pdu& pdu);
/// One whole message, header included.
Result<Pdu> decode(std::string_view bytes);

/// Bytes as they arrive in, whole messages out, not yet decoded: a bad one costs itself only. After a
/// fault the stream is lost.
class Reader {
public:
    void push(std::string_view bytes);
    Result<std::optional<std::string_view>> next();  // valid until the next push
    void clear() { pending_.clear(), taken_ = 0; }

private:
    std::string pending_;
    std::size_t taken_ = 0;
};

/// Warning period and keep-alive: 0 is without end, else the longest that is not above `seconds`.
std::uint8_t period_code(std::chrono::seconds seconds);
std::chrono::seconds period_of(std::uint8_t code);

}  // namespace tocsin::cbsp
