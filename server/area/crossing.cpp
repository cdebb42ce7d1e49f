#include "server/area/geometry.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>

// Shamos and Hoey: a line sweeps over the segments, from west to east; two that cross are neighbours
// on it at some moment before. On whole numbers (1e-9 degree) and with exact products: with floating
// ones the order on the line can contradict itself, and the search would miss or invent crossings.
namespace tocsin::area {
namespace {

__extension__ typedef __int128 Wide;

struct Spot {
    std::int64_t x, y;
    auto operator<=>(const Spot&) const = default;
};

struct Segment {
    Spot left, right;
    std::uint32_t number;
};

int turn(Spot a, Spot b, Spot c) {
    const auto product = Wide(b.x - a.x) * (c.y - a.y) - Wide(b.y - a.y) * (c.x - a.x);
    return product > 0 ? 1 : product < 0 ? -1 : 0;
}

bool between(const Segment& s, Spot p) {
    return turn(s.left, s.right, p) == 0 && s.left <= p && p <= s.right;
}

/// Order from south to north where both are on the sweeping line.
struct Below {
    bool operator()(const Segment* a, const Segment* b) const {
        if (a == b) return false;
        if (a->left <= b->left) {
            const auto side = turn(a->left, a->right, b->left);
            const auto which = side != 0 ? side : turn(a->left, a->right, b->right);
            return which != 0 ? which > 0 : a->number < b->number;
        }
        const auto side = turn(b->left, b->right, a->left);
        const auto which = side != 0 ? side : turn(b->left, b->right, a->right);
        return which != 0 ? which < 0 : a->number < b->number;
    }
};

/// Two neighbours of the ring share one end: they cross only where one runs back over the other.
bool cross(const Segment& a, const Segment& b, std::size_t count) {
    const auto apart = a.number > b.number ? a.number - b.number : b.number - a.number;
    if (apart == 1 || apart == count - 1) {
        const auto shared = a.left == b.left || a.left == b.right ? a.left : a.right;
        const auto end_a = shared == a.left ? a.right : a.left;
        const auto end_b = shared == b.left ? b.right : b.left;
        return between(a, end_b) || between(b, end_a);
    }
    const auto a1 = turn(a.left, a.right, b.left), a2 = turn(a.left, a.right, b.right);
    const auto b1 = turn(b.left, b.right, a.left), b2 = turn(b.left, b.right, a.right);
    if (a1 * a2 < 0 && b1 * b2 < 0) return true;
    return between(a, b.left) || between(a, b.right) || between(b, a.left) || between(b, a.right);
}

std::vector<Spot> spots_of(const Ring& ring) {
    std::vector<Spot> spots;
    for (const auto& point : ring) {
        const Spot spot{std::llround(point.lon * 1e9), std::llround(point.lat * 1e9)};
        if (spots.empty() || spots.back() != spot) spots.push_back(spot);
    }
    if (spots.size() > 1 && spots.front() == spots.back()) spots.pop_back();
    return spots;
}

bool repeats(std::vector<Spot> spots) {
    std::ranges::sort(spots);
    return std::ranges::adjacent_find(spots) != spots.end();
}

}  // namespace

bool crosses_itself(const Ring& ring) {
    const auto spots = spots_of(ring);
    if (spots.size() < 3) return false;
    if (repeats(spots)) return true;
    std::vector<Segment> segments;
    for (std::uint32_t i = 0; i < spots.size(); ++i) {
        const auto [left, right] = std::minmax(spots[i], spots[(i + 1) % spots.size()]);
        segments.push_back({left, right, i});
    }
    struct Stop {
        Spot at;
        bool begins;
        const Segment* segment;
    };
    std::vector<Stop> stops;
    for (const auto& segment : segments) {
        stops.push_back({segment.left, true, &segment});
        stops.push_back({segment.right, false, &segment});
    }
    std::ranges::sort(stops, [](const Stop& a, const Stop& b) {
        return a.at != b.at ? a.at < b.at
                            : a.begins < b.begins;  // ends first: neighbours only touch
    });
    std::set<const Segment*, Below> line;
    for (const auto& stop : stops) {
        const auto here = stop.begins ? line.insert(stop.segment).first : line.find(stop.segment);
        if (here == line.end()) return true;  // lost its place: something crossed it
        const auto above = std::next(here);
        const auto* below = here == line.begin() ? nullptr : *std::prev(here);
        const auto* next = above == line.end() ? nullptr : *above;
        if (stop.begins) {
            if (below && cross(*below, *stop.segment, segments.size())) return true;
            if (next && cross(*next, *stop.segment, segments.size())) return true;
        } else {
            if (below && next && cross(*below, *next, segments.size())) return true;
            line.erase(here);
        }
    }
    return false;
}

}  // namespace tocsin::area
