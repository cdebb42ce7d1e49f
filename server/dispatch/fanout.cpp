#include "server/dispatch/fanout.hpp"

#include "server/base/log.hpp"
#include "server/dispatch/words.hpp"

#include <algorithm>

namespace tocsin::dispatch {

using contract::Action;
using receipts::Delivery;

struct Fanout::Job {
    ledger::OutboxEntry entry;
    Shared alert;
    std::string state;     // as it is now
    std::size_t left = 0;  // steps that are not stored yet
    bool failed = false, stuck = false, running = false;
    bool detached = false;  // a backup's: there is no entry to drain
    Rank rank = Rank::drill;
    Instant accepted{};
};

/// A fault fails the entry, which is read and done again; the other steps go on.
template <class T> auto Fanout::answered(const Held& job, std::function<void(T)> then) {
    return alive_.guard([this, job, then = std::move(then)](Result<T> answer) {
        if (answer.has_error())
            fault(job, answer.error());
        else
            then(std::move(*answer));
        done(job);
    });
}

void Fanout::start() {
    running_ = true;
    round();
}

void Fanout::round() {
    if (!running_) return;
    stir();
    floor_.timers.after(floor_.tuning.outbox_every, alive_.guard([this] { round(); }));
}

void Fanout::stir() {
    if (!running_) return;
    if (std::exchange(reading_, true)) {
        again_ = true;
        return;
    }
    using Entries = std::vector<ledger::OutboxEntry>;
    floor_.ledger.outbox(floor_.tuning.outbox_batch, alive_.guard([this](Result<Entries> answer) {
        reading_ = false;
        if (answer.has_value()) drain(std::move(*answer));
        if (std::exchange(again_, false)) stir();
    }));
}

/// All alerts of a batch are read first: a thousand that came in one second leave by gravity, not
/// by their turn (scar F1).
void Fanout::drain(std::vector<ledger::OutboxEntry> entries) {
    floor_.metrics.outbox_entries = entries.size();
    for (auto& entry : entries) {
        auto& job = jobs_[entry.entry];
        if (job) continue;
        job = std::make_shared<Job>();
        job->entry = std::move(entry);
        ++unread_;
        floor_.ledger.alert(
            job->entry.alert,
            alive_.guard([this, job](Result<std::optional<ledger::AlertRecord>> found) {
                queue(job, std::move(found));
                if (--unread_ == 0) next();
            }));
    }
    if (unread_ > 0) floor_.timers.after(milliseconds(5), alive_.guard([this] { next(); }));
}

void Fanout::queue(const Held& job, Result<std::optional<ledger::AlertRecord>> found) {
    if (found.has_error() || !*found) {
        fault(job, found.has_error() ? found.error()
                                     : Fault{Cause::refused, "no alert " + job->entry.alert});
        return retry(job);
    }
    job->state = (*found)->state;
    job->accepted = (*found)->accepted_at;
    auto alert = floor_.alerts.put(std::move(**found));
    if (alert.has_error()) {
        fault(job, alert.error());
        return retry(job);
    }
    job->alert = *alert;
    const auto& plan = job->alert->plan;
    const bool cancel = job->alert->record.kind == ledger::Kind::cancel;
    job->rank = rank_of(plan.mode, cancel ? Action::withdraw : Action::publish, plan.level);
    const auto graver_last = [](const Held& a, const Held& b) {
        return std::tuple(a->rank, a->accepted, a->entry.entry) >
               std::tuple(b->rank, b->accepted, b->entry.entry);
    };
    waiting_.insert(std::ranges::upper_bound(waiting_, job, graver_last), job);
}

void Fanout::next() {
    while (running_ && at_once_ < floor_.tuning.entries_at_once && !waiting_.empty()) {
        auto job = waiting_.back();
        waiting_.pop_back();
        ++at_once_;
        job->running = true;
        begin(job);
    }
}

void Fanout::begin(const Held& job) {
    step(job);  // held until all steps have begun
    spread(job);
    for (const auto& chain : job->entry.other_chains) take_over(job, chain);
    tell_state(job);
    done(job);
}

void Fanout::step(const Held& job) const { ++job->left; }

void Fanout::spread(const Held& job) {
    for (const auto& order : job->alert->plan.orders) one(job, order);
}

/// Whatever came first (design.md 1, promise 5): what was taken back or replaced meanwhile is not
/// published. Taking back is always done: it may be the only one that names what is on air.
void Fanout::one(const Held& job, const plan::Order& order) {
    const auto id = job->alert->record.order;
    const auto ends = [&](Ended how) {
        row(job, order, id, [how, at = floor_.clock.now()](const Delivery& d, bool) {
            return receipts::end(d, how, at, {});
        });
    };
    if (order.action != Action::withdraw) {
        if (job->state == "cancelled") return ends(Ended::cancelled);
        if (job->state == "superseded") return ends(Ended::superseded);
        if (job->state == "expired") return ends(Ended::expired);
    }
    const auto* station = stations_.find(order.endpoint);
    if (!station) {
        contract::Evidence evidence{};
        evidence.order = id;
        evidence.said = Said::refused;
        evidence.at = floor_.clock.now();
        evidence.source = "tocsin";
        evidence.text = "no such endpoint is configured";
        ++floor_.metrics.unwanted;
        log::error(
            "order.gave_up",
            {{"endpoint", order.endpoint}, {"alert", job->entry.alert}, {"why", evidence.text}});
        return row(job, order, id,
                   [evidence](const Delivery& d, bool) { return receipts::fold(d, evidence, {}); });
    }
    if (station->definition().endpoint.backup_only) return only_if_there(job, order);
    want(job, order);
}

/// A backup is asked only when it is needed; then what follows must go there, too.
void Fanout::only_if_there(const Held& job, const plan::Order& order) {
    step(job);
    using Records = std::vector<ledger::WantRecord>;
    const auto ordinal = job->alert->record.order.ordinal;
    floor_.ledger.wants(order.endpoint, job->entry.mode,
                        answered<Records>(job, [this, job, &order, ordinal](const Records& all) {
                            const auto at = std::ranges::find(
                                all, ordinal, [](const auto& r) { return r.want.order.ordinal; });
                            if (at != all.end()) want(job, order);
                        }));
}

void Fanout::want(const Held& job, const plan::Order& order) {
    const auto& [record, plan] = std::tie(job->alert->record, job->alert->plan);
    const ledger::Want want{record.order, order.action, plan.level, record.expires, record.id};
    step(job);
    floor_.ledger.want(order.endpoint, job->entry.mode, want,
                       answered<ledger::Wanted>(job, [this, job, &order, want](const auto& answer) {
                           wanted(job, order, want, answer);
                       }));
}

void Fanout::wanted(const Held& job,
                    const plan::Order& order,
                    const ledger::Want& want,
                    const ledger::Wanted& answer) {
    const bool withdraw = want.action == Action::withdraw;
    if (!answer.due && answer.ended == want.alert) {  // a newer revision is here already
        const auto how = job->state == "cancelled" ? Ended::cancelled : Ended::superseded;
        return row(job, order, want.order, [how, at = floor_.clock.now()](const auto& d, bool) {
            return receipts::end(d, how, at, {});
        });
    }
    if (!answer.ended.empty())
        end_before(job, order.endpoint, answer.ended,
                   withdraw ? Ended::cancelled : Ended::superseded);
    if (!answer.due) {
        contract::Evidence evidence{};
        evidence.order = want.order;
        evidence.said = Said::gone;
        evidence.at = floor_.clock.now();
        evidence.source = "tocsin";
        evidence.text = "nothing to take back";
        row(job, order, want.order,
            [evidence](const Delivery& d, bool) { return receipts::fold(d, evidence, {}); });
    } else {
        row(job, order, want.order,
            [](const Delivery& d, bool fresh) { return fresh ? std::optional(d) : std::nullopt; });
    }
    if (auto* station = stations_.find(order.endpoint))
        station->wanted(job->entry.mode, want, answer.due, job->alert);
}

/// It was never handed over, and now never will be.
void Fanout::end_before(const Held& job,
                        const std::string& endpoint,
                        const std::string& alert,
                        Ended how) {
    step(job);
    const auto ordinal = job->alert->record.order.ordinal;
    floor_.alerts.get(alert, answered<Shared>(job, [=, this](const Shared& before) {
                          const auto* planned = before->order_for(endpoint);
                          const auto& own = before->record.order;
                          Delivery blank;
                          blank.endpoint = endpoint;
                          blank.order = own;
                          if (planned) blank.action = planned->action;
                          if (const auto* station = stations_.find(endpoint))
                              blank.channel = station->definition().endpoint.channel;
                          step(job);
                          floor_.book.change(
                              {alert, row_of(endpoint, {ordinal, 1}, own)}, blank,
                              [how, at = floor_.clock.now()](const Delivery& d, bool) {
                                  return receipts::end(d, how, at, {});
                              },
                              alive_.guard([this, job] { done(job); }));
                      }));
}

/// The revision that acceptance reserved in the other chain is the one that belongs to this alert.
void Fanout::take_over(const Held& job, const std::string& chain) {
    step(job);
    using Head = std::optional<ledger::AlertRecord>;
    floor_.ledger.chain_head(job->entry.mode, chain,
                             answered<Head>(job, [this, job](const Head& head) {
                                 if (!head) return;  // nothing of it was ever accepted
                                 const auto newest = head->newest;
                                 auto alert = floor_.alerts.put(*head);
                                 if (alert.has_error()) {
                                     step(job);
                                     return fault(job, alert.error());
                                 }
                                 reserved(job, *alert, newest);
                             }));
}

void Fanout::reserved(const Held& job, const Shared& head, OrderId from) {
    if (from.revision <= head->record.order.revision) return;
    step(job);
    floor_.ledger.alert_of(
        from, answered<std::string>(job, [=, this](const std::string& of) {
            if (of == job->entry.alert) return take_back(job, head, from);
            reserved(job, head, {from.ordinal, std::uint16_t(from.revision - 1)});
        }));
}

void Fanout::take_back(const Held& job, const Shared& head, OrderId id) {
    for (const auto& order : head->plan.orders) {
        if (!stations_.find(order.endpoint)) continue;
        const ledger::Want want{id, Action::withdraw, head->plan.level, head->record.expires,
                                job->entry.alert};
        step(job);
        floor_.ledger.want(
            order.endpoint, job->entry.mode, want,
            answered<ledger::Wanted>(job, [this, job, head, &order, want](const auto& answer) {
                if (!answer.ended.empty() && answer.ended != want.alert)
                    end_before(job, order.endpoint, answer.ended, Ended::cancelled);
                if (!answer.due)
                    return;  // nothing of it is shown here, so there is nothing to tell
                row(job, order, want.order, [](const Delivery& d, bool fresh) {
                    auto next = d;
                    next.action = Action::withdraw;
                    return fresh ? std::optional(next) : std::nullopt;
                });
                if (auto* station = stations_.find(order.endpoint))
                    station->wanted(job->entry.mode, want, true, job->alert);
            }));
    }
}

void Fanout::row(const Held& job, const plan::Order& order, OrderId id, Book::Change change) {
    const auto& record = job->alert->record;
    Delivery blank;
    blank.endpoint = order.endpoint;
    if (const auto* station = stations_.find(order.endpoint)) {
        blank.channel = station->definition().endpoint.channel;
        blank.bulk = station->definition().endpoint.bulk;
    }
    blank.order = id;
    blank.action = order.action;
    blank.queued_at = floor_.clock.now();
    blank.expires = record.expires;
    if (const auto* audience = std::get_if<contract::Audience>(&order.footprint); audience)
        blank.counts.total = audience->recipients;
    step(job);
    floor_.book.change({record.id, row_of(order.endpoint, id, record.order)}, blank,
                       std::move(change), alive_.guard([this, job] { done(job); }));
}

/// Watchers learn what has become of it and of what it replaces.
void Fanout::tell_state(const Held& job) {
    const auto say = [this](const std::string& alert, const std::string& state) {
        const auto* shown = state == "accepted" ? "active" : state.c_str();
        floor_.ledger.tell({{}, alert, "state", fmt::format(R"({{"state":"{}"}})", shown)},
                           [](auto) {});
    };
    say(job->entry.alert, job->state);
    auto before = job->alert->record.order;
    if (--before.revision == 0) return;
    floor_.ledger.alert_of(before, alive_.guard([this, say](Result<std::string> of) {
        if (of.has_error() || of->empty()) return;
        floor_.ledger.alert(*of,
                            alive_.guard([say](Result<std::optional<ledger::AlertRecord>> old) {
                                if (old.has_value() && *old && !(*old)->withdrawn_by.empty())
                                    say((*old)->id, (*old)->state);
                            }));
    }));
}

void Fanout::done(const Held& job) {
    if (job->detached || --job->left > 0) return;
    if (job->failed) return retry(job);
    floor_.ledger.drained(job->entry, alive_.guard([this, job](Result<ledger::Done> answer) {
        if (answer.has_error()) {
            fault(job, answer.error());
            return retry(job);
        }
        --at_once_;
        ++floor_.metrics.fanned_out;
        jobs_.erase(job->entry.entry);
        log::info("order.queued", {{"alert", job->entry.alert}, {"state", job->state}});
        if (tell_) tell_(job->alert);
        next();
    }));
}

void Fanout::fault(const Held& job, const Fault& fault) {
    job->failed = true;
    if (worth_retrying(fault.cause) || std::exchange(job->stuck, true)) return;
    ++floor_.metrics.outbox_stuck;
    log::error("outbox.stuck", {{"alert", job->entry.alert}, {"why", fault.what}});
}

/// It stays in the outbox and is done again, all of it.
void Fanout::retry(const Held& job) {
    if (std::exchange(job->running, false)) --at_once_;
    const auto pause = job->stuck ? floor_.tuning.outbox_every * 6 : floor_.tuning.retry_first * 5;
    floor_.timers.after(pause, alive_.guard([this, entry = job->entry.entry] {
        jobs_.erase(entry);
        stir();
    }));
    next();
}

void Fanout::back_up(const std::string& endpoint, const std::string& backup, const Shared& alert) {
    const auto* planned = alert->order_for(backup);
    if (!planned || !stations_.find(backup)) {
        // Never wider than approved (promise 13): what was not planned is not carried.
        log::warn("endpoint.no_backup",
                  {{"endpoint", endpoint}, {"backup", backup}, {"alert", alert->record.id}});
        return;
    }
    auto job = std::make_shared<Job>();
    job->alert = alert;
    job->entry.mode = alert->record.mode;
    job->entry.alert = alert->record.id;
    job->state = "accepted";
    job->detached = true;
    const ledger::Want want{alert->record.order, planned->action, alert->plan.level,
                            alert->record.expires, alert->record.id};
    insist<ledger::Wanted>(floor_.timers, floor_.tuning,
                           alive_.guard([this, backup, mode = job->entry.mode,
                                         want](ledger::Then<ledger::Wanted> then) {
                               floor_.ledger.want(backup, mode, want, std::move(then));
                           }),
                           alive_.guard([this, job, planned, want](const ledger::Wanted& answer) {
                               if (answer.due) wanted(job, *planned, want, answer);
                           }));
}

}  // namespace tocsin::dispatch
