#pragma once
#include "server/contract/channel.hpp"

#include <array>
#include <string_view>

/// One message to millions. Everything goes in batches, once a tick (5-10 ms), on the bulk loop.
namespace tocsin::contract {

struct Slice {  // recipients whose intent is on disk; all of one region, network and language
    std::uint32_t first = 0;                 // numbers[i] is recipient first + i
    std::span<const std::uint64_t> numbers;  // E.164; valid until the next take; 0: a hole, nobody
    std::string_view language{};             // chooses the text; empty: the order's first
    // Choose the link. Empty: the channel finds the network by the number; any region.
    std::string_view network{};  // "cmcc", "cucc", "ctcc", "cbn", "other"
    std::string_view region{};   // codes, with blanks between
};
struct MessageId {
    std::array<char, 19> bytes;
    std::uint8_t length;  // 0: the peer gives no id that its receipts could be matched by
    bool operator==(const MessageId&) const = default;
};  // longer ones: a 16-byte hash

/// In Answer::code beside the peer's own status: the channel tried what it may, and a later or
/// another link may do better. Without it a code other than 0 is for good.
inline constexpr std::uint32_t worth_another_try = 0x8000'0000;
/// In Answer::code: no link of the endpoint serves this number. Outside of what peers say.
inline constexpr std::uint32_t no_route = 0xFFF1;

struct Answer {
    std::uint32_t recipient, code;  // 0: the peer took it
    MessageId id;
    /// Of several segments each is answered by its own id. A recipient is accepted when all are,
    /// and delivered when each part's receipt says so.
    std::uint8_t part = 1, parts = 1;
};  // submit_sm_resp
struct Receipt {
    MessageId id;
    Said said;
    std::uint16_t code;
};  // deliver_sm; the ledger matches
enum class Ticket : std::uint64_t {};

/// A bulk channel's desk: everything a Desk is, and the recipients.
class BulkDesk : public Desk {
public:
    /// Empty: pre-empted, expired, cancelled, at its end, or intents still being written.
    virtual Slice take(OrderId order, std::uint32_t at_most) = 0;
    /// A second answer for the same part may come (it was late, its recipient went as `unknown`).
    virtual void answered(OrderId order, std::span<const Answer> answers) = 0;
    /// durable(ticket) follows; only then is the peer's receipt acknowledged. A receipt may come
    /// before the answer that names its id, and twice.
    /// What was heard() since the last call is durable with the same ticket.
    virtual Ticket settled(std::span<const Receipt> receipts) = 0;
    /// Unanswered when the link broke: go again, same reference, marked.
    virtual void unknown(OrderId order, std::span<const std::uint32_t> recipients) = 0;
    /// In a tick: a peer waits for us (its window of receipts is full), or all our windows wait for
    /// peers. The next ticks come sooner, which costs processor time.
    virtual void hurry() {}
};
class BulkChannel : public Channel {
public:
    virtual void tick(Instant now) = 0;
    virtual void durable(Ticket up_to) = 0;
};

}  // namespace tocsin::contract
