#pragma once
#include "server/cap/table.hpp"

#include <string>
#include <string_view>

/// Sentences that tell a sender what was sent instead of a CAP 1.2 message, and what to do.
namespace tocsin::cap {

/// For a root that is not CAP 1.2's: names the version, the envelope or the mistake.
std::string explain_root(std::string_view local, std::string_view uri);
/// For an element that CAP does not have at this place.
std::string explain_unknown(Tag parent, std::string_view local, std::string_view uri);
/// For an error of libxml2 (its code and its own words).
std::string explain(int code, std::string_view words);

}  // namespace tocsin::cap
