#include "server/campaign/table.hpp"

#include "server/campaign/layout.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <random>

namespace tocsin::campaign {
namespace {

using namespace std::chrono_literals;
constexpr contract::Instant noon{12h};

contract::MessageId id_of(std::string_view text) {
    contract::MessageId id{};
    id.length = std::uint8_t(text.size());
    std::memcpy(id.bytes.data(), text.data(), text.size());
    return id;
}

TEST_CASE("every id finds its recipient, and a foreign one finds nobody") {
    Table table(50'000);
    for (std::uint32_t i = 0; i < 50'000; ++i) {
        const auto id = id_of(fmt::format("{:016x}", i));
        REQUIRE(table.insert(hash_of(id), text_of(id), i));
    }
    for (std::uint32_t i = 0; i < 50'000; ++i) {
        const auto id = id_of(fmt::format("{:016x}", i));
        REQUIRE(table.find(hash_of(id), text_of(id)) == i);
    }
    for (std::uint32_t i = 50'000; i < 100'000; ++i) {
        const auto id = id_of(fmt::format("{:016x}", i));
        REQUIRE_FALSE(table.find(hash_of(id), text_of(id)));
    }
}

TEST_CASE("two ids of one fingerprint never mix, in whatever order they come") {
    // The same low 32 bits, places near each other: the worst the table can meet.
    std::mt19937 random(3);
    for (int round = 0; round < 300; ++round) {
        Table table(40);
        std::vector<std::pair<std::uint64_t, std::string>> ids;
        for (int i = 0; i < 40; ++i)
            ids.emplace_back(std::uint64_t(random() % 64) << 58 | 0x1234, std::to_string(i));
        for (std::uint32_t i = 0; i < 40; ++i)
            REQUIRE(table.insert(ids[i].first, ids[i].second, i));
        std::map<std::uint64_t, int> by_hash;
        for (const auto& [hash, _] : ids) ++by_hash[hash];
        for (std::uint32_t i = 0; i < 40; ++i)
            REQUIRE(table.find(ids[i].first, ids[i].second) == i);
        CHECK(table.aside() > 0);
    }
}

TEST_CASE("the same id again for the same recipient changes nothing; for another it is told") {
    Table table(10);
    CHECK(table.insert(77, "x", 1));
    CHECK(table.insert(77, "x", 1));
    CHECK(table.size() == 1);
    CHECK(table.insert(77, "x", 2));        // perhaps another id of that fingerprint
    CHECK_FALSE(table.insert(77, "x", 3));  // no: one id for all
}

TEST_CASE("more ids than the table was made for go to the side and are still found") {
    Table table(10);
    for (std::uint32_t i = 0; i < 1000; ++i) {
        const auto id = id_of(std::to_string(i));
        REQUIRE(table.insert(hash_of(id), text_of(id), i));
    }
    for (std::uint32_t i = 0; i < 1000; ++i) {
        const auto id = id_of(std::to_string(i));
        REQUIRE(table.find(hash_of(id), text_of(id)) == i);
    }
}

TEST_CASE("F11: an early receipt waits for its answer, bounded by time and by number") {
    Parking parking(5s, 3);
    CHECK(parking.park(id_of("a"), {contract::Said::delivered, 0, noon}));
    CHECK(parking.park(id_of("a"), {contract::Said::refused, 1, noon + 1s}));
    CHECK(parking.park(id_of("b"), {contract::Said::delivered, 0, noon + 2s}));
    CHECK_FALSE(parking.park(id_of("c"), {contract::Said::delivered, 0, noon + 2s}));
    CHECK(parking.age(noon + 4s) == 0);
    const auto both = parking.claim(id_of("a"));
    REQUIRE(both.size() == 2);
    CHECK(both[0].said == contract::Said::delivered);
    CHECK(parking.claim(id_of("a")).empty());
    CHECK(parking.size() == 1);
    CHECK(parking.age(noon + 6s) == 0);  // "a" is not there to be aged
    CHECK(parking.age(noon + 7s) == 1);
    CHECK(parking.empty());
}

}  // namespace
}  // namespace tocsin::campaign
