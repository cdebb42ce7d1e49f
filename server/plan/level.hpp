#pragma once
#include "server/plan/plan.hpp"

/// Where a level is said: parameters of a profile, severity, words.
namespace tocsin::plan {

/// As level_of, but nothing if the alert does not say any.
std::optional<Level> said_level(const cap::Info& info);
std::optional<Level> level_of_severity(cap::Severity severity);
/// "…发布暴雨红色预警[I级]", "issues a red rainstorm warning".
std::optional<Level> level_in_words(std::string_view headline);

}  // namespace tocsin::plan
