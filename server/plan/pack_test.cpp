#include "server/plan/seal.hpp"
#include "server/plan/testing.hpp"

namespace tocsin::plan {
namespace {

using namespace testing;

/// A plan in which every member says something.
Plan full_plan() {
    auto alert = red_rain();
    alert.infos[0].areas[0].polygons = {
        {{39.9, 115.9}, {40.1, 115.9}, {40.0 + 1e-13, 115.7}, {39.9, 115.9}}};
    alert.infos[0].areas[1].circles = {{{39.8, 115.8}, 0.1 + 0.2}};
    const Census census{
        {{"public", "v7", {group({"110109"}, 1000), group({"110111"}, 7, "en-US")}}}};
    auto sms = endpoint("sms-a", "sms");
    sms.rate = 3;
    const auto made = planner(city({sms, endpoint("web", "web")}))->make_plan(live(alert), census);
    for (const auto& violation : made.violations)
        MESSAGE(violation.rule << " " << violation.message);
    REQUIRE(made.plan.has_value());
    auto plan = *made.plan;
    plan.standing = {plan.orders[0]};
    Order cells{"cbs",
                Action::withdraw,
                {{Form::cb, "zh-CN", "雨\"\\\n😀"}},
                contract::Cells{{1, 18446744073709551615ULL}},
                {},
                {},
                {}};
    plan.orders.insert(plan.orders.begin(), cells);
    std::get<contract::Audience>(plan.orders[1].footprint) = {"c1", 1007, 3};
    std::get<contract::Regions>(plan.orders[2].footprint).geometry = R"({"type":"Point"})";
    return plan;
}

TEST_CASE("a plan comes back from its bytes as it was") {
    const auto plan = full_plan();
    const auto bytes = pack(plan);
    const auto back = unpack(bytes);
    REQUIRE_MESSAGE(back.has_value(), (back.has_error() ? back.error().what : ""));
    CHECK(pack(*back) == bytes);
    CHECK(seal(*back) == seal(plan));
    CHECK(back->mode == plan.mode);
    CHECK(back->depth == plan.depth);
    CHECK(back->level == plan.level);
    CHECK(back->sent == plan.sent);
    CHECK(back->expires == plan.expires);
    CHECK(back->facts.event == plan.facts.event);
    CHECK(back->facts.severity == plan.facts.severity);
    CHECK(back->facts.urgency == plan.facts.urgency);
    CHECK(back->facts.certainty == plan.facts.certainty);
    CHECK(back->facts.sender == plan.facts.sender);
    CHECK(back->facts.identifier == plan.facts.identifier);
    CHECK(back->facts.sent == plan.facts.sent);
    CHECK(back->facts.onset == plan.facts.onset);
    CHECK(back->event_key == "rainstorm");
    CHECK(back->event_class == "natural");
    CHECK(back->event_code == "11B03");
    CHECK(back->headline == plan.headline);
    CHECK(back->regions == plan.regions);
    REQUIRE(back->polygons.size() == plan.polygons.size());
    CHECK(back->polygons[0] == plan.polygons[0]);
    REQUIRE(back->circles.size() == plan.circles.size());
    CHECK(back->circles[0].radius_km == plan.circles[0].radius_km);
    CHECK(back->circles[0].centre == plan.circles[0].centre);
    REQUIRE(back->orders.size() == 3);
    CHECK(back->orders[0].action == Action::withdraw);
    CHECK(back->orders[0].texts[0].words == "雨\"\\\n😀");
    CHECK(std::get<contract::Cells>(back->orders[0].footprint).cgi.back() ==
          18446744073709551615ULL);
    CHECK(std::get<contract::Audience>(back->orders[1].footprint).only_reached_by == 3);
    CHECK(std::get<contract::Regions>(back->orders[2].footprint).geometry == R"({"type":"Point"})");
    CHECK(back->orders[1].groups == plan.orders[1].groups);
    CHECK(back->orders[1].sense == plan.orders[1].sense);
    CHECK(back->standing.size() == 1);
    CHECK(back->spoken[1].sender == "北京市气象台");
    CHECK(back->spoken[1].digest == plan.spoken[1].digest);
    CHECK(back->warnings.size() == plan.warnings.size());
    CHECK(back->forecast.at(0).seconds == plan.forecast.at(0).seconds);
    CHECK(back->forecast.at(0).rate == 3);
    CHECK_FALSE(back->forecast.at(0).measured);
    REQUIRE(back->forecast.at(0).languages.size() == 2);
    CHECK(back->forecast.at(0).languages[1].language == "en-US");
    CHECK(back->forecast.at(0).languages[1].recipients == 7);
    CHECK(back->forecast.at(0).languages[1].segments_each == 1);
    CHECK(back->sha256 == plan.sha256);
    CHECK(pack(*unpack(pack(Plan{}))) == pack(Plan{}));
}

TEST_CASE("C4: shapes for maps are written longitude first, outer rings against the clock") {
    Plan plan;
    CHECK(geojson(plan) == "");
    plan.polygons = {{{39.9, 115.9}, {40.1, 115.9}, {40.0, 115.7}, {39.9, 115.9}},
                     {{39.9, 115.9}, {40.0, 115.7}, {40.1, 115.9}, {39.9, 115.9}}};
    const std::string counter_clockwise = "[[[115.9,39.9],[115.9,40.1],[115.7,40],[115.9,39.9]]]";
    CHECK(geojson(plan) == R"({"type":"MultiPolygon","coordinates":[)" + counter_clockwise + "," +
                               counter_clockwise + "]}");
    plan.polygons.clear();
    plan.circles = {{{39.9, 116.4}, 10}};
    const auto circle = geojson(plan);
    CHECK(std::ranges::count(circle, '[') == 3 + 65);
    CHECK(circle.find("[116.517226,39.9]") != circle.npos);  // 10 km east
}

TEST_CASE("damaged, cut and foreign bytes are a fault, never another plan") {
    const auto bytes = pack(full_plan());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        auto damaged = bytes;
        damaged[i] = char(damaged[i] ^ 0x04);
        CAPTURE(i);
        CHECK(unpack(damaged).has_error());
    }
    for (std::size_t size = 0; size < bytes.size(); size += 7)
        CHECK(unpack(std::string_view(bytes).substr(0, size)).has_error());
    auto newer = bytes;
    newer.replace(0, 7, R"({"v":2,)");
    CHECK(unpack(newer).error().what == "not a packed plan of version 1");
    CHECK(unpack("").has_error());
    CHECK(unpack("{}").has_error());
}

TEST_CASE("A5: the seal changes with mode, area, endpoints and words, and with nothing else") {
    const auto plan = full_plan();
    const auto before = seal(plan);
    std::vector<std::pair<const char*, std::function<void(Plan&)>>> sealed = {
        {"mode", [](Plan& p) { p.mode = Mode::test; }},
        {"depth", [](Plan& p) { p.depth = Depth::platform; }},
        {"a region more", [](Plan& p) { p.regions.push_back("110112"); }},
        {"a polygon moved", [](Plan& p) { p.polygons[0][1].lat += 1e-12; }},
        {"a circle grown", [](Plan& p) { p.circles[0].radius_km += 1; }},
        {"an endpoint less", [](Plan& p) { p.orders.pop_back(); }},
        {"another endpoint", [](Plan& p) { p.orders.back().endpoint = "tv"; }},
        {"another act", [](Plan& p) { p.orders.back().action = Action::update; }},
        {"a word", [](Plan& p) { p.orders.back().texts[0].words += "."; }},
        {"a language", [](Plan& p) { p.orders.back().texts[0].language = "en-GB"; }},
        {"a footprint",
         [](Plan& p) {
             std::get<contract::Regions>(p.orders.back().footprint).codes = {"110111"};
         }},
        {"a cell",
         [](Plan& p) { std::get<contract::Cells>(p.orders[0].footprint).cgi.push_back(2); }},
        {"another audience", [](Plan& p) { p.orders[1].audience_version = "responsible/v7"; }},
    };
    std::vector<std::pair<const char*, std::function<void(Plan&)>>> open = {
        {"a warning", [](Plan& p) { p.warnings.clear(); }},
        {"a forecast", [](Plan& p) { p.forecast[0].seconds = 9; }},
        {"an import", [](Plan& p) { p.orders[1].audience_version = "public/v8"; }},
        {"people",
         [](Plan& p) { std::get<contract::Audience>(p.orders[1].footprint).recipients = 1; }},
        {"groups", [](Plan& p) { p.orders[1].groups = {1}; }},
        {"what was said before", [](Plan& p) { p.spoken.clear(); }},
        {"what stands", [](Plan& p) { p.standing.clear(); }},
    };
    for (const auto& [what, change] : sealed) {
        auto other = plan;
        change(other);
        CHECK_MESSAGE(seal(other) != before, what);
    }
    for (const auto& [what, change] : open) {
        auto other = plan;
        change(other);
        CHECK_MESSAGE(seal(other) == before, what);
    }
}

TEST_CASE("A5: planned again, the same alert has the same seal, whenever that is") {
    const auto alert = red_rain();
    const auto maker = planner(city({endpoint("web", "web")}));
    auto request = live(alert);
    const auto first = maker->make_plan(request, {}).plan->sha256;
    request.now += 10min;
    CHECK(maker->make_plan(request, {}).plan->sha256 == first);
    request.mode = Mode::replay;
    CHECK(maker->make_plan(request, {}).plan->sha256 != first);
}

}  // namespace
}  // namespace tocsin::plan
