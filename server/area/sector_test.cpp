#include "server/area/sector.hpp"

#include <boost/geometry.hpp>
#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <random>

namespace tocsin::area {
namespace {

constexpr double lat0 = 39.9, lon0 = 116.4;
const double shrink = std::cos(lat0 * std::numbers::pi / 180);

Point at(double east_km, double north_km) {
    return {lat0 + north_km / degree_km, lon0 + east_km / (degree_km * shrink)};
}

contract::CellRow row(double azimuth, double beam, double range_m) {
    contract::CellRow out;
    out.lon = lon0, out.lat = lat0;
    out.azimuth = azimuth, out.beam = beam, out.range_m = range_m;
    return out;
}

Edge edge(Point a, Point b) { return a.lat <= b.lat ? Edge{a, b} : Edge{b, a}; }

TEST_CASE("a sector holds what lies in its beam and range, its border with it") {
    struct Row {
        double azimuth, beam, east, north;
        bool inside;
    };
    const std::vector<Row> rows{
        {0, 360, 0.9, 0, true},    {0, 360, 0, -0.9, true},     {0, 360, 0.8, 0.8, false},
        {0, 90, 0, 0.9, true},     {0, 90, 0.5, 0.6, true},     {0, 90, 0.6, 0.5, false},
        {0, 90, 0, -0.1, false},   {90, 120, 0.9, 0, true},     {90, 120, 0.3, 0.6, false},
        {90, 120, -0.1, 0, false}, {350, 60, -0.4, 0.8, true},  {350, 60, 0.2, 0.8, true},
        {10, 60, 0.5, 0.7, true},  {180, 180, 0.9, -0.1, true}, {180, 180, -0.9, -0.1, true},
        {180, 180, 0, 0.1, false}, {0, 270, 0.5, -0.4, true},   {0, 270, -0.5, -0.4, true},
        {0, 270, 0, -0.5, false},  {0, 270, 0.1, -0.4, false},  {0, 90, 0, 0, true},
        {270, 65, -0.9, 0, true},  {270, 65, 0.05, 0, false},
    };
    for (const auto& r : rows) {
        CAPTURE(r.azimuth);
        CAPTURE(r.beam);
        CAPTURE(r.east);
        CAPTURE(r.north);
        CHECK(Sector(row(r.azimuth, r.beam, 1000)).contains(at(r.east, r.north)) == r.inside);
    }
}

TEST_CASE("an edge meets a sector that it crosses, ends in or runs through from side to side") {
    struct Row {
        double azimuth, beam;
        std::array<double, 4> edge;  // east, north, east, north
        bool meets;
    };
    const std::vector<Row> rows{
        {0, 360, {-2, 0.5, 2, 0.5}, true},     // a chord
        {0, 360, {-2, 1.01, 2, 1.01}, false},  // above
        {0, 360, {0.2, 0.2, 0.3, 0.3}, true},  // inside
        {0, 360, {0.2, 0.2, 0.2, 0.2}, true},  // a point
        {0, 360, {2, 2, 2, 2}, false},
        {0, 60, {-2, 0.5, 2, 0.5}, true},
        {0, 60, {-2, -0.5, 2, -0.5}, false},       // behind
        {0, 60, {0.4, 0.1, 2, 0.1}, false},        // in the disc, beside the beam
        {0, 60, {-0.4, 0.1, 2, 0.1}, true},        // close before the site
        {0, 300, {-0.3, -0.9, 0.3, -0.9}, false},  // in the gap
        {0, 300, {-0.9, -0.3, 0.9, -0.3}, true},   // from one side to the other, through the gap
        {0, 300, {0, -0.1, 0, -2}, false},
        {0, 180, {-1, -0.1, 1, -0.1}, false},
        {0, 180, {-1, 0.1, 1, 0.1}, true},
    };
    for (const auto& r : rows) {
        CAPTURE(r.azimuth);
        CAPTURE(r.beam);
        CAPTURE(r.edge[0]);
        CAPTURE(r.edge[1]);
        const auto& e = r.edge;
        CHECK(Sector(row(r.azimuth, r.beam, 1000)).meets(edge(at(e[0], e[1]), at(e[2], e[3]))) ==
              r.meets);
    }
}

namespace geometry = boost::geometry;
using Corner = geometry::model::d2::point_xy<double>;

/// The sector drawn with a corner each half degree, on the same plane.
geometry::model::polygon<Corner> drawn(double azimuth, double beam, double km) {
    geometry::model::polygon<Corner> out;
    if (beam < 360) out.outer().emplace_back(0, 0);
    for (double turn = 0; turn <= beam; turn += 0.5) {
        const auto angle = (azimuth - beam / 2 + turn) * std::numbers::pi / 180;
        out.outer().emplace_back(km * std::sin(angle), km * std::cos(angle));
    }
    geometry::correct(out);
    return out;
}

TEST_CASE("random sectors and edges agree with the geometry library on drawn sectors") {
    std::mt19937 random(48049);
    std::uniform_real_distribution<double> turn(0, 360), place(-1.6, 1.6);
    const std::array beams{30.0, 65.0, 90.0, 120.0, 180.0, 200.0, 270.0, 330.0, 360.0};
    int met = 0, decided = 0;
    for (int i = 0; i < 4000; ++i) {
        const auto azimuth = turn(random), beam = beams[std::size_t(i) % beams.size()];
        const std::array e{place(random), place(random), place(random), place(random)};
        geometry::model::linestring<Corner> line{{e[0], e[1]}, {e[2], e[3]}};
        const bool less = geometry::intersects(line, drawn(azimuth, beam, 0.999));
        const bool more = geometry::intersects(line, drawn(azimuth, beam, 1.001));
        if (less != more) continue;  // as close as drawing is good
        const Sector sector(row(azimuth, beam, 1000));
        const auto meets = sector.meets(edge(at(e[0], e[1]), at(e[2], e[3])));
        REQUIRE(meets == less);
        ++decided, met += meets;
    }
    CHECK(decided > 3900);
    CHECK(met > 1000);
    CHECK(met < 3000);
}

TEST_CASE("a sector's box is as large as its drawing, no larger") {
    for (const double azimuth : {0.0, 33.0, 90.0, 170.0, 225.0, 359.0})
        for (const double beam : {20.0, 65.0, 180.0, 250.0, 360.0}) {
            CAPTURE(azimuth);
            CAPTURE(beam);
            const auto box = Sector(row(azimuth, beam, 1000)).box();
            Box theirs;  // of the corners; the drawing's arc is as good as half a degree of turn
            const auto drawing = drawn(azimuth, beam, 1);
            for (const auto& corner : drawing.outer()) theirs.stretch(at(corner.x(), corner.y()));
            const auto close = [](double a, double b) { return std::abs(a - b) < 1e-6; };
            const Point low{theirs.south, theirs.west}, high{theirs.north, theirs.east};
            CHECK(close(box.south, low.lat));
            CHECK(close(box.west, low.lon));
            CHECK(close(box.north, high.lat));
            CHECK(close(box.east, high.lon));
        }
}

TEST_CASE("rows through a sector add up to its area") {
    for (const double beam : {20.0, 65.0, 120.0, 180.0, 270.0, 360.0}) {
        CAPTURE(beam);
        const Sector sector(row(75, beam, 2000));
        std::vector<double> lons;
        double km2 = 0;
        constexpr int rows = 4000;
        for (int i = 0; i < rows; ++i) {
            const auto north = -2 + 4 * (i + 0.5) / rows;
            sector.spans_at(lat0 + north / degree_km, lons);
            // A wide one may say what is north and what is south of the gap, overlapping nowhere else.
            double west = 1000, east = -1000, sum = 0;
            for (std::size_t s = 1; s < lons.size(); s += 2) {
                sum += lons[s] - lons[s - 1];
                west = std::min(west, lons[s - 1]), east = std::max(east, lons[s]);
            }
            if (lons.size() == 4) sum = std::min(sum, east - west);
            km2 += sum * degree_km * shrink * 4 / rows;
        }
        CHECK(km2 == doctest::Approx(std::numbers::pi * 4 * beam / 360).epsilon(0.002));
    }
}

}  // namespace
}  // namespace tocsin::area
