#include "server/area/atlas.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

namespace tocsin::area {
namespace {

using Codes = std::vector<std::string>;

const Atlas& beijing() {
    static const Atlas atlas = [] {
        auto loaded = Atlas::load("data/beijing/regions.geojson");
        REQUIRE_MESSAGE(loaded.has_value(), (loaded.has_error() ? loaded.error().what : ""));
        return *loaded;
    }();
    return atlas;
}

Said coded(std::string code, std::string scheme = "CPEAS Geographic Code") {
    return {"somewhere", {{std::move(scheme), std::move(code)}}, {}, {}};
}
Said drawn(Ring ring) { return {"somewhere", {}, {std::move(ring)}, {}}; }
Said round(Circle circle) { return {"somewhere", {}, {}, {circle}}; }
Ring box(double south, double west, double north, double east) {
    return {{south, west}, {south, east}, {north, east}, {north, west}, {south, west}};
}
Ring turned(Ring ring) {
    for (auto& point : ring) std::swap(point.lat, point.lon);
    return ring;
}

/// "geocode-unknown geocode[1]!": rule, part, and a mark where it is an error.
Codes told(const Resolved& resolved) {
    Codes all;
    for (const auto& problem : resolved.problems)
        all.push_back(problem.rule + " " + problem.part + (problem.error ? "!" : ""));
    return all;
}
bool refused(const Resolved& resolved) {
    return std::ranges::any_of(resolved.problems, &Problem::error);
}
bool says(const Resolved& resolved, std::string_view words) {
    return std::ranges::any_of(resolved.problems, [&](const Problem& problem) {
        return problem.message.find(words) != std::string::npos;
    });
}

TEST_CASE(
    "C3: each of the 19 regions and the city is what its code, its outline and a point in it "
    "give") {
    struct Row {
        std::string code, name_zh;
        Point inside;
        Codes by_point, by_outline;
    };
    const Row rows[] = {
        {"110000", "北京市", {39.9075, 116.3911}, {"110101", "BJ-F01"}, {"110000"}},
        {"110101", "东城区", {39.9340, 116.4160}, {"110101"}, {"110101", "BJ-F01"}},
        {"110102", "西城区", {39.9300, 116.3600}, {"110102"}, {"110102", "BJ-F01", "BJ-F02"}},
        {"110105", "朝阳区", {39.9700, 116.5000}, {"110105"}, {"110105"}},
        {"110106", "丰台区", {39.8400, 116.2600}, {"110106"}, {"110106", "BJ-F02"}},
        {"110107", "石景山区", {39.9200, 116.1900}, {"110107"}, {"110107"}},
        {"110108", "海淀区", {40.0300, 116.2200}, {"110108"}, {"110108", "BJ-F02"}},
        {"110109", "门头沟区", {40.0000, 115.7500}, {"110109"}, {"110109"}},
        {"110111", "房山区", {39.7000, 115.8500}, {"110111"}, {"110111"}},
        {"110112", "通州区", {39.8100, 116.7300}, {"110112"}, {"110112", "BJ-F03"}},
        {"110113", "顺义区", {40.1500, 116.7500}, {"110113"}, {"110105", "110113"}},
        {"110114", "昌平区", {40.2100, 116.1800}, {"110114"}, {"110114"}},
        {"110115", "大兴区", {39.6500, 116.4000}, {"110115"}, {"110115", "BJ-F03"}},
        {"110116", "怀柔区", {40.6200, 116.6000}, {"110116"}, {"110116"}},
        {"110117", "平谷区", {40.2000, 117.1500}, {"110117"}, {"110117"}},
        {"110118", "密云区", {40.5100, 117.1000}, {"110118"}, {"110118"}},
        {"110119", "延庆区", {40.5300, 116.1500}, {"110119"}, {"110119"}},
        {"BJ-F01",
         "天安门地区",
         {39.9000, 116.4000},
         {"110101", "BJ-F01"},
         {"110101", "110102", "BJ-F01"}},
        {"BJ-F02",
         "北京西站地区",
         {39.8940, 116.3160},
         {"110106", "BJ-F02"},
         {"110102", "110106", "110108", "BJ-F02"}},
        {"BJ-F03",
         "北京经济技术开发区",
         {39.7800, 116.5000},
         {"110115", "BJ-F03"},
         {"110112", "110115", "BJ-F03"}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.code);
        const auto* region = beijing().find(row.code);
        REQUIRE(region);
        CHECK(region->name_zh == row.name_zh);
        const auto by_code = beijing().resolve({coded(row.code, "tocsin:region")});
        CHECK(by_code.regions == Codes{row.code});
        CHECK(by_code.problems.empty());
        CHECK(beijing().resolve({round({row.inside, 0})}).regions == row.by_point);
        CHECK(beijing().resolve({round({row.inside, 0.05})}).regions == row.by_point);
        Said outline{"", {}, {}, {}};
        for (const auto& polygon : region->polygons) outline.polygons.push_back(polygon.outer);
        CHECK(beijing().resolve({outline}).regions == row.by_outline);
    }
    CHECK(std::ranges::count_if(beijing().regions(), [](const Region& region) {
              return region.tier == Tier::district || region.tier == Tier::functional;
          }) == 19);
    CHECK(std::ranges::count(beijing().regions(), Tier::street, &Region::tier) == 349);
    CHECK(beijing().city().code == "110000");
}

TEST_CASE("a code is found in each of its lengths") {
    struct Row {
        std::string said, scheme, region;
    };
    const Row rows[] = {
        {"110101", "adcode", "110101"},
        {"110101", "GB/T 2260", "110101"},
        {"110101000", "adcode", "110101"},
        {"110101000000", "CPEAS Geographic Code", "110101"},
        {"110000000000", "CPEAS Geographic Code", "110000"},
        {"110101001", "GB/T 2260", "110101001"},
        {"110101001000", "CPEAS Geographic Code", "110101001"},
        {" 110119\n", " adcode ", "110119"},
        {"BJ-F02", "tocsin:region", "BJ-F02"},
        {"110102", "tocsin:region", "110102"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.said);
        const auto resolved = beijing().resolve({coded(row.said, row.scheme)});
        CHECK(resolved.regions == Codes{row.region});
        CHECK(resolved.problems.empty());
    }
}

TEST_CASE("a community is carried to its street, and the sender is told") {
    const auto resolved = beijing().resolve({coded("110101001007")});
    CHECK(resolved.regions == Codes{"110101001"});
    CHECK(told(resolved) == Codes{"geocode-community geocode[1]"});
    const auto unknown = beijing().resolve({coded("110101999007")});
    CHECK(unknown.regions.empty());
    CHECK(told(unknown) == Codes{"geocode-unknown geocode[1]!"});
}

TEST_CASE("C8: an unknown scheme or code is refused, not an empty match") {
    struct Row {
        std::string code, scheme, words;
    };
    const Row rows[] = {
        {"110101", "UGC", "valueName \"UGC\" is not known"},
        {"110101", "", "valueName \"\" is not known"},
        {"110101", "ADCODE", "valueName \"ADCODE\" is not known"},
        {"130100", "adcode", "no region of 北京市"},
        {"110101999", "adcode", "110101 东城区 is known, 110101999 is none of its streets"},
        {"110103", "adcode", "belongs to 110101 东城区 now"},
        {"110228000000", "CPEAS Geographic Code", "belongs to 110118 密云区 now"},
        {"11010", "adcode", "6, 9 or 12 digits"},
        {"", "adcode", "6, 9 or 12 digits"},
        {"1101O1", "adcode", "6, 9 or 12 digits"},
        {"BJ-F01", "adcode", "a code of tocsin:region"},
        {"BJ-F99", "tocsin:region", "no region"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.code);
        const auto resolved = beijing().resolve({coded(row.code, row.scheme)});
        CHECK(resolved.regions.empty());
        CHECK(told(resolved) == Codes{"geocode-unknown geocode[1]!"});
        CHECK(says(resolved, row.words));
    }
}

TEST_CASE(
    "C8: beside a code that resolves, an unknown one is a warning; in an area of its own an "
    "error") {
    Said both = coded("110101");
    both.geocodes.push_back({"UGC", "CHZ001"});
    auto resolved = beijing().resolve({both});
    CHECK(resolved.regions == Codes{"110101"});
    CHECK(told(resolved) == Codes{"geocode-unknown geocode[2]"});
    resolved = beijing().resolve({coded("110101"), coded("999999")});
    CHECK(told(resolved) == Codes{"geocode-unknown geocode[1]!"});
    CHECK(resolved.problems.front().area == 1);
    Said circle = coded("999999");
    circle.circles.push_back({{39.93, 116.36}, 0.1});
    CHECK(told(beijing().resolve({circle})) == Codes{"geocode-unknown geocode[1]"});
}

TEST_CASE("a scheme of the configuration is read as the others") {
    auto atlas = beijing();
    atlas.accept_scheme("Beijing Code");
    CHECK(atlas.resolve({coded("110105", "Beijing Code")}).regions == Codes{"110105"});
    CHECK(refused(beijing().resolve({coded("110105", "Beijing Code")})));
}

TEST_CASE("C2: an empty area means nobody and is refused") {
    const std::vector<Said> nothings[] = {{}, {Said{}}, {Said{"", {}, {}, {}}, Said{}}};
    for (const auto& areas : nothings) {
        const auto resolved = beijing().resolve(areas);
        CHECK(resolved.regions.empty());
        CHECK(resolved.polygons.empty());
        CHECK(resolved.beside.empty());
        CHECK(refused(resolved));
    }
    CHECK(told(beijing().resolve({})) == Codes{"no-area !"});
}

TEST_CASE("C1: what cannot be read is refused and puts nobody in its place") {
    const auto nan = std::numeric_limits<double>::quiet_NaN();
    auto open = box(39.91, 116.35, 39.93, 116.37);
    open.back().lon += 0.001;
    auto holed = box(39.91, 116.35, 39.93, 116.37);
    holed[1].lat = nan;
    auto line = Ring{{39.91, 116.35}, {39.92, 116.36}, {39.93, 116.37}, {39.91, 116.35}};
    struct Row {
        std::string_view name;
        Said said;
        Codes told;
    };
    const Row rows[] = {
        {"no points", drawn({}), {"polygon-min polygon[1]!"}},
        {"two points",
         drawn({{39.9, 116.3}, {39.9, 116.4}, {39.9, 116.3}}),
         {"polygon-min polygon[1]!"}},
        {"not closed", drawn(open), {"polygon-closed polygon[1]!"}},
        {"not a number", drawn(holed), {"polygon-form polygon[1]!"}},
        {"off the map", drawn(box(91, 10, 92, 11)), {"coordinate-range polygon[1]!"}},
        {"a line", drawn(line), {"polygon-area polygon[1]!"}},
        {"radius not a number", round({{39.93, 116.36}, nan}), {"circle-radius circle[1]!"}},
        {"negative radius", round({{39.93, 116.36}, -1}), {"circle-radius circle[1]!"}},
        {"centre not a number", round({{nan, 116.36}, 1}), {"coordinate-range circle[1]!"}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        auto resolved = beijing().resolve({row.said});
        CHECK(resolved.regions.empty());
        CHECK(told(resolved) == row.told);
        auto beside_code = row.said;
        beside_code.geocodes.push_back({"adcode", "110108"});
        resolved = beijing().resolve({beside_code});
        CHECK(resolved.regions == Codes{"110108"});
        CHECK(resolved.polygons.empty());
        CHECK(resolved.circles.empty());
    }
}

TEST_CASE("C4: a Beijing polygon with its axes swapped is refused with that hint") {
    const auto right = box(39.91, 116.35, 39.93, 116.37);
    CHECK_FALSE(refused(beijing().resolve({drawn(right)})));
    const auto wrong = beijing().resolve({drawn(turned(right))});
    CHECK(wrong.regions.empty());
    CHECK(told(wrong) == Codes{"area-outside polygon[1]!"});
    CHECK(says(wrong, "latitude and longitude are swapped"));
    CHECK(says(wrong, "39.9100,116.3500 would lie in 北京市"));
    const auto circle = beijing().resolve({round({{116.36, 39.92}, 2})});
    CHECK(told(circle) == Codes{"area-outside circle[1]!"});
    CHECK(says(circle, "swapped"));
    auto mixed = drawn(turned(right));
    mixed.geocodes.push_back({"adcode", "110101"});
    CHECK(refused(beijing().resolve({mixed, drawn(right)})));
    for (const auto& region : beijing().regions())
        for (const auto& polygon : region.polygons) {
            CAPTURE(region.code);
            CHECK(says(beijing().resolve({drawn(turned(polygon.outer))}), "swapped"));
        }
}

TEST_CASE("what lies outside is refused where all does, and told where some does") {
    const auto far = box(38.0, 114.4, 38.1, 114.6), here = box(39.91, 116.35, 39.93, 116.37);
    const auto none = beijing().resolve({drawn(far)});
    CHECK(none.regions.empty());
    CHECK(none.polygons.empty());
    CHECK(told(none) == Codes{"area-outside polygon[1]!"});
    CHECK(says(none, "km outside 北京市"));
    const auto some = beijing().resolve({drawn(far), drawn(here)});
    CHECK(some.regions == Codes{"110102"});
    CHECK(some.polygons == std::vector<Ring>{here});
    CHECK(told(some) == Codes{"area-outside polygon[1]"});
    Said contradiction = drawn(far);
    contradiction.geocodes.push_back({"adcode", "110101"});
    CHECK(refused(beijing().resolve({contradiction})));
    CHECK(refused(beijing().resolve({round({{38.04, 114.5}, 0})})));
}

TEST_CASE("an areaDesc alone counts only as the name of exactly one region") {
    struct Row {
        std::string desc;
        Codes regions, told;
    };
    const Row rows[] = {
        {"东城区", {"110101"}, {"area-no-geometry areaDesc"}},
        {"Miyun District", {"110118"}, {"area-no-geometry areaDesc"}},
        {" 天安门地区 ", {"BJ-F01"}, {"area-no-geometry areaDesc"}},
        {"东华门街道", {"110101001"}, {"area-no-geometry areaDesc"}},
        {"北京市", {"110000"}, {"area-no-geometry areaDesc"}},
        {"东城", {}, {"area-no-geometry areaDesc!"}},
        {"东城区和西城区", {}, {"area-no-geometry areaDesc!"}},
        {"everywhere", {}, {"area-no-geometry areaDesc!"}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.desc);
        const auto resolved = beijing().resolve({Said{row.desc, {}, {}, {}}});
        CHECK(resolved.regions == row.regions);
        CHECK(told(resolved) == row.told);
    }
    auto coded_as_well = coded("110108");
    coded_as_well.desc = "东城区";
    CHECK(beijing().resolve({coded_as_well}).regions == Codes{"110108"});
    CHECK(beijing().resolve({Said{"东城区", {{"UGC", "x"}}, {}, {}}}).regions.empty());
}

TEST_CASE(
    "C1: a name that is no region's only warns where the rest covers somebody, and adds nobody") {
    const Said lost{"somewhere", {}, {}, {}};
    const auto beside = beijing().resolve({lost, coded("110108")});
    CHECK(beside.regions == Codes{"110108"});
    CHECK(told(beside) == Codes{"area-no-geometry areaDesc"});
    CHECK(told(beijing().resolve({coded("110108"), lost, lost})) ==
          Codes{"area-no-geometry areaDesc", "area-no-geometry areaDesc"});
    CHECK(told(beijing().resolve({Said{"东城区", {}, {}, {}}, lost})) ==
          Codes{"area-no-geometry areaDesc", "area-no-geometry areaDesc"});
    const auto alone = beijing().resolve({lost, coded("999999")});
    CHECK(alone.regions.empty());
    CHECK(told(alone) == Codes{"area-no-geometry areaDesc!", "geocode-unknown geocode[1]!"});
}

TEST_CASE("C1: a name that several regions have resolves to none of them") {
    std::unordered_map<std::string, int> names;
    for (const auto& region : beijing().regions()) ++names[region.name_zh];
    int several = 0;
    for (const auto& [name, count] : names)
        if (count > 1) {
            ++several;
            const auto resolved = beijing().resolve({Said{name, {}, {}, {}}});
            CHECK(resolved.regions.empty());
            CHECK(says(resolved, "several regions"));
        }
    MESSAGE(several, " names are borne by several regions");
}

TEST_CASE("the areas of an alert add up, each region and each outline once") {
    const auto ring = box(39.91, 116.35, 39.93, 116.37);
    const Circle circle{{40.21, 116.18}, 1};
    Said first = coded("110117"), second = drawn(ring);
    first.geocodes.push_back({"adcode", "110118"});
    second.polygons.push_back(ring);
    second.circles = {circle, circle};
    const auto resolved = beijing().resolve({first, second, second, coded("110117001")});
    CHECK(resolved.regions == Codes{"110102", "110114", "110117", "110118"});
    CHECK(resolved.polygons.size() == 1);
    CHECK(resolved.circles.size() == 1);
    CHECK(resolved.problems.empty());
}

TEST_CASE("all streets of a district are the district, all districts are the city") {
    std::vector<Said> streets, districts;
    for (const auto& region : beijing().regions()) {
        if (region.parent == "110102") streets.push_back(coded(region.code));
        if (region.tier == Tier::district) districts.push_back(coded(region.code));
    }
    CHECK(beijing().resolve(streets).regions == Codes{"110102"});
    streets.pop_back();
    CHECK(beijing().resolve(streets).regions.size() == streets.size());
    CHECK(beijing().resolve(districts).regions == Codes{"110000"});
    districts.pop_back();
    CHECK(beijing().resolve(districts).regions.size() == 15);
    CHECK(beijing().resolve({drawn(box(39, 115, 41.5, 118))}).regions == Codes{"110000"});
    CHECK(beijing().resolve({round({{39.9, 116.4}, 20038})}).regions == Codes{"110000"});
}

TEST_CASE("B9: regions that touch a warned one and are left out are listed") {
    struct Row {
        std::string code;
        Codes beside;
    };
    const Row rows[] = {
        {"110000", {}},
        {"110107", {"110106", "110108", "110109"}},
        {"110117", {"110113", "110118"}},
        {"110119", {"110114", "110116"}},
        {"110101", {"110102", "110105", "110106", "BJ-F01"}},
        {"BJ-F01", {"110101", "110102"}},
        {"BJ-F03", {"110112", "110115"}},
        {"110117001", {"110117"}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.code);
        CHECK(beijing().resolve({coded(row.code, "tocsin:region")}).beside == row.beside);
    }
    CHECK(beijing().resolve({coded("110117"), coded("110118")}).beside ==
          Codes{"110113", "110116"});
    const auto airport =
        beijing().resolve({round({{40.0754, 116.5879}, 0.3})});  // the exclave in Shunyi
    CHECK(airport.regions == Codes{"110105"});
    CHECK(std::ranges::count(airport.beside, "110113") == 1);
}

TEST_CASE("within follows the tree, shares also where a functional area overlaps") {
    const auto& atlas = beijing();
    CHECK(atlas.within("110101001", "110101"));
    CHECK(atlas.within("110101001000", "110000000000"));
    CHECK(atlas.within("110101", "110101"));
    CHECK(atlas.within("BJ-F01", "110000"));
    CHECK_FALSE(atlas.within("BJ-F01", "110101"));  // partly in 110102
    CHECK_FALSE(atlas.within("110000", "110101"));
    CHECK_FALSE(atlas.within("110101", "110102"));
    CHECK_FALSE(atlas.within("nowhere", "110000"));
    CHECK_FALSE(atlas.within("110101", ""));
    CHECK(atlas.shares("110101", "BJ-F01"));
    CHECK(atlas.shares("BJ-F01", "110102"));
    CHECK(atlas.shares("BJ-F01", "110101001"));
    CHECK(atlas.shares("110000", "BJ-F03"));
    CHECK_FALSE(atlas.shares("BJ-F01", "BJ-F02"));
    CHECK_FALSE(atlas.shares("110119", "BJ-F01"));
    CHECK_FALSE(atlas.shares("110119", "110118"));
    CHECK_FALSE(atlas.shares("", ""));
}

constexpr std::string_view head = R"({"type":"FeatureCollection","features":[)";
constexpr std::string_view town =
    R"({"type":"Feature","properties":{"code":"1","parent":"","tier":"city","name_zh":"市","name_en":"C"},)"
    R"("geometry":{"type":"Polygon","coordinates":[[[116,40],[117,40],[117,41],[116,40]]]}})";

TEST_CASE("a file that is no atlas is refused with its feature and member") {
    const auto feature = [](std::string_view properties, std::string_view geometry) {
        return fmt::format(R"(,{{"type":"Feature","properties":{{{}}},"geometry":{}}})", properties,
                           geometry);
    };
    const std::string named = R"("parent":"1","tier":"district","name_zh":"区","name_en":"D")";
    const std::string two = R"("code":"2",)" + named;
    const auto outline = [](std::string_view ring) {
        return fmt::format(R"({{"type":"Polygon","coordinates":[{}]}})", ring);
    };
    const auto good = outline("[[116,40],[117,40],[117,41],[116,40]]");
    struct Row {
        std::string feature, what;
    };
    const Row rows[] = {
        {feature(named, good), "code is no text; region \"\"; feature 1"},
        {feature(two, "null"), "has no outline; region \"2\"; feature 1"},
        {feature(two, outline("[[40,116],[40,117],[41,117],[40,116]]")), "longitude first"},
        {feature(two, outline("[[116,40],[117,40],[116,40]]")),
         "has 3 positions, not 4; ring 0; polygon 0"},
        {feature(two, outline("[[116,40],[117,40],[117,41],[116,41]]")), "is not closed; ring 0"},
        {feature(two, outline("[[116,40],[117,41],[116,41],[117,40],[116,40]]")),
         "crosses itself; ring 0"},
        {feature(two, outline(R"([["116",40],[117,40],[117,41],[116,40]])")), "position 0; ring 0"},
        {feature(two, R"({"type":"Point","coordinates":[116,40]})"), "geometry is a Point"},
        {feature(R"("code":"1",)" + named, good), "region 1 is there twice"},
        {feature(R"("code":"2","parent":"9","tier":"district","name_zh":"区","name_en":"D")", good),
         "parent \"9\""},
        {feature(R"("code":"2","parent":"1","tier":"street","name_zh":"街","name_en":"")", "null"),
         "parent \"1\""},
        {feature(R"("code":"2","parent":"1","tier":"village","name_zh":"村","name_en":"")", good),
         "tier \"village\""},
        {feature(R"("overlaps":["1"],)" + two, good), "overlaps \"1\", which is no district"},
        {feature(R"("code":"2","parent":"","tier":"city","name_zh":"市","name_en":"C")", good),
         "2 cities"},
        {",{}", "has no properties; feature 1"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.what);
        const auto parsed = Atlas::parse(fmt::format("{}{}{}]}}", head, town, row.feature));
        REQUIRE(parsed.has_error());
        CHECK_MESSAGE(parsed.error().what.find(row.what) != std::string::npos, parsed.error().what);
    }
    CHECK(Atlas::parse(fmt::format("{}{}{}]}}", head, town, feature(two, good))).has_value());
    CHECK(Atlas::parse("{").error().what.starts_with("no JSON"));
    CHECK(Atlas::parse("[]").error().what == "no GeoJSON FeatureCollection");
    CHECK(Atlas::load("data/nowhere.geojson").error().what == "cannot read data/nowhere.geojson");
    CHECK(refused(Atlas().resolve({coded("110101")})));
}

}  // namespace
}  // namespace tocsin::area
