#pragma once
#include "channels/shared/backoff.hpp"
#include "channels/sms/area/chain.hpp"
#include "channels/sms/shared/outbox.hpp"

#include <functional>
#include <map>

/// The life of the bind and of every chain on it. No socket, no clock: the link tells it what comes,
/// asks it when it wants to be called again, and does what it wishes.
namespace tocsin::smpp_area {

enum class Wish : std::uint8_t { nothing, connect, close };
using Jitter = std::function<double()>;  // in [0, 1)

class Session {
public:
    Session(Setup setup, contract::Desk& desk, Jitter jitter);

    void carry(const contract::Message& message, bool drill, Instant now);
    void probe(Instant now);
    void stop(Instant now);

    void connected(Instant now);
    void received(std::string_view bytes, Instant now);
    void broke(const std::string& why, Instant now);
    /// What is due; then outbox() and wish().
    void step(Instant now);
    Instant due(Instant now) const;

    sms::Outbox& outbox() { return outbox_; }
    Wish wish();  // once
    bool bound() const { return phase_ == Phase::bound; }

private:
    enum class Phase : std::uint8_t { waiting, connecting, binding, bound, unbinding, stopped };
    struct Flight {
        enum class What : std::uint8_t { put, query, cancel, enquiry } what;
        OrderId order;
        std::size_t slot;
        Instant sent;
    };

    void hear(const Pdu& pdu, Instant now);
    void hear_bind(const Pdu& pdu, Instant now);
    void hear_answer(const Pdu& pdu, Instant now);
    void put_answered(Chain& chain, Slot& slot, const Pdu& pdu, const Flight& flight, Instant now);
    void query_answered(Chain& chain, Slot& slot, const Pdu& pdu, Instant now);
    void cancel_answered(Chain& chain, Slot& slot, const Pdu& pdu, Instant now);
    void gone_from_peer(Chain& chain, Slot& slot, Instant now);
    void later(Slot& slot, Instant now);

    void send_due(Instant now);
    void send_slot(Chain& chain, std::size_t slot, Instant now);
    void send(const Result<std::string>& pdu, Flight flight, Instant now);
    Which which(const Slot& slot) const;
    void expire(Chain& chain, Instant now);
    void watch_link(Instant now);
    void time_out(Instant now);
    void tell(Chain& chain, Instant now);
    void forget_old();
    void down(const std::string& why, Instant until);
    std::uint32_t next_sequence();

    Setup setup_;
    contract::Desk& desk_;
    Jitter jitter_;
    std::string source_;
    shared::Backoff backoff_;
    Phase phase_ = Phase::waiting;
    Wish wish_ = Wish::nothing;
    Instant retry_at_{}, since_{}, heard_{};
    std::string trouble_ = "not connected yet";
    std::uint32_t sequence_ = 0;
    int silent_ = 0;  // requests unanswered in a row
    std::map<std::uint32_t, Flight> flights_;
    std::vector<Instant> probes_;  // when asked
    std::map<std::uint32_t, Chain> chains_;
    Decoder decoder_;
    sms::Outbox outbox_;
};

}  // namespace tocsin::smpp_area
