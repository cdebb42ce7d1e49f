#pragma once
#include "server/cap/tree.hpp"

#include <string_view>

namespace tocsin::cap {

enum class Reading {
    whole,    // the tree is complete
    stopped,  // a limit was passed: what was found so far stands
    refused   // not well-formed, a DOCTYPE, or not CAP 1.2: one violation, no tree
};

/// Reads UTF-8 text into a tree with libxml2's SAX interface: no DTD, no entities, no network, no
/// recovery. Limits act while reading. What only the reader sees (attributes, unknown elements,
/// stray text, signatures out of place) is reported here.
Reading read_tree(std::string_view text, const Limits& limits, Tree& tree, Findings& findings);

}  // namespace tocsin::cap
