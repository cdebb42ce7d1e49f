#include "server/area/cell_map.hpp"

#include "server/area/sector.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cmath>
#include <numbers>
#include <random>

namespace tocsin::area {
namespace {

using contract::Radio;

constexpr double lat0 = 39.9, lon0 = 116.4;
const double shrink = std::cos(lat0 * std::numbers::pi / 180);

Point at(double east_km, double north_km) {
    return {lat0 + north_km / degree_km, lon0 + east_km / (degree_km * shrink)};
}

Ring square(double west, double south, double east, double north) {
    return {at(west, south), at(east, south), at(east, north), at(west, north), at(west, south)};
}

struct Site {
    double east, north, azimuth, beam, range_m;
    std::uint32_t bsc = 0;
    Radio radio = Radio::gsm;
};

/// Cells 1, 2, 3... of LAC 1, in the order given.
contract::CellsFile network(const std::vector<Site>& sites) {
    contract::CellsFile file;
    file.bscs = {"bsc-1", "bsc-2", "bsc-3"};
    for (const auto& site : sites) {
        contract::CellRow row;
        const auto place = at(site.east, site.north);
        row.lon = place.lon, row.lat = place.lat;
        row.azimuth = site.azimuth, row.beam = site.beam, row.range_m = site.range_m;
        row.bsc = site.bsc;
        const auto number = file.rows.size() + 1;
        row.cgi = contract::to_number(
            {site.radio, 460, 0, false, site.radio == Radio::gsm ? 0x10000 + number : number});
        file.rows.push_back(row);
    }
    return file;
}

/// The cells (1, 2, ...) of LAC 1 that a place meets.
std::vector<int> met(const CellMap& map, const Place& place) {
    std::vector<int> out;
    for (const auto number : map.names(map.meeting(place)))
        out.push_back(int(contract::cell_of(number)->ci()));
    return out;
}

Place place_for(std::vector<Ring> rings, std::vector<Circle> circles = {}) {
    auto place = place_of(rings, circles, {});
    REQUIRE(place.has_value());
    return std::move(*place);
}

TEST_CASE("a cell is chosen where its sector meets the area, and only there") {
    // 1: a disc; 2: a beam to the east; 3: one to the west; 4: a small one inside what 1 hears.
    const CellMap map(network({{0, 0, 0, 360, 1000},
                               {5, 0, 90, 60, 2000},
                               {5, 0, 270, 60, 2000},
                               {0.2, 0.2, 0, 360, 100}}));
    struct Row {
        const char* what;
        std::vector<Ring> rings;
        std::vector<Circle> circles;
        std::vector<int> cells;
    };
    const std::vector<Row> rows{
        {"all around", {square(-10, -10, 10, 10)}, {}, {1, 2, 3, 4}},
        {"far away", {square(20, 20, 21, 21)}, {}, {}},
        {"a tiny one inside one sector", {square(-0.5, -0.5, -0.4999, -0.4999)}, {}, {1}},
        {"a tiny one inside two sectors", {square(0.2, 0.25, 0.21, 0.26)}, {}, {1, 4}},
        {"in the box of a sector, outside of the sector", {square(0.9, 0.9, 1, 1)}, {}, {}},
        {"behind a beam's site", {square(4.5, -0.01, 4.6, 0.01)}, {}, {3}},
        {"beside a beam, within its range", {square(5.2, 1, 5.5, 1.5)}, {}, {}},
        {"a sliver across a beam", {square(6, -3, 6.001, 3)}, {}, {2}},
        {"around the beams' site", {square(4.9, -0.1, 5.1, 0.1)}, {}, {2, 3}},
        {"a hole around the disc, drawn as one ring with a slit",
         {{at(-2.5, -2.5), at(2.5, -2.5), at(2.5, 2.5), at(-2.5, 2.5), at(-2.5, 0.0005),
           at(-1.5, 0.0005), at(-1.5, 1.5), at(1.5, 1.5), at(1.5, -1.5), at(-1.5, -1.5),
           at(-1.5, -0.0005), at(-2.5, -0.0005), at(-2.5, -2.5)}},
         {},
         {}},
        {"a bow tie: both its halves, nothing between",
         {{at(-1, -1), at(1, 1), at(1, -1), at(-1, 1), at(-1, -1)}},
         {},
         {1, 4}},
        {"two polygons", {square(-1, -1, -0.9, 1), square(6.5, -0.1, 6.6, 0.1)}, {}, {1, 2}},
        {"a circle", {}, {{at(6.5, 0), 0.3}}, {2}},
        {"a circle of no size: a point", {}, {{at(0.2, 0.2), 0}}, {1, 4}},
        {"a circle that reaches a disc", {}, {{at(-1.9, 0), 0.95}}, {1}},
        {"a circle that does not quite", {}, {{at(-2.1, 0), 0.95}}, {}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.what);
        CHECK(met(map, place_for(row.rings, row.circles)) == row.cells);
    }
}

TEST_CASE("a region's hole is no part of it, unless a sector reaches out of it") {
    Region region;
    region.polygons = {{square(-10, -10, 10, 10), {square(-2, -2, 2, 2)}}};
    const CellMap map(network({{0, 0, 0, 360, 1000},
                               {0, 0, 0, 360, 2500},
                               {1.5, 0, 270, 60, 1000},
                               {1.5, 0, 90, 60, 1000}}));
    const std::array<const Region*, 1> regions{&region};
    CHECK(met(map, *place_of({}, {}, regions)) == std::vector<int>{2, 4});
}

TEST_CASE("a region without an outline gives no cell, and nothing larger stands in for it") {
    const CellMap map(network({{0, 0, 0, 360, 1000}}));
    Region street;
    const std::array<const Region*, 1> regions{&street};
    const auto place = place_of({}, {}, regions);
    REQUIRE(place.has_value());
    CHECK(place->empty());
    CHECK(map.meeting(*place).empty());
    CHECK(map.fit(map.meeting(*place), *place, {}).overshoot() == 0);
}

TEST_CASE("areas across 180 degrees or near a pole are refused, not misread") {
    struct Row {
        std::vector<Ring> rings;
        std::vector<Circle> circles;
    };
    const std::vector<Row> rows{
        {{{{0, 179}, {1, -179}, {1, 179}, {0, 179}}}, {}},
        {{{{0, 170}, {0, 180}, {1, 175}, {0, 170}}}, {}},
        {{{{0, 0}, {86, 0}, {0, 1}, {0, 0}}}, {}},
        {{{{0, 0}, {std::nan(""), 0}, {0, 1}, {0, 0}}}, {}},
        {{}, {{{0, 179.9}, 50}}},
        {{}, {{{0, -179.9}, 50}}},
        {{}, {{{84, 0}, 200}}},
        {{}, {{{0, 0}, 20000}}},
    };
    for (const auto& row : rows) CHECK(place_of(row.rings, row.circles, {}).has_error());
}

TEST_CASE("cells are chosen by technology and by BSC") {
    const CellMap map(network({{0, 0, 0, 360, 100, 0},
                               {0, 0, 0, 360, 100, 1},
                               {0, 0, 0, 360, 100, 1, Radio::lte},
                               {0, 0, 0, 360, 100, 2, Radio::nr}}));
    const auto all = map.meeting(place_for({square(-1, -1, 1, 1)}));
    CHECK(all.count() == 4);
    CHECK(map.bscs(all) == 3);
    const std::array gsm{Radio::gsm};
    const std::array newer{Radio::lte, Radio::nr};
    CHECK(map.of_radio(gsm).count() == 2);
    CHECK(map.of_radio(newer).count() == 2);
    CHECK(map.of_radio({}).empty());
    const std::vector<std::string> second{"bsc-2", "bsc-9"};
    auto both = map.of_bscs(second);
    CHECK(both.count() == 2);
    both &= map.of_radio(gsm);
    CHECK(map.names(both) == std::vector<std::uint64_t>{map.numbers()[1]});
    both |= map.of_radio(newer);
    CHECK(both.count() == 3);
}

TEST_CASE("a random network gives what looking at every cell gives") {
    std::mt19937 random(23041);
    const auto real = [&](double from, double to) {
        return std::uniform_real_distribution<double>(from, to)(random);
    };
    std::vector<Site> sites;
    for (int i = 0; i < 1500; ++i) {
        const auto east = real(-20, 20), north = real(-20, 20), first = real(0, 360);
        const auto range = 100 * std::exp(real(0, 4));
        for (int turn = 0; turn < 3; ++turn)
            sites.push_back({east, north, std::fmod(first + 120 * turn, 360),
                             std::array{65.0, 120.0, 220.0, 360.0}[random() % 4], range});
    }
    const auto file = network(sites);
    const CellMap map(file);
    for (int round = 0; round < 60; ++round) {
        CAPTURE(round);
        // A star: no ring crosses itself, however ragged it is.
        Ring ring;
        const auto corners = 3 + random() % (round % 3 == 0 ? 300 : 20);
        const auto east = real(-15, 15), north = real(-15, 15), size = std::exp(real(-4, 3));
        for (std::size_t i = 0; i < corners; ++i) {
            const auto turn = 2 * std::numbers::pi * double(i) / double(corners);
            const auto far = size * real(0.2, 1);
            ring.push_back(at(east + far * std::cos(turn), north + far * std::sin(turn)));
        }
        ring.push_back(ring.front());
        const auto place = place_for({ring});
        const auto cells = map.meeting(place);
        for (std::size_t i = 0; i < file.rows.size(); ++i) {
            const Sector sector(file.rows[i]);
            bool expected = contains(ring, sector.site());
            for (const auto& edge : place.front().edges())
                expected = expected || sector.meets(edge);
            REQUIRE(cells.has(i) == expected);
        }
    }
}

TEST_CASE("the fit tells what is covered, what is heard beyond, and in whose area") {
    struct Row {
        const char* what;
        std::vector<Site> sites;
        Ring place;
        double place_km2, covered_km2, outside_km2;
    };
    const auto disc = std::numbers::pi;
    const std::vector<Row> rows{
        {"a disc wholly inside", {{0, 0, 0, 360, 1000}}, square(-5, -5, 5, 5), 100, disc, 0},
        {"half a disc", {{0, 0, 0, 360, 1000}}, square(0, -2, 2, 2), 8, disc / 2, disc / 2},
        {"two of one kind count once",
         {{0, 0, 0, 360, 1000}, {0, 0, 0, 360, 1000}},
         square(0, -2, 2, 2),
         8,
         disc / 2,
         disc / 2},
        {"a tiny place under a large cell",
         {{0, 0, 0, 360, 10000}},
         square(0, 0, 0.1, 0.1),
         0.01,
         0.01,
         100 * disc},
        {"three sectors make a disc",
         {{0, 0, 0, 120, 1000}, {0, 0, 120, 120, 1000}, {0, 0, 240, 120, 1000}},
         square(-5, -5, 5, 5),
         100,
         disc,
         0},
    };
    for (const auto& row : rows) {
        CAPTURE(row.what);
        const CellMap map(network(row.sites));
        const auto place = place_for({row.place});
        const Shape west(square(-20, -20, -0.5, 20)), east(square(-0.5, -20, 20, 20));
        const std::array<const Shape*, 2> halves{&west, &east};
        const auto fit = map.fit(map.meeting(place), place, halves);
        const auto close = [](double km2) {
            return doctest::Approx(km2).epsilon(0.015).scale(0.3);
        };
        CHECK(fit.place_km2 == close(row.place_km2));
        CHECK(fit.covered_km2 == close(row.covered_km2));
        CHECK(fit.outside_km2 == close(row.outside_km2));
        REQUIRE(fit.outside_in.size() == 2);
        CHECK(fit.outside_in[0] + fit.outside_in[1] == close(row.outside_km2));
        CHECK(fit.overshoot() >= 0);
        CHECK(fit.overshoot() <= 1);
    }
}

TEST_CASE("the sample network lies in Beijing: every cell is heard there") {
    const auto file = contract::load_cells("data/beijing/cells.csv");
    REQUIRE_MESSAGE(file.has_value(), (file.has_error() ? file.error().what : ""));
    CHECK(file->rows.size() == 400);
    CHECK(file->bscs.size() == 8);
    const auto atlas = Atlas::load("data/beijing/regions.geojson");
    REQUIRE(atlas.has_value());
    const CellMap map(*file);
    const std::array<const Region*, 1> city{&atlas->city()};
    const auto place = *place_of({}, {}, city);
    const auto all = map.meeting(place);
    CHECK(all.count() == 400);
    CHECK(map.bscs(all) == 8);
    const auto fit = map.fit(all, place, {});
    CHECK(fit.place_km2 == doctest::Approx(16390).epsilon(0.02));
    CHECK(fit.covered_km2 > 1000);  // the towns; of the mountains little
    CHECK(fit.overshoot() < 0.3);
}

TEST_CASE("an empty map answers") {
    const CellMap map(contract::CellsFile{});
    const auto place = place_for({square(0, 0, 1, 1)});
    CHECK(map.size() == 0);
    CHECK(map.meeting(place).empty());
    CHECK(map.fit(map.meeting(place), place, {}).covered_km2 == 0);
}

TEST_CASE("C7: a polygon as large as an alert may hold costs no seconds") {
    std::mt19937 random(7);
    std::vector<Site> sites;
    for (int i = 0; i < 5000; ++i)
        sites.push_back({double(random() % 40000) / 1000 - 20, double(random() % 40000) / 1000 - 20,
                         0, 360, 300});
    const CellMap map(network(sites));
    Ring comb;  // 40,000 long teeth: every edge comes near every cell
    for (int i = 0; i < 40000; ++i)
        comb.push_back(at(-20 + 40.0 * i / 40000, i % 2 == 0 ? -19.99 : 19.99));
    comb.push_back(at(20, -20));
    comb.push_back(at(-20, -20));
    comb.push_back(comb.front());
    const auto place = place_for({comb});
    const auto before = std::chrono::steady_clock::now();
    const auto cells = map.meeting(place);
    const auto took = std::chrono::steady_clock::now() - before;
    CHECK(cells.count() > 4700);
    CHECK(took < std::chrono::seconds(2));
}

}  // namespace
}  // namespace tocsin::area
