#include "channels/sms/area/session.hpp"

#include "channels/sms/area/status.hpp"
#include "server/base/log.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::smpp_area {
namespace {

using namespace contract;
using namespace std::chrono_literals;
using Want = Slot::Want;

constexpr std::size_t chains_most = 4096;
constexpr std::uint32_t cancels_most = 5;
constexpr auto past_the_end = 1s;  // the peer's clock rounds
constexpr int silent_most = 3;
constexpr auto unbind_within = 2s;

std::chrono::milliseconds ceil_to_seconds(std::chrono::milliseconds left) {
    return std::chrono::ceil<std::chrono::seconds>(left);
}

}  // namespace

Session::Session(Setup setup, Desk& desk, Jitter jitter)
    : setup_(std::move(setup)),
      desk_(desk),
      jitter_(std::move(jitter)),
      source_(setup_.source_name()),
      backoff_(setup_.reconnect_first, setup_.reconnect_most) {}

Wish Session::wish() { return std::exchange(wish_, Wish::nothing); }

void Session::carry(const Message& message, bool drill, Instant now) {
    const auto known = chains_.find(message.id.ordinal);
    if (known != chains_.end() && known->second.id.revision > message.id.revision) return;
    if (known != chains_.end() && known->second.id == message.id) {
        known->second.again();
        return tell(known->second, now);
    }
    const bool unknown_past = known == chains_.end() && message.shown > 0;
    if (message.action == Action::withdraw) {
        auto& chain = chains_[message.id.ordinal];
        const auto until = now + setup_.all_clear;
        std::vector<Broadcast> words;
        if (setup_.all_clear > 0ms)
            if (auto composed = compose(message, drill, setup_)) words = std::move(*composed);
        if (unknown_past) {  // cancelled as it was sent: source and type are compared
            const auto& manner = drill ? setup_.drill : setup_.live;
            chain.id = message.id;
            chain.withdraw(message.id, true, std::move(words), until);
            for (auto& slot : chain.slots)
                slot.broadcast.service_type = manner.service_type,
                slot.broadcast.source = manner.source;
        } else {
            if (known == chains_.end()) chain.id = message.id;
            chain.withdraw(message.id, false, std::move(words), until);
        }
        return tell(chain, now);
    }
    auto broadcasts = compose(message, drill, setup_);
    if (!broadcasts) {  // what it was to replace stays: better old than nothing
        desk_.report({message.id,
                      Said::refused,
                      now,
                      source_,
                      "compose",
                      broadcasts.error().what,
                      {},
                      1,
                      1,
                      {}});
        return;
    }
    auto& chain = chains_[message.id.ordinal];
    chain.renew(message, drill, std::move(*broadcasts), unknown_past, setup_.replace);
    forget_old();
}

/// What is over leaves its revision behind for a while, so that a late older one changes nothing.
void Session::forget_old() {
    for (auto it = chains_.begin(); chains_.size() > chains_most && it != chains_.end();)
        it = it->second.at_rest() ? chains_.erase(it) : std::next(it);
}

void Session::probe(Instant now) {
    if (!bound()) return desk_.probed({false, 0ms, trouble_});
    probes_.push_back(now);
    const auto sequence = next_sequence();
    send(bare(Command::enquire_link, 0, sequence), {Flight::What::enquiry, {}, 0, now}, now);
}

void Session::stop(Instant now) {
    if (phase_ == Phase::bound) {
        phase_ = Phase::unbinding, since_ = now;
        outbox_.tail() += bare(Command::unbind, 0, next_sequence());
        return;
    }
    if (phase_ == Phase::stopped) return;
    phase_ = Phase::stopped, wish_ = Wish::close;
    desk_.link(LinkState::down, std::nullopt);
}

void Session::connected(Instant now) {
    if (phase_ != Phase::connecting) return;
    phase_ = Phase::binding, since_ = now, heard_ = now;
    const auto pdu = encode(setup_.bind_as, setup_.bind, next_sequence());
    if (!pdu) return down(pdu.error().what, now + setup_.refused_wait);
    outbox_.tail() += *pdu;
}

void Session::down(const std::string& why, Instant until) {
    trouble_ = why;
    const bool told = phase_ == Phase::stopped;
    phase_ = phase_ == Phase::unbinding ? Phase::stopped : told ? phase_ : Phase::waiting;
    retry_at_ = until;
    wish_ = Wish::close;
    outbox_.clear(), decoder_.clear();
    // Unanswered: each goes again under its reference, so that a copy replaces its original.
    for (auto& [_, chain] : chains_)
        for (auto& slot : chain.slots) slot.flying = false, slot.due = {};
    flights_.clear();
    silent_ = 0;
    for (std::size_t i = probes_.size(); i > 0; --i) desk_.probed({false, 0ms, why});
    probes_.clear();
    if (!told)
        desk_.link(LinkState::down, phase_ == Phase::waiting ? std::optional(until) : std::nullopt);
}

void Session::broke(const std::string& why, Instant now) {
    if (phase_ == Phase::waiting || phase_ == Phase::stopped) return;
    if (phase_ != Phase::unbinding) log::warn("smpp_area.link_lost", {{"why", why}});
    down(why, now + backoff_.next(jitter_()));
}

void Session::received(std::string_view bytes, Instant now) {
    heard_ = now;
    silent_ = 0;
    decoder_.push(bytes);
    while (true) {
        auto next = decoder_.next();
        if (!next) return broke(next.error().what, now);
        if (!*next) break;
        hear(**next, now);
        if (phase_ == Phase::waiting || phase_ == Phase::stopped) return;
    }
    for (auto& [_, chain] : chains_) tell(chain, now);
}

void Session::hear(const Pdu& pdu, Instant now) {
    switch (pdu.command) {
        case Command::bind_transmitter_resp:
        case Command::bind_transceiver_resp: return hear_bind(pdu, now);
        case Command::enquire_link:
            return outbox_.urgent(bare(Command::enquire_link_resp, 0, pdu.sequence));
        case Command::unbind:
            outbox_.tail() += bare(Command::unbind_resp, 0, pdu.sequence);
            return broke("the peer unbound", now);
        case Command::deliver_sm: {  // people's words belong to the SMS endpoint
            auto answer = bare(Command::deliver_sm_resp, status::not_for_us, pdu.sequence);
            outbox_.tail() += answer;
            return;
        }
        case Command::unbind_resp: return broke("unbound", now);
        case Command::generic_nack:
        default:
            if (std::uint32_t(pdu.command) & response_bit) return hear_answer(pdu, now);
            outbox_.tail() += bare(Command::generic_nack, status::invalid_command, pdu.sequence);
    }
}

void Session::hear_bind(const Pdu& pdu, Instant now) {
    if (phase_ != Phase::binding) return;
    if (pdu.status == status::ok) {
        const auto version = parse_bind_answer(pdu.body);
        if (version && *version && **version < version_50)
            log::warn("smpp_area.old_peer", {{"version", fmt::format("{:#x}", **version)}});
        phase_ = Phase::bound;
        trouble_.clear();
        backoff_.reset();
        desk_.link(LinkState::up, std::nullopt);
        return;
    }
    log::error("smpp_area.bind_refused", {{"status", word_of(pdu.status)}});
    const bool for_good = pdu.status == status::bind_failed ||
                          pdu.status == status::invalid_password ||
                          pdu.status == status::invalid_system_id;
    const auto wait = for_good                              ? setup_.refused_wait
                      : pdu.status == status::already_bound ? setup_.already_bound_wait
                                                            : backoff_.next(jitter_());
    down(fmt::format("bind refused: {}", word_of(pdu.status)), now + wait);
}

void Session::hear_answer(const Pdu& pdu, Instant now) {
    const auto found = flights_.find(pdu.sequence);
    if (found == flights_.end()) return;  // late: it has gone again
    const auto flight = found->second;
    flights_.erase(found);
    if (flight.what == Flight::What::enquiry) {
        for (const auto asked : probes_)
            desk_.probed({true, std::chrono::duration_cast<std::chrono::milliseconds>(now - asked),
                          "enquire_link answered"});
        probes_.clear();
        return;
    }
    if (pdu.status == status::invalid_bind_status)
        return broke("the peer says that we are not bound", now);
    const auto at = chains_.find(flight.order.ordinal);
    if (at == chains_.end() || flight.slot >= at->second.slots.size()) return;
    auto& slot = at->second.slots[flight.slot];
    slot.flying = false;
    switch (flight.what) {
        case Flight::What::put: return put_answered(at->second, slot, pdu, flight, now);
        case Flight::What::query: return query_answered(at->second, slot, pdu, now);
        default: return cancel_answered(at->second, slot, pdu, now);
    }
}

/// The peer is busy: each try waits twice as long.
void Session::later(Slot& slot, Instant now) {
    const auto wait = setup_.retry_first * (1 << std::min(slot.tries++, 6u));
    slot.due = now + std::min(wait, setup_.retry_most);
}

void Session::put_answered(
    Chain& chain, Slot& slot, const Pdu& pdu, const Flight& flight, Instant now) {
    auto answer = parse_broadcast_answer(pdu.body);
    const bool taken = pdu.status == status::ok && answer.has_value();
    if (taken) slot.there = true, slot.id = answer->message_id;
    // Of an older revision: it is there, and what came since takes care of it.
    if (flight.order != chain.id || slot.want != Want::put) return;
    if (chain.withdrawn && !is_busy(pdu.status)) {
        taken ? void(slot.want = Want::nothing) : chain.lift_refused(slot, word_of(pdu.status));
    } else if (taken) {
        slot.failed = std::move(answer->failed);
        slot.want = Want::watch, slot.tries = 0;
        slot.look_again = setup_.query_first;
        slot.due = now + slot.look_again;
    } else if (is_busy(pdu.status)) {
        later(slot, now);
    } else {
        slot.refused = pdu.status == status::ok ? std::uint32_t(status::system_error) : pdu.status;
        slot.want = Want::nothing;
    }
}

void Session::gone_from_peer(Chain& chain, Slot& slot, Instant now) {
    if (chain.withdrawn) return chain.cancelled(slot);
    slot.there = false;
    const bool too_early = slot.want == Want::watch && !chain.ending && now < chain.expires;
    const bool refused = slot.state == State::undeliverable || slot.state == State::rejected ||
                         slot.state == State::skipped;
    if (too_early && refused)
        slot.refused = status::system_error, slot.own_words = std::string(word(slot.state));
    slot.want = Want::nothing;
}

void Session::query_answered(Chain& chain, Slot& slot, const Pdu& pdu, Instant now) {
    const auto answer = parse_query_answer(pdu.body);
    const bool watching = slot.want == Want::watch, verifying = slot.want == Want::verify;
    if (!watching && !verifying) return;
    if (pdu.status == status::ok && answer) {
        slot.state = State(std::min<std::uint8_t>(answer->state, 9));
        slot.seen = true;
        slot.reached = answer->areas;
        if (is_over(slot.state)) return gone_from_peer(chain, slot, now);
        if (verifying || (chain.ending && watching)) {
            slot.want = Want::cancel;
            return slot.tries++ < cancels_most ? later(slot, now) : void(slot.due = now);
        }
    } else if (is_absent(pdu.status)) {
        slot.state = State::unknown, slot.seen = true;
        return gone_from_peer(chain, slot, now);
    } else if (is_busy(pdu.status)) {
        return later(slot, now);
    } else if (verifying) {  // no way to know: the cancellation stands as it was answered
        slot.refused = pdu.status, slot.want = Want::nothing;
        return;
    }
    slot.look_again = std::min(std::max(slot.look_again, 1ms) * 2, setup_.query_every);
    slot.due = now + slot.look_again;
}

void Session::cancel_answered(Chain& chain, Slot& slot, const Pdu& pdu, Instant now) {
    const bool clearing = slot.want == Want::clear;
    if (!clearing && slot.want != Want::cancel) return;
    if (pdu.status == status::ok || is_absent(pdu.status) ||
        (clearing && pdu.status == status::broadcast_cancel_failed)) {
        clearing ? void((slot.there = false, slot.want = Want::put)) : chain.cancelled(slot);
        return;
    }
    if (is_busy(pdu.status)) return later(slot, now);
    if (slot.tries >= cancels_most) {
        slot.refused = pdu.status, slot.want = Want::nothing;
        return;
    }
    slot.want = clearing ? Want::put : Want::verify;  // is it there at all?
    slot.due = now;
}

Which Session::which(const Slot& slot) const {
    Which out{{}, slot.id, slot.broadcast.source, {}};
    if (slot.id.empty()) out.reference = slot.broadcast.reference;
    return out;
}

void Session::send(const Result<std::string>& pdu, Flight flight, Instant now) {
    if (!pdu) return log::error("smpp_area.cannot_encode", {{"why", pdu.error().what}});
    flight.sent = now;
    flights_[sequence_] = flight;
    outbox_.tail() += *pdu;
}

void Session::send_slot(Chain& chain, std::size_t index, Instant now) {
    auto& slot = chain.slots[index];
    if (slot.want == Want::put && now >= chain.expires) {
        if (chain.withdrawn) return chain.lift_refused(slot, "no time left");
        slot.refused = status::expired, slot.want = Want::nothing;
        return;
    }
    slot.flying = true;
    const auto sequence = next_sequence();
    const auto flight = [&](Flight::What what) { return Flight{what, chain.id, index, now}; };
    switch (slot.want) {
        case Want::put: {
            auto broadcast = slot.broadcast;
            // By reference, known or not: what an earlier try or life left is replaced, never doubled.
            broadcast.replace = setup_.replace;
            broadcast.valid_s = std::uint32_t(ceil_to_seconds(std::min<std::chrono::milliseconds>(
                                                  chain.expires - now, 24h * 28)) /
                                              1s);
            return send(encode(broadcast, sequence), flight(Flight::What::put), now);
        }
        case Want::watch:
        case Want::verify:
            return send(encode_query(which(slot), sequence), flight(Flight::What::query), now);
        case Want::clear:
        case Want::cancel: {
            auto named = which(slot);
            named.service_type = slot.broadcast.service_type;
            return send(encode_cancel(named, sequence), flight(Flight::What::cancel), now);
        }
        case Want::nothing: slot.flying = false;
    }
}

/// Over: the peer ends it by itself; one that does not is cancelled.
void Session::expire(Chain& chain, Instant now) {
    if (chain.withdrawn || chain.ending || now < chain.expires + past_the_end) return;
    chain.ending = true;
    for (auto& slot : chain.slots) {
        if (slot.want == Want::put || slot.want == Want::clear)
            slot.refused = status::expired, slot.want = Want::nothing;
        slot.due = now;
    }
}

void Session::send_due(Instant now) {
    for (auto& [_, chain] : chains_) {
        expire(chain, now);
        for (std::size_t i = 0; i < chain.slots.size(); ++i) {
            const auto& slot = chain.slots[i];
            if (slot.want == Want::nothing || slot.flying || slot.due > now) continue;
            if (flights_.size() >= setup_.window) return;
            send_slot(chain, i, now);
        }
        tell(chain, now);
    }
}

void Session::tell(Chain& chain, Instant now) {
    while (auto news = chain.news(source_)) {
        news->at = now;
        desk_.report(std::move(*news));
    }
}

void Session::time_out(Instant now) {
    for (auto it = flights_.begin(); it != flights_.end();) {
        if (now - it->second.sent < setup_.response_within) {
            ++it;
            continue;
        }
        const auto flight = it->second;
        it = flights_.erase(it);
        ++silent_;
        if (flight.what == Flight::What::enquiry) silent_ = silent_most;
        const auto at = chains_.find(flight.order.ordinal);
        if (at == chains_.end() || flight.slot >= at->second.slots.size()) continue;
        at->second.slots[flight.slot].flying = false;
        at->second.slots[flight.slot].due = now;
    }
    if (silent_ >= silent_most) broke("no answer", now);
}

void Session::watch_link(Instant now) {
    if (phase_ == Phase::connecting && now - since_ >= setup_.connect_within)
        return broke("no connection in time", now);
    if (phase_ == Phase::binding && now - since_ >= setup_.bind_within)
        return broke("no answer to the bind", now);
    if (phase_ == Phase::unbinding && now - since_ >= unbind_within)
        return broke("no answer to unbind", now);
    if (phase_ != Phase::bound) return;
    time_out(now);
    const bool enquiring = std::ranges::any_of(
        flights_, [](const auto& f) { return f.second.what == Flight::What::enquiry; });
    if (phase_ == Phase::bound && !enquiring && now - heard_ >= setup_.enquire_after) {
        const auto sequence = next_sequence();
        send(bare(Command::enquire_link, 0, sequence), {Flight::What::enquiry, {}, 0, now}, now);
    }
}

void Session::step(Instant now) {
    watch_link(now);
    if (phase_ == Phase::waiting && now >= retry_at_ && wish_ == Wish::nothing) {
        phase_ = Phase::connecting, since_ = now;
        wish_ = Wish::connect;
    }
    if (phase_ == Phase::bound) return send_due(now);
    // Nobody there: what expires meanwhile is told all the same.
    for (auto& [_, chain] : chains_) {
        if (now < chain.expires || chain.withdrawn) continue;
        for (auto& slot : chain.slots)
            if (slot.want == Want::put && !slot.flying)
                slot.refused = status::expired, slot.want = Want::nothing;
        tell(chain, now);
    }
}

Instant Session::due(Instant now) const {
    auto out = now + 1s;
    if (phase_ == Phase::waiting) out = std::min(out, retry_at_);
    for (const auto& [_, chain] : chains_)
        for (const auto& slot : chain.slots)
            if (slot.want != Want::nothing && !slot.flying && bound() &&
                flights_.size() < setup_.window)
                out = std::min(out, slot.due);
    for (const auto& [_, flight] : flights_)
        out = std::min(out, flight.sent + setup_.response_within);
    if (phase_ == Phase::binding) out = std::min(out, since_ + setup_.bind_within);
    if (phase_ == Phase::connecting) out = std::min(out, since_ + setup_.connect_within);
    return std::max(out, now + 1ms);
}

std::uint32_t Session::next_sequence() {
    sequence_ = sequence_ >= sequence_max ? 1 : sequence_ + 1;
    return sequence_;
}

}  // namespace tocsin::smpp_area
