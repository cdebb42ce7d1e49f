#include "server/api/render.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

namespace tocsin::api {
namespace {

namespace json = boost::json;

plan::Plan broadcast() {
    plan::Plan plan;
    plan.mode = contract::Mode::live;
    plan.orders = {
        {"cbs", plan::Action::publish, {}, contract::Cells{{1, 2, 3}}, {}, {}, {}},
        {"web", plan::Action::publish, {}, contract::Regions{{"110109"}, {}}, {}, {}, {}}};
    plan.cell_reach = {{"cbs", 3, 2, 100, 80, 20, 12345}};
    return plan;
}

TEST_CASE("a plan says of each broadcast how many cells and BSCs, and what is heard beyond") {
    const auto shown = render(broadcast());
    const auto& orders = shown.at("orders").as_array();
    const auto& cells = orders.at(0).at("footprint").as_object();
    CHECK(cells.at("cells") == 3);
    CHECK(cells.at("bscs") == 2);
    CHECK(cells.at("area_km2").as_double() == 100);
    CHECK(cells.at("covered_share").as_double() == 0.8);
    CHECK(cells.at("outside_km2").as_double() == 20);
    CHECK(cells.at("outside_share").as_double() == 0.2);
    CHECK(cells.at("people_outside") == 12345);
    CHECK(orders.at(1).at("footprint").as_object().size() == 1);

    auto nobody = broadcast();
    nobody.cell_reach[0].people_outside.reset();
    nobody.cell_reach[0].place_km2 = 0;
    const auto other = render(nobody).at("orders").at(0).at("footprint");
    CHECK(other.at("people_outside").is_null());
    CHECK(other.at("covered_share").as_double() == 0);
}

TEST_CASE("a forecast says its rate, whether that was measured, and segments by language") {
    plan::Forecast row{"sms", 3000, 4000, 2, 2000, true, {{"zh-CN", 2000, 1}, {"en-US", 1000, 2}}};
    const auto shown = json::serialize(render(std::vector{row}));
    CHECK(shown == R"([{"endpoint":"sms","recipients":3000,"segments":4000,"seconds":2E0,)"
                   R"("rate_per_second":2E3,"measured":true,"languages":[)"
                   R"({"language":"zh-CN","recipients":2000,"segments_each":1},)"
                   R"({"language":"en-US","recipients":1000,"segments_each":2}]}])");
    AlertFacts facts;
    facts.forecast = {row};
    const auto back = read_facts(to_json(facts));
    REQUIRE(back.forecast.size() == 1);
    CHECK(back.forecast[0].seconds == 2);
    CHECK(back.forecast[0].rate == 2000);
    CHECK(back.forecast[0].measured);
    REQUIRE(back.forecast[0].languages.size() == 2);
    CHECK(back.forecast[0].languages[1].language == "en-US");
    CHECK(back.forecast[0].languages[1].segments_each == 2);
}

}  // namespace
}  // namespace tocsin::api
