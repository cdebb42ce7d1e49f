#include "server/api/calls.hpp"

namespace tocsin::api {
namespace {

/// An EventSource sends it in a field; an id is short and printable.
std::string last_event_id(const Request& request) {
    const auto said = request.field("last-event-id");
    return said.size() <= 64 ? std::string(said) : std::string("-");
}

}  // namespace

void alert_events(Shared& shared, std::shared_ptr<Exchange> exchange) {
    with_alert(shared, exchange,
               [&shared, exchange](const ledger::AlertRecord& record, const AlertFacts&) {
                   shared.broker.watch(*exchange, *asker(*exchange).who, record.id,
                                       last_event_id(exchange->request));
               });
}

void all_events(Shared& shared, std::shared_ptr<Exchange> exchange) {
    shared.broker.watch(*exchange, *asker(*exchange).who, "", last_event_id(exchange->request));
}

}  // namespace tocsin::api
