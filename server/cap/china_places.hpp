#pragma once
#include "server/base/fault.hpp"
#include "server/cap/alert.hpp"
#include "server/cap/plain.hpp"

#include <optional>

namespace tocsin::cap::china {

/// One `area` of a national message: a CAP area for each name and code of its parallel lists, or
/// one for all of them with the outline. What CAP cannot say is named in `left_out`.
std::optional<Fault> read_national_area(const Plain& node,
                                        std::vector<Area>& out,
                                        std::vector<std::string>& left_out);
Fault bad(const Plain& node, std::string_view why);

}  // namespace tocsin::cap::china
