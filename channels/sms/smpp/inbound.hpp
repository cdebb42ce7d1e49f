#pragma once
#include "channels/sms/shared/outbox.hpp"
#include "channels/sms/smpp/receipt.hpp"
#include "channels/sms/smpp/setup.hpp"

#include <deque>

/// What the peer brings: receipts, collected into batches and acknowledged only when the desk says
/// that they are durable, and messages of phones, acknowledged at once.
namespace tocsin::smpp {

using sms::Outbox;

class Inbound {
public:
    struct Counters {
        std::uint64_t receipts = 0, unreadable = 0, messages = 0, acknowledged = 0;
    };
    Inbound(const Setup& setup, contract::BulkDesk& desk, Learner& learner)
        : setup_(setup), desk_(desk), learner_(learner) {}

    /// deliver_sm or data_sm.
    void took(const Pdu& pdu, Outbox& outbox);
    /// Hands the batch to the desk; each acknowledgement then waits for its ticket.
    void settle();
    void durable(contract::Ticket up_to, Outbox& outbox);
    void link_lost();
    /// The desk is far behind: read no more until it has caught up.
    bool full() const { return waiting_.size() + batch_.size() >= waiting_most; }
    const Counters& counters() const { return counters_; }

private:
    static constexpr std::size_t waiting_most = 100'000;
    struct Request {
        Command command;
        std::uint32_t sequence;
    };
    struct Waiting {
        contract::Ticket ticket;
        Request request;
    };
    void took_receipt(const ReceiptSays& says, Request request, Outbox& outbox);
    void took_message(const Deliver& deliver);
    void acknowledge(Request request, Outbox& outbox);
    void learn();

    const Setup& setup_;
    contract::BulkDesk& desk_;
    Learner& learner_;
    std::vector<contract::Receipt> batch_;
    std::vector<Request> batch_requests_;
    std::deque<Waiting> waiting_;
    std::string room_;
    Counters counters_;
};

}  // namespace tocsin::smpp
