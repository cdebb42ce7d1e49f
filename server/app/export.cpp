#include "server/app/export.hpp"

namespace tocsin::app {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Names = std::vector<const char*>;

std::vector<ClientMetric::Label> labels(const Names& names, const dispatch::Labels& values) {
    std::vector<ClientMetric::Label> out;
    for (std::size_t i = 0; i < names.size() && i < values.size(); ++i)
        out.push_back({names[i], values[i]});
    return out;
}

MetricFamily family(const char* name, const char* help, MetricType type) {
    MetricFamily made;
    made.name = std::string("tocsin_") + name;
    made.help = help;
    made.type = type;
    return made;
}

MetricFamily counter(const char* name,
                     const char* help,
                     const Names& names,
                     const dispatch::Counter& from) {
    auto made = family(name, help, MetricType::Counter);
    for (const auto& [values, count] : from) {
        ClientMetric one;
        one.label = labels(names, values);
        one.counter.value = double(count);
        made.metric.push_back(std::move(one));
    }
    return made;
}

MetricFamily histogram(const char* name,
                       const char* help,
                       const Names& names,
                       const std::map<dispatch::Labels, dispatch::Histogram>& from) {
    auto made = family(name, help, MetricType::Histogram);
    for (const auto& [values, seen] : from) {
        ClientMetric one;
        one.label = labels(names, values);
        one.histogram.sample_count = seen.count;
        one.histogram.sample_sum = seen.sum;
        std::uint64_t below = 0;
        for (std::size_t i = 0; i < dispatch::Histogram::bounds.size(); ++i) {
            below += seen.counts[i];
            one.histogram.bucket.push_back({below, dispatch::Histogram::bounds[i]});
        }
        one.histogram.bucket.push_back({seen.count, std::numeric_limits<double>::infinity()});
        made.metric.push_back(std::move(one));
    }
    return made;
}

MetricFamily gauge(const char* name, const char* help, double value) {
    auto made = family(name, help, MetricType::Gauge);
    ClientMetric one;
    one.gauge.value = value;
    made.metric.push_back(std::move(one));
    return made;
}

template <class Value>
MetricFamily by_endpoint(const char* name,
                         const char* help,
                         const std::vector<dispatch::EndpointStatus>& all,
                         Value value) {
    auto made = family(name, help, MetricType::Gauge);
    for (const auto& endpoint : all) {
        ClientMetric one;
        one.label = {{"endpoint", endpoint.name}, {"channel", endpoint.channel}};
        one.gauge.value = value(endpoint);
        made.metric.push_back(std::move(one));
    }
    return made;
}

double seconds(const std::optional<Instant>& at) {
    return at ? double(at->time_since_epoch().count()) / 1000 : 0;
}

}  // namespace

void Export::put(Snapshot snapshot) {
    const std::lock_guard lock(mutex_);
    snapshot_ = std::move(snapshot);
}

// table: one line a metric; names and labels as in the manual
std::vector<MetricFamily> Export::Collect() const {
    const std::lock_guard lock(mutex_);
    const auto& d = snapshot_.dispatch;
    const auto& e = snapshot_.endpoints;
    return {
        counter("orders_total", "Orders handed to channels", {"mode", "endpoint", "action"},
                d.orders),
        counter("delivery_retries_total", "Orders handed over again", {"mode", "endpoint"},
                d.retries),
        counter("duplicates_sent_total", "Handed over again without an answer to the first time",
                {"mode", "endpoint"}, d.duplicates),
        counter("mode_gate_refusals_total", "Orders that the gate stopped", {"reason"},
                d.gate_refusals),
        counter("deliveries_total", "Deliveries that ended", {"mode", "channel", "state"},
                d.deliveries),
        counter("expired_before_handover_total", "Deliveries whose time ran out in the queue",
                {"mode", "endpoint"}, d.expired_before_handover),
        counter("receipts_unmatched_total", "Evidence about nothing that we know", {"endpoint"},
                d.evidence_unmatched),
        counter("receipts_late_total", "Evidence after the end", {"endpoint"}, d.evidence_late),
        counter("deliveries_overdue_total", "First byte later than promised", {"mode", "level"},
                d.overdue),
        counter("probes_total", "Probes of idle endpoints", {"endpoint"}, d.probes),
        counter("probes_failed_total", "Probes that failed", {"endpoint"}, d.probes_failed),
        counter("lease_transfers_total", "Leases taken", {"endpoint"}, d.lease_taken),
        histogram("delivery_first_handed_seconds", "From acceptance to the first byte",
                  {"mode", "level"}, d.first_handed),
        histogram("delivery_complete_seconds", "From acceptance to the last ending",
                  {"mode", "level"}, d.completed),
        gauge("outbox_entries", "Accepted and not yet fanned out", double(d.outbox_entries)),
        by_endpoint("endpoint_up", "1: the link is up", e,
                    [](const auto& x) { return x.state == "up" ? 1.0 : 0.0; }),
        by_endpoint("endpoint_paused", "1: paused by somebody", e,
                    [](const auto& x) { return x.state == "paused" ? 1.0 : 0.0; }),
        by_endpoint("endpoint_queue_orders", "Orders that wait", e,
                    [](const auto& x) { return double(x.queued); }),
        by_endpoint("endpoint_in_flight_orders", "Orders that wait for their answer", e,
                    [](const auto& x) { return double(x.in_flight); }),
        by_endpoint("endpoint_last_evidence_timestamp_seconds", "When the peer last said something",
                    e, [](const auto& x) { return seconds(x.last_evidence); }),
        by_endpoint("probe_success", "1: the last probe was well", e,
                    [](const auto& x) { return x.last_probe && x.last_probe->well ? 1.0 : 0.0; }),
        by_endpoint("probe_duration_seconds", "Of the last probe", e,
                    [](const auto& x) {
                        return x.last_probe ? double(x.last_probe->took.count()) / 1000 : 0.0;
                    }),
        gauge("ledger_up", "1: Redis answers", snapshot_.ledger.up),
        gauge("ledger_durable", "1: what is accepted survives power loss",
              snapshot_.ledger.durable),
        gauge("ledger_restarts", "How often Redis came back as another process",
              double(snapshot_.redis_restarts)),
        gauge("config_last_reload_successful", "1: the last reload was applied",
              snapshot_.reload_well),
        gauge("config_last_reload_success_timestamp_seconds",
              "When a configuration was last applied", seconds(snapshot_.reloaded_at)),
    };
}

}  // namespace tocsin::app
