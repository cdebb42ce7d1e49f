#include "server/cap/ring.hpp"

#include <algorithm>
#include <cmath>
#include <memory_resource>
#include <set>

namespace tocsin::cap {
namespace {

__extension__ typedef __int128 Wide;

struct Spot {
    std::int64_t x, y;  // x: longitude
    bool operator==(const Spot&) const = default;
    auto operator<=>(const Spot&) const = default;
};

Spot spot(Point p) { return {std::llround(p.lon * 1e9), std::llround(p.lat * 1e9)}; }

/// Consecutive equal points are one, a way there and straight back is none (it encloses nothing,
/// and tools that simplify outlines leave such); the closing point is left out.
std::vector<Spot> corners(const Ring& ring) {
    std::vector<Spot> out;
    out.reserve(ring.size());
    for (const auto& point : ring) {
        const auto at = spot(point);
        if (!out.empty() && out.back() == at) continue;
        if (out.size() > 1 && out[out.size() - 2] == at)
            out.pop_back();
        else
            out.push_back(at);
    }
    if (out.size() > 1 && out.front() == out.back()) out.pop_back();
    return out;
}

/// Above zero if c is left of a-b, below if right, zero if on the line. In floating point first:
/// its error is below 5e-16 of the products, so only near misses are worked out exactly.
int side(Spot a, Spot b, Spot c) {
    const double left = double(b.x - a.x) * double(c.y - a.y);
    const double right = double(b.y - a.y) * double(c.x - a.x);
    const double cross = left - right;
    if (std::abs(cross) > 5e-16 * (std::abs(left) + std::abs(right))) return cross > 0 ? 1 : -1;
    const Wide exact = Wide(b.x - a.x) * (c.y - a.y) - Wide(b.y - a.y) * (c.x - a.x);
    return (exact > 0) - (exact < 0);
}

struct Edge {
    Spot left, right;  // in order of x, then y
    std::size_t index;

    bool holds(Spot p) const { return side(left, right, p) == 0 && left <= p && p <= right; }
};

/// Neighbours on the ring share one corner; anything more than that corner is a crossing.
bool neighbours_cross(const Edge& a, const Edge& b) {
    const auto shared = a.left == b.left || a.left == b.right ? a.left : a.right;
    const auto end_a = a.left == shared ? a.right : a.left;
    const auto end_b = b.left == shared ? b.right : b.left;
    return a.holds(end_b) || b.holds(end_a);
}

bool meet(const Edge& a, const Edge& b) {
    const int a1 = side(a.left, a.right, b.left), a2 = side(a.left, a.right, b.right);
    const int b1 = side(b.left, b.right, a.left), b2 = side(b.left, b.right, a.right);
    if (a1 * a2 < 0 && b1 * b2 < 0) return true;
    return a.holds(b.left) || a.holds(b.right) || b.holds(a.left) || b.holds(a.right);
}

/// Which of two edges that do not cross lies lower where both are.
bool lower(const Edge& a, const Edge& b) {
    if (a.index == b.index) return false;
    int turn = a.left <= b.left ? side(a.left, a.right, b.left) : -side(b.left, b.right, a.left);
    if (turn == 0)  // they start in one corner: look at the other ends
        turn = a.left <= b.left ? side(a.left, a.right, b.right) : -side(b.left, b.right, a.right);
    return turn != 0 ? turn > 0 : a.index < b.index;
}

/// Shamos and Hoey: sweep from west to east, corner by corner; an edge can first cross only a
/// neighbour in the order of those that the sweep line cuts.
class Sweep {
public:
    explicit Sweep(const std::vector<Spot>& spots) : count_(spots.size()), spots_(spots) {
        edges_.reserve(count_);
        for (std::size_t i = 0; i < count_; ++i) {
            const auto a = spots[i], b = spots[(i + 1) % count_];
            edges_.push_back({std::min(a, b), std::max(a, b), i});
        }
    }

    bool crossing() {
        std::vector<std::pair<Spot, std::size_t>> order;
        order.reserve(count_);
        for (std::size_t i = 0; i < count_; ++i) order.emplace_back(spots_[i], i);
        std::ranges::sort(order);
        const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
        if (std::ranges::adjacent_find(order, same) != order.end()) return true;
        places_.assign(count_, active_.end());
        for (const auto& corner : order)
            if (pass(corner.second)) return true;
        return false;
    }

private:
    struct Slot {
        mutable const Edge* edge;  // changes only for one that continues it: the order stays
        bool operator<(const Slot& other) const { return lower(*edge, *other.edge); }
    };
    using Active = std::pmr::set<Slot>;

    bool pass(std::size_t corner) {
        const auto before = corner == 0 ? count_ - 1 : corner - 1;
        const bool ends_before = edges_[before].right == spots_[corner];
        const bool ends_after = edges_[corner].right == spots_[corner];
        if (ends_before && ends_after) return end(before) || end(corner);
        if (ends_before) return go_on(before, corner);
        if (ends_after) return go_on(corner, before);
        return begin(before) || begin(corner);
    }

    bool cross(const Edge& a, const Edge& b) const {
        const auto gap = a.index > b.index ? a.index - b.index : b.index - a.index;
        return gap == 1 || gap == count_ - 1 ? neighbours_cross(a, b) : meet(a, b);
    }

    bool beside(Active::iterator at) const {
        if (at != active_.begin() && cross(*std::prev(at)->edge, *at->edge)) return true;
        return std::next(at) != active_.end() && cross(*at->edge, *std::next(at)->edge);
    }

    bool begin(std::size_t index) {
        const auto [at, fresh] = active_.insert({&edges_[index]});
        if (!fresh) return true;
        places_[index] = at;
        return beside(at);
    }

    bool go_on(std::size_t from, std::size_t to) {
        places_[to] = places_[from];
        places_[to]->edge = &edges_[to];
        return beside(places_[to]);
    }

    bool end(std::size_t index) {
        const auto above = active_.erase(places_[index]);
        return above != active_.begin() && above != active_.end() &&
               cross(*std::prev(above)->edge, *above->edge);
    }

    std::size_t count_;
    const std::vector<Spot>& spots_;
    std::vector<Edge> edges_;
    std::pmr::unsynchronized_pool_resource memory_;
    Active active_{&memory_};
    std::vector<Active::iterator> places_;
};

}  // namespace

bool has_area(const Ring& ring) {
    const auto spots = corners(ring);
    for (std::size_t i = 2; i < spots.size(); ++i)
        if (side(spots[0], spots[1], spots[i]) != 0) return true;
    return false;
}

bool crosses_itself(const Ring& ring) {
    const auto spots = corners(ring);
    if (spots.size() < 3) return false;
    return Sweep(spots).crossing();
}

}  // namespace tocsin::cap
