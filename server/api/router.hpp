#pragma once
#include "server/api/http.hpp"
#include "server/authority/authority.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The routes as data: what schemas/openapi.yaml describes and what api.cpp serves. Pure.
namespace tocsin::api {

enum class Call : std::uint8_t {
    post_alert,
    make_plan,
    list_alerts,
    show_alert,
    show_cap,
    list_deliveries,
    list_recipients,
    find_recipient,
    list_acknowledgements,
    alert_events,
    cancel_alert,
    all_events,
    list_endpoints,
    show_endpoint,
    endpoint_history,
    pause_endpoint,
    resume_endpoint,
    probe_endpoint,
    pause_all,
    resume_all,
    me,
    list_audiences,
    show_audience,
    put_audience,
    remove_audience,
    list_replies,
    description
};

enum class Body : std::uint8_t { none, cap, json, csv };

struct Route {
    Call call;
    std::string_view method, pattern;   // "/v1/alerts/{id}/cap"
    std::optional<authority::Act> act;  // nothing: anybody
    Body body;
    std::vector<std::string_view> parameters;
};

std::span<const Route> routes();

struct Match {
    const Route* route = nullptr;
    std::vector<std::string> args;
    std::vector<std::string_view> allow;  // methods of the path; empty: no such path
};
/// HEAD finds the route of GET. Paths are compared by segments; no trailing slash, no dots.
Match match(std::span<const Route> routes, std::string_view method, std::string_view path);

/// "GET, HEAD, OPTIONS".
std::string allow_header(const Match& match);
/// Empty: every parameter is known and given once.
std::string bad_parameter(const Route& route, const Request& request);
/// schemas/openapi.yaml as it was when this was built.
std::string_view description();

}  // namespace tocsin::api
