#include "server/api/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace tocsin::api {
namespace {

using prometheus::BuildCounter, prometheus::BuildGauge, prometheus::BuildHistogram;
using prometheus::Counter, prometheus::Family, prometheus::Gauge, prometheus::Histogram;

const Histogram::BucketBoundaries seconds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                          0.1,   0.25,   0.5,   1,    2.5,   10};

double in_seconds(std::chrono::microseconds took) { return double(took.count()) / 1e6; }

}  // namespace

struct Metrics::Families {
    std::shared_ptr<prometheus::Registry> registry;
    Family<Counter>& requests;
    Family<Histogram>& durations;
    Family<Counter>& received;
    Family<Counter>& violations;
    Histogram& accepted;
    Counter& unauthorized;
    Counter& turned_away;
    Gauge& watchers;
    Gauge& ready;
    Gauge& certificate;

    explicit Families(std::shared_ptr<prometheus::Registry> of)
        : registry(std::move(of)),
          requests(BuildCounter()
                       .Name("tocsin_http_requests_total")
                       .Help("HTTP requests answered")
                       .Register(*registry)),
          durations(BuildHistogram()
                        .Name("tocsin_http_request_duration_seconds")
                        .Help("From the whole head to the answer")
                        .Register(*registry)),
          received(BuildCounter()
                       .Name("tocsin_alerts_received_total")
                       .Help("Alerts posted, by what became of them")
                       .Register(*registry)),
          violations(BuildCounter()
                         .Name("tocsin_alert_violations_total")
                         .Help("Broken rules in posted alerts")
                         .Register(*registry)),
          accepted(BuildHistogram()
                       .Name("tocsin_alert_accept_duration_seconds")
                       .Help("From the whole body to the 202")
                       .Register(*registry)
                       .Add({}, seconds)),
          unauthorized(BuildCounter()
                           .Name("tocsin_unauthorized_total")
                           .Help("Requests without a valid credential")
                           .Register(*registry)
                           .Add({})),
          turned_away(BuildCounter()
                          .Name("tocsin_connections_refused_total")
                          .Help("Connections over the limits")
                          .Register(*registry)
                          .Add({})),
          watchers(BuildGauge()
                       .Name("tocsin_sse_watchers")
                       .Help("Streams of events that are open")
                       .Register(*registry)
                       .Add({})),
          ready(BuildGauge()
                    .Name("tocsin_ready")
                    .Help("1 while alerts can be accepted durably")
                    .Register(*registry)
                    .Add({})),
          certificate(BuildGauge()
                          .Name("tocsin_certificate_expiry_timestamp_seconds")
                          .Help("End of the server's own certificate")
                          .Register(*registry)
                          .Add({})) {}
};

Metrics::Metrics(std::shared_ptr<prometheus::Registry> registry)
    : families_(std::make_unique<Families>(std::move(registry))) {}

Metrics::~Metrics() = default;

void Metrics::request(std::string_view listener,
                      std::string_view route,
                      int status,
                      std::chrono::microseconds took) {
    auto& f = *families_;
    f.requests
        .Add({{"listener", std::string(listener)},
              {"route", std::string(route)},
              {"code", std::to_string(status)}})
        .Increment();
    f.durations.Add({{"route", std::string(route)}}, seconds).Observe(in_seconds(took));
}

void Metrics::received(std::string_view result) {
    families_->received.Add({{"result", std::string(result)}}).Increment();
}
void Metrics::violation(std::string_view rule) {
    families_->violations.Add({{"rule", std::string(rule)}}).Increment();
}
void Metrics::accepted(std::chrono::microseconds took) {
    families_->accepted.Observe(in_seconds(took));
}
void Metrics::unauthorized() { families_->unauthorized.Increment(); }
void Metrics::turned_away() { families_->turned_away.Increment(); }
void Metrics::watchers(int change) { families_->watchers.Increment(change); }
void Metrics::ready(bool is) { families_->ready.Set(is ? 1 : 0); }
void Metrics::certificate_expiry(std::int64_t at) { families_->certificate.Set(double(at)); }

std::string Metrics::text() const {
    return prometheus::TextSerializer().Serialize(families_->registry->Collect());
}

}  // namespace tocsin::api
