#pragma once
#include "server/api/http.hpp"
#include "server/cap/judge.hpp"

#include <string>
#include <vector>

/// Errors as RFC 9457 application/problem+json. Pure.
namespace tocsin::api {

struct Problem {
    int status = 500;
    std::string type;    // last part of the type's URI: "cap-rules"; the manual has a page for each
    std::string title;   // one for each type
    std::string detail;  // what happened, what was not done, what to do
    std::string rule;    // of a refusal by right: "area-not-allowed"
    std::vector<std::string> allowed;
    std::vector<cap::Violation> violations;
    std::string alert;  // id of the alert that stands in the way
    std::string state;  // its state
    int retry_after_s = 0;
};

/// A problem of a known type; title and status come from the table of types.
Problem problem(std::string_view type, std::string detail);
/// The usual type of a status: 400 "malformed", 404 "not-found", ...
Problem problem(int status, std::string detail);
Response answer(const Problem& problem, std::string_view request_id);

struct ProblemType {
    std::string_view type;
    int status;
    std::string_view title;
};
const std::vector<ProblemType>& problem_types();

/// Where the pages of the manual stand that `type` resolves to.
inline constexpr std::string_view problem_base = "/problems/";

}  // namespace tocsin::api
