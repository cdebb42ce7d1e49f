#pragma once
#include "server/api/broker.hpp"
#include "server/api/metrics.hpp"
#include "server/api/problem.hpp"
#include "server/api/rate.hpp"
#include "server/api/render.hpp"
#include "server/api/router.hpp"
#include "server/api/server.hpp"

#include <boost/asio/post.hpp>

#include <mutex>

/// What the calls of the API share. Each call is a function here; api.cpp picks it by route.
namespace tocsin::api {

struct Shared {
    Shared(Config with, Deps of)
        : config(std::move(with)),
          deps(std::move(of)),
          metrics(deps.metrics),
          senders(config.per_sender_per_minute),
          red(config.per_sender_per_minute),
          failures(config.failures_per_minute),
          broker(*deps.core, *deps.ledger, deps.authority, deps.clock, config.heartbeat, metrics) {}
    const Config config;
    const Deps deps;
    Metrics metrics;
    Rates senders, red, failures;
    Broker broker;
    std::atomic<std::size_t> in_flight{0};
    std::atomic<bool> durable{false}, stopped{false};

    void set_health(const ledger::Health& health) {
        const std::lock_guard lock(health_mutex);
        durable = health.durable;
        why = health.why;
    }
    std::string why_not() {
        const std::lock_guard lock(health_mutex);
        return why;
    }

private:
    std::mutex health_mutex;
    std::string why;  // not durable
};

/// Who asks what; the context of every exchange of the api listener.
struct Asker {
    const Route* route = nullptr;
    std::optional<authority::Principal> who;
    bool over_budget = false;  // only a red alert goes on
    int retry_after_s = 0;
    std::unique_ptr<AudienceImport> import;
};
inline const Asker& asker(const Exchange& exchange) {
    return *static_cast<const Asker*>(exchange.context.get());
}

void refuse(Exchange& exchange, const Problem& problem);
void refuse(Exchange& exchange, const authority::Refusal& refusal);
/// Of the store: unreachable is "unknown, ask again".
void fail(Exchange& exchange, const Fault& fault);
inline void send(Exchange& exchange, int status, const boost::json::value& body) {
    exchange.send(json_answer(status, body));
}

/// On the core loop; nowhere once the server has stopped, as core may be gone then.
template <class F> void on_core(const Shared& shared, F work) {
    if (!shared.stopped) boost::asio::post(*shared.deps.core, std::move(work));
}

/// A ledger's answer, back on the connection's thread; faults are answered here.
template <class T, class F> ledger::Then<T> back(std::shared_ptr<Exchange> exchange, F then) {
    return [exchange, then = std::move(then)](Result<T> result) {
        boost::asio::post(exchange->io(), [exchange, then, result = std::move(result)]() mutable {
            if (!result) return fail(*exchange, result.error());
            then(std::move(*result));
        });
    };
}

authority::Subject subject_of(const Shared& shared, const AlertFacts& facts, contract::Mode mode);

/// The alert of the first argument of the path, if it is there and may be read.
using WithAlert = std::function<void(const ledger::AlertRecord&, const AlertFacts&)>;
void with_alert(Shared& shared, std::shared_ptr<Exchange> exchange, WithAlert then);

/// A JSON object as body; nothing: already refused.
std::optional<boost::json::value> json_body(Exchange& exchange,
                                            const std::vector<std::string_view>& members);
/// A text member, trimmed of nothing; refused if it is no text or longer than `most`.
std::optional<std::string> text_member(const boost::json::value& body, std::string_view key);

void note_audit(Shared& shared, const Exchange& exchange, std::string act, std::string about);

// intake.cpp
void post_alert(Shared& shared, std::shared_ptr<Exchange> exchange, bool only_plan);
void cancel_alert(Shared& shared, std::shared_ptr<Exchange> exchange);
// alerts.cpp
void list_alerts(Shared& shared, std::shared_ptr<Exchange> exchange);
void show_alert(Shared& shared, std::shared_ptr<Exchange> exchange);
void show_cap(Shared& shared, std::shared_ptr<Exchange> exchange);
void list_deliveries(Shared& shared, std::shared_ptr<Exchange> exchange);
// recipients.cpp
void list_recipients(Shared& shared, std::shared_ptr<Exchange> exchange);
void list_acknowledgements(Shared& shared, std::shared_ptr<Exchange> exchange);
void list_replies(Shared& shared, std::shared_ptr<Exchange> exchange);
void find_recipient(Shared& shared, std::shared_ptr<Exchange> exchange);
// events.cpp
void alert_events(Shared& shared, std::shared_ptr<Exchange> exchange);
void all_events(Shared& shared, std::shared_ptr<Exchange> exchange);
// endpoints.cpp
void list_endpoints(Shared& shared, std::shared_ptr<Exchange> exchange);
void show_endpoint(Shared& shared, std::shared_ptr<Exchange> exchange);
void endpoint_history(Shared& shared, std::shared_ptr<Exchange> exchange);
void pause_endpoint(Shared& shared, std::shared_ptr<Exchange> exchange);
void resume_endpoint(Shared& shared, std::shared_ptr<Exchange> exchange);
void probe_endpoint(Shared& shared, std::shared_ptr<Exchange> exchange);
void pause_all(Shared& shared, std::shared_ptr<Exchange> exchange);
void resume_all(Shared& shared, std::shared_ptr<Exchange> exchange);
// audiences.cpp
void list_audiences(Shared& shared, std::shared_ptr<Exchange> exchange);
void show_audience(Shared& shared, std::shared_ptr<Exchange> exchange);
void put_audience(Shared& shared, std::shared_ptr<Exchange> exchange);
void remove_audience(Shared& shared, std::shared_ptr<Exchange> exchange);
// me.cpp
void show_me(Shared& shared, std::shared_ptr<Exchange> exchange);

}  // namespace tocsin::api
