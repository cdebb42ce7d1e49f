#pragma once
#include "server/cap/tree.hpp"

namespace tocsin::cap {

/// What the OASIS schema knows of a tree that was read: cardinality, order, types and words of
/// known elements. Reports `xsd`, and `datetime-form` for what only the prose refuses (3.3.2).
void check_structure(const Bench& bench);

}  // namespace tocsin::cap
