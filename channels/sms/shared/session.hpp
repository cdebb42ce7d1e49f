#pragma once
#include "channels/shared/backoff.hpp"
#include "channels/sms/shared/inbound.hpp"
#include "channels/sms/shared/replies.hpp"
#include "channels/sms/shared/submitter.hpp"

/// One connection from connecting to unbinding. Owns no socket and no clock: it is told what
/// happened and ticked every few milliseconds; its wish() is performed and its outbox() sent. What is
/// said on the wire is the Speech's.
namespace tocsin::sms {

enum class Phase : std::uint8_t { closed, connecting, binding, bound, draining, unbinding };
enum class Wish : std::uint8_t { nothing, connect, close };

struct Times {
    std::chrono::milliseconds connect_within{5000}, bind_within{5000}, unbind_within{2000};
    std::chrono::milliseconds drain_within{5000}, enquire_after{30000}, enquire_within{5000};
    std::chrono::milliseconds retry_first{1000}, retry_most{60000};
    std::uint8_t enquiries_missed_most = 2;
};

class Session {
public:
    /// Who looks after all links of the endpoint.
    class Watcher {
    public:
        virtual ~Watcher() = default;
        virtual void changed(Session& session, Instant now) = 0;
        virtual void enquired(Session& session, bool well, std::string what, Instant now) = 0;
        /// The peer knows no transceiver.
        virtual void only_pairs(Session& session, Instant now) = 0;
    };
    struct Around {
        Submitter& submitter;
        Replies& replies;
        contract::BulkDesk& desk;
        Watcher& watcher;
        Jitter jitter;
        std::string protocol;
    };
    /// `lane` null: it brings only.
    Session(const Around& around,
            std::string name,
            const Times& times,
            std::unique_ptr<Speech> speech,
            Role role,
            Lane* lane);

    // What happened on the socket.
    void connected(Instant now);
    void received(std::string_view bytes, Instant now);
    /// It failed, was closed by the peer or, as wished, by us.
    void broke(std::string_view why, Instant now);

    // What the peer said; for the Speech.
    bool listening() const { return phase_ != Phase::closed && wish_ != Wish::close; }
    bool binding(std::uint32_t sequence) const {
        return phase_ == Phase::binding && sequence == bind_sequence_;
    }
    void bound(Instant now);
    /// `wait`: the bind's own, longer than the usual.
    void bind_refused(std::string why, std::optional<std::chrono::milliseconds> wait);
    void bind_unknown(Instant now);  // bind_transceiver is no command there
    void enquiry_answered(std::uint32_t sequence, Instant now);
    void unbind_answered(std::uint32_t sequence);
    void give_up(std::string_view why);
    void answered(std::uint32_t sequence, std::uint32_t status, const MessageId& id, Instant now);
    void receipt(const contract::Receipt& receipt, const Ack& ack) {
        inbound_.receipt(receipt, ack);
    }
    /// Receipts under other ids than before; nothing waits for them.
    void settle_again(std::span<const contract::Receipt> receipts) { inbound_.again(receipts); }
    void words(std::string_view from, const Piece& piece, const Ack& ack, Instant now) {
        ++inbound_.counters().messages;
        replies_.took(from, piece, now);
        inbound_.owe(ack);
    }
    Inbound::Counters& counts() { return inbound_.counters(); }

    // Time passes.
    void settle();
    void tick(Instant now);
    bool enquire(Instant now);  // false: not bound, `why` says since when
    void durable(contract::Ticket up_to);
    void stop() { stopping_ = true; }
    void become(Role role) { role_ = role; }
    void activate() { active_ = true; }

    Wish wish() const { return wish_; }
    Outbox& outbox() { return outbox_; }
    bool may_read() const { return !inbound_.full(); }
    bool held_back() const { return inbound_.held_back(); }
    /// After stop(): nothing is left to do.
    bool ended() const { return !active_ || (stopping_ && phase_ == Phase::closed); }
    bool active() const { return active_; }
    bool stopping() const { return stopping_; }
    /// Bound, and not yet gone.
    bool up() const {
        return phase_ == Phase::bound || phase_ == Phase::draining || phase_ == Phase::unbinding;
    }
    Phase phase() const { return phase_; }
    Role role() const { return role_; }
    Lane* lane() { return lane_; }
    const std::string& name() const { return name_; }
    const std::string& why() const { return why_; }
    Speech& speech() { return *speech_; }
    std::optional<Instant> retry_at() const { return retry_at_; }
    Instant enquired_at() const { return enquired_at_; }
    const Inbound::Counters& brought() const { return inbound_.counters(); }

private:
    std::uint32_t next_sequence();
    void watch_deadlines(Instant now);
    void watch_silence(Instant now);
    void ask(Instant now);
    void close_in_order(Instant now);
    void knock(Instant now);

    Submitter& submitter_;
    Replies& replies_;
    Watcher& watcher_;
    Jitter jitter_;
    std::string protocol_, name_;
    Times times_;
    std::unique_ptr<Speech> speech_;
    Role role_;
    Lane* lane_;
    Outbox own_outbox_;  // without a lane
    Outbox& outbox_;
    Inbound inbound_;
    bool active_;

    Phase phase_ = Phase::closed;
    Wish wish_ = Wish::nothing;
    bool stopping_ = false;
    std::string why_ = "not connected yet";
    std::optional<Instant> deadline_, retry_at_;
    std::optional<std::chrono::milliseconds> next_wait_;
    shared::Backoff backoff_;
    Instant bound_since_{}, heard_at_{}, enquired_at_{};
    std::uint32_t enquiry_ = 0;  // the sequence of the one that is unanswered
    int enquiries_missed_ = 0;
    std::uint32_t bind_sequence_ = 0, unbind_sequence_ = 0, own_sequence_ = 0;
};

}  // namespace tocsin::sms
