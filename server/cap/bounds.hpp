#pragma once
#include "server/cap/tree.hpp"

#include <optional>

namespace tocsin::cap {

/// What a message has used up of its limits while it is read.
class Bounds {
public:
    struct Passed {
        std::string_view rule;
        std::string message;
    };
    using Verdict = std::optional<Passed>;

    explicit Bounds(const Limits& limits) : limits_(limits) {}

    /// A start tag at that depth (the root's is 1), before anything is made of it.
    Verdict open(std::size_t depth, std::size_t namespaces, std::size_t attributes);
    void close(std::size_t namespaces) { namespaces_ -= namespaces; }
    Verdict count(const Node& node);
    Verdict signature(std::size_t number) const;
    /// So much text more for this element.
    Verdict text(const Node& node, std::size_t more) const;
    /// A whole polygon. Pairs are counted as words: the rules read them later.
    Verdict points(std::string_view polygon);

private:
    const Limits& limits_;
    std::size_t namespaces_ = 0, areas_ = 0, shapes_ = 0, points_ = 0;
};

}  // namespace tocsin::cap
