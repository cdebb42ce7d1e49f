#include "channels/cell_broadcast/shared/warning_area.hpp"

#include "server/base/digest.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

namespace tocsin::cell_broadcast {
namespace {

TEST_CASE("each part has the bytes that a phone reads") {
    const Outline triangle = {{39.9, 116.3}, {39.9, 116.5}, {40.0, 116.4}};
    CHECK(hex(*encode({std::nullopt, {triangle}, {}})) == "204cb8bf274acf1b8bf274b60bb8e38f4b17e0");
    CHECK(hex(*encode({std::nullopt, {}, {{{39.9, 116.4}, 5}}})) == "3028b8bf274b17e00140");
    CHECK(hex(*encode({30, {}, {{{39.9, 116.4}, 5}}})) == "100c1e3028b8bf274b17e00140");
}

TEST_CASE("C4: what is decoded lies within a step of what was meant, latitude first") {
    std::mt19937 random(7);
    std::uniform_real_distribution<double> lat(-90, 90), lon(-180, 180), km(0, 500);
    for (int i = 0; i < 2000; ++i) {
        WarningArea area{std::uint8_t(random()), {}, {}};
        for (auto n = random() % 4; n > 0; --n) {
            area.outlines.emplace_back();
            for (auto points = 3 + random() % 30; points > 0; --points)
                area.outlines.back().push_back({lat(random), lon(random)});
        }
        for (auto n = 1 + random() % 3; n > 0; --n)
            area.discs.push_back({{lat(random), lon(random)}, km(random)});
        const auto octets = encode(area);
        REQUIRE(octets.has_value());
        const auto back = decode_area(*octets);
        REQUIRE(back.has_value());
        CHECK(*encode(*back) == *octets);
        REQUIRE(back->outlines.size() == area.outlines.size());
        for (std::size_t k = 0; k < area.outlines.size(); ++k) {
            REQUIRE(back->outlines[k].size() == area.outlines[k].size());
            for (std::size_t p = 0; p < area.outlines[k].size(); ++p) {
                const auto &meant = area.outlines[k][p], &got = back->outlines[k][p];
                CHECK(std::abs(meant.lat - got.lat) < 4.4e-5);
                CHECK(std::abs(meant.lon - got.lon) < 8.7e-5);
            }
        }
        for (std::size_t k = 0; k < area.discs.size(); ++k)
            CHECK(back->discs[k].radius_km >= area.discs[k].radius_km - 1e-6);  // never smaller
    }
}

TEST_CASE("C1 C7: no area, no place on the Earth and too many points are refused") {
    const Outline triangle = {{0, 0}, {0, 1}, {1, 1}};
    CHECK(encode(WarningArea{}).error().cause == Cause::malformed);
    CHECK(encode({std::nullopt, {{{0, 0}, {1, 1}}}, {}}).has_error());
    CHECK(encode({std::nullopt, {{{91, 0}, {0, 1}, {1, 1}}}, {}}).has_error());
    CHECK(encode({std::nullopt, {{{0, 0}, {0, std::nan("")}, {1, 1}}}, {}}).has_error());
    CHECK(encode({std::nullopt, {}, {{{0, 0}, -1}}}).has_error());
    CHECK(encode({std::nullopt, {Outline(185, {1, 1})}, {}}).has_value());
    CHECK(encode({std::nullopt, {Outline(187, {1, 1})}, {}}).error().cause == Cause::over_limit);
    CHECK(decode_area(std::string_view("\x20", 1)).has_error());
    CHECK(decode_area(std::string_view("\x20\x04", 2)).has_error());
    CHECK(decode_area(std::string_view("\x40\x0C\x1E", 3)).has_error());
    CHECK(decode_area(std::string_view("\x30\x0C\x1E", 3)).has_error());
}

}  // namespace
}  // namespace tocsin::cell_broadcast
