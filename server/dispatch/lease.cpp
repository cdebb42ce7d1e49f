#include "server/base/log.hpp"
#include "server/dispatch/station.hpp"

/// Becoming the owner of an endpoint and knowing what it is to show.
namespace tocsin::dispatch {
namespace {

using contract::Mode;
constexpr Mode modes[] = {Mode::live, Mode::exercise, Mode::test, Mode::replay};

}  // namespace

void Station::lease() {
    if (!running_) return;
    floor_.ledger.lease(
        name(), floor_.tuning.lease_keep,
        alive_.guard([this, number = ++lease_number_](Result<ledger::Lease> answer) {
            if (!running_ || number != lease_number_) return;
            if (answer.has_value()) leased(*answer);
            const auto soon = std::min(floor_.tuning.lease_keep / 10, floor_.tuning.retry_longest);
            later(answer.has_value() ? floor_.tuning.lease_keep / 3 : soon, [this, number] {
                if (number == lease_number_) lease();
            });
        }));
}

void Station::leased(const ledger::Lease& lease) {
    holder_ = lease.holder;
    if (!lease.mine) return disown("another node holds it");
    if (!decider_ || lease.fence != fence_) own(lease.fence);
}

/// All of `want` first, then the link: so that the gravest goes first, not the first one read.
void Station::own(std::uint64_t fence) {
    disown("a new fence");
    fence_ = fence;
    loaded_ = false;
    decider_.emplace(limits());
    ++floor_.metrics.lease_taken[{name()}];
    log::event(log::Severity::debug, "lease.taken", {{"endpoint", name()}});
    if (paused_) step(Paused{paused_->until.value_or(Instant::max())});
    if (rate_ > 0) step(Rate{std::uint32_t(rate_)});
    auto left = std::make_shared<std::size_t>(std::size(modes));
    for (const auto mode : modes)
        load(mode, [this, left, epoch = epoch_] {
            if (--*left > 0 || epoch != epoch_) return;
            loaded_ = true;
            if (link_known_) step(link_);
            if (std::exchange(forgot_, false)) step(Forgot{});
            look();
            sweep();
        });
}

void Station::disown(const char* why) {
    if (!decider_) return;
    ++epoch_;
    decider_.reset();
    orders_.clear();
    armed_.reset();
    ++floor_.metrics.lease_lost[{name()}];
    log::warn("lease.lost", {{"endpoint", name()}, {"why", why}});
}

/// Other nodes write wants, too, and a hint may be lost: each second all is read again.
void Station::look() {
    later(floor_.tuning.look_every, [this, epoch = epoch_] {
        if (epoch != epoch_ || !decider_) return;
        for (const auto mode : modes) load(mode, [] {});
        look();
    });
}

void Station::load(Mode mode, std::function<void()> then) {
    using Records = std::vector<ledger::WantRecord>;
    floor_.ledger.wants(
        name(), mode,
        alive_.guard([this, mode, then = std::move(then), epoch = epoch_](Result<Records> answer) {
            if (epoch != epoch_ || !decider_) return;
            if (answer.has_error()) {
                if (!loaded_)
                    later(floor_.tuning.retry_first, [this, mode, then, epoch] {
                        if (epoch == epoch_) load(mode, then);
                    });
                return;
            }
            // Loaded is what has been admitted: alerts may have to be read first.
            auto left = std::make_shared<std::size_t>(answer->size() + 1);
            const std::function<void()> one = [left, then] {
                if (--*left == 0) then();
            };
            for (const auto& record : *answer) take(mode, record, one);
            one();
        }));
}

/// One record as it stands in the ledger. `done` when it is known here, if it has to be.
void Station::take(Mode mode, const ledger::WantRecord& record, std::function<void()> done) {
    if (!stale(mode, record)) return done();
    floor_.alerts.get(record.want.alert, alive_.guard([this, mode, record, done = std::move(done),
                                                       epoch = epoch_](Result<Shared> found) {
        if (epoch != epoch_ || !decider_) return;
        if (found.has_value())
            admit(mode, record, *found);
        else
            unreadable(mode, record.want, found.error());
        done();
    }));
}

/// What we know of this chain is older than the record, and the record is to be acted on.
bool Station::stale(Mode mode, const ledger::WantRecord& record) {
    const auto& want = record.want;
    const bool withdraw = want.action == contract::Action::withdraw;
    if (record.phase == ledger::Phase::ended) {
        const bool undone = withdraw && record.shown > 0 && record.tries == 0;
        if (undone)
            do_again(mode, record);
        else if (order(want.order))
            step(Moved{want.order, false});
        return false;
    }
    const bool up = record.phase == ledger::Phase::up;
    if (const auto* known = order(want.order)) {
        if (up && !known->go) step(Moved{want.order, true});
        return false;
    }
    if (up && want.expires + floor_.tuning.keep_shown < now()) {
        floor_.ledger.settle(name(), mode, want.order, ledger::Phase::ended, [](auto) {});
        return false;
    }
    if (up && want.expires + definition_.limits.grace < now()) return false;  // for a correction
    const auto at = orders_.find(want.order.ordinal);
    return at == orders_.end() || at->second.want.order.revision < want.order.revision;
}

void Station::admit(Mode mode, const ledger::WantRecord& record, const Shared& alert, bool anew) {
    const auto& want = record.want;
    auto& known = orders_[want.order.ordinal];
    if (known.alert && known.want.order.revision >= want.order.revision && !anew) return;
    known = Order{};
    known.mode = mode;
    known.want = want;
    known.alert = alert;
    known.shown = record.shown;
    known.tries = record.tries;
    known.unanswered = record.phase == ledger::Phase::sent;
    const bool up = record.phase == ledger::Phase::up;
    const bool withdraw = want.action == contract::Action::withdraw;
    step(Wanted{want.order, rank_of(mode, want.action, want.level), alert->record.accepted_at,
                want.expires, withdraw, definition_.endpoint.bulk,
                up ? want.order.revision : record.shown, record.tries,
                record.phase == ledger::Phase::sent, anew});
    // A campaign that has nobody left still counts its receipts.
    if (!up || !definition_.bulk) return;
    if (const auto planned = this->planned(*alert))
        if (const auto* mine = order(want.order)) open(want.order, *mine, *planned);
}

/// There was nothing to take back, so it ended; then an older revision came up after all.
void Station::do_again(Mode mode, const ledger::WantRecord& record) {
    log::warn("order.withdrawn_anew", {{"endpoint", name()}, {"alert", record.want.alert}});
    floor_.ledger.settle(
        name(), mode, record.want.order, ledger::Phase::due,
        alive_.guard([this, mode, record, epoch = epoch_](Result<ledger::Done> done) {
            if (done.has_error() || epoch != epoch_) return;  // the next look
            floor_.alerts.get(record.want.alert,
                              alive_.guard([this, mode, record, epoch](Result<Shared> found) {
                                  if (epoch != epoch_ || found.has_error()) return;
                                  auto due = record;
                                  due.phase = ledger::Phase::due;
                                  admit(mode, due, *found, true);
                              }));
        }));
}

/// Nothing can be carried of an alert that cannot be read; that is shown, not passed over.
void Station::unreadable(Mode mode, const ledger::Want& want, const Fault& fault) {
    if (worth_retrying(fault.cause)) return;  // the next look
    log::error("order.unreadable",
               {{"endpoint", name()}, {"alert", want.alert}, {"why", fault.what}});
    contract::Evidence evidence{};
    evidence.order = want.order;
    evidence.said = Said::refused;
    evidence.at = now();
    evidence.source = "tocsin";
    evidence.text = fault.what;
    receipts::Delivery blank;
    blank.endpoint = name();
    blank.channel = definition_.endpoint.channel;
    blank.order = want.order;
    blank.action = want.action;
    blank.expires = want.expires;
    floor_.book.change({want.alert, name()}, blank,
                       [evidence, bounds = bounds()](const auto& d, bool) {
                           return receipts::fold(d, evidence, bounds);
                       });
    insist<ledger::Done>(floor_.timers, floor_.tuning,
                         alive_.guard([this, mode, want](ledger::Then<ledger::Done> then) {
                             floor_.ledger.settle(name(), mode, want.order, ledger::Phase::ended,
                                                  std::move(then));
                         }),
                         [](ledger::Done) {});
}

void Station::sweep() {
    for (const auto mode : modes)
        floor_.ledger.sweep(name(), mode, now() - std::chrono::hours(24), [](auto) {});
    std::erase_if(orders_, [&](const auto& entry) {
        const auto& [want, alert] = std::tie(entry.second.want, entry.second.alert);
        const auto last = std::max(want.expires, alert->record.accepted_at);
        return last + definition_.limits.withdraw_for + definition_.limits.grace < now();
    });
    std::erase_if(settling_,
                  [&](const auto& entry) { return !orders_.contains(entry.first.ordinal); });
    later(std::chrono::hours(1), [this, epoch = epoch_] {
        if (epoch == epoch_ && decider_) sweep();
    });
}

}  // namespace tocsin::dispatch
