#include "server/api/router.hpp"

#include "server/api/head.hpp"

namespace tocsin::api {
namespace {

using authority::Act;

std::vector<std::string_view> split(std::string_view path) {
    std::vector<std::string_view> out;
    if (!path.starts_with('/')) return out;
    for (path.remove_prefix(1);;) {
        const auto end = path.find('/');
        out.push_back(path.substr(0, end));
        if (end == path.npos) return out;
        path.remove_prefix(end + 1);
    }
}

bool is_hole(std::string_view segment) { return segment.starts_with('{'); }

/// The decoded holes; nothing: another path.
std::optional<std::vector<std::string>> fit(std::string_view pattern,
                                            const std::vector<std::string_view>& segments) {
    const auto wanted = split(pattern);
    if (wanted.size() != segments.size()) return std::nullopt;
    std::vector<std::string> args;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (!is_hole(wanted[i])) {
            if (wanted[i] != segments[i]) return std::nullopt;
            continue;
        }
        auto value = percent_decode(segments[i], false);
        if (!value || value->empty() || value->size() > 128) return std::nullopt;
        args.push_back(std::move(*value));
    }
    return args;
}

bool has(const std::vector<std::string_view>& list, std::string_view what) {
    return std::ranges::find(list, what) != list.end();
}

}  // namespace

std::span<const Route> routes() {
    // Fixed words stand before holes: "/v1/endpoints/pause" is no endpoint's name.
    // clang-format off
    static const std::vector<Route> table = {
        {Call::post_alert,       "POST",   "/v1/alerts",                       Act::post,          Body::cap,  {"override", "depth"}},
        {Call::make_plan,        "POST",   "/v1/plans",                        Act::plan,          Body::cap,  {"override", "depth"}},
        {Call::list_alerts,      "GET",    "/v1/alerts",                       Act::read,          Body::none, {"state", "mode", "level", "event", "area", "sender", "since", "until", "q", "limit", "cursor"}},
        {Call::show_alert,       "GET",    "/v1/alerts/{id}",                  Act::read,          Body::none, {}},
        {Call::show_cap,         "GET",    "/v1/alerts/{id}/cap",              Act::read,          Body::none, {}},
        {Call::list_deliveries,  "GET",    "/v1/alerts/{id}/deliveries",       Act::read,          Body::none, {"channel", "endpoint", "state", "region", "limit", "cursor"}},
        {Call::list_recipients,  "GET",    "/v1/alerts/{id}/recipients",       Act::recipients,    Body::none, {"state"}},
        {Call::find_recipient,   "POST",   "/v1/alerts/{id}/recipients/find",  Act::recipients,    Body::json, {}},
        {Call::list_acknowledgements, "GET", "/v1/alerts/{id}/acknowledgements", Act::recipients,  Body::none, {}},
        {Call::alert_events,     "GET",    "/v1/alerts/{id}/events",           Act::read,          Body::none, {}},
        {Call::cancel_alert,     "POST",   "/v1/alerts/{id}/cancel",           Act::cancel,        Body::json, {}},
        {Call::all_events,       "GET",    "/v1/events",                       Act::read,          Body::none, {}},
        {Call::pause_all,        "POST",   "/v1/endpoints/pause",              Act::pause,         Body::json, {}},
        {Call::resume_all,       "POST",   "/v1/endpoints/resume",             Act::pause,         Body::json, {}},
        {Call::list_endpoints,   "GET",    "/v1/endpoints",                    Act::see_endpoints, Body::none, {}},
        {Call::show_endpoint, "GET",    "/v1/endpoints/{name}",             Act::see_endpoints, Body::none, {}},
        {Call::endpoint_history, "GET",    "/v1/endpoints/{name}/history",     Act::see_endpoints, Body::none, {}},
        {Call::pause_endpoint,   "POST",   "/v1/endpoints/{name}/pause",       Act::pause,         Body::json, {}},
        {Call::resume_endpoint,  "POST",   "/v1/endpoints/{name}/resume",      Act::pause,         Body::json, {}},
        {Call::probe_endpoint,   "POST",   "/v1/endpoints/{name}/probe",       Act::pause,         Body::json, {}},
        {Call::me,               "GET",    "/v1/me",                           Act::me,            Body::none, {}},
        {Call::list_audiences,   "GET",    "/v1/audiences",                    Act::audiences,     Body::none, {}},
        {Call::show_audience,    "GET",    "/v1/audiences/{name}",             Act::audiences,     Body::none, {}},
        {Call::put_audience,     "PUT",    "/v1/audiences/{name}",             Act::audiences,     Body::csv,  {}},
        {Call::remove_audience,  "DELETE", "/v1/audiences/{name}",             Act::audiences,     Body::none, {}},
        {Call::list_replies,     "GET",    "/v1/replies",                      Act::recipients,    Body::none, {"limit", "cursor"}},
        {Call::description,      "GET",    "/openapi.yaml",                    std::nullopt,       Body::none, {}},
    };
    // clang-format on
    return table;
}

Match match(std::span<const Route> routes, std::string_view method, std::string_view path) {
    Match found;
    const auto segments = split(path);
    const auto wanted = method == "HEAD" ? std::string_view("GET") : method;
    for (const auto& route : routes) {
        auto args = fit(route.pattern, segments);
        if (!args) continue;
        if (!has(found.allow, route.method)) found.allow.push_back(route.method);
        if (found.route || route.method != wanted) continue;
        found.route = &route;
        found.args = std::move(*args);
    }
    return found;
}

std::string allow_header(const Match& match) {
    auto out = fmt::format("{}", fmt::join(match.allow, ", "));
    if (has(match.allow, "GET")) out += ", HEAD";
    return out + ", OPTIONS";
}

std::string bad_parameter(const Route& route, const Request& request) {
    for (std::size_t i = 0; i < request.query.size(); ++i) {
        const auto& name = request.query[i].name;
        if (!has(route.parameters, name))
            return route.parameters.empty()
                       ? fmt::format("'{}' is unknown; this call takes no parameters", name)
                       : fmt::format("'{}' is unknown; known are {}", name,
                                     fmt::join(route.parameters, ", "));
        for (std::size_t k = 0; k < i; ++k)
            if (request.query[k].name == name) return fmt::format("'{}' is given twice", name);
    }
    return "";
}

}  // namespace tocsin::api
