#include "channels/sms/shared/session.hpp"

#include "server/base/log.hpp"

#include <fmt/format.h>

namespace tocsin::sms {
namespace {

using namespace std::chrono_literals;

constexpr auto healthy_after = 60s;

}  // namespace

Session::Session(const Around& around,
                 std::string name,
                 const Times& times,
                 std::unique_ptr<Speech> speech,
                 Role role,
                 Lane* lane)
    : submitter_(around.submitter),
      replies_(around.replies),
      watcher_(around.watcher),
      jitter_(around.jitter),
      protocol_(around.protocol),
      name_(std::move(name)),
      times_(times),
      speech_(std::move(speech)),
      role_(role),
      lane_(lane),
      outbox_(lane ? lane->outbox() : own_outbox_),
      inbound_(around.desk),
      active_(role != Role::receiver),
      backoff_(times.retry_first, times.retry_most) {}

std::uint32_t Session::next_sequence() {
    if (lane_) return lane_->next_sequence();
    own_sequence_ = own_sequence_ >= 0x7FFFFFFF ? 1 : own_sequence_ + 1;
    return own_sequence_;
}

// --- what happened on the socket ---

void Session::connected(Instant now) {
    phase_ = Phase::binding;
    wish_ = Wish::nothing;
    deadline_ = now + times_.bind_within;
    bind_sequence_ = next_sequence();
    speech_->greet(outbox_.tail(), role_, bind_sequence_, now);
}

void Session::received(std::string_view bytes, Instant now) {
    if (!listening()) return;
    heard_at_ = now;
    enquiries_missed_ = 0;
    speech_->received(*this, bytes, now);
}

void Session::broke(std::string_view why, Instant now) {
    if (phase_ == Phase::closed) return;
    if (wish_ != Wish::close) why_ = why;  // else we know better than the socket
    if (phase_ == Phase::bound && now - bound_since_ >= healthy_after) backoff_.reset();
    if (lane_) submitter_.lost(*lane_);
    submitter_.report();
    inbound_.lost();
    outbox_.clear();
    speech_->restart();
    retry_at_ = now + (next_wait_ ? *next_wait_ : backoff_.next(jitter_()));
    next_wait_.reset();
    deadline_.reset();
    wish_ = Wish::nothing;
    phase_ = Phase::closed;
    enquiry_ = 0;
    watcher_.enquired(*this, false, why_, now);
    log::warn(fmt::format("{}.link_down", protocol_), {{"link", name_}, {"why", why_}});
    watcher_.changed(*this, now);
}

void Session::give_up(std::string_view why) {
    why_ = why;
    wish_ = Wish::close;
    if (lane_) submitter_.closing(*lane_);
}

// --- what the peer says ---

void Session::bound(Instant now) {
    phase_ = Phase::bound;
    bound_since_ = now;
    deadline_.reset();
    if (lane_) submitter_.opened(*lane_);
    watcher_.changed(*this, now);
}

void Session::bind_refused(std::string why, std::optional<std::chrono::milliseconds> wait) {
    next_wait_ = wait;
    log::error(fmt::format("{}.bind_refused", protocol_), {{"link", name_}, {"why", why}});
    give_up(why);
}

void Session::bind_unknown(Instant now) {
    if (role_ != Role::transceiver) return bind_refused("the peer knows no such bind", {});
    next_wait_ = 0ms;
    give_up("the peer takes no transceiver: transmitter and receiver instead");
    watcher_.only_pairs(*this, now);
}

void Session::enquiry_answered(std::uint32_t sequence, Instant now) {
    if (sequence != enquiry_ || enquiry_ == 0) return;
    enquiry_ = 0;
    watcher_.enquired(*this, true, {}, now);
}

void Session::unbind_answered(std::uint32_t sequence) {
    if (phase_ == Phase::unbinding && sequence == unbind_sequence_) give_up("unbound");
}

void Session::answered(std::uint32_t sequence,
                       std::uint32_t status,
                       const MessageId& id,
                       Instant now) {
    if (!lane_) return;
    if (submitter_.answered(*lane_, sequence, status, id, now) == Submitter::Wants::rebind &&
        phase_ == Phase::bound) {
        why_ = "the peer says that we are not bound";
        close_in_order(now);
    }
}

// --- time passes ---

void Session::settle() {
    if (!active_) return;
    inbound_.settle();
    speech_->settled(*this);
}

void Session::durable(contract::Ticket up_to) {
    if (active_) inbound_.durable(up_to, *speech_, outbox_.tail());
}

void Session::tick(Instant now) {
    if (!active_) return;
    watch_deadlines(now);
    if (phase_ == Phase::closed) knock(now);
    if (phase_ != Phase::bound && phase_ != Phase::draining) return;
    if (lane_ && submitter_.overdue(*lane_, now)) give_up("no answers to submits");
    watch_silence(now);
    if (stopping_ && phase_ == Phase::bound) why_ = "stopped", close_in_order(now);
    if (phase_ == Phase::draining && (!lane_ || lane_->in_flight() == 0)) deadline_ = now;
}

void Session::knock(Instant now) {
    if (stopping_ || (retry_at_ && now < *retry_at_)) return;
    phase_ = Phase::connecting;
    deadline_ = now + times_.connect_within;
    wish_ = Wish::connect;
}

void Session::watch_deadlines(Instant now) {
    if (wish_ == Wish::connect) wish_ = Wish::nothing;  // said once
    if (stopping_ && (phase_ == Phase::connecting || phase_ == Phase::binding))
        return give_up("stopped");
    if (!deadline_ || now < *deadline_) return;
    switch (phase_) {
        case Phase::connecting: return give_up("no connection in time");
        case Phase::binding: return give_up("no answer to bind in time");
        case Phase::draining:
            phase_ = Phase::unbinding;
            deadline_ = now + times_.unbind_within;
            unbind_sequence_ = next_sequence();
            return speech_->part(outbox_.tail(), unbind_sequence_);
        case Phase::unbinding: return give_up("no answer to unbind in time");
        case Phase::closed:
        case Phase::bound: return;
    }
}

/// Never closes first: the peer would keep the old bind and refuse the next one (0x05).
void Session::close_in_order(Instant now) {
    phase_ = Phase::draining;
    deadline_ = now + times_.drain_within;
    if (lane_) submitter_.closing(*lane_);
}

void Session::ask(Instant now) {
    enquiry_ = next_sequence();
    enquired_at_ = now;
    std::string pdu;
    speech_->enquire(pdu, enquiry_);
    outbox_.urgent(pdu);
}

bool Session::enquire(Instant now) {
    if (phase_ != Phase::bound) return false;
    ask(now);
    return true;
}

void Session::watch_silence(Instant now) {
    if (enquiry_ != 0 && now - enquired_at_ >= times_.enquire_within) {
        enquiry_ = 0;
        watcher_.enquired(*this, false, "an enquiry stays unanswered", now);
        if (++enquiries_missed_ >= times_.enquiries_missed_most)
            return give_up("enquiries stay unanswered");
        return ask(now);
    }
    if (enquiry_ == 0 && now - heard_at_ >= times_.enquire_after) ask(now);
}

}  // namespace tocsin::sms
