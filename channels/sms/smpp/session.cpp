#include "channels/sms/smpp/session.hpp"

#include "server/base/log.hpp"

#include <fmt/format.h>

namespace tocsin::smpp {
namespace {

using namespace std::chrono_literals;
using contract::LinkState;

constexpr std::size_t outbox_bytes_most = 256 * 1024;  // of submits; answers always fit
constexpr auto healthy_after = 60s;
constexpr int enquiries_missed_most = 2;
constexpr std::uint64_t receiptless_least = 10;  // a few handsets may well be switched off

}  // namespace

Session::Session(const Setup& setup,
                 contract::BulkDesk& desk,
                 Jitter jitter,
                 std::uint32_t first_sequence)
    : setup_(setup),
      desk_(desk),
      jitter_(jitter),
      learner_(setup.reading),
      submitter_(setup, desk, learner_, jitter, first_sequence),
      inbound_(setup, desk, learner_),
      backoff_(setup.retry_first, setup.retry_most) {}

void Session::carry(const contract::Message& message, bool drill) {
    auto campaign = make_campaign(message, drill, setup_);
    if (campaign) return submitter_.carry(std::move(*campaign));
    log::error("smpp.order_refused", {{"why", campaign.error().what}});
    refused_.push_back(
        {message.id, contract::Said::refused, {}, "smpp", {}, campaign.error().what, {}, 0, 1, {}});
}

// --- what happened on the socket ---

void Session::connected(Instant now) {
    phase_ = Phase::binding;
    wish_ = Wish::nothing;
    deadline_ = now + setup_.bind_within;
    bind_sequence_ = submitter_.next_sequence();
    put_bind(outbox_.tail(), Command::bind_transceiver, setup_.bind, bind_sequence_);
}

void Session::received(std::string_view bytes, Instant now) {
    if (phase_ == Phase::closed || wish_ == Wish::close) return;
    heard_at_ = now;
    enquiries_missed_ = 0;
    decoder_.push(bytes);
    while (wish_ != Wish::close) {
        auto pdu = decoder_.next();
        if (!pdu) {
            put_bare(outbox_.tail(), Command::generic_nack, status::invalid_command_length, 0);
            return give_up(pdu.error().what);
        }
        if (!*pdu) return;
        heard(**pdu, now);
    }
}

void Session::broke(std::string_view why, Instant now) {
    if (phase_ == Phase::closed) return;
    if (wish_ != Wish::close) why_ = why;  // else we know better than the socket
    if (phase_ == Phase::bound && now - bound_since_ >= healthy_after) backoff_.reset();
    submitter_.link_lost();
    submitter_.report();
    inbound_.link_lost();
    outbox_.clear();
    decoder_.clear();
    retry_at_ = now + (next_wait_ ? *next_wait_ : backoff_.next(jitter_()));
    next_wait_.reset();
    deadline_.reset();
    enquiry_ = 0;
    wish_ = Wish::nothing;
    phase_ = Phase::closed;
    if (std::exchange(probing_, false)) desk_.probed({false, now - enquired_at_, why_});
    log::warn("smpp.link_down", {{"why", why_}});
    tell_state(LinkState::down, stopping_ ? std::nullopt : retry_at_);
}

void Session::give_up(std::string_view why) {
    why_ = why;
    wish_ = Wish::close;
}

// --- what the peer says ---

void Session::heard(const Pdu& pdu, Instant now) {
    switch (pdu.command) {
        case Command::deliver_sm:
        case Command::data_sm: return inbound_.took(pdu, outbox_);
        case Command::enquire_link: {
            std::string answer;
            put_bare(answer, response(Command::enquire_link), status::ok, pdu.sequence);
            return outbox_.urgent(answer);
        }
        case Command::unbind:
            put_bare(outbox_.tail(), response(Command::unbind), status::ok, pdu.sequence);
            return give_up("the peer unbound");
        case Command::alert_notification:
        case Command::outbind: return;  // no answer by the standard
        default: break;
    }
    if (is_response(pdu.command)) return heard_answer(pdu, now);
    put_bare(outbox_.tail(), Command::generic_nack, status::invalid_command, pdu.sequence);
}

void Session::heard_answer(const Pdu& pdu, Instant now) {
    const auto of = [&](Command request) { return pdu.command == response(request); };
    const bool nack = pdu.command == Command::generic_nack;
    if (phase_ == Phase::binding && pdu.sequence == bind_sequence_ &&
        (nack || of(Command::bind_transceiver)))
        return heard_bind_answer(pdu, now);
    if (of(Command::enquire_link)) return heard_enquiry_answer(pdu.sequence, now);
    if (of(Command::unbind)) {
        if (phase_ == Phase::unbinding && pdu.sequence == unbind_sequence_) give_up("unbound");
        return;
    }
    if (!nack && !of(Command::submit_sm)) return;
    auto status = pdu.status;
    if (nack && status == status::ok) status = status::unknown_error;
    const auto id = parse_message_id(pdu.body);
    if (!id) log::warn("smpp.unreadable", {{"why", id.error().what}});
    const auto wants =
        submitter_.answered(pdu.sequence, status, id ? *id : std::string_view(), now);
    if (wants == Submitter::Wants::rebind && phase_ == Phase::bound) {
        why_ = "the peer says that we are not bound";
        close_in_order(now);
    }
}

void Session::heard_bind_answer(const Pdu& pdu, Instant now) {
    if (pdu.status != status::ok || pdu.command == Command::generic_nack) {
        if (is_slow_to_mend(pdu.status))
            next_wait_ = pdu.status == status::already_bound
                             ? setup_.already_bound_wait +
                                   std::chrono::milliseconds(std::int64_t(
                                       jitter_() * double(setup_.already_bound_wait.count())))
                             : setup_.refused_wait;
        give_up(fmt::format("bind refused with status 0x{:02X}", pdu.status));
        log::error("smpp.bind_refused", {{"status", fmt::format("0x{:02X}", pdu.status)}});
        return;
    }
    const auto answer = parse_bind_answer(pdu.body);
    log::info("smpp.bound",
              {{"peer", answer ? std::string(answer->system_id) : ""},
               {"version", answer && answer->version ? fmt::format("0x{:02X}", *answer->version)
                                                     : "3.3, unsaid"}});
    phase_ = Phase::bound;
    bound_since_ = now;
    deadline_.reset();
    submitter_.link_up();
    learner_.restart();
    tell_state(LinkState::up, std::nullopt);
}

void Session::heard_enquiry_answer(std::uint32_t sequence, Instant now) {
    if (sequence != enquiry_) return;
    enquiry_ = 0;
    if (std::exchange(probing_, false))
        desk_.probed({!receiptless_, now - enquired_at_,
                      receiptless_ ? "enquire_link answered, but no receipts come"
                                   : "enquire_link answered"});
}

// --- time passes ---

void Session::tick(Instant now) {
    for (auto& evidence : std::exchange(refused_, {})) {
        evidence.at = now;
        desk_.report(std::move(evidence));
    }
    submitter_.report();
    inbound_.settle();
    watch_receipts(now);
    watch_deadlines(now);
    if (phase_ == Phase::closed) knock(now);
    answer_probe(now);
    if (phase_ != Phase::bound && phase_ != Phase::draining) return;
    if (submitter_.overdue(now)) give_up("no answers to submits");
    submitter_.report();
    watch_silence(now);
    if (stopping_ && phase_ == Phase::bound) why_ = "stopped", close_in_order(now);
    if (phase_ == Phase::draining && submitter_.in_flight() == 0) deadline_ = now;
    if (phase_ == Phase::bound && wish_ != Wish::close)
        submitter_.fill(now, outbox_.tail(), outbox_bytes_most);
    submitter_.report();
    tell_pace(now);
}

void Session::knock(Instant now) {
    if (stopping_) {
        submitter_.give_back();
        submitter_.report();
        return;
    }
    submitter_.expire(now);
    submitter_.report();
    if (retry_at_ && now < *retry_at_) return;
    phase_ = Phase::connecting;
    deadline_ = now + setup_.connect_within;
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
            deadline_ = now + setup_.unbind_within;
            unbind_sequence_ = submitter_.next_sequence();
            put_bare(outbox_.tail(), Command::unbind, status::ok, unbind_sequence_);
            return;
        case Phase::unbinding: return give_up("no answer to unbind in time");
        case Phase::closed:
        case Phase::bound: return;
    }
}

/// Never closes first: the peer would keep the old bind and refuse the next one (0x05).
void Session::close_in_order(Instant now) {
    phase_ = Phase::draining;
    deadline_ = now + setup_.drain_within;
    if (stopping_) submitter_.give_back();
}

void Session::enquire(Instant now) {
    enquiry_ = submitter_.next_sequence();
    enquired_at_ = now;
    std::string pdu;
    put_bare(pdu, Command::enquire_link, status::ok, enquiry_);
    outbox_.urgent(pdu);
}

void Session::watch_silence(Instant now) {
    if (enquiry_ != 0 && now - enquired_at_ >= setup_.enquire_within) {
        enquiry_ = 0;
        if (std::exchange(probing_, false))
            desk_.probed({false, now - enquired_at_, "enquire_link unanswered"});
        if (++enquiries_missed_ >= enquiries_missed_most)
            return give_up("two enquire_link unanswered");
        return enquire(now);
    }
    if (enquiry_ == 0 && now - heard_at_ >= setup_.enquire_after) enquire(now);
}

void Session::answer_probe(Instant now) {
    if (!std::exchange(probe_asked_, false)) return;
    if (phase_ != Phase::bound) return desk_.probed({false, 0ms, "not bound: " + why_});
    probing_ = true;
    enquire(now);
}

/// Scar F3: a network that takes everything and says nothing about handsets may reach none.
void Session::watch_receipts(Instant now) {
    const auto accepted = submitter_.counters().accepted;
    const auto seen = inbound_.counters().receipts;
    if (std::exchange(receipts_seen_, seen) != seen) {
        accepted_before_ = accepted;
        receiptless_since_.reset();
        receiptless_ = false;
    }
    if (accepted - accepted_before_ < receiptless_least) return;
    if (!receiptless_since_) receiptless_since_ = now;
    if (receiptless_ || now - *receiptless_since_ < setup_.receipts_within) return;
    receiptless_ = true;
    const auto what =
        fmt::format("{} accepted since the last receipt", accepted - accepted_before_);
    log::error("smpp.no_receipts", {{"what", what}});
    desk_.probed({false, now - *receiptless_since_, "no receipts: " + what});
}

void Session::tell_state(LinkState state, std::optional<Instant> until) {
    if (told_ == state && told_until_ == until) return;
    told_ = state;
    told_until_ = until;
    desk_.link(state, until);
}

void Session::tell_pace(Instant now) {
    if (phase_ != Phase::bound) return;
    const auto until = submitter_.paused_until(now);
    tell_state(until ? LinkState::throttled : LinkState::up, until);
}

}  // namespace tocsin::smpp
