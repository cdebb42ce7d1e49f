#include "server/area/edge_grid.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <random>
#include <set>

namespace tocsin::area {
namespace {

Ring star(std::size_t points, double least, std::mt19937& random) {
    std::uniform_real_distribution<double> far(least, 1);
    Ring ring;
    for (std::size_t i = 0; i < points; ++i) {
        const auto turn = 2 * std::numbers::pi * double(i) / double(points);
        const auto reach = far(random);
        ring.push_back({40 + reach * std::cos(turn), 116 + reach * std::sin(turn)});
    }
    ring.push_back(ring.front());
    return ring;
}

TEST_CASE("a grid says of every point what the shape says") {
    std::mt19937 random(36);
    std::uniform_real_distribution<double> lat(38.9, 41.1), lon(114.9, 117.1);
    for (const std::size_t points : {3, 4, 7, 50, 1000, 20000})
        for (const double least : {0.05, 0.9}) {
            CAPTURE(points);
            CAPTURE(least);
            const Shape shape(star(points, least, random));
            const EdgeGrid grid(shape);
            for (int i = 0; i < 2000; ++i) {
                const Point point{lat(random), lon(random)};
                REQUIRE(grid.contains(point) == shape.contains(point));
            }
        }
}

TEST_CASE("points level with the corners of a square, and parts with holes, are read right") {
    const auto square = [](double from, double to) {
        return Ring{{from, from}, {from, to}, {to, to}, {to, from}, {from, from}};
    };
    const std::vector<Polygon> parts{{square(0, 8), {square(2, 6)}}, {square(3, 5), {}}};
    const Shape shape(parts);
    const EdgeGrid grid(shape);
    for (double lat = -0.75; lat < 9; lat += 0.5)
        for (double lon = -0.75; lon < 9; lon += 0.5) {
            CAPTURE(lat);
            CAPTURE(lon);
            CHECK(grid.contains({lat, lon}) == shape.contains({lat, lon}));
        }
}

TEST_CASE("every edge near a box is named") {
    std::mt19937 random(37);
    std::uniform_real_distribution<double> lat(38.9, 41.1), lon(114.9, 117.1), size(0.001, 0.3);
    const Shape shape(star(500, 0.1, random));
    const EdgeGrid grid(shape);
    for (int i = 0; i < 500; ++i) {
        Box box{lat(random), lon(random), 0, 0};
        box.north = box.south + size(random), box.east = box.west + size(random);
        std::set<const Edge*> named;
        grid.each_edge(box, [&](const Edge& edge) { return named.insert(&edge), true; });
        for (const auto& edge : shape.edges()) {
            const auto from = std::max(edge.low.lat, box.south);
            const auto to = std::min(edge.high.lat, box.north);
            if (from > to || edge.low.lat == edge.high.lat) continue;
            const auto [west, east] = std::minmax({edge.lon_at(from), edge.lon_at(to)});
            if (west > box.east || east < box.west) continue;
            REQUIRE(named.contains(&edge));
        }
    }
}

TEST_CASE("a ring that is a line or a point has no inside and breaks nothing") {
    for (const auto& ring : {Ring{{1, 1}, {1, 2}, {1, 1}}, Ring{{1, 1}, {2, 1}, {1, 1}}}) {
        const Shape shape(ring);
        const EdgeGrid grid(shape);
        CHECK_FALSE(grid.contains({1, 1}));
        int seen = 0;
        grid.each_edge({0, 0, 3, 3}, [&](const Edge&) { return ++seen, true; });
        CHECK(seen >= 2);
    }
}

}  // namespace
}  // namespace tocsin::area
