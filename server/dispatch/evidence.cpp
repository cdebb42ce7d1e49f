#include "server/base/log.hpp"
#include "server/dispatch/station.hpp"
#include "server/dispatch/words.hpp"

/// What the peer said, folded into the delivery's row; only when that is stored is the order
/// settled. Stopped in between, it goes again: one repeat, and nothing is lost.
namespace tocsin::dispatch {

using receipts::Delivery;

Station::Named Station::named(OrderId id, const Shared& alert, contract::Action action) const {
    Delivery blank;
    blank.endpoint = name();
    blank.channel = definition_.endpoint.channel;
    blank.order = id;
    blank.action = action;
    blank.queued_at = now();
    blank.expires = alert->plan.expires;
    blank.bulk = definition_.endpoint.bulk;
    const auto& record = alert->record;
    return {{record.id, row_of(name(), id, record.order)}, std::move(blank), alert};
}

/// For an order that is not the newest of its chain here: late evidence, or an older revision.
void Station::find_row(OrderId id, std::function<void(const Named*)> then) {
    insist<std::string>(
        floor_.timers, floor_.tuning, alive_.guard([this, id](ledger::Then<std::string> answer) {
            floor_.ledger.alert_of(id, std::move(answer));
        }),
        alive_.guard([this, id, then = std::move(then)](const std::string& alert) {
            if (alert.empty()) return then(nullptr);
            floor_.alerts.get(alert, alive_.guard([this, id, then](Result<Shared> found) {
                if (found.has_error() && worth_retrying(found.error().cause))
                    return later(floor_.tuning.retry_first,
                                 [this, id, then] { find_row(id, then); });
                if (found.has_error()) return then(nullptr);
                const auto ours = planned(**found);
                const bool own = (*found)->record.order.ordinal == id.ordinal;
                const auto place =
                    named(id, *found, own && ours ? ours->action : contract::Action::withdraw);
                then(&place);
            }));
        }));
}

bool Station::proves(Said said) const {
    return said <= Said::verified &&
           (said >= Said::accepted || definition_.endpoint.highest == Said::handed);
}

void Station::heard(contract::Evidence evidence) {
    if (evidence.at == Instant{}) evidence.at = now();
    last_evidence_ = now();
    const auto id = evidence.order;
    const bool ours = evidence.source == "gate" || evidence.source == "tocsin";
    if (!ours && decider_ && decider_->untouched(id)) return unmatched(id, "never handed over");
    auto* wanted = order(id);
    if (!wanted) {
        find_row(id, [this, id, evidence](const Named* named) {
            if (!named) return unmatched(id, "no such order");
            const auto mode = named->alert->record.mode;
            const bool up =
                proves(evidence.said) && named->blank.action != contract::Action::withdraw;
            fold(*named, evidence, [this, id, up, mode] {
                if (up) came_up_after_all(id, mode);
            });
        });
        return step(Heard{id, evidence.said});
    }
    ++wanted->holds;
    wanted->unanswered = false;
    const bool withdraw = wanted->want.action == contract::Action::withdraw;
    if (withdraw && evidence.said == Said::gone) end_older(id, *wanted, Ended::withdrawn);
    if (!withdraw && proves(evidence.said)) end_older(id, *wanted, Ended::superseded);
    const auto place = named(id, wanted->alert, wanted->want.action);
    fold(place, evidence, [this, id] { release(id); });  // before any ending that follows from it
    step(Heard{id, evidence.said});
}

/// An older revision was answered late. What replaces it must know that it is there, and what takes
/// it back must do so even if there was nothing to take back a moment ago.
void Station::came_up_after_all(OrderId id, contract::Mode mode) {
    insist<ledger::Done>(floor_.timers, floor_.tuning,
                         alive_.guard([this, id, mode](ledger::Then<ledger::Done> then) {
                             floor_.ledger.settle(name(), mode, id, ledger::Phase::up,
                                                  std::move(then));
                         }),
                         alive_.guard([this, mode](ledger::Done) {
                             if (decider_ && loaded_) load(mode, [] {});
                         }));
}

void Station::fold(const Named& named,
                   const contract::Evidence& evidence,
                   std::function<void()> then) {
    floor_.book.change(
        named.key, named.blank,
        [evidence, bounds = bounds()](const Delivery& d, bool) {
            return receipts::fold(d, evidence, bounds);
        },
        alive_.guard([then = std::move(then)] {
            if (then) then();
        }));
}

/// The one that was shown is over now. What was in the air before that one and never answered is
/// over, too.
void Station::end_older(OrderId id, Order& order, Ended how) {
    if (order.shown == 0 || std::exchange(order.older_ended, true)) return;
    constexpr std::uint16_t back = 8;
    const std::uint16_t from = order.shown > back ? std::uint16_t(order.shown - back) : 1;
    for (auto revision = order.shown; revision >= from; --revision) {
        ++order.holds;
        const bool shown = revision == order.shown;
        end_row({id.ordinal, revision}, shown ? how : Ended::superseded, !shown,
                [this, id] { release(id); });
    }
}

void Station::end_row(OrderId id, Ended how, bool only_open, std::function<void()> then) {
    find_row(id, [this, how, only_open, then = std::move(then)](const Named* named) {
        if (!named) return then();
        floor_.book.change(
            named->key, named->blank,
            [how, only_open, at = now(), bounds = bounds()](const Delivery& d,
                                                            bool fresh) -> std::optional<Delivery> {
                if (fresh || (only_open && terminal(d))) return std::nullopt;
                return receipts::end(d, how, at, bounds);
            },
            alive_.guard(then));
    });
}

void Station::end_own(OrderId id, const Order& order, Ended how, std::function<void()> then) {
    const auto place = named(id, order.alert, order.want.action);
    floor_.book.change(
        place.key, place.blank,
        [how, at = now(), bounds = bounds()](const Delivery& d, bool) {
            return receipts::end(d, how, at, bounds);
        },
        alive_.guard(std::move(then)));
}

void Station::release(OrderId id) {
    auto* wanted = order(id);
    if (!wanted || wanted->holds == 0 || --wanted->holds > 0) return;
    for (const auto& action : std::exchange(wanted->held, {})) settle(id, action);
}

void Station::settle(OrderId id, const Settle& action) {
    const auto* wanted = order(id);
    if (!wanted) return;
    constexpr ledger::Phase phases[] = {ledger::Phase::due, ledger::Phase::up, ledger::Phase::ended,
                                        ledger::Phase::forgotten};
    const auto phase = phases[std::size_t(action.mark)];
    const auto number = ++settling_[id];
    const OrderId older{id.ordinal, wanted->shown};
    const bool stays = action.older_stays && older.revision > 0 && older.revision < id.revision;
    const auto mode = wanted->mode;
    insist<ledger::Done>(
        floor_.timers, floor_.tuning,
        alive_.guard([this, mode, id, phase, number](ledger::Then<ledger::Done> then) {
            if (settling_[id] != number) return then(ledger::Done{});
            floor_.ledger.settle(name(), mode, id, phase, std::move(then));
        }),
        alive_.guard([this, mode, id, older, stays, number, phase](ledger::Done) {
            if (phase == ledger::Phase::ended && settling_[id] == number) settling_.erase(id);
            if (!stays) return;
            // It ended without coming up: what a cancel has to take back is the one before.
            insist<ledger::Done>(floor_.timers, floor_.tuning,
                                 alive_.guard([this, mode, older](ledger::Then<ledger::Done> then) {
                                     floor_.ledger.settle(name(), mode, older, ledger::Phase::up,
                                                          std::move(then));
                                 }),
                                 [](ledger::Done) {});
        }));
}

void Station::unmatched(OrderId id, const char* why) {
    ++floor_.metrics.evidence_unmatched[{name()}];
    log::warn("evidence.unmatched", {{"endpoint", name()}, {"order", word(id)}, {"why", why}});
}

/// Five times a second is often enough for totals; the last word goes at once.
void Station::totals(OrderId id, receipts::Counts counts, bool all_final) {
    last_evidence_ = now();
    auto at = campaigns_.find(id);
    if (at == campaigns_.end()) {  // of a revision before the newest, after a restart
        find_row(id, [this, id, counts, all_final](const Named* named) {
            if (!named) return unmatched(id, "no such campaign");
            campaigns_[id].row = named->key;
            totals(id, counts, all_final);
        });
        return;
    }
    const bool first = at->second.latest.handed == 0 && counts.handed > 0;
    at->second.latest = counts;
    if (all_final || first) return flush_totals(id, all_final);
    if (std::exchange(at->second.armed, true)) return;
    later(floor_.tuning.progress_every, [this, id] {
        if (const auto at = campaigns_.find(id); at != campaigns_.end() && at->second.armed)
            flush_totals(id, false);
    });
}

void Station::flush_totals(OrderId id, bool all_final) {
    auto& campaign = campaigns_.at(id);
    campaign.armed = false;
    const bool over = all_final && campaign.stopped;
    Delivery blank;
    blank.endpoint = name();
    blank.channel = definition_.endpoint.channel;
    blank.order = id;
    floor_.book.change(campaign.row, blank,
                       [counts = campaign.latest, at = now(), bounds = bounds(), over,
                        why = campaign.why](const Delivery& d, bool) -> std::optional<Delivery> {
                           auto next = receipts::count(d, counts, at, bounds);
                           if (!over) return next;
                           auto ended = receipts::end(next ? *next : d, why, at, bounds);
                           return ended ? ended : next;
                       });
    if (all_final) campaigns_.erase(id);
}

}  // namespace tocsin::dispatch
