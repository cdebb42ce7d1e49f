#pragma once
#include "server/plan/plan.hpp"

/// From what the areas of an alert say to the regions that it covers.
namespace tocsin::plan {

struct Where {
    std::vector<std::string> regions, beside;
    /// Covered only because an area's shape reaches further than the codes that it gives too.
    std::vector<std::string> beyond_codes;
    std::vector<area::Ring> polygons;
    std::vector<area::Circle> circles;
    /// Covered because an area names them, by code or by words, not because a shape reaches into them.
    std::vector<std::string> named;
};

/// The union over all areas of all blocks (CAP rule E19). What cannot be resolved is a violation
/// that names its element; nothing is made wider.
Where resolve(const area::Atlas& atlas,
              const cap::Alert& alert,
              std::vector<cap::Violation>& violations);

}  // namespace tocsin::plan
