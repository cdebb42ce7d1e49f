#pragma once
#include "server/api/by_region.hpp"
#include "server/api/facts.hpp"
#include "server/api/http.hpp"
#include "server/cap/judge.hpp"
#include "server/dispatch/hub.hpp"
#include "server/ledger/ledger.hpp"
#include "server/receipts/delivery.hpp"

#include <boost/json/value.hpp>

#include <span>
#include <string>
#include <string_view>

/// Values as the JSON that clients see. Pure.
namespace tocsin::api {

/// Bytes that are no UTF-8 become U+FFFD; JSON takes only UTF-8.
std::string utf8(std::string_view text);

boost::json::value render(const std::vector<cap::Violation>& violations);
boost::json::value render(const std::vector<plan::Note>& notes);
boost::json::value render(const std::vector<plan::Forecast>& forecast);
/// One line of GET /v1/alerts.
boost::json::value render(const ledger::AlertRecord& record, const AlertFacts& facts);
boost::json::value render(const dispatch::EndpointStatus& endpoint);
/// Answer of POST /v1/plans.
boost::json::value render(const plan::Plan& plan);
/// One line of …/deliveries; times also as milliseconds since acceptance.
boost::json::value render(const receipts::Delivery& delivery, Instant accepted);
/// GET /v1/alerts/{id}: the line, progress, by channel and by region.
boost::json::value render_whole(const ledger::AlertRecord& record,
                                const AlertFacts& facts,
                                std::span<const receipts::Delivery> rows,
                                const Ground& ground,
                                Instant now);

Response json_answer(int status, const boost::json::value& body);

}  // namespace tocsin::api
