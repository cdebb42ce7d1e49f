#pragma once
#include "server/dispatch/hub.hpp"
#include "server/dispatch/metrics.hpp"
#include "server/ledger/ledger.hpp"

#include <prometheus/client_metric.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <mutex>

namespace tocsin::app {

/// What the core loop counts, as of the last second; written there, read by whoever scrapes.
struct Snapshot {
    dispatch::Metrics dispatch;
    std::vector<dispatch::EndpointStatus> endpoints;
    ledger::Health ledger;
    std::uint64_t redis_restarts = 0;
    bool reload_well = true;
    Instant reloaded_at{};
};

class Export final : public prometheus::Collectable {
public:
    void put(Snapshot snapshot);
    std::vector<prometheus::MetricFamily> Collect() const override;

private:
    mutable std::mutex mutex_;
    Snapshot snapshot_;
};

}  // namespace tocsin::app
