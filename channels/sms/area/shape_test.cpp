#include "channels/sms/area/shape.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <numbers>
#include <random>

namespace tocsin::smpp_area {
namespace {

std::string hex_of(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) out += fmt::format("{:02x}", std::uint8_t(c));
    return out;
}

double side(const Point& a, const Point& b, const Point& p) {
    return (b.longitude - a.longitude) * (p.latitude - a.latitude) -
           (b.latitude - a.latitude) * (p.longitude - a.longitude);
}

/// `ring` convex, in either direction.
bool inside(const Ring& ring, const Point& p) {
    int left = 0, right = 0;
    for (std::size_t i = 0; i < ring.size(); ++i) {
        const double s = side(ring[i], ring[(i + 1) % ring.size()], p);
        if (s > 1e-9) ++left;
        if (s < -1e-9) ++right;
    }
    return left == 0 || right == 0;
}

TEST_CASE("a polygon is coded as TS 23.032, 7.3.4 says: type and count, then points clockwise") {
    // 45 N: half of 2^23. 90 E: a quarter of 2^24. Given counter-clockwise, written clockwise.
    const Ring square = {{90, 45}, {135, 45}, {135, 67.5}, {90, 67.5}};
    const auto area = polygon(square);
    CHECK(area.format == AreaFormat::polygon);
    CHECK(hex_of(area.details) ==
          "54"
          "600000400000"
          "600000600000"
          "400000600000"
          "400000400000");
    const Ring clockwise = {{90, 45}, {90, 67.5}, {135, 67.5}, {135, 45}};
    CHECK(hex_of(polygon(clockwise).details).substr(0, 14) == "54400000400000");
}

TEST_CASE("south has its sign bit, west is in two's complement") {
    const auto area = polygon({{-90, -45}, {-45, -45}, {-45, -22.5}});
    CHECK(hex_of(area.details).find("c00000c00000") != std::string::npos);
    const auto back = points_of(area);
    REQUIRE(back.size() == 3);
    for (const auto& point : back) {
        CHECK(point.longitude <= -45);
        CHECK(point.latitude <= -22.5);
    }
}

TEST_CASE("an arc of a whole turn: TS 23.032, 7.3.7, radius never less than asked") {
    // 10 (1.1^K - 1): K = 25 is 98.3 m, K = 26 is 109.2 m.
    const auto area = arc({{90, 45}, 100});
    CHECK(hex_of(area.details) ==
          "a0400000400000"
          "0000"
          "1a"
          "00"
          "b3"
          "00");
    CHECK(arc({{0, 0}, 98}).details[9] == 25);
    CHECK(arc({{0, 0}, 0}).details[9] == 0);
    CHECK(arc({{0, 0}, 1e9}).details[9] == 127);
}

TEST_CASE("up to fifteen points go as they were drawn") {
    const Ring notched = {{116, 39}, {117, 39}, {117, 40}, {116.5, 39.5}, {116, 40}};
    CHECK(cover(notched) == notched);
    CHECK(points_of(shape_around(notched)).size() == 5);
}

TEST_CASE("of more points whatever is sent covers each of them, and is one that can be coded") {
    std::mt19937_64 random(20260721);
    std::uniform_real_distribution<double> turn(0, 2 * std::numbers::pi), far(0.02, 0.4);
    for (int round = 0; round < 300; ++round) {
        CAPTURE(round);
        Ring ring;
        const int count = 16 + int(random() % 400);
        for (int i = 0; i < count; ++i) {
            const double angle = turn(random), away = far(random);
            ring.push_back({116.4 + away * std::cos(angle), 39.9 + away * std::sin(angle)});
        }
        const auto around = cover(ring);
        CHECK(around.size() <= polygon_points_max);
        for (const auto& point : ring) CHECK(inside(around, point));
        const auto circle = circle_around(ring);
        for (const auto& point : ring) {
            const double north = (point.latitude - circle.centre.latitude) * 111195;
            const double east = (point.longitude - circle.centre.longitude) * 111195 *
                                std::cos(circle.centre.latitude * std::numbers::pi / 180);
            CHECK(std::hypot(north, east) <= circle.radius_m * 1.001);
        }
        const auto area = shape_around(ring);
        if (area.format == AreaFormat::polygon) {
            CHECK(area.details.size() == 1 + 6 * points_of(area).size());
        } else {
            CHECK(area.details.size() == 13);
        }
    }
}

TEST_CASE("what is drawn as a circle is sent as one or as a polygon about as large") {
    Ring ring;
    for (int i = 0; i < 64; ++i) {
        const double angle = 2 * std::numbers::pi * i / 64;
        ring.push_back({116.4 + 0.05 * std::cos(angle) / std::cos(39.9 * std::numbers::pi / 180),
                        39.9 + 0.05 * std::sin(angle)});
    }
    const auto around = cover(ring);
    CHECK(area_km2(around) < 1.05 * area_km2(ring));
    CHECK(area_km2(circle_around(ring)) < 1.05 * area_km2(ring));
}

TEST_CASE("GeoJSON: outer rings of Polygon and MultiPolygon; anything else is a fault") {
    const auto one = rings_of(
        R"({"type":"Polygon","coordinates":[[[116,39],[117,39],[117,40],[116,39]],[[1,1],[2,2],[3,1],[1,1]]]})");
    REQUIRE(one.has_value());
    CHECK(one->size() == 1);
    CHECK((*one)[0] == Ring{{116, 39}, {117, 39}, {117, 40}});
    const auto two = rings_of(
        R"({"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[1,1],[0,0]]],[[[5,5],[6,5],[6,6],[5,5]]]]})");
    REQUIRE(two.has_value());
    CHECK(two->size() == 2);
    for (const auto* bad : {"", "{", "[]", R"({"type":"Point","coordinates":[1,2]})",
                            R"({"type":"Polygon","coordinates":[]})",
                            R"({"type":"Polygon","coordinates":[[[1,2],[3,4]]]})",
                            R"({"type":"Polygon","coordinates":[[[181,2],[3,4],[5,6]]]})",
                            R"({"type":"Polygon","coordinates":[[["a",2],[3,4],[5,6]]]})"})
        CHECK_FALSE(rings_of(bad).has_value());
}

}  // namespace
}  // namespace tocsin::smpp_area
