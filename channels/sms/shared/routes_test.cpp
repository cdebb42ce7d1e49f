#include "channels/sms/shared/routes.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <random>
#include <unordered_map>

namespace tocsin::sms {
namespace {

TEST_CASE("networks by prefix: three digits, and four where they differ") {
    struct Row {
        std::uint64_t number;
        Network network;
    };
    const Row rows[] = {
        {8613800138000, Network::cmcc}, {8613412345678, Network::cmcc},
        {8613491234567, Network::ctcc}, {8618612345678, Network::cucc},
        {8619912345678, Network::ctcc}, {8619212345678, Network::cbn},
        {8617001234567, Network::ctcc}, {8617031234567, Network::cmcc},
        {8617041234567, Network::cucc}, {8615412345678, Network::other},
        {85291234567, Network::other},  {8610123456789, Network::other},
    };
    for (const auto& row : rows) {
        CAPTURE(row.number);
        CHECK(network_by_prefix(row.number) == row.network);
    }
}

TEST_CASE("ported numbers: in every way of writing, the last line counts, a wrong one is named") {
    const auto read = Portability::parse(
        "# since 2019\n13800138000 cucc\r\n+8613800138001,ctcc # by letter\n\n"
        "8613800138002\tcbn\n13800138000 cmcc\n85291234567 other",
        "ported.csv");
    REQUIRE(read.has_value());
    const auto& ported = **read;
    CHECK(ported.size() == 4);
    CHECK(ported.find(8613800138000) == Network::cmcc);
    CHECK(ported.find(8613800138001) == Network::ctcc);
    CHECK(ported.find(8613800138002) == Network::cbn);
    CHECK(ported.find(85291234567) == Network::other);
    CHECK_FALSE(ported.find(8613800138003));
    for (const auto* wrong : {"13800138000", "13800138000 telekom", "138001380x0 cucc", "123 cucc",
                              "13800138000 cucc again"}) {
        const auto fault = Portability::parse(std::string("13800138009 cucc\n") + wrong, "p.csv");
        REQUIRE(fault.has_error());
        CHECK(fault.error().what.starts_with("p.csv:2: "));
    }
    CHECK(Portability::read("/nonexistent/ported.csv").has_error());
}

TEST_CASE("a million ported numbers are found, and none that is not there") {
    std::mt19937_64 random(5);
    std::string text;
    std::unordered_map<std::uint64_t, Network> expected;
    for (int i = 0; i < 1'000'000; ++i) {
        const auto number = 8613000000000 + random() % 9'000'000'000;
        const auto network = Network(random() % networks_count);
        expected[number] = network;
        text += std::to_string(number);
        (text += ' ').append(name(network)) += '\n';
    }
    const auto read = Portability::parse(text, "p");
    REQUIRE(read.has_value());
    CHECK((*read)->size() == expected.size());
    std::size_t wrong = 0;
    for (const auto& [number, network] : expected) wrong += (*read)->find(number) != network;
    for (int i = 0; i < 100'000; ++i) {
        const auto number = 8613000000000 + random() % 9'000'000'000;
        wrong += (*read)->find(number).has_value() != expected.contains(number);
    }
    CHECK(wrong == 0);
}

Lanes first(Router& router, std::uint64_t number) { return router[router.route(number)].first; }

TEST_CASE("lanes that are alike are one route, whatever the number") {
    Router router({{}, {}, {}}, nullptr);
    CHECK(router.alike());
    CHECK(first(router, 1) == 0b111);
    CHECK(router.size() == 1);
}

TEST_CASE("a lane with filters takes what all of them admit, others the rest, and stand in") {
    Router router({{{Network::cmcc}, {}, {}},
                   {{Network::cmcc}, {"1391", "1390"}, {}},
                   {{}, {}, {"110105", "110108"}},
                   {}},
                  nullptr);
    CHECK_FALSE(router.alike());
    router.slice("", "110101");
    CHECK(first(router, 8613800138000) == 0b0001);
    CHECK(first(router, 8613901234567) == 0b0011);
    CHECK(first(router, 8618601234567) == 0b1000);
    CHECK(router[router.route(8613800138000)].spare == 0b1000);
    router.slice("", "110101 110105003");
    CHECK(first(router, 8618601234567) == 0b0100);
    CHECK(first(router, 8613901234567) == 0b0111);
    router.slice("", "");  // unknown: no filter by region holds
    CHECK(first(router, 8618601234567) == 0b0100);
    router.slice("cmcc", "110101");  // the list knows better than the prefix
    CHECK(first(router, 8618601234567) == 0b0001);
}

TEST_CASE("a ported number goes where it is now, whatever the list says of its prefix") {
    const auto ported = *Portability::parse("18601234567 cmcc\n", "p");
    Router router({{{Network::cmcc}, {}, {}}, {{Network::cucc}, {}, {}}}, ported);
    router.slice("cucc", "");
    CHECK(first(router, 8618601234567) == 0b01);
    CHECK(first(router, 8618601234568) == 0b10);
}

TEST_CASE("a region admits what is within it") {
    Router router({{{}, {}, {"110000"}}, {{}, {}, {"120000"}}}, nullptr);
    router.slice("", "110105003");
    CHECK(first(router, 8613800138000) == 0b01);
    router.slice("", "120101");
    CHECK(first(router, 8613800138000) == 0b10);
    router.slice("", "310000");
    CHECK_FALSE(router[router.route(8613800138000)].served());
}

TEST_CASE("prefixes: national ones get their country, international ones keep it") {
    CHECK(whole_prefix("139") == "86139");
    CHECK(whole_prefix("86139") == "86139");
    CHECK(whole_prefix("+1") == "1");
    CHECK(whole_prefix("852") == "852");
    for (const auto* wrong : {"", "+", "0139", "13a", "1234567890123456"})
        CHECK_FALSE(whole_prefix(wrong));
}

}  // namespace
}  // namespace tocsin::sms
