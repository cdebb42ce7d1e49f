#include "server/api/problem.hpp"

#include "server/api/render.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <cassert>

namespace tocsin::api {

const std::vector<ProblemType>& problem_types() {
    // clang-format off
    static const std::vector<ProblemType> types = {
        {"malformed",             400, "The request cannot be read"},
        {"not-cap",               400, "This is no CAP 1.2 message"},
        {"unknown-parameter",     400, "A query parameter is unknown or wrong"},
        {"unauthorized",          401, "No valid credential"},
        {"forbidden",             403, "The credential does not allow this"},
        {"not-found",             404, "There is no such thing"},
        {"method-not-allowed",    405, "The method is not allowed here"},
        {"not-acceptable",        406, "None of the accepted forms is served"},
        {"timeout",               408, "The request did not arrive in time"},
        {"conflict",              409, "Something else is there already"},
        {"chain-cancelled",       409, "What this updates is cancelled"},
        {"too-large",             413, "The body is too large"},
        {"target-too-long",       414, "The target is too long"},
        {"media-type",            415, "The content type is not taken"},
        {"expectation",           417, "The expectation cannot be met"},
        {"cap-rules",             422, "The alert breaks rules"},
        {"unprocessable",         422, "The content cannot be used"},
        {"too-many-requests",     429, "Too many requests"},
        {"head-too-large",        431, "The head is too large"},
        {"internal",              500, "The server failed"},
        {"not-durable",           503, "Nothing can be accepted durably now"},
        {"unavailable",           503, "Not available now"},
        {"version",               505, "The HTTP version is not spoken"},
    };
    // clang-format on
    return types;
}

Problem problem(std::string_view type, std::string detail) {
    Problem made;
    for (const auto& row : problem_types()) {
        if (row.type != type) continue;
        made.status = row.status;
        made.type = row.type;
        made.title = row.title;
    }
    // A slip of ours, never a caller's: loud in tests, an honest 500 in a city.
    assert(!made.type.empty() && "no such problem");
    if (made.type.empty()) return problem("internal", std::move(detail));
    made.detail = std::move(detail);
    return made;
}

Problem problem(int status, std::string detail) {
    if (status == 503) return problem("unavailable", std::move(detail));
    if (status == 422) return problem("unprocessable", std::move(detail));
    for (const auto& row : problem_types())
        if (row.status == status) return problem(row.type, std::move(detail));
    auto made = problem("internal", std::move(detail));
    made.status = status;
    return made;
}

Response answer(const Problem& problem, std::string_view request_id) {
    namespace json = boost::json;
    json::object out;
    out["type"] = fmt::format("{}{}", problem_base, problem.type);
    out["title"] = problem.title;
    out["status"] = problem.status;
    out["detail"] = utf8(problem.detail);
    out["request_id"] = request_id;
    if (!problem.rule.empty()) out["rule"] = problem.rule;
    if (!problem.allowed.empty()) {
        json::array allowed;
        for (const auto& one : problem.allowed) allowed.emplace_back(utf8(one));
        out["allowed"] = std::move(allowed);
    }
    if (!problem.violations.empty()) out["violations"] = render(problem.violations);
    if (!problem.alert.empty()) out["alert"] = problem.alert;
    if (!problem.state.empty()) out["state"] = problem.state;
    Response made{problem.status, "application/problem+json", json::serialize(out), {}, false};
    if (problem.retry_after_s > 0)
        made.fields.push_back({"Retry-After", fmt::format("{}", problem.retry_after_s)});
    return made;
}

}  // namespace tocsin::api
