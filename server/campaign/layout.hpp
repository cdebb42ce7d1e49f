#pragma once
#include "server/base/fault.hpp"
#include "server/contract/bulk.hpp"

#include <span>

/// How a campaign lies in Redis, byte by byte. Pure; all numbers little-endian.
///   page     48,000 B: 1,000 x 32 B submit column, then 1,000 x 16 B outcome column
///     submit   state u8, flags u8, attempts u8, parts u8, ms u32, id length u8, id 19 B, CRC32C
///     outcome  state u8, flags u8, error u16, ms u32, fence u16, 0 u16, CRC32C
///   log      count u32, CRC32C of what follows and of count, 8 B spare, then 12 B each:
///            recipient u32, state u8, flags u8 (low nibble: part), error u16, ms u32
///   parts    the same head, then 14 B each: recipient u32, part u8, parts u8, hash of its id u64
///   orphans  the same head, then 32 B each: id length u8, id 19 B, said u8, 0, code u16, at ms u64
/// Columns, not 48 B records: with the halves side by side no range of neighbours could be written
/// without writing their outcomes again. `ms` counts from the campaign's start.
namespace tocsin::campaign {

inline constexpr std::uint32_t page_recipients = 1000;
inline constexpr std::size_t submit_bytes = 32, outcome_bytes = 16;
inline constexpr std::size_t outcome_column = page_recipients * submit_bytes;
inline constexpr std::size_t page_bytes = outcome_column + page_recipients * outcome_bytes;
inline constexpr std::uint8_t parts_max = 16;

/// Where one recipient is. Stored: never renumber.
enum class State : std::uint8_t {
    none,       // not handed yet; in a page below the cursor: handed, and no answer is known
    handed,     // written to the peer, unanswered
    accepted,   // the peer took it, all its parts
    delivered,  // the phone has all its parts
    failed,     // refused by the peer, or its receipt says so
    expired,    // its time was over before the peer had taken it
    stopped,    // cancelled or superseded before the peer had taken it
    retrying,   // refused for now
    skipped,    // not meant: an only_reached_by campaign leaves it out
    timed_out   // handed or accepted, and no receipt within the time for it
};
constexpr bool final(State state) {
    return state == State::delivered || state == State::failed || state == State::expired ||
           state == State::stopped;
}
const char* word(State state);

// Flags of a record.
inline constexpr std::uint8_t repeated = 0x40;      // handed again after an unknown outcome
inline constexpr std::uint8_t contradicted = 0x20;  // a second, other final receipt came

struct Submit {
    State state{};
    std::uint8_t flags = 0, attempts = 0, parts = 0;
    std::uint32_t ms = 0;
    contract::MessageId id{};
    std::uint32_t code = 0;  // of failed and retrying: the peer's own; shares the id's bytes
    bool operator==(const Submit&) const = default;
};
struct Outcome {
    State state{};
    std::uint8_t flags = 0;
    std::uint16_t error = 0;
    std::uint32_t ms = 0;
    std::uint16_t fence = 0;
    bool operator==(const Outcome&) const = default;
};

void put(const Submit& submit, std::span<char, submit_bytes> to);
void put(const Outcome& outcome, std::span<char, outcome_bytes> to);
/// The id in it; none where it has a code instead. Its CRC is not looked at.
contract::MessageId id_in(std::span<const char, submit_bytes> record);
/// All zeros is a record too: state none. Malformed: the CRC is wrong.
Result<Submit> get_submit(std::span<const char, submit_bytes> from);
Result<Outcome> get_outcome(std::span<const char, outcome_bytes> from);

struct LogRecord {
    std::uint32_t recipient;
    State state;
    std::uint8_t flags;  // low nibble: which part, from 0
    std::uint16_t error;
    std::uint32_t ms;
    bool operator==(const LogRecord&) const = default;
};
struct PartRecord {
    std::uint32_t recipient;
    std::uint8_t part, parts;  // part from 0
    std::uint64_t hash;
    bool operator==(const PartRecord&) const = default;
};
struct OrphanRecord {
    contract::MessageId id;
    contract::Said said;
    std::uint16_t code;
    std::int64_t at_ms;  // wall clock
    bool operator==(const OrphanRecord&) const = default;
};

std::string pack(std::span<const LogRecord> records);
std::string pack(std::span<const PartRecord> records);
std::string pack(std::span<const OrphanRecord> records);
/// Whole or not at all.
Result<std::vector<LogRecord>> unpack_log(std::string_view bytes);
Result<std::vector<PartRecord>> unpack_parts(std::string_view bytes);
Result<std::vector<OrphanRecord>> unpack_orphans(std::string_view bytes);

/// 64 well mixed bits of an id: its place and fingerprint in the table.
std::uint64_t hash_of(const contract::MessageId& id);

/// An audience page (ledger/keys.hpp): count x u64.
Result<std::vector<std::uint64_t>> unpack_numbers(std::string_view bytes);

}  // namespace tocsin::campaign
