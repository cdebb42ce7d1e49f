#pragma once
#include "server/contract/channel.hpp"
#include "server/plan/plan.hpp"

#include <functional>

/// What others see of dispatch: its endpoints and what one may ask of them.
namespace tocsin::dispatch {

struct EndpointStatus {
    std::string name, channel, bearer;
    bool live = false;
    std::vector<std::string> areas;
    std::string state;  // "up", "down", "throttled", "paused", "unknown"
    std::optional<Instant> since, paused_until, last_evidence, next_retry;
    std::string paused_by, pause_reason;
    std::uint32_t queued = 0, in_flight = 0;
    double rate_per_second = 0;
    struct Probe {
        Instant at;
        bool well;
        std::chrono::milliseconds took;
        std::string what;
    };
    std::optional<Probe> last_probe;
};

struct Pause {
    std::optional<Instant> until;
    std::string reason, by;
};

/// On the core loop.
class Hub {
public:
    virtual ~Hub() = default;
    virtual std::vector<EndpointStatus> endpoints() const = 0;
    virtual bool pause(const std::string& endpoint,
                       const Pause& pause) = 0;  // false: no such endpoint
    virtual bool resume(const std::string& endpoint, const std::string& by) = 0;
    virtual bool probe(const std::string& endpoint, std::function<void(contract::Probed)> then) = 0;
    /// Something was accepted: look at the outbox now, don't wait for the next round.
    virtual void stir() = 0;
};

}  // namespace tocsin::dispatch
