#pragma once
#include "channels/shared/backoff.hpp"
#include "channels/sms/smpp/inbound.hpp"
#include "channels/sms/smpp/submitter.hpp"

/// One link to an SMSC from connecting to unbinding. Owns no socket and no clock: the link tells it
/// what happened, calls tick() every few milliseconds, performs wish() and sends outbox().
namespace tocsin::smpp {

enum class Phase : std::uint8_t { closed, connecting, binding, bound, draining, unbinding };
enum class Wish : std::uint8_t { nothing, connect, close };

class Session {
public:
    Session(const Setup& setup,
            contract::BulkDesk& desk,
            Jitter jitter,
            std::uint32_t first_sequence = 1);

    void carry(const contract::Message& message, bool drill);
    void probe() { probe_asked_ = true; }
    void stop() { stopping_ = true; }
    void durable(contract::Ticket up_to) { inbound_.durable(up_to, outbox_); }

    void connected(Instant now);
    void received(std::string_view bytes, Instant now);
    /// The socket failed, was closed by the peer or, as wished, by us.
    void broke(std::string_view why, Instant now);

    void tick(Instant now);
    Wish wish() const { return wish_; }
    Outbox& outbox() { return outbox_; }
    bool may_read() const { return !inbound_.full(); }
    /// After stop(): nothing is left to do.
    bool ended() const { return stopping_ && phase_ == Phase::closed; }

    Phase phase() const { return phase_; }
    const Submitter::Counters& sent() const { return submitter_.counters(); }
    const Inbound::Counters& brought() const { return inbound_.counters(); }
    const Reading& reading() const { return learner_.reading(); }

private:
    void heard(const Pdu& pdu, Instant now);
    void heard_bind_answer(const Pdu& pdu, Instant now);
    void heard_answer(const Pdu& pdu, Instant now);
    void heard_enquiry_answer(std::uint32_t sequence, Instant now);
    void give_up(std::string_view why);
    void enquire(Instant now);
    void watch_silence(Instant now);
    void watch_deadlines(Instant now);
    void answer_probe(Instant now);
    void watch_receipts(Instant now);
    void tell_state(contract::LinkState state, std::optional<Instant> until);
    void tell_pace(Instant now);
    void close_in_order(Instant now);
    void knock(Instant now);

    const Setup& setup_;
    contract::BulkDesk& desk_;
    Jitter jitter_;
    Learner learner_;
    Submitter submitter_;
    Inbound inbound_;
    Decoder decoder_;
    Outbox outbox_;

    Phase phase_ = Phase::closed;
    Wish wish_ = Wish::nothing;
    bool stopping_ = false;
    std::string why_ = "not connected yet";
    std::optional<Instant> deadline_, retry_at_;
    std::optional<std::chrono::milliseconds> next_wait_;  // a refused bind's own ladder
    shared::Backoff backoff_;
    Instant bound_since_{}, heard_at_{};
    std::optional<contract::LinkState> told_;
    std::optional<Instant> told_until_;

    bool probe_asked_ = false, probing_ = false;
    std::uint32_t enquiry_ = 0;  // the sequence of the one that is unanswered
    Instant enquired_at_{};
    int enquiries_missed_ = 0;
    std::uint32_t bind_sequence_ = 0, unbind_sequence_ = 0;

    std::vector<contract::Evidence> refused_;  // by carry(), which is told no time
    std::uint64_t receipts_seen_ = 0, accepted_before_ = 0;
    std::optional<Instant> receiptless_since_;
    bool receiptless_ = false;  // and said so
};

}  // namespace tocsin::smpp
