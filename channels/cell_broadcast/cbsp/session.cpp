#include "channels/cell_broadcast/cbsp/session.hpp"

#include "server/base/log.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::cbsp {
namespace {

constexpr std::size_t late_most = 64;

enum class Family : std::uint8_t { none, write, kill, status };

Family family_of(Type type) {
    switch (type) {
        case Type::write_replace:
        case Type::write_replace_complete:
        case Type::write_replace_failure: return Family::write;
        case Type::kill:
        case Type::kill_complete:
        case Type::kill_failure: return Family::kill;
        case Type::status_query:
        case Type::status_query_complete:
        case Type::status_query_failure: return Family::status;
        default: return Family::none;
    }
}

/// There are no transaction numbers: family, identifier and serial are what tells answers apart.
bool answers(const Pdu& pdu, const Op& op) {
    const auto family = family_of(op.type);
    const auto serial = family == Family::write ? pdu.fresh : pdu.old;
    return family_of(pdu.type) == family && pdu.identifier == op.identifier && serial == op.serial;
}

std::string load_words(const Pdu& pdu) {
    unsigned most = 0;
    for (const auto& one : pdu.loads->entries) most = std::max<unsigned>(most, one.predicted);
    return fmt::format("load {} %", most);
}

}  // namespace

Session::Session(std::string name,
                 std::vector<std::uint64_t> cells,
                 const Limits& limits,
                 const Times& times,
                 bool dials,
                 Jitter jitter)
    : name_(std::move(name)),
      holdings_(std::move(cells), limits),
      times_(times),
      dials_(dials),
      jitter_(std::move(jitter)),
      backoff_(times.reconnect, times.reconnect_most) {
    if (dials_) retry_at_ = Instant{};
}

void Session::connected(Instant now) {
    phase_ = Phase::greeting;
    deadline_ = now + times_.keep_alive_within;
    reader_.clear();
    asked_.clear();
    late_.clear();
    holdings_.doubt(now);
    greet(now);
}

/// A peer that never speaks is not up: its first word is the answer to this, or its own RESTART.
void Session::greet(Instant now) {
    Pdu hello{.type = Type::keep_alive};
    hello.keep_alive =
        period_code(std::chrono::duration_cast<std::chrono::seconds>(times_.keep_alive));
    send(hello);
    alive_asked_ = now;
    alive_at_ = now + times_.keep_alive;
}

void Session::came_up(Instant now) {
    deadline_.reset();
    backoff_.reset();
    const bool reset =
        times_.reset == Reset::always || (times_.reset == Reset::unknown && !remembered_);
    if (!reset) {
        phase_ = Phase::up;
        return;
    }
    phase_ = Phase::resetting;
    deadline_ = now + times_.reply_within;
    Pdu pdu{.type = Type::reset};
    pdu.cells = holdings_.all_cells();
    send(pdu);
}

void Session::send(const Pdu& pdu) {
    auto bytes = encode(pdu);
    if (!bytes) return log::error("cbsp.unwritable", {{"bsc", name_}, {"why", bytes.error().what}});
    ++counters_.sent;
    outbox_ += *bytes;
}

void Session::received(std::string_view bytes, Instant now) {
    reader_.push(bytes);
    while (phase_ >= Phase::greeting) {
        auto whole = reader_.next();
        if (!whole) {
            trouble_ = whole.error().what;
            wish_ = Wish::close;
            return;
        }
        if (!*whole) break;
        ++counters_.received;
        const auto pdu = decode(**whole);
        if (pdu) {
            heard(*pdu, now);
        } else {
            ++counters_.malformed;
            log::warn("cbsp.malformed", {{"bsc", name_}, {"why", pdu.error().what}});
        }
    }
    pump(now);
}

void Session::heard(const Pdu& pdu, Instant now) {
    if (phase_ == Phase::greeting) came_up(now);
    switch (pdu.type) {
        case Type::restart: return holdings_.restarted(pdu, now);
        case Type::failure: return holdings_.failed(pdu);
        case Type::error_indication: return error_indicated(pdu, now);
        case Type::keep_alive_complete: return keep_alive_answered(now);
        case Type::reset_complete:
            if (phase_ == Phase::resetting) holdings_.emptied(now);
            [[fallthrough]];
        case Type::reset_failure:
            if (phase_ != Phase::resetting) return;
            phase_ = Phase::up;
            remembered_ = true;
            return deadline_.reset();
        case Type::load_query_complete:
            if (load_asked_) probe_done(true, load_words(pdu), now);
            return;
        case Type::load_query_failure:
            if (load_asked_)
                probe_done(false,
                           cause_word(pdu.failures->empty() ? std::uint8_t(cause::unspecified)
                                                            : pdu.failures->front().cause),
                           now);
            return;
        default: return answer(pdu, now);
    }
}

void Session::answer(const Pdu& pdu, Instant now) {
    const auto at =
        std::ranges::find_if(asked_, [&](const Asked& a) { return answers(pdu, a.op); });
    if (at != asked_.end()) {
        const auto op = std::move(at->op);
        asked_.erase(at);
        return holdings_.answered(op, pdu, now);
    }
    const auto late = std::ranges::find_if(late_, [&](const Op& op) { return answers(pdu, op); });
    if (late == late_.end()) {
        log::warn("cbsp.unasked", {{"bsc", name_}, {"what", word(pdu.type)}});
        return;
    }
    ++counters_.late;
    const auto op = std::move(*late);
    late_.erase(late);
    holdings_.answered(op, pdu, now);
}

/// It may name the message that it is about; if not, it is about the oldest that waits.
void Session::error_indicated(const Pdu& pdu, Instant now) {
    log::warn("cbsp.error_indication", {{"bsc", name_}, {"cause", cause_word(*pdu.cause)}});
    const auto about = [&](const Asked& a) {
        if (!pdu.identifier) return true;
        const auto serial = family_of(a.op.type) == Family::write ? pdu.fresh : pdu.old;
        return a.op.identifier == *pdu.identifier && (!serial || *serial == a.op.serial);
    };
    const auto at = std::ranges::find_if(asked_, about);
    if (at == asked_.end()) return;
    const auto op = std::move(at->op);
    asked_.erase(at);
    holdings_.refused(op, *pdu.cause, now);
}

bool Session::conflicts(const Op& op) const {
    return std::ranges::any_of(asked_, [&](const Asked& a) {
        return a.op.identifier == op.identifier && a.op.serial == op.serial &&
               family_of(a.op.type) == family_of(op.type);
    });
}

void Session::pump(Instant now) {
    if (stopped_ || phase_ != Phase::up) return;
    while (asked_.size() < times_.window) {
        auto op = holdings_.next(now);
        if (!op) break;
        // Of one answered late and asked again the same answer would count for both.
        std::erase_if(late_, [&](const Op& old) {
            return old.identifier == op->identifier && old.serial == op->serial;
        });
        if (conflicts(*op)) {
            holdings_.unanswered(*op, now);
            continue;
        }
        send(holdings_.pdu_of(*op, now));
        asked_.push_back({std::move(*op), now + times_.reply_within});
    }
}

void Session::tick(Instant now) {
    if (stopped_) return;
    if (phase_ == Phase::closed && retry_at_ && now >= *retry_at_) {
        retry_at_.reset();
        phase_ = Phase::connecting;
        wish_ = Wish::connect;
        deadline_ = now + times_.connect_within;
    }
    if (deadline_ && now >= *deadline_) {
        deadline_.reset();
        if (phase_ == Phase::resetting) {  // not all controllers answer
            phase_ = Phase::up;
        } else if (phase_ != Phase::closed) {
            trouble_ = phase_ == Phase::connecting ? "no connection in time" : "says nothing";
            wish_ = Wish::close;
        }
    }
    watch(now);
    pump(now);
}

/// Silence: of an operation it is its own trouble, of a keep-alive the link's.
void Session::watch(Instant now) {
    for (std::size_t i = 0; i < asked_.size();) {
        if (now < asked_[i].by) {
            ++i;
            continue;
        }
        ++counters_.unanswered;
        auto op = std::move(asked_[i].op);
        asked_.erase(asked_.begin() + std::ptrdiff_t(i));
        log::warn("cbsp.unanswered", {{"bsc", name_}, {"what", word(op.type)}});
        holdings_.unanswered(op, now);
        late_.push_back(std::move(op));
        if (late_.size() > late_most) late_.pop_front();
    }
    if (phase_ < Phase::resetting) return;
    // Many controllers don't know the question; that they live is said all the same.
    if (load_asked_ && probe_since_ && now >= *probe_since_ + times_.reply_within)
        probe_done(true, "KEEP-ALIVE answered, LOAD QUERY not", now);
    if (alive_asked_ && now >= *alive_asked_ + times_.keep_alive_within) {
        trouble_ = "KEEP-ALIVE not answered";
        wish_ = Wish::close;
        alive_asked_.reset();
        return;
    }
    if (!alive_asked_ && now >= alive_at_) greet(now);
}

void Session::keep_alive_answered(Instant now) {
    alive_asked_.reset();
    if (!probe_since_ || load_asked_) return;
    if (!times_.load_query) return probe_done(true, "KEEP-ALIVE answered", now);
    load_asked_ = true;
    Pdu pdu{.type = Type::load_query};
    pdu.cells = holdings_.all_cells();
    pdu.channel = 0;
    send(pdu);
}

void Session::probe(Instant now) {
    probe_since_ = now;
    load_asked_ = false;
    if (phase_ < Phase::resetting) return probe_done(false, trouble_, now);
    if (!alive_asked_) greet(now);
}

void Session::probe_done(bool well, std::string what, Instant now) {
    if (!probe_since_) return;
    probed_ = Answer{well, now - *probe_since_, std::move(what)};
    probe_since_.reset();
    load_asked_ = false;
}

void Session::broke(std::string_view why, Instant now) {
    if (!why.empty()) trouble_ = why;
    const bool was_open = phase_ >= Phase::greeting;
    phase_ = Phase::closed;
    wish_ = Wish::nothing;
    deadline_.reset();
    alive_asked_.reset();
    asked_.clear();
    late_.clear();
    outbox_.clear();
    reader_.clear();
    if (was_open) holdings_.doubt(now);
    probe_done(false, trouble_, now);
    if (dials_) retry_at_ = now + backoff_.next(jitter_());
}

Wish Session::wish(Instant) { return std::exchange(wish_, Wish::nothing); }

std::optional<Instant> Session::due() const {
    std::optional<Instant> first;
    const auto at = [&](Instant when) {
        if (!first || when < *first) first = when;
    };
    if (phase_ == Phase::closed && retry_at_) at(*retry_at_);
    if (deadline_) at(*deadline_);
    for (const auto& asked : asked_) at(asked.by);
    if (phase_ >= Phase::resetting)
        at(alive_asked_ ? *alive_asked_ + times_.keep_alive_within : alive_at_);
    if (load_asked_ && probe_since_) at(*probe_since_ + times_.reply_within);
    if (phase_ == Phase::up && asked_.size() < times_.window)
        if (const auto own = holdings_.due()) at(*own);
    return first;
}

}  // namespace tocsin::cbsp
