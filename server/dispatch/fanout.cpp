#include "server/base/log.hpp"
#include "server/dispatch/fanout_job.hpp"

#include <algorithm>

/// What one alert's plan comes to at each endpoint.
namespace tocsin::dispatch {

using contract::Action;
using receipts::Delivery;

void Fanout::begin(const Held& job) {
    step(job);  // held until all steps have begun
    spread(job);
    for (const auto& chain : job->entry.other_chains) take_over(job, chain);
    tell_state(job);
    done(job);
}

void Fanout::step(const Held& job) const { ++job->left; }

void Fanout::spread(const Held& job) {
    // Planned and rendered, and that is all that was asked for (design.md 8).
    const auto& plan = job->alert->plan;
    if (plan.mode != contract::Mode::live && plan.depth == contract::Depth::platform) return;
    for (const auto& order : job->alert->plan.orders) one(job, order);
    // Where a backup carried what came before, it carries what follows, too.
    const bool in_force = job->state == "accepted" || job->state == "active";
    job->stand_ins = stand_ins(*job->alert, floor_.kin);
    for (const auto& order : job->stand_ins)
        if (in_force || order.action == Action::withdraw) only_if_there(job, order);
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
        if (job->state != "accepted" && job->state != "active")
            return fault(job, Fault{Cause::refused, "an alert that is " + job->state});
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
                          const auto planned = planned_for(*before, endpoint, floor_.kin);
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

void Fanout::back_up(const std::string& endpoint, const std::string& backup, const Shared& alert) {
    // One of another kind stands behind it in the plan, or not at all.
    const bool kin = floor_.kin(endpoint).channel == floor_.kin(backup).channel;
    auto planned =
        kin || alert->order_for(backup) ? planned_for(*alert, backup, floor_.kin) : std::nullopt;
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
    job->stand_ins.push_back(std::move(*planned));
    const ledger::Want want{alert->record.order, job->stand_ins[0].action, alert->plan.level,
                            alert->record.expires, alert->record.id};
    insist<ledger::Wanted>(floor_.timers, floor_.tuning,
                           alive_.guard([this, backup, mode = job->entry.mode,
                                         want](ledger::Then<ledger::Wanted> then) {
                               floor_.ledger.want(backup, mode, want, std::move(then));
                           }),
                           alive_.guard([this, job, want](const ledger::Wanted& answer) {
                               if (answer.due) wanted(job, job->stand_ins[0], want, answer);
                           }));
}

}  // namespace tocsin::dispatch
