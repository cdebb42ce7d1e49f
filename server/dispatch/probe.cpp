#include "server/base/log.hpp"
#include "server/base/time.hpp"
#include "server/dispatch/station.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

/// Is the endpoint well? Asked every few minutes, so that a fault is an alarm before anyone needs
/// the channel. And what operators want of it: paused, until when, by whom.
namespace tocsin::dispatch {

namespace json = boost::json;

void Station::arm_probe() {
    const auto every = definition_.probe_every;
    if (every <= milliseconds(0)) return;
    const auto tenth = std::max<std::int64_t>(every.count() / 10, 1);
    // Jitter, so that a thousand boards are not asked in one second.
    const auto pause =
        every - milliseconds(tenth) + milliseconds(std::int64_t(floor_.random()) % (2 * tenth));
    later(pause, [this] {
        if (!running_) return;
        if (mine()) probe_now();
        arm_probe();
    });
}

void Station::probe(std::function<void(contract::Probed)> then) {
    probe_waiters_.push_back(std::move(then));
    probe_now();
}

void Station::probe_now() {
    if (std::exchange(probing_, true)) return;
    const auto number = ++probe_number_;
    if (!definition_.port) return probed({false, {}, "no channel"});
    definition_.port->probe();
    later(floor_.tuning.probe_within, [this, number] {
        if (probing_ && number == probe_number_)
            probed({false, floor_.tuning.probe_within, "no answer"});
    });
}

void Station::probed(const contract::Probed& result) {
    probing_ = false;
    last_probe_ = {now(), result.well, result.took, result.what};
    ++floor_.metrics.probes[{name()}];
    if (!result.well) {
        ++floor_.metrics.probes_failed[{name()}];
        log::warn("endpoint.probe_failed", {{"endpoint", name()}, {"why", result.what}});
    }
    note(result);
    for (const auto& tell : std::exchange(probe_waiters_, {})) tell(result);
}

void Station::note(const contract::Probed& result) {
    const json::object line{{"at", rfc3339(now())},
                            {"well", result.well},
                            {"took_ms", result.took.count()},
                            {"what", result.what}};
    floor_.ledger.note_probe(name(), json::serialize(line), [](auto) {});
}

std::string Station::state_word() const {
    if (paused_ && paused_->until.value_or(Instant::max()) > now()) return "paused";
    if (!link_known_) return "unknown";
    if (link_.state == LinkState::down) return "down";
    if (link_.state == LinkState::throttled && link_.until > now()) return "throttled";
    return "up";
}

void Station::pause(const Pause& pause) {
    paused_ = pause;
    log::warn("endpoint.paused",
              {{"endpoint", name()}, {"by", pause.by}, {"reason", pause.reason}});
    keep_state();
    step(Paused{pause.until.value_or(Instant::max())});
}

void Station::resume(const std::string& by) {
    paused_.reset();
    log::info("endpoint.resumed", {{"endpoint", name()}, {"by", by}});
    keep_state();
    step(Paused{Instant{}});
}

void Station::keep_state() {
    json::object state;
    if (paused_) {
        state["paused"] =
            json::object{{"by", paused_->by},
                         {"reason", paused_->reason},
                         {"until", paused_->until ? json::value(rfc3339(*paused_->until))
                                                  : json::value(nullptr)}};
    }
    insist<ledger::Done>(
        floor_.timers, floor_.tuning,
        alive_.guard([this, text = json::serialize(state)](ledger::Then<ledger::Done> then) {
            floor_.ledger.put_state(name(), text, std::move(then));
        }),
        [](ledger::Done) {});
}

void Station::restore(const std::string& state) {
    boost::system::error_code fault;
    const auto value = json::parse(state, fault);
    const auto* object = fault ? nullptr : value.if_object();
    const auto* paused = object ? object->if_contains("paused") : nullptr;
    if (!paused || !paused->is_object()) return;
    const auto text = [&](const char* key) {
        const auto* at = paused->as_object().if_contains(key);
        return at && at->is_string() ? std::string(at->as_string()) : std::string();
    };
    Pause pause{{}, text("reason"), text("by")};
    if (const auto until = parse_rfc3339(text("until")); until.has_value()) pause.until = *until;
    if (pause.until && *pause.until <= now()) return;
    paused_ = pause;
    step(Paused{pause.until.value_or(Instant::max())});
}

}  // namespace tocsin::dispatch
