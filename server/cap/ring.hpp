#pragma once
#include "server/cap/alert.hpp"

/// Plane checks of one closed ring, exact: coordinates are whole multiples of 1e-9 degree here.
namespace tocsin::cap {

/// Does it enclose anything? False for points on one line.
bool has_area(const Ring& ring);
/// Does it cross or touch itself, or pass a point twice? O(n log n), by sweeping.
bool crosses_itself(const Ring& ring);

}  // namespace tocsin::cap
