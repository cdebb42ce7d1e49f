#include "server/dispatch/dispatcher.hpp"

#include "server/base/digest.hpp"
#include "server/dispatch/words.hpp"

namespace tocsin::dispatch {
namespace {

std::function<std::uint32_t()> or_the_systems(std::function<std::uint32_t()> random) {
    if (random) return random;
    return [] {
        std::uint32_t n = 0;
        for (const unsigned char c : random_bytes(4)) n = n << 8 | c;
        return n;
    };
}

/// When the first byte has to have left (contract.md 4); later is an alarm.
milliseconds promised(contract::Level level) {
    switch (level) {
        case contract::Level::red: return milliseconds(100);
        case contract::Level::orange: return milliseconds(1'000);
        case contract::Level::yellow: return milliseconds(10'000);
        case contract::Level::blue: return milliseconds(60'000);
    }
    return milliseconds(60'000);
}

}  // namespace

Dispatcher::Dispatcher(Needs needs, std::vector<Definition> endpoints)
    : tuning_(needs.tuning),
      asked_(needs.tuning),
      alerts_(needs.ledger, std::move(needs.unpack)),
      book_(needs.ledger, needs.timers, tuning_),
      floor_{needs.ledger, needs.clock, needs.timers, alerts_,
             book_,        metrics_,    tuning_,      or_the_systems(std::move(needs.random)),
             {},           {}},
      fanout_(floor_, *this),
      closer_(floor_, Limits{}.grace + milliseconds(1'000)),
      herald_(floor_) {
    floor_.backup = [this](const auto& endpoint, const auto& backup, const auto& alert) {
        fanout_.back_up(endpoint, backup, alert);
    };
    floor_.kin = [this](const std::string& endpoint) -> Kin {
        const auto* station = find(endpoint);
        if (!station) return {};
        const auto& e = station->definition().endpoint;
        return {e.channel, e.backup, true};
    };
    book_.watch([this](const auto& key, const auto& before, const auto& after) {
        tally(key, before, after);
        herald_.changed(key.alert);
    });
    fanout_.on_drained([this](const Shared& alert) { closer_.watch(alert->record); });
    for (auto& definition : endpoints) {
        auto name = definition.endpoint.name;
        stations_[name] = std::make_unique<Station>(std::move(definition), floor_);
    }
    pace();
}

Dispatcher::~Dispatcher() = default;

/// Ten thousand boards are looked after less often each, so that looking stays below some percent
/// of Redis; hints make up for it.
void Dispatcher::pace() {
    const auto crowd = milliseconds(2 * stations_.size());
    tuning_.look_every = std::max(asked_.look_every, crowd);
    tuning_.lease_keep = std::max(asked_.lease_keep, 2 * crowd);
}

void Dispatcher::start() {
    running_ = true;
    restore_and_start();
}

/// A paused endpoint must not send a single order before it is known to be paused.
void Dispatcher::restore_and_start() {
    using States = std::map<std::string, std::string>;
    floor_.ledger.states(alive_.guard([this](Result<States> states) {
        if (!running_) return;
        if (states.has_error())
            return floor_.timers.after(tuning_.retry_first,
                                       alive_.guard([this] { restore_and_start(); }));
        restored_ = true;
        states_ = std::move(*states);
        for (const auto& [_, station] : stations_) begin(*station, states_);
        fanout_.start();
        closer_.start();
    }));
}

void Dispatcher::begin(Station& station, const std::map<std::string, std::string>& states) {
    const auto at = states.find(station.definition().endpoint.name);
    if (at != states.end()) station.restore(at->second);
    station.start();
}

void Dispatcher::stop() {
    running_ = false;
    fanout_.stop();
    closer_.stop();
    for (const auto& [_, station] : stations_) station->stop();
}

void Dispatcher::reconfigure(std::vector<Definition> endpoints) {
    std::map<std::string, std::unique_ptr<Station>> now;
    std::vector<Station*> fresh;
    for (auto& definition : endpoints) {
        const auto name = definition.endpoint.name;
        auto old = stations_.extract(name);
        const bool same =
            !old.empty() && old.mapped()->definition().port == definition.port &&
            old.mapped()->definition().endpoint.highest == definition.endpoint.highest;
        if (same) {
            old.mapped()->redefine(std::move(definition));
            now[name] = std::move(old.mapped());
            continue;
        }
        if (!old.empty()) old.mapped()->stop();
        now[name] = std::make_unique<Station>(std::move(definition), floor_);
        fresh.push_back(now[name].get());
    }
    for (const auto& [_, gone] : stations_) gone->stop();
    stations_ = std::move(now);
    pace();
    if (!restored_) return;
    for (auto* station : fresh) begin(*station, states_);
}

Station* Dispatcher::find(const std::string& endpoint) {
    const auto at = stations_.find(endpoint);
    return at == stations_.end() ? nullptr : at->second.get();
}

std::vector<EndpointStatus> Dispatcher::endpoints() const {
    std::vector<EndpointStatus> all;
    for (const auto& [_, station] : stations_) all.push_back(station->status());
    return all;
}

bool Dispatcher::pause(const std::string& endpoint, const Pause& pause) {
    auto* station = find(endpoint);
    if (station) station->pause(pause);
    return station;
}

bool Dispatcher::resume(const std::string& endpoint, const std::string& by) {
    auto* station = find(endpoint);
    if (station) station->resume(by);
    return station;
}

bool Dispatcher::probe(const std::string& endpoint, std::function<void(contract::Probed)> then) {
    auto* station = find(endpoint);
    if (station) station->probe(std::move(then));
    return station;
}

/// Each change of a delivery, once, when it is stored.
void Dispatcher::tally(const RowKey& key,
                       const receipts::Delivery& before,
                       const receipts::Delivery& after) {
    const auto& endpoint = after.endpoint;
    const bool was = receipts::terminal(before), is = receipts::terminal(after);
    if (was && after.evidence.size() > before.evidence.size()) ++metrics_.evidence_late[{endpoint}];
    if (was && is && before.ended != after.ended) ++metrics_.overturned[{endpoint}];
    const bool first = after.handed_at && !before.handed_at;
    if (!first && (was || !is)) return;
    alerts_.get(key.alert, alive_.guard([this, first, ended = !was && is,
                                         after](Result<Shared> found) {
        if (found.has_error()) return;
        const auto& [record, plan] = std::tie((*found)->record, (*found)->plan);
        const std::string mode = word(record.mode), level = word(plan.level);
        const auto since = [&](Instant at) {
            return std::max(0.0, std::chrono::duration<double>(at - record.accepted_at).count());
        };
        if (first && after.action != contract::Action::withdraw) {
            metrics_.first_handed[{mode, level}].observe(since(*after.handed_at));
            if (*after.handed_at - record.accepted_at > promised(plan.level))
                ++metrics_.overdue[{mode, level}];
        }
        if (!ended) return;
        ++metrics_.deliveries[{mode, after.channel, receipts::state(after)}];
        if (after.ended_at) metrics_.completed[{mode, level}].observe(since(*after.ended_at));
    }));
}

}  // namespace tocsin::dispatch
