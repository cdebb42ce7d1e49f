#pragma once
#include "server/cap/judge.hpp"
#include "server/cap/table.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <vector>

/// What was read: the known elements of one message in document order, each with its line. Unknown
/// elements and signatures are no nodes: they were reported, or are opaque here.
namespace tocsin::cap {

using NodeId = std::uint32_t;
inline constexpr NodeId no_node = ~NodeId{0};

struct Node {
    Tag tag{};
    NodeId parent = no_node, first = no_node, last = no_node, next = no_node;
    std::uint32_t position = 1;  // among siblings of the same name, from 1
    long line = 0;
    std::string text;  // all text nodes joined, comments and CDATA marks gone
};

class Tree {
public:
    NodeId add(NodeId parent, Tag tag, long line);
    Node& operator[](NodeId id) { return nodes_[id]; }
    const Node& operator[](NodeId id) const { return nodes_[id]; }
    bool empty() const { return nodes_.empty(); }
    std::size_t size() const { return nodes_.size(); }

    /// The first child of that name, or no_node.
    NodeId child(NodeId parent, Tag tag) const;
    std::size_t count(NodeId parent, Tag tag) const;
    /// "alert/info[1]/area[2]/polygon[1]"; the index only where an element may repeat, or does.
    std::string path(NodeId id) const;

private:
    std::vector<Node> nodes_;
};

/// Collects violations, at most 100 of each weight; errors go before warnings when both are many.
class Findings {
public:
    static constexpr std::size_t at_most = 100;

    bool room(Weight weight) const { return count(weight) < at_most; }
    bool any_error() const { return errors_ > 0; }
    void add(Violation violation);
    /// Sorted by line; never more than 100.
    std::vector<Violation> take();

private:
    std::size_t count(Weight weight) const { return weight == Weight::error ? errors_ : warnings_; }
    std::size_t errors_ = 0, warnings_ = 0;
    std::vector<Violation> all_;
};

/// What every rule has in hand. Messages are built only while there is room for them: a hostile
/// body may break a rule a hundred thousand times.
struct Bench {
    const Tree& tree;
    const Limits& limits;
    Findings& findings;

    template <class... Args>
    void report(Weight weight,
                std::string_view rule,
                NodeId node,
                fmt::format_string<Args...> text,
                Args&&... args) const {
        if (!findings.room(weight)) return;
        findings.add({std::string(rule), weight, tree[node].line, tree.path(node),
                      fmt::format(text, std::forward<Args>(args)...)});
    }
    template <class... Args>
    void error(std::string_view rule,
               NodeId node,
               fmt::format_string<Args...> text,
               Args&&... args) const {
        report(Weight::error, rule, node, text, std::forward<Args>(args)...);
    }
    template <class... Args>
    void warn(std::string_view rule,
              NodeId node,
              fmt::format_string<Args...> text,
              Args&&... args) const {
        report(Weight::warning, rule, node, text, std::forward<Args>(args)...);
    }
    /// For a child that is not there: named below `parent`, at the line of `near`.
    template <class... Args>
    void missing(Weight weight,
                 std::string_view rule,
                 NodeId parent,
                 Tag child,
                 NodeId near,
                 fmt::format_string<Args...> text,
                 Args&&... args) const {
        if (!findings.room(weight)) return;
        findings.add({std::string(rule), weight, tree[near == no_node ? parent : near].line,
                      fmt::format("{}/{}", tree.path(parent), name(child)),
                      fmt::format(text, std::forward<Args>(args)...)});
    }
};

}  // namespace tocsin::cap
