#pragma once
#include "server/plan/plan.hpp"

/// Contradictions inside an alert that the public would see: warnings here, to be weighed by policy
/// (CAP rules, section F).
namespace tocsin::plan {

void check_words(const cap::Alert& alert,
                 const Plan& plan,
                 const Plan* before,
                 std::vector<cap::Violation>& out);

}  // namespace tocsin::plan
