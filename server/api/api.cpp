#include "server/api/api.hpp"

#include "server/api/intake_rules.hpp"
#include "server/base/log.hpp"

#include <boost/json/object.hpp>

namespace tocsin::api {
namespace {

constexpr std::size_t json_bytes_max = 65536;

std::string_view bearer(const Request& request) {
    auto said = request.field("authorization");
    if (said.size() < 7) return {};
    for (std::size_t i = 0; i < 7; ++i)
        if ((said[i] | 0x20) != "bearer "[i]) return {};
    said.remove_prefix(7);
    while (said.starts_with(' ')) said.remove_prefix(1);
    return said;
}

using Handler = void (*)(Shared&, std::shared_ptr<Exchange>);

void post(Shared& shared, std::shared_ptr<Exchange> exchange) {
    post_alert(shared, std::move(exchange), false);
}
void plan(Shared& shared, std::shared_ptr<Exchange> exchange) {
    post_alert(shared, std::move(exchange), true);
}
void describe(Shared&, std::shared_ptr<Exchange> exchange) {
    exchange->send({200, "application/yaml; charset=utf-8", std::string(description()), {}, false});
}

Handler handler_of(Call call) {
    switch (call) {
        case Call::post_alert: return post;
        case Call::make_plan: return plan;
        case Call::list_alerts: return list_alerts;
        case Call::show_alert: return show_alert;
        case Call::show_cap: return show_cap;
        case Call::list_deliveries: return list_deliveries;
        case Call::list_recipients: return list_recipients;
        case Call::find_recipient: return find_recipient;
        case Call::list_acknowledgements: return list_acknowledgements;
        case Call::list_replies: return list_replies;
        case Call::alert_events: return alert_events;
        case Call::cancel_alert: return cancel_alert;
        case Call::all_events: return all_events;
        case Call::list_endpoints: return list_endpoints;
        case Call::show_endpoint: return show_endpoint;
        case Call::endpoint_history: return endpoint_history;
        case Call::pause_endpoint: return pause_endpoint;
        case Call::resume_endpoint: return resume_endpoint;
        case Call::probe_endpoint: return probe_endpoint;
        case Call::pause_all: return pause_all;
        case Call::resume_all: return resume_all;
        case Call::me: return show_me;
        case Call::list_audiences: return list_audiences;
        case Call::show_audience: return show_audience;
        case Call::put_audience: return put_audience;
        case Call::remove_audience: return remove_audience;
        case Call::description: return describe;
    }
    return describe;
}

Response options(const Match& match) {
    return {204, "", "", {{"Allow", allow_header(match)}}, false};
}

Response not_found(const Request& request, const Match& match) {
    if (match.allow.empty())
        return answer(problem("not-found", "there is nothing at this path"), request.id);
    auto made = answer(
        problem("method-not-allowed", fmt::format("{} is not for this path", request.method)),
        request.id);
    made.fields.push_back({"Allow", allow_header(match)});
    return made;
}

Response refusal(const Problem& problem, const Request& request) {
    auto made = answer(problem, request.id);
    if (problem.status == 401) made.fields.push_back({"WWW-Authenticate", "Bearer"});
    return made;
}

}  // namespace

Admission Api::admit(Request& request) {
    Admission out;
    auto match = api::match(routes(), request.method, request.path);
    if (request.target == "*")
        return out.refuse =
                   Response{
                       204, "", "", {{"Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS"}}, false},
               out;
    if (request.method == "OPTIONS" && !match.allow.empty())
        return out.refuse = options(match), out;
    auto asker = std::make_shared<Asker>();
    out.context = asker;
    if (!match.route) return out.refuse = not_found(request, match), out;
    request.args = std::move(match.args);
    asker->route = match.route;
    auto bad = identify(request, *asker);
    if (!bad)
        if (const auto why = bad_parameter(*match.route, request); !why.empty())
            bad = problem("unknown-parameter", why);
    if (!bad) bad = check_body(request, *match.route);
    if (!bad) bad = budget(*asker);
    if (bad) return out.refuse = refusal(*bad, request), out;
    switch (match.route->body) {
        case Body::none: break;
        case Body::cap: out.body_max = shared_.config.cap.bytes; break;
        case Body::json: out.body_max = json_bytes_max; break;
        case Body::csv: out.body_max = shared_.config.audience_bytes; break;
    }
    if (match.route->body != Body::csv) return out;
    asker->import = shared_.deps.import ? shared_.deps.import(request.args.at(0)) : nullptr;
    if (!asker->import)
        return out.refuse = refusal(problem("unavailable", "audiences are not kept here"), request),
               out;
    out.sink = [asker, id = request.id](std::string_view piece) -> std::optional<Response> {
        const auto why = asker->import->feed(piece);
        if (why.empty()) return std::nullopt;
        return answer(problem("unprocessable", why + "; nothing was changed"), id);
    };
    return out;
}

std::optional<Problem> Api::check_body(const Request& request, const Route& route) const {
    const auto type = request.field("content-type");
    std::string why;
    if (route.body == Body::cap) {
        why = bad_content_type(type, request.field("content-encoding"));
    } else if (route.body == Body::json || route.body == Body::csv) {
        const std::string_view wanted = route.body == Body::json ? "application/json" : "text/csv";
        const bool silent = route.body == Body::json && type.empty();  // no body at all, often
        if (!silent && !type.starts_with(wanted))
            why = fmt::format("'{}' is not taken; send {}", type, wanted);
        if (!request.field("content-encoding").empty()) why = "encoded bodies are not taken";
    }
    if (why.empty()) return std::nullopt;
    return problem("media-type", why);
}

std::optional<Problem> Api::identify(const Request& request, Asker& asker) {
    if (!asker.route->act) return std::nullopt;
    const auto rights = shared_.deps.authority();
    const auto now = shared_.deps.clock();
    const auto token = bearer(request);
    const auto known = !token.empty() || request.sans.empty()
                           ? rights->by_token(token, now)
                           : rights->by_certificate(request.sans, now);
    if (!known) {
        shared_.metrics.unauthorized();
        log::warn("auth.refused", {{"request", request.id}, {"address", request.address}});
        if (const int wait = shared_.failures.take(request.address, now); wait > 0) {
            auto made =
                problem("too-many-requests", "too many requests without a valid credential");
            made.retry_after_s = wait;
            return made;
        }
        return problem("unauthorized", known.error().what);
    }
    asker.who = *known;
    const auto no = rights->may(*known, *asker.route->act);
    if (!no) return std::nullopt;
    auto made = problem("forbidden", no->message);
    made.rule = no->rule;
    made.allowed = no->allowed;
    return made;
}

std::optional<Problem> Api::budget(Asker& asker) {
    if (asker.route->body != Body::cap) return std::nullopt;
    asker.retry_after_s = shared_.senders.take((*asker.who)->name, shared_.deps.clock());
    // Whether it is red, and so has a budget of its own, only its body tells.
    asker.over_budget = asker.retry_after_s > 0;
    return std::nullopt;
}

void Api::handle(std::shared_ptr<Exchange> exchange) {
    handler_of(asker(*exchange).route->call)(shared_, std::move(exchange));
}

Response Api::fail(int status, std::string_view detail, std::string_view request_id) {
    return answer(problem(status, std::string(detail)), request_id);
}

void Api::answered(const Request&,
                   const std::shared_ptr<const void>& context,
                   int status,
                   std::chrono::microseconds took) {
    const auto* of = static_cast<const Asker*>(context.get());
    shared_.metrics.request("api", of && of->route ? of->route->pattern : "none", status, took);
}

// ---- pages ----

Admission Site::admit(Request& request) {
    Admission out;
    if (request.method == "GET" || request.method == "HEAD") return out;
    Match pages;
    pages.allow = {"GET"};
    if (request.method == "OPTIONS")
        out.refuse = options(pages);
    else
        out.refuse = not_found(request, pages);
    return out;
}

void Site::handle(std::shared_ptr<Exchange> exchange) {
    if (auto response = own(exchange->request)) return exchange->send(std::move(*response));
    if (const auto page = pages_.get(exchange->request.path))
        return exchange->send(answer_page(*page, exchange->request));
    refuse(*exchange, problem("not-found", "there is nothing at this path"));
}

std::optional<Response> Site::own(const Request&) { return std::nullopt; }

Response Site::fail(int status, std::string_view detail, std::string_view request_id) {
    return answer(problem(status, std::string(detail)), request_id);
}

void Site::answered(const Request&,
                    const std::shared_ptr<const void>&,
                    int status,
                    std::chrono::microseconds took) {
    shared_.metrics.request(name_, "page", status, took);
}

std::optional<Response> Admin::own(const Request& request) {
    if (request.path == "/healthz") return Response{200, "text/plain", "ok\n", {}, false};
    if (request.path == "/metrics")
        return Response{
            200, "text/plain; version=0.0.4; charset=utf-8", shared_.metrics.text(), {}, false};
    if (request.path != "/readyz") return std::nullopt;
    const bool durable = shared_.durable;
    const bool rest = !shared_.deps.ready || shared_.deps.ready();
    boost::json::object body{{"ready", durable && rest}, {"durable", durable}};
    if (!durable) body["why"] = shared_.why_not();
    auto made = json_answer(durable && rest ? 200 : 503, body);
    if (made.status == 503) made.fields.push_back({"Retry-After", "1"});
    return made;
}

}  // namespace tocsin::api
