#pragma once
#include "server/cap/tree.hpp"

/// The prose of CAP 1.2 and our own policy, section by section (the manual's table of rules, B to
/// E): each reads its part of the tree into values and reports what is wrong with it. What a
/// warning says is dropped does not get into the values.
namespace tocsin::cap {

/// 3.2.1, identity, scope, references.
void read_header(const Bench& bench, Alert& alert);
/// 3.2.2, one block of content, its resources and areas. `alert` has its header.
Info read_info(const Bench& bench, NodeId info, const Alert& alert);
/// 3.2.2, blocks of several languages must tell the same facts.
void compare_languages(const Bench& bench, const Alert& alert);
/// 3.2.3. Nothing if the resource has to be dropped.
std::optional<Resource> read_resource(const Bench& bench, NodeId resource);
/// 3.2.4.
Area read_area(const Bench& bench, NodeId area, MsgType type);

/// The text of a child, or "" if it is not there or blank.
std::string optional_text(const Bench& bench, NodeId parent, Tag tag);
/// The text of a child, or ""; no complaint.
std::string plain_text(const Bench& bench, NodeId parent, Tag tag);
std::vector<Named> named(const Bench& bench, NodeId parent, Tag tag);
/// An absolute URI that a channel may carry; "" and a warning if it is not.
std::string carried_uri(const Bench& bench, NodeId node);
/// Warns of controls that change what a reader sees.
void check_controls(const Bench& bench, NodeId node);

template <class Enum> Enum enumerated(const Bench& bench, NodeId parent, Tag tag) {
    const auto at = bench.tree.child(parent, tag);
    if (at == no_node) return {};
    const auto words = element(tag).words;
    const auto found = std::ranges::find(words, bench.tree[at].text);
    return found == words.end() ? Enum{} : static_cast<Enum>(found - words.begin());
}

}  // namespace tocsin::cap
