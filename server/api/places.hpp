#pragma once
#include "server/cap/judge.hpp"

#include <string_view>
#include <vector>

/// Where in the received bytes a rule was broken, for those rules that are judged on values (planner,
/// clock, chain) and so know no lines. Pure.
namespace tocsin::api {

/// Fills in each line that is 0: that of the element, or of the nearest one around it. `document` was
/// judged well-formed; UTF-16 is left without lines.
void find_lines(std::string_view document, std::vector<cap::Violation>& violations);

}  // namespace tocsin::api
