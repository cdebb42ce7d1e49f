#include "server/area/geometry.hpp"

#include "server/area/shape.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

namespace tocsin::area {
namespace {

const Ring square{{39.9, 116.3}, {39.9, 116.4}, {40.0, 116.4}, {40.0, 116.3}, {39.9, 116.3}};
const Polygon frame{
    square,
    {{{39.94, 116.34}, {39.94, 116.36}, {39.96, 116.36}, {39.96, 116.34}, {39.94, 116.34}}}};

double turn(Point a, Point b, Point c) {
    return (b.lon - a.lon) * (c.lat - a.lat) - (b.lat - a.lat) * (c.lon - a.lon);
}

/// Every pair, on coordinates so coarse that doubles are exact: the oracle for crosses_itself().
bool crosses_by_pairs(const Ring& ring) {
    const auto count = ring.size() - 1;
    const auto on = [](Point a, Point b, Point p) {
        return turn(a, b, p) == 0 && std::min(a.lat, b.lat) <= p.lat &&
               p.lat <= std::max(a.lat, b.lat) && std::min(a.lon, b.lon) <= p.lon &&
               p.lon <= std::max(a.lon, b.lon);
    };
    for (std::size_t i = 0; i < count; ++i)
        for (std::size_t j = i + 1; j < count; ++j) {
            const auto a = ring[i], b = ring[i + 1], c = ring[j], d = ring[j + 1];
            if (j == i + 1 || (i == 0 && j == count - 1)) {
                const auto end_a = j == i + 1 ? a : b, end_b = j == i + 1 ? d : c;
                if (on(a, b, end_b) || on(c, d, end_a)) return true;
                continue;
            }
            if (turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0) return true;
            if (on(a, b, c) || on(a, b, d) || on(c, d, a) || on(c, d, b)) return true;
        }
    return false;
}

Ring star(std::mt19937_64& random, int corners) {
    std::uniform_real_distribution<double> far(0.2, 1);
    Ring ring;
    for (int i = 0; i < corners; ++i) {
        const auto turned = 2 * 3.14159265358979 * i / corners, reach = far(random);
        ring.push_back({40 + reach * std::sin(turned), 116 + reach * std::cos(turned)});
    }
    ring.push_back(ring.front());
    return ring;
}

TEST_CASE("a hole is not inside its polygon") {
    CHECK(contains(frame, {39.92, 116.32}));
    CHECK_FALSE(contains(frame, {39.95, 116.35}));
    CHECK(contains(square, {39.95, 116.35}));
    CHECK_FALSE(contains(square, {40.01, 116.35}));
    CHECK_FALSE(contains(square, {39.95, 116.41}));
}

TEST_CASE("a point on a border that two share is in exactly one of them") {
    const Ring west{{39.9, 116.3}, {39.93, 116.41}, {40.0, 116.38}, {40.0, 116.3}, {39.9, 116.3}};
    const Ring east{{39.9, 116.3},  {39.9, 116.5},   {40.0, 116.5},
                    {40.0, 116.38}, {39.93, 116.41}, {39.9, 116.3}};
    for (int i = 1; i < 1000; ++i) {
        const auto along = i / 1000.0;
        for (const auto& [from, to] : {std::pair{west[0], west[1]}, std::pair{west[1], west[2]}}) {
            const Point p{from.lat + along * (to.lat - from.lat),
                          from.lon + along * (to.lon - from.lon)};
            CHECK(int(contains(west, p)) + int(contains(east, p)) == 1);
        }
    }
}

TEST_CASE("meets is true from the first shared point on") {
    struct Row {
        std::string_view name;
        Ring ring;
        bool expected;
    };
    const auto box = [](double south, double west, double north, double east) {
        return Ring{{south, west}, {south, east}, {north, east}, {north, west}, {south, west}};
    };
    const Row rows[] = {
        {"crosses", box(39.8, 116.35, 39.91, 116.37), true},
        {"inside", box(39.91, 116.31, 39.92, 116.32), true},
        {"around", box(39.0, 116.0, 41.0, 117.0), true},
        {"in the hole", box(39.945, 116.345, 39.955, 116.355), false},
        {"touches a side", box(39.92, 116.4, 39.93, 116.5), true},
        {"touches a corner", box(40.0, 116.4, 40.1, 116.5), true},
        {"beside", box(39.92, 116.41, 39.93, 116.5), false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(meets(frame, row.ring) == row.expected);
    }
    CHECK(meets(frame, Circle{{39.95, 116.35}, 2}));
    CHECK_FALSE(meets(frame, Circle{{39.95, 116.35}, 0.5}));
    CHECK(meets(frame, Circle{{39.95, 116.5}, 8.6}));
    CHECK_FALSE(meets(frame, Circle{{39.95, 116.5}, 8.4}));
    CHECK(meets(frame, Circle{{39.92, 116.32}, 0}));
    CHECK(meets(frame, Circle{{0, 0}, 12500}));
    CHECK_FALSE(meets(frame, Circle{{0, 0}, 5000}));
}

TEST_CASE("areas and distances are those of the Earth") {
    CHECK(distance_km({39.9075, 116.3911}, {31.2397, 121.4998}) ==
          doctest::Approx(1068).epsilon(0.01));
    CHECK(distance_km({0, 0}, {0, 180}) == doctest::Approx(20015).epsilon(0.001));
    CHECK(area_km2(square) == doctest::Approx(11.12 * 8.526).epsilon(0.005));
    CHECK(area_km2(outline({{40, 116}, 10})) == doctest::Approx(314.16).epsilon(0.001));
    CHECK(Shape(square).area_km2() == doctest::Approx(area_km2(square)).epsilon(0.001));
    CHECK(Shape({&frame, 1}).area_km2() == doctest::Approx(area_km2(square) * 0.96).epsilon(0.001));
}

TEST_CASE(
    "C6: a ring that crosses or touches itself is seen, a neighbour's corner is no crossing") {
    struct Row {
        std::string_view name;
        Ring ring;
        bool expected;
    };
    const Row rows[] = {
        {"square", square, false},
        {"bow tie", {{0, 0}, {1, 1}, {0, 1}, {1, 0}, {0, 0}}, true},
        {"spike", {{0, 0}, {0, 2}, {1, 2}, {1, 3}, {1, 1}, {0, 0}}, true},
        {"corner visited twice", {{0, 0}, {1, 1}, {2, 0}, {2, 2}, {1, 1}, {0, 2}, {0, 0}}, true},
        {"corner on another side", {{0, 0}, {0, 4}, {2, 4}, {0, 2}, {2, 0}, {0, 0}}, true},
        {"same point twice in a row", {{0, 0}, {0, 1}, {0, 1}, {1, 1}, {0, 0}}, false},
        {"three points on a side", {{0, 0}, {0, 1}, {0, 2}, {1, 1}, {0, 0}}, false},
        {"there and back", {{0, 0}, {0, 1}, {0, 2}, {0, 0}}, true},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(crosses_itself(row.ring) == row.expected);
        auto turned = row.ring;
        for (auto& point : turned) std::swap(point.lat, point.lon);
        CHECK(crosses_itself(turned) == row.expected);
        std::ranges::reverse(turned);
        CHECK(crosses_itself(turned) == row.expected);
    }
}

TEST_CASE("C6: the sweep and a look at every pair agree on 20,000 random rings") {
    std::mt19937_64 random(20210722);
    int crossing = 0;
    for (int round = 0; round < 20000; ++round) {
        Ring ring;
        const auto corners = 3 + random() % 6, grid = 3 + random() % 12;
        for (std::size_t i = 0; i < corners; ++i) {
            const Point next{double(random() % grid), double(random() % grid)};
            if (ring.empty() || ring.back() != next) ring.push_back(next);
        }
        if (ring.size() < 3 || ring.front() == ring.back()) continue;
        ring.push_back(ring.front());
        const auto expected = crosses_by_pairs(ring);
        crossing += expected;
        REQUIRE(crosses_itself(ring) == expected);
    }
    CHECK(crossing > 1000);
    CHECK(crossing < 19000);
}

TEST_CASE("C6: a star of 100,000 points is simple, and one displaced point is found") {
    std::mt19937_64 random(7);
    auto ring = star(random, 100000);
    CHECK_FALSE(crosses_itself(ring));
    ring[50000] = {40.9, 116.9};
    CHECK(crosses_itself(ring));
}

TEST_CASE("shared areas agree with a grid of points, for ragged and for crossing rings") {
    std::mt19937_64 random(42);
    for (int round = 0; round < 20; ++round) {
        const auto a = star(random, 12 + round), b = star(random, 30);
        const Shape one(a), other(b);
        int hits = 0;
        for (int i = 0; i < 40000; ++i) {
            const Point p{39 + 2 * (i / 200 + 0.5) / 200, 115 + 2 * (i % 200 + 0.5) / 200};
            hits += one.contains(p) && other.contains(p);
        }
        const auto grid_km2 =
            hits * 4.0 / 40000 * degree_km * degree_km * std::cos(40 * 3.14159265 / 180);
        CHECK(overlap(one, other, 1e6).km2 == doctest::Approx(grid_km2).epsilon(0.03));
    }
}

}  // namespace
}  // namespace tocsin::area
