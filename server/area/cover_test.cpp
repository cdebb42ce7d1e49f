#include "server/area/index.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

namespace tocsin::area {
namespace {

using Codes = std::vector<std::string>;
constexpr double lat_km = 1 / degree_km;                // degrees a kilometre
constexpr double lon_km = 1 / (degree_km * 0.7660444);  // at 40 degrees

const Atlas& beijing() {
    static const Atlas atlas = *Atlas::load("data/beijing/regions.geojson");
    return atlas;
}

Resolved drawn(Ring ring) { return beijing().resolve({Said{"", {}, {std::move(ring)}, {}}}); }

Ring box(double south, double west, double north, double east) {
    return {{south, west}, {south, east}, {north, east}, {north, west}, {south, west}};
}

/// Two districts side by side with the border at longitude 116.5; the eastern one has a hole.
Atlas two_districts() {
    const auto district = [](std::string_view code, std::string_view rings) {
        return fmt::format(
            R"({{"type":"Feature","properties":{{"code":"{}","parent":"{}","tier":"{}","name_zh":"{}","name_en":""}},)"
            R"("geometry":{{"type":"Polygon","coordinates":[{}]}}}})",
            code, code == "C" ? "" : "C", code == "C" ? "city" : "district", code, rings);
    };
    auto made = Atlas::parse(fmt::format(
        R"({{"features":[{},{},{}]}})",
        district("C", "[[116,40],[117,40],[117,41],[116,41],[116,40]]"),
        district("W", "[[116,40],[116.5,40],[116.5,41],[116,41],[116,40]]"),
        district("E",
                 "[[116.5,40],[117,40],[117,41],[116.5,41],[116.5,40]],"
                 "[[116.7,40.4],[116.7,40.6],[116.9,40.6],[116.9,40.4],[116.7,40.4]]")));
    REQUIRE_MESSAGE(made.has_value(), (made.has_error() ? made.error().what : ""));
    return *made;
}

TEST_CASE("a polygon that touches a border or crosses it by metres leaves the neighbour out") {
    const auto atlas = two_districts();
    struct Row {
        double over_km;
        Codes regions;
    };
    const Row rows[] = {{-1, {"W"}},   {0, {"W"}},   {0.005, {"W"}}, {0.02, {"W"}},
                        {0.06, {"C"}}, {0.5, {"C"}}, {1.5, {"C"}}};  // both districts are the city
    for (const auto& row : rows) {
        CAPTURE(row.over_km);
        const auto east = 116.5 + row.over_km * lon_km;
        CHECK(atlas.resolve({Said{"", {}, {box(40.1, 116.2, 40.9, east)}, {}}}).regions ==
              row.regions);
        const auto reach = 2 + row.over_km;
        CHECK(
            atlas
                .resolve({Said{"", {}, {}, {{{40.5, 116.5 - 2 * lon_km * 0.766 / 0.7604}, reach}}}})
                .regions == row.regions);
    }
}

TEST_CASE("what is smaller than the threshold belongs where it lies") {
    const auto atlas = two_districts();
    const auto at = [&](double from_m, double to_m) {
        const auto unit = lon_km / 1000;
        return atlas
            .resolve({Said{
                "",
                {},
                {box(40.5, 116.5 + from_m * unit, 40.5 + 10 * lat_km / 1000, 116.5 + to_m * unit)},
                {}}})
            .regions;
    };
    CHECK(at(2, 12) == Codes{"E"});  // a house just behind the border
    CHECK(at(-12, -2) == Codes{"W"});
    CHECK(at(-5, 5) == Codes{"C"});  // a house on it
    CHECK(at(-10, 0.1) == Codes{"W"});
    const auto street = box(40.1, 116.5 + 0.002 * lon_km, 40.4, 116.5 + 0.015 * lon_km);
    CHECK(atlas.resolve({Said{"", {}, {street}, {}}}).regions == Codes{"E"});
    const auto hole = box(40.45, 116.75, 40.55, 116.85);
    CHECK(atlas.resolve({Said{"", {}, {hole}, {}}}).regions.empty());
    CHECK(atlas.resolve({Said{"", {}, {box(40.35, 116.65, 40.65, 116.95)}, {}}}).regions ==
          Codes{"E"});
}

TEST_CASE("a circle of radius 0 counts only where its point lies") {
    const auto atlas = two_districts();
    const auto at = [&](double lon) {
        return atlas.resolve({Said{"", {}, {}, {{{40.5, lon}, 0}}}}).regions;
    };
    CHECK(at(116.49999) == Codes{"W"});
    CHECK(at(116.5) == Codes{"E"});
    CHECK(at(116.50001) == Codes{"E"});
    CHECK(at(116.8).empty());
}

TEST_CASE(
    "C1: near the outer border is not outside, and alone it still reaches nobody and is refused") {
    const auto atlas = two_districts();
    const auto near = Said{"", {}, {box(40.2, 117 + 0.3 * lon_km, 40.3, 117 + 2 * lon_km)}, {}};
    const auto far = Said{"", {}, {box(40.2, 117 + 1.6 * lon_km, 40.3, 117 + 3 * lon_km)}, {}};
    auto resolved = atlas.resolve({near});
    CHECK(resolved.regions.empty());
    REQUIRE(resolved.problems.size() == 1);
    CHECK(resolved.problems[0].rule == "area-outside");
    CHECK(resolved.problems[0].error);
    resolved = atlas.resolve({near, Said{"E", {}, {}, {}}});
    CHECK(resolved.regions == Codes{"E"});
    CHECK(resolved.polygons.size() == 1);  // its cells may still be warned
    CHECK_FALSE(resolved.problems[0].error);
    resolved = atlas.resolve({far, Said{"E", {}, {}, {}}});
    CHECK(resolved.polygons.empty());
    CHECK(resolved.problems[0].error);
}

TEST_CASE("a district drawn with coarse coordinates is that district and no neighbour") {
    for (const auto& region : beijing().regions()) {
        if (region.tier != Tier::district) continue;
        CAPTURE(region.code);
        Codes districts;
        auto ring = region.polygons.front().outer;
        for (auto& point : ring)
            point = {std::round(point.lat * 1e4) / 1e4, std::round(point.lon * 1e4) / 1e4};
        for (const auto& code : drawn(ring).regions)
            if (beijing().find(code)->tier == Tier::district) districts.push_back(code);
        auto expected = Codes{region.code};
        if (region.code == "110113") expected = {"110105", "110113"};  // drawn without its hole
        CHECK(districts == expected);
    }
}

TEST_CASE("C3: the districts fill the city: no point in two, none in a gap") {
    std::mt19937_64 random(110000);
    std::uniform_real_distribution<double> lat(39.4, 41.1), lon(115.4, 117.6);
    const auto& city = beijing().city();
    const Shape outline(city.polygons);
    std::vector<Shape> districts;
    for (const auto& region : beijing().regions())
        if (region.tier == Tier::district) districts.emplace_back(region.polygons);
    int inside = 0;
    for (int i = 0; i < 20000; ++i) {
        const Point point{lat(random), lon(random)};
        const auto holds = [&](const Shape& shape) { return shape.contains(point); };
        inside += outline.contains(point);
        CHECK(std::ranges::count_if(districts, holds) == int(outline.contains(point)));
    }
    CHECK(inside > 5000);
    double sum = 0;
    for (const auto& region : beijing().regions())
        if (region.tier == Tier::district) sum += Shape(region.polygons).area_km2();
    CHECK(sum == doctest::Approx(Shape(city.polygons).area_km2()).epsilon(1e-6));
    CHECK(sum == doctest::Approx(16410).epsilon(0.02));  // the city's official area
}

TEST_CASE("geometry never reaches a region that shares no ground with it") {
    std::mt19937_64 random(5);
    std::uniform_real_distribution<double> lat(39.5, 41), lon(115.5, 117.4), size(0.0005, 0.2);
    for (int round = 0; round < 300; ++round) {
        const Point corner{lat(random), lon(random)};
        const auto height = size(random), width = size(random);
        const auto ring = box(corner.lat, corner.lon, corner.lat + height, corner.lon + width);
        const auto found = drawn(ring).regions;
        for (const auto& region : beijing().regions()) {
            if (region.tier != Tier::district && region.tier != Tier::functional) continue;
            CAPTURE(region.code);
            const auto km2 = overlap(Shape(ring), Shape(region.polygons), 1e6).km2;
            const bool listed = std::ranges::count(found, region.code) || found == Codes{"110000"};
            if (km2 == 0) CHECK_FALSE(listed);
            if (km2 >= share * area_km2(ring)) CHECK(listed);
        }
    }
}

TEST_CASE("overlaps of functional areas are the districts that their outlines meet") {
    for (const auto& region : beijing().regions()) {
        if (region.tier != Tier::functional) continue;
        CAPTURE(region.code);
        auto expected = region.overlaps;
        expected.push_back(region.code);
        CHECK(drawn(region.polygons.front().outer).regions == expected);
    }
}

Ring ragged(std::size_t points, double reach, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> far(0.8 * reach, reach);
    Ring ring;
    for (std::size_t i = 0; i < points; ++i) {
        const auto turned =
            2 * 3.14159265358979 * static_cast<double>(i) / static_cast<double>(points);
        const auto r = far(random);
        ring.push_back({40.1 + r * std::sin(turned), 116.4 + r * std::cos(turned)});
    }
    ring.push_back(ring.front());
    return ring;
}

double ms_of(const auto& work) {
    const auto from = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - from)
        .count();
}

// Generous, as debug and sanitizer builds run it too; the measured figures are printed.
TEST_CASE("C7: a polygon of 1,000 points is quick, and bombs stay bounded") {
    for (const auto reach : {0.05, 0.3, 0.7}) {
        const auto ring = ragged(1000, reach, 3);
        double best = 1e9;
        for (int i = 0; i < 5; ++i)
            best = std::min(best, ms_of([&] { CHECK_FALSE(drawn(ring).regions.empty()); }));
        MESSAGE("1,000 points, reach ", reach, " degrees: ", best, " ms");
        CHECK(best < 300);
    }
    const auto large = ragged(100000, 0.7, 4);
    const auto large_ms = ms_of([&] { CHECK_FALSE(drawn(large).regions.empty()); });
    Ring comb;  // teeth as tall as the city and next to no area
    for (int i = 0; i < 50000; ++i) {
        comb.push_back({39.0, 115.4 + 2.1 * i / 50000});
        comb.push_back({41.5, 115.4 + 2.1 * (i + 1e-4) / 50000});
    }
    comb.push_back({38.9, 117.6});
    comb.push_back(comb.front());
    const auto comb_ms = ms_of([&] { drawn(comb); });
    MESSAGE("100,000 points: ragged ", large_ms, " ms, comb ", comb_ms, " ms");
    CHECK(large_ms < 20000);
    CHECK(comb_ms < 20000);
}

// ---- against an independent source -----------------------------------------------------------

std::string reference() {
    const auto* named = std::getenv("TOCSIN_SHARED");
    std::ifstream file(std::string(named ? named : "../shared") + "/geo/beijing_districts.geojson");
    return {std::istreambuf_iterator<char>(file), {}};
}

Ring ring_of(const boost::json::value& value) {
    Ring ring;
    for (const auto& pair : value.as_array())
        ring.push_back(
            {pair.as_array()[1].to_number<double>(), pair.as_array()[0].to_number<double>()});
    return ring;
}

TEST_CASE("C3: the outlines agree with those of another source, district by district") {
    const auto bytes = reference();
    if (bytes.empty()) {
        MESSAGE("SKIPPED: no reference data; name its folder by TOCSIN_SHARED");
        return;
    }
    const auto document = boost::json::parse(bytes);
    int districts = 0;
    for (const auto& feature : document.as_object().at("features").as_array()) {
        const auto& geometry = feature.as_object().at("geometry").as_object();
        const std::string code(
            feature.as_object().at("properties").as_object().at("adcode").as_string());
        const bool many = geometry.at("type").as_string() == "MultiPolygon";
        std::vector<Polygon> polygons;
        const auto add = [&](const boost::json::value& rings) {
            auto& polygon = polygons.emplace_back();
            for (const auto& ring : rings.as_array())
                (polygon.outer.empty() ? polygon.outer : polygon.holes.emplace_back()) =
                    ring_of(ring);
        };
        if (many)
            for (const auto& part : geometry.at("coordinates").as_array()) add(part);
        else
            add(geometry.at("coordinates"));
        const Shape theirs(polygons), ours(beijing().find(code)->polygons);
        const auto both = overlap(theirs, ours, 1e6).km2;
        const auto agreement = both / (theirs.area_km2() + ours.area_km2() - both);
        CAPTURE(code);
        CHECK(agreement >= 0.90);
        ++districts;
    }
    CHECK(districts == 16);
}

TEST_CASE("C3: well-known points lie in their districts") {
    struct Row {
        std::string_view name;
        Point point;
        std::string code;
    };
    const Row rows[] = {
        {"Tiananmen gate", {39.9075, 116.3911}, "110101"},
        {"West Railway Station", {39.8948, 116.3160}, "110106"},
        {"BDA", {39.7900, 116.5010}, "110115"},
        {"Badaling", {40.3590, 116.0160}, "110119"},
        {"Capital Airport", {40.0754, 116.5879}, "110105"},
        {"Shijiazhuang", {38.0400, 114.5000}, ""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        Codes found;
        for (const auto& region : beijing().regions())
            if (region.tier == Tier::district)
                for (const auto& polygon : region.polygons)
                    if (contains(polygon, row.point)) found.push_back(region.code);
        CHECK(found == (row.code.empty() ? Codes{} : Codes{row.code}));
    }
}

}  // namespace
}  // namespace tocsin::area
