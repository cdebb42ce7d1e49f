#include "server/area/cell_map.hpp"
#include "server/plan/seal.hpp"
#include "server/plan/testing.hpp"

#include <ctime>
#include <random>

namespace tocsin::plan {
namespace {

using namespace testing;
using contract::Cells;
using contract::Radio;

/// Some cells in and around Beijing; each named by its place in the list, LAC 1, from 1.
struct Mast {
    double lon, lat, range_m;
    std::uint32_t bsc = 0;
    Radio radio = Radio::gsm;
};
std::shared_ptr<const area::CellMap> masts(const std::vector<Mast>& all) {
    contract::CellsFile file;
    file.bscs = {"bsc-1", "bsc-2"};
    for (const auto& mast : all) {
        contract::CellRow row;
        row.lon = mast.lon, row.lat = mast.lat, row.range_m = mast.range_m, row.bsc = mast.bsc;
        const auto number = file.rows.size() + 1;
        row.cgi = contract::to_number(
            {mast.radio, 460, 0, false, mast.radio == Radio::gsm ? 0x10000 + number : number});
        file.rows.push_back(row);
    }
    return std::make_shared<const area::CellMap>(file);
}

// 1: deep in Mentougou; 2: deep in Haidian; 3: deep in Fangshan; 4: far outside of the city;
// 5: in Mentougou, 4G; 6: in Yanqing, heard all over it.
std::shared_ptr<const area::CellMap> few_masts() {
    return masts({{115.80, 40.00, 2000},
                  {116.22, 40.05, 1000},
                  {115.75, 39.75, 2000, 1},
                  {118.50, 39.00, 2000},
                  {115.80, 40.00, 2000, 1, Radio::lte},
                  {116.00, 40.45, 30000, 1}});
}

Endpoint broadcast(std::string name,
                   std::vector<std::string> areas = {"110000"},
                   std::vector<Radio> radios = {Radio::gsm}) {
    auto e = endpoint(std::move(name), "cb", std::move(areas));
    e.budgets = {{Form::cb, Budget::Unit::ucs2, 41, 15}};
    e.cells = std::move(radios);
    return e;
}

City with(std::vector<Endpoint> endpoints) {
    auto c = city(std::move(endpoints));
    c.cells = few_masts();
    return c;
}

Plan planned(City c, const Request& request, const Census& census = {}) {
    auto made = planner(std::move(c))->make_plan(request, census);
    for (const auto& v : made.violations) MESSAGE(v.rule << " " << v.message);
    REQUIRE(made.plan.has_value());
    return std::move(*made.plan);
}

std::vector<int> cells_of(const Plan& plan, std::string_view endpoint) {
    std::vector<int> out;
    const auto* order = order_at(plan, endpoint);
    if (!order) return out;
    for (const auto number : std::get<Cells>(order->footprint).cgi)
        out.push_back(int(contract::cell_of(number)->ci()));
    return out;
}

cap::Alert over(std::vector<std::string> codes,
                std::vector<cap::Ring> polygons = {},
                std::vector<cap::Circle> circles = {},
                std::string desc = "那里") {
    auto alert = red_rain();
    for (auto& info : alert.infos) {
        cap::Area area;
        area.desc = desc;
        for (const auto& code : codes) area.geocodes.push_back({"adcode", code});
        area.polygons = polygons;
        area.circles = circles;
        info.areas = {area};
    }
    return alert;
}

cap::Ring box(double west, double south, double east, double north) {
    return {{south, west}, {south, east}, {north, east}, {north, west}, {south, west}};
}

TEST_CASE("an endpoint that broadcasts to cells gets those that are heard in the area") {
    struct Row {
        const char* what;
        cap::Alert alert;
        std::vector<int> cells;
    };
    const std::vector<Row> rows{
        {"districts", red_rain(), {1, 3, 6}},
        {"one district", over({"110109"}), {1}},
        {"its neighbour", over({"110108"}), {2}},
        {"the city", over({"110000"}), {1, 2, 3, 6}},
        {"a polygon: not the district that it lies in",
         over({}, {box(115.79, 39.99, 115.81, 40.01)}),
         {1}},
        {"a circle", over({}, {}, {{{39.75, 115.75}, 1}}), {3}},
        {"a polygon beside a code: both",
         over({"110108"}, {box(115.79, 39.99, 115.81, 40.01)}),
         {1, 2}},
        {"a tiny polygon under one large cell",
         over({}, {box(116.2, 40.5, 116.2001, 40.5001)}),
         {6}},
        {"a district by its name", over({}, {}, {}, "门头沟区"), {1}},
        {"a polygon that only calls itself a district",
         over({}, {box(115.79, 39.99, 115.81, 40.01)}, {}, "海淀区"),
         {1}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.what);
        const auto plan = planned(with({broadcast("cbs")}), live(row.alert));
        CHECK(cells_of(plan, "cbs") == row.cells);
        REQUIRE(plan.cell_reach.size() == 1);
        CHECK(plan.cell_reach[0].cells == row.cells.size());
    }
}

TEST_CASE("each language's text is of form cb, in the words of an SMS, and nothing is amiss") {
    const auto alert = over({"110109"});
    const auto plan = planned(with({broadcast("cbs")}), live(alert));
    const auto& order = *order_at(plan, "cbs");
    REQUIRE(order.texts.size() == 2);
    CHECK(words_of(order, Form::cb, "zh-CN") ==
          "【北京预警】北京市气象台发布暴雨红色预警：门头沟，至30日8时。"
          "停止户外活动，远离山区河道，危险区立即转移。");
    CHECK(words_of(order, Form::cb, "en-US") ==
          "Beijing Alert: RED rainstorm warning, Mentougou, until 30 Jul 08:00. "
          "Stay in; leave valleys and riverbanks now. Beijing Meteorological Observatory");
    CHECK_FALSE(noted(plan, "form-missing"));
    CHECK_FALSE(noted(plan, "text-shortened"));
}

TEST_CASE("an endpoint's cells are those of its areas, technologies and BSCs") {
    const auto alert = red_rain();
    auto by_bsc = broadcast("by-bsc");
    by_bsc.bscs = {"bsc-2"};
    const auto plan =
        planned(with({broadcast("all"), broadcast("west", {"110109"}),
                      broadcast("lte", {"110000"}, {Radio::lte}),
                      broadcast("both", {"110000"}, {Radio::gsm, Radio::lte}), by_bsc}),
                live(alert));
    CHECK(cells_of(plan, "all") == std::vector{1, 3, 6});
    CHECK(cells_of(plan, "west") == std::vector{1});
    CHECK(cells_of(plan, "lte") == std::vector{5});
    CHECK(cells_of(plan, "both") == std::vector{1, 3, 6, 5});
    CHECK(cells_of(plan, "by-bsc") == std::vector{3, 6});
    CHECK(plan.cell_reach.size() == 5);
}

TEST_CASE(
    "where no cell is heard there is no order, and the sender is told that nobody is reached") {
    auto nowhere = city({broadcast("cbs")});
    struct Row {
        const char* what;
        City city;
        cap::Alert alert;
        const char *rule, *words;
    };
    const std::vector<Row> rows{
        {"no cell in the area", with({broadcast("cbs")}), over({"110112"}), "cells-none",
         "none of its cells is heard in the area"},
        {"no cell of the technology", with({broadcast("cbs", {"110000"}, {Radio::nr})}), red_rain(),
         "cells-none", "none of its cells"},
        {"no map of cells", nowhere, red_rain(), "cells-none", "no cells are configured"},
        {"a street has no outline, and its district does not stand in", with({broadcast("cbs")}),
         over({"110109101"}), "cells-no-outline", "110109101"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.what);
        const auto plan = planned(row.city, live(row.alert));
        CHECK(order_at(plan, "cbs") == nullptr);
        CHECK(noted(plan, row.rule, row.words));
        CHECK(noted(plan, "cells-none", "nobody is reached by cell broadcast"));
        CHECK(plan.cell_reach.empty());
    }
}

TEST_CASE("the plan tells cells, BSCs, what is heard beyond the area and by how many") {
    const auto alert = over({"110119"});  // Yanqing: only the large cell, which reaches far beyond
    const Census census{{{"public", "v1", {group({"110119"}, 1000), group({"110114"}, 2000000)}}}};
    const auto plan = planned(with({broadcast("cbs")}), live(alert), census);
    REQUIRE(plan.cell_reach.size() == 1);
    const auto& reach = plan.cell_reach[0];
    CHECK(reach.endpoint == "cbs");
    CHECK(reach.cells == 1);
    CHECK(reach.bscs == 1);
    CHECK(reach.place_km2 == doctest::Approx(1990).epsilon(0.03));
    CHECK(reach.covered_km2 + reach.outside_km2 == doctest::Approx(2827).epsilon(0.03));
    CHECK(reach.covered_km2 < reach.place_km2);
    CHECK(reach.overshoot() > 0.3);
    REQUIRE(reach.people_outside.has_value());
    CHECK(*reach.people_outside > 100000);  // Changping's part of two millions
    CHECK(*reach.people_outside < 1500000);
    CHECK_FALSE(planned(with({broadcast("cbs")}), live(alert)).cell_reach[0].people_outside);
}

TEST_CASE("much heard outside and much not covered are warned of") {
    const auto plan =
        planned(with({broadcast("cbs")}), live(over({}, {box(115.9, 40.4, 115.95, 40.45)})));
    CHECK(noted(plan, "cells-overshoot", "lies outside the area"));
    CHECK_FALSE(noted(plan, "cells-uncovered"));
    const auto bare = planned(with({broadcast("cbs")}), live(over({"110111"})));
    CHECK(noted(bare, "cells-uncovered", "no cell is heard in"));
}

TEST_CASE("an update moves the cells, a cancel takes back exactly those that were written") {
    const auto first = over({"110109", "110111"});
    const auto before = planned(with({broadcast("cbs")}), live(first));
    CHECK(cells_of(before, "cbs") == std::vector{1, 3});

    auto update = over({"110111"});
    update.msg_type = cap::MsgType::update;
    const auto after = planned(with({broadcast("cbs")}), live(update, &before));
    CHECK(order_at(after, "cbs")->action == Action::update);
    CHECK(cells_of(after, "cbs") == std::vector{3});

    auto cancel = red_rain();
    cancel.msg_type = cap::MsgType::cancel;
    auto other = with({broadcast("cbs")});
    other.cells = masts({{116.4, 39.9, 1000}});  // the map has changed meanwhile
    const auto gone = planned(other, live(cancel, &after));
    CHECK(order_at(gone, "cbs")->action == Action::withdraw);
    CHECK(cells_of(gone, "cbs") == std::vector{3});

    auto away = over({"110112"});
    away.msg_type = cap::MsgType::update;
    const auto nowhere = planned(with({broadcast("cbs")}), live(away, &before));
    CHECK(order_at(nowhere, "cbs")->action == Action::withdraw);
    CHECK(cells_of(nowhere, "cbs") == std::vector{1, 3});
}

TEST_CASE("a drill goes to the twin, which has cells of its own") {
    auto alert = red_rain();
    alert.status = cap::Status::test;
    Request request = live(alert);
    request.mode = Mode::test;
    const auto plan = planned(with({broadcast("cbs")}), request);
    CHECK(endpoints_of(plan) == std::vector<std::string>{"publish cbs-test"});
    CHECK(cells_of(plan, "cbs-test") == std::vector{1, 3, 6});
}

TEST_CASE("cells and their reach are sealed and come back from the bytes of a plan") {
    const auto plan = planned(with({broadcast("cbs")}), live(red_rain()),
                              {{{"public", "v1", {group({"110114"}, 2000000)}}}});
    const auto back = unpack(pack(plan));
    REQUIRE(back.has_value());
    CHECK(std::get<Cells>(back->orders[0].footprint).cgi ==
          std::get<Cells>(plan.orders[0].footprint).cgi);
    REQUIRE(back->cell_reach.size() == 1);
    const auto &a = back->cell_reach[0], &b = plan.cell_reach[0];
    CHECK(a.endpoint == b.endpoint);
    CHECK(a.cells == b.cells);
    CHECK(a.bscs == b.bscs);
    CHECK(a.place_km2 == b.place_km2);
    CHECK(a.covered_km2 == b.covered_km2);
    CHECK(a.outside_km2 == b.outside_km2);
    CHECK(a.people_outside == b.people_outside);
    auto wider = plan;
    std::get<Cells>(wider.orders[0].footprint).cgi.push_back(std::uint64_t(7) << 40);
    CHECK(seal(wider) != seal(plan));
}

TEST_CASE("a red alert for all 300,000 cells of a city stays small and quick") {
    contract::CellsFile file;
    std::mt19937 random(1);
    std::uniform_real_distribution<double> lon(116.2, 116.6), lat(39.8, 40.2);
    for (std::uint32_t bsc = 0; bsc < 1200; ++bsc) {
        file.bscs.push_back(fmt::format("bsc-{}", bsc));
        for (std::uint32_t i = 0; i < 250; ++i) {
            contract::CellRow row;
            row.lon = lon(random), row.lat = lat(random), row.range_m = 600, row.bsc = bsc;
            row.cgi = contract::to_number({Radio::gsm, 460, 0, false,
                                           std::uint64_t(4100 + bsc) << 16 | (i / 3 * 10 + i % 3)});
            file.rows.push_back(row);
        }
    }
    auto c = city({broadcast("cbs")});
    c.cells = std::make_shared<const area::CellMap>(file);
    c.endpoints[0].sandbox.clear();
    const auto maker = planner(std::move(c));
    const auto alert = over({"110000"});
    const auto begun = std::clock();  // of the processor: other programs don't count
    const auto made = maker->make_plan(live(alert), {});
    const auto planned_at = std::clock();
    REQUIRE(made.plan.has_value());
    const auto bytes = pack(*made.plan);
    const auto packed_at = std::clock();
    const auto back = unpack(bytes);
    const auto done = std::clock();
    REQUIRE(back.has_value());
    const auto& cells = std::get<Cells>(made.plan->orders[0].footprint).cgi;
    CHECK(std::get<Cells>(back->orders[0].footprint).cgi == cells);
    const auto ms = [](std::clock_t from, std::clock_t to) {
        return double(to - from) * 1000 / CLOCKS_PER_SEC;
    };
    MESSAGE(cells.size() << " cells: planned and sealed in " << ms(begun, planned_at)
                         << " ms of processor time, packed in " << ms(planned_at, packed_at)
                         << " ms to " << bytes.size() << " bytes, unpacked in "
                         << ms(packed_at, done) << " ms");
    CHECK(cells.size() == 300000);
    CHECK(bytes.size() < 1500000);
    CHECK(ms(begun, done) < 1000);  // of a build that is not optimised, with sanitizers
}

}  // namespace
}  // namespace tocsin::plan
