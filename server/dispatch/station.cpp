#include "server/dispatch/station.hpp"

#include "server/base/log.hpp"
#include "server/dispatch/words.hpp"

namespace tocsin::dispatch {

Station::Station(Definition definition, Floor& floor)
    : definition_(std::move(definition)), floor_(floor) {}

Station::~Station() = default;

void Station::start() {
    running_ = true;
    lease();
    arm_probe();
}

void Station::stop() {
    if (!std::exchange(running_, false)) return;
    ++epoch_;
    decider_.reset();
    orders_.clear();
    if (definition_.port) definition_.port->stop();
}

void Station::redefine(Definition definition) {
    definition.port = definition_.port;
    definition.bulk = definition_.bulk;
    definition_ = std::move(definition);
    if (decider_) decider_->redefine(limits());
}

Limits Station::limits() const {
    auto limits = definition_.limits;
    limits.highest = definition_.endpoint.highest;
    return limits;
}

void Station::wanted(contract::Mode mode, const ledger::Want& want, bool due, const Shared& alert) {
    if (!decider_) return;  // its owner looks
    const std::uint16_t shown = due ? std::uint16_t(want.order.revision - 1) : 0;
    admit(mode, {want, shown, 0, ledger::Phase::due}, alert);
}

Station::Order* Station::order(OrderId id) {
    const auto at = orders_.find(id.ordinal);
    return at != orders_.end() && at->second.want.order == id ? &at->second : nullptr;
}

void Station::step(const Input& input) {
    if (!decider_) return;
    const auto epoch = epoch_;
    for (const auto& action : decider_->step(input, now())) {
        if (epoch != epoch_ || !decider_) return;
        std::visit([this](const auto& a) { act(a); }, action);
    }
}

void Station::act(const Intend& action) {
    const auto* wanted = order(action.id);
    if (!wanted) return;
    ++settling_[action.id];  // "due again" said late would hide that it is in the air
    floor_.ledger.intend(
        name(), wanted->mode, fence_, action.id,
        alive_.guard([this, id = action.id, epoch = epoch_](Result<ledger::Intent> answer) {
            if (epoch == epoch_) intended(id, answer);
        }));
}

void Station::intended(OrderId id, const Result<ledger::Intent>& answer) {
    using Answer = ledger::Intent::Answer;
    auto* wanted = order(id);
    if (answer.has_error()) return step(Intended{id, false});  // perhaps done; asked again
    if (answer->answer == Answer::fenced) {
        log::warn("lease.fenced", {{"endpoint", name()}});
        disown("fenced");
        return later(floor_.tuning.retry_first, [this] {
            if (!decider_) lease();
        });
    }
    if (answer->answer == Answer::moved) {
        step(Intended{id, false});
        if (wanted) load(wanted->mode, [] {});  // what has it moved to?
        return;
    }
    if (wanted) {
        wanted->shown = answer->shown;
        wanted->tries = answer->tries;
        wanted->go = true;
    }
    step(Intended{id, true});
}

void Station::act(const Grant& action) {
    if (definition_.bulk) definition_.bulk->grant(action.id, action.recipients);
}

void Station::act(const Stop& action) {
    if (definition_.bulk) definition_.bulk->stop(action.id, receipts::word(action.how));
    const auto at = campaigns_.find(action.id);
    if (at == campaigns_.end()) return;
    at->second.stopped = true;
    at->second.why = action.how;
}

void Station::act(const End& action) {
    const char* event = action.how == Ended::expired      ? "order.expired"
                        : action.how == Ended::superseded ? "order.superseded"
                        : action.how == Ended::failed     ? "order.gave_up"
                                                          : nullptr;
    if (event) log::info(event, {{"endpoint", name()}, {"order", word(action.id)}});
    if (action.how == Ended::expired)
        if (const auto* wanted = order(action.id))
            ++floor_.metrics.expired_before_handover[{word(wanted->mode), name()}];
    if (auto* wanted = order(action.id)) {  // its settling waits for this
        ++wanted->holds;
        return end_own(action.id, *wanted, action.how, [this, id = action.id] { release(id); });
    }
    end_row(action.id, action.how, false, [] {});
}

void Station::act(const Settle& action) {
    auto* wanted = order(action.id);
    if (!wanted) return;
    if (wanted->holds > 0) return wanted->held.push_back(action);
    settle(action.id, action);
}

void Station::act(const Backup& action) {
    const auto* wanted = order(action.id);
    const auto& backup = definition_.endpoint.backup;
    if (!wanted || backup.empty() || !floor_.backup) return;
    ++floor_.metrics.backups[{name()}];
    log::warn("endpoint.backup_used",
              {{"endpoint", name()}, {"backup", backup}, {"alert", wanted->want.alert}});
    floor_.backup(name(), backup, wanted->alert);
}

void Station::act(const Wake& action) {
    if (armed_ && *armed_ <= action.at && *armed_ > now()) return;
    armed_ = action.at;
    later(std::max(action.at - now(), milliseconds(0)), [this, at = action.at, epoch = epoch_] {
        if (epoch != epoch_ || !armed_ || *armed_ != at) return;
        armed_.reset();
        step(Woke{milliseconds(floor_.random() % 250)});
    });
}

void Station::link(LinkState state, std::optional<Instant> until) {
    const bool news = !link_known_ || link_.state != state;
    link_ = {state, until.value_or(state == LinkState::throttled ? now() + milliseconds(1000)
                                                                 : Instant{})};
    link_known_ = true;
    if (news) {
        link_since_ = now();
        const char* event = state == LinkState::up     ? "endpoint.connected"
                            : state == LinkState::down ? "endpoint.lost"
                                                       : "endpoint.throttled";
        log::event(state == LinkState::up ? log::Severity::info : log::Severity::warning, event,
                   {{"endpoint", name()}});
    }
    if (loaded_) step(link_);
}

void Station::forgot() {
    log::warn("endpoint.forgot", {{"endpoint", name()}});
    if (!decider_ || !loaded_) {
        forgot_ = true;
        return;
    }
    step(Forgot{});
}

void Station::asked(OrderId id) { step(Asked{id}); }
void Station::exhausted(OrderId id) { step(Exhausted{id}); }
void Station::rate(double per_second) {
    rate_ = per_second;
    step(Rate{std::uint32_t(std::clamp(per_second, 1.0, 4e9))});
}

receipts::Bounds Station::bounds() const {
    using receipts::Grade;
    switch (definition_.endpoint.highest) {
        case Said::accepted: return {Grade::accepted};
        case Said::on_air: return {Grade::on_air};
        case Said::delivered: return {Grade::delivered};
        case Said::verified: return {Grade::verified};
        default: return {Grade::handed};
    }
}

EndpointStatus Station::status() const {
    EndpointStatus s;
    const auto& e = definition_.endpoint;
    s.name = e.name;
    s.channel = e.channel;
    s.bearer = e.bearer;
    s.live = e.live;
    s.areas = e.areas;
    s.state = state_word();
    s.since = link_since_;
    s.last_evidence = last_evidence_;
    s.last_probe = last_probe_;
    s.rate_per_second = rate_;
    if (paused_) {
        s.paused_until = paused_->until;
        s.paused_by = paused_->by;
        s.pause_reason = paused_->reason;
    }
    if (!decider_) return s;
    const auto load = decider_->load(now());
    s.queued = load.queued;
    s.in_flight = load.in_flight;
    s.next_retry = load.next_retry;
    return s;
}

}  // namespace tocsin::dispatch
