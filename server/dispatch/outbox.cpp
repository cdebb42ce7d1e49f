#include "server/base/log.hpp"
#include "server/dispatch/fanout_job.hpp"

#include <algorithm>

/// Reading the outbox, and leaving an entry in it until all of its steps are stored.
namespace tocsin::dispatch {

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
        if (answer.has_error())
            return floor_.timers.after(floor_.tuning.retry_first * 5,
                                       alive_.guard([this] { stir(); }));
        drain(std::move(*answer));
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
    job->rank = rank_of(plan.mode, cancel ? contract::Action::withdraw : contract::Action::publish,
                        plan.level);
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

}  // namespace tocsin::dispatch
