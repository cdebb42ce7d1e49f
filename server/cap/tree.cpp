#include "server/cap/tree.hpp"

#include <algorithm>

namespace tocsin::cap {

NodeId Tree::add(NodeId parent, Tag tag, long line) {
    const auto id = static_cast<NodeId>(nodes_.size());
    nodes_.push_back({});
    auto& node = nodes_.back();
    node.tag = tag;
    node.parent = parent;
    node.line = line;
    if (parent == no_node) return id;
    auto& above = nodes_[parent];
    (above.first == no_node ? above.first : nodes_[above.last].next) = id;
    above.last = id;
    return id;
}

NodeId Tree::child(NodeId parent, Tag tag) const {
    for (auto at = nodes_[parent].first; at != no_node; at = nodes_[at].next)
        if (nodes_[at].tag == tag) return at;
    return no_node;
}

std::size_t Tree::count(NodeId parent, Tag tag) const {
    std::size_t found = 0;
    for (auto at = nodes_[parent].first; at != no_node; at = nodes_[at].next)
        found += nodes_[at].tag == tag;
    return found;
}

namespace {

bool repeats(Tag parent, Tag child) {
    for (const auto& row : element(parent).children)
        if (row.tag == child) return row.many;
    return false;
}

}  // namespace

std::string Tree::path(NodeId id) const {
    const auto& node = nodes_[id];
    if (node.parent == no_node) return std::string(name(node.tag));
    auto text = fmt::format("{}/{}", path(node.parent), name(node.tag));
    if (node.position > 1 || repeats(nodes_[node.parent].tag, node.tag))
        text += fmt::format("[{}]", node.position);
    return text;
}

void Findings::add(Violation violation) {
    auto& counted = violation.severity == Weight::error ? errors_ : warnings_;
    if (counted >= at_most) return;
    ++counted;
    all_.push_back(std::move(violation));
}

std::vector<Violation> Findings::take() {
    const auto is_error = [](const Violation& v) { return v.severity == Weight::error; };
    std::stable_partition(all_.begin(), all_.end(), is_error);
    if (all_.size() > at_most) all_.resize(at_most);
    std::ranges::stable_sort(all_, {}, &Violation::line);
    return std::move(all_);
}

}  // namespace tocsin::cap
