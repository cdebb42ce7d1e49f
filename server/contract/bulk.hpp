#pragma once
#include "server/contract/channel.hpp"

#include <array>

/// One message to millions. Everything goes in batches, once a tick (5-10 ms), on the bulk loop.
namespace tocsin::contract {

struct Slice {  // recipients whose intent is on disk; all of one region, network and language
    std::uint32_t first = 0;
    std::span<const std::uint64_t> numbers;  // E.164; valid until the next take
};
struct MessageId {
    std::array<char, 19> bytes;
    std::uint8_t length;
};  // longer ones: a 16-byte hash
struct Answer {
    std::uint32_t recipient, code;
    MessageId id;
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
    virtual void answered(OrderId order, std::span<const Answer> answers) = 0;
    /// durable(ticket) follows; only then is the peer's receipt acknowledged.
    virtual Ticket settled(std::span<const Receipt> receipts) = 0;
    /// Unanswered when the link broke: go again, same reference, marked.
    virtual void unknown(OrderId order, std::span<const std::uint32_t> recipients) = 0;
};
class BulkChannel : public Channel {
public:
    virtual void tick(Instant now) = 0;
    virtual void durable(Ticket up_to) = 0;
};

}  // namespace tocsin::contract
