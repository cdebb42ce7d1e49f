#include "server/dispatch/fanout_job.hpp"

/// An alert that names more than one chain goes on with the first and takes the others back.
namespace tocsin::dispatch {

using contract::Action;
using receipts::Delivery;

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

}  // namespace tocsin::dispatch
