#pragma once
#include "server/plan/plan.hpp"

namespace tocsin::plan {

/// SHA-256 over mode, depth, area, endpoints with what they are asked, and words: changes if and
/// only if one of them does (scar A5). Counts, forecasts, warnings and the census stay out: a second
/// import between planning and approval changes nobody's approval.
std::string seal(const Plan& plan);

}  // namespace tocsin::plan
