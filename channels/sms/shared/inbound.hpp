#pragma once
#include "channels/sms/shared/speech.hpp"
#include "server/contract/bulk.hpp"

#include <deque>
#include <vector>

/// Receipts of one connection: collected into batches, and acknowledged only when the desk says that
/// they are durable. Bounded: a desk that is far behind is waited for by reading no more.
namespace tocsin::sms {

class Inbound {
public:
    struct Counters {
        std::uint64_t receipts = 0, unreadable = 0, messages = 0, acknowledged = 0;
    };
    explicit Inbound(contract::BulkDesk& desk) : desk_(desk) {}

    void receipt(const contract::Receipt& receipt, const Ack& ack) {
        ++counters_.receipts;
        batch_.push_back(receipt);
        owe(ack);
    }
    /// For a phone's words, which the desk has heard: durable with the next batch.
    void owe(const Ack& ack) {
        acks_.push_back(ack);
        ++fresh_;
    }
    void again(std::span<const contract::Receipt> receipts) {
        if (!receipts.empty()) desk_.settled(receipts);
    }
    /// Hands the batch to the desk; each acknowledgement then waits for its ticket.
    void settle();
    void durable(contract::Ticket up_to, Speech& speech, std::string& out);
    /// The peer never saw them acknowledged and brings them again.
    void lost();
    bool full() const { return unacknowledged() >= waiting_most; }
    /// The peer brings so many, tick by tick, and waits for us: its window of receipts is full.
    bool held_back() const { return same_in_a_row_ >= held_back_after; }
    Counters& counters() { return counters_; }
    const Counters& counters() const { return counters_; }

private:
    static constexpr std::size_t waiting_most = 100'000, small_window = 200;
    static constexpr int held_back_after = 3;
    std::size_t unacknowledged() const { return acks_.size() - first_; }
    struct Waiting {
        contract::Ticket ticket;
        std::size_t count;
    };
    contract::BulkDesk& desk_;
    std::vector<contract::Receipt> batch_;
    std::vector<Ack> acks_;                         // those of tickets, then those of the batch
    std::size_t first_ = 0, peak_ = 0, fresh_ = 0;  // fresh: those of the batch
    int same_in_a_row_ = 0;
    std::deque<Waiting> tickets_;
    Counters counters_;
};

}  // namespace tocsin::sms
