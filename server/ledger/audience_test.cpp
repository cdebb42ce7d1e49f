#include "server/ledger/keys.hpp"
#include "server/ledger/pages.hpp"
#include "server/ledger/testing.hpp"
#include "server/ledger/testing_raw.hpp"

#include <signal.h>

namespace tocsin::ledger::testing {
namespace {

using Numbers = std::vector<std::uint64_t>;

std::vector<Ledger::GroupNumbers> groups(std::size_t first, std::size_t second) {
    std::vector<Ledger::GroupNumbers> out(2);
    out[0].group = {{"110101", "110102"}, "mobile", "zh-CN", "public", false, 0};
    out[1].group = {{"110105"}, "other", "en-US", "responsible", true, 0};
    for (std::size_t i = 0; i < first; ++i) out[0].numbers.push_back(8613800000000ULL + i);
    for (std::size_t i = 0; i < second; ++i) out[1].numbers.push_back(8613900000000ULL + i);
    return out;
}
Result<plan::Audience> put(Bench& bench, std::vector<Ledger::GroupNumbers> numbers) {
    return bench.wait<plan::Audience>([&](auto then) {
        bench.ledger().put_audience("public", std::move(numbers), std::move(then));
    });
}
std::vector<plan::Audience> all(Bench& bench) {
    return bench.sure<std::vector<plan::Audience>>(
        [&](auto then) { bench.ledger().audiences(std::move(then)); });
}

TEST_CASE("an audience is kept group by group, and a new import replaces it whole") {
    both([](Bench& bench) {
        CHECK(all(bench).empty());
        const auto first = put(bench, groups(2500, 1));
        REQUIRE(first.has_value());
        const auto kept = all(bench);
        REQUIRE(kept.size() == 1);
        CHECK(kept[0].name == "public");
        CHECK(kept[0].version == first->version);
        REQUIRE(kept[0].groups.size() == 2);
        CHECK(kept[0].groups[0].count == 2500);
        CHECK(kept[0].groups[0].regions == std::vector<std::string>{"110101", "110102"});
        CHECK(kept[0].groups[1].opted_out);
        CHECK(kept[0].groups[1].role == "responsible");
        const auto second = put(bench, groups(3, 0));
        CHECK(second->version != first->version);
        CHECK(all(bench)[0].groups[0].count == 3);
        const auto removed = [&] {
            return bench.sure<bool>(
                [&](auto then) { bench.ledger().remove_audience("public", std::move(then)); });
        };
        CHECK(removed());
        CHECK_FALSE(removed());
        CHECK(all(bench).empty());
    });
}

TEST_CASE("an audience's name that would break a key is refused") {
    both([](Bench& bench) {
        for (const auto* name : {"", "a/b", "a}b", "a b", "名"})
            CHECK(bench
                      .wait<plan::Audience>([&](auto then) {
                          bench.ledger().put_audience(name, {}, std::move(then));
                      })
                      .has_error());
    });
}

TEST_CASE("pages hold a thousand numbers each, little-endian, and are found by their key") {
    RedisBench bench;
    const auto made = *put(bench, groups(2500, 1));
    Raw raw(bench.embedded->address());
    const auto page = [&](std::size_t group, std::size_t n) {
        return *unpack_page(
            raw.one({"GET", audience_page_key("public/" + made.version, group, n)}));
    };
    CHECK(page(0, 0).size() == 1000);
    CHECK(page(0, 0)[999] == 8613800000999ULL);
    CHECK(page(0, 2).size() == 500);
    CHECK(page(0, 2)[499] == 8613800002499ULL);
    CHECK(page(1, 0) == Numbers{8613900000000ULL});
    CHECK(page(1, 1).empty());
    CHECK(raw.one({"GET", audience_page_key("public/" + made.version, 1, 0)}).substr(0, 2) ==
          std::string("\x00\x1b", 2));
}

std::size_t pages_left(RedisBench& bench) {
    Raw raw(bench.embedded->address());
    return raw.ask({"KEYS", "t1:{aud:*"}).size();
}

TEST_CASE("an old version's pages go when its day has passed, the new one's stay") {
    RedisLedger::Options options;
    options.audience_grace = 0ms;
    RedisBench bench({}, options);
    put(bench, groups(2500, 1));
    put(bench, groups(1500, 0));
    CHECK(pages_left(bench) == 6);
    bench.redis().tidy();
    CHECK(bench.until([&] { return pages_left(bench) == 2; }));
    bench.redis().tidy();
    bench.until([] { return false; }, 100ms);
    CHECK(pages_left(bench) == 2);
    bench.sure<bool>([&](auto then) { bench.ledger().remove_audience("public", std::move(then)); });
    bench.redis().tidy();
    CHECK(bench.until([&] { return pages_left(bench) == 0; }));
    CHECK(bench.until([&] {
        return Raw(bench.embedded->address()).one({"ZCARD", keys::intake("audience_garbage")}) ==
               "0";
    }));
}

TEST_CASE("an import that dies half way changes nothing, and its pages are swept up") {
    RedisLedger::Options options;
    options.audience_grace = 0ms;
    RedisBench bench({}, options);
    const auto before = *put(bench, groups(10, 0));
    bool answered = false;
    bench.ledger().put_audience("public", groups(900'000, 0), [&](Result<plan::Audience> r) {
        answered = true;
        CHECK(r.has_error());
    });
    bench.until([&] { return pages_left(bench) > 100; });
    REQUIRE_FALSE(answered);
    ::kill(bench.embedded->pid(), SIGKILL);
    REQUIRE(bench.until([&] { return answered; }));
    REQUIRE(bench.until(
        [&] { return bench.redis().restarts() == 1 && bench.ledger().health().durable; }));
    CHECK(all(bench)[0].version == before.version);
    CHECK(pages_left(bench) > 100);
    bench.redis().tidy();
    CHECK(bench.until([&] { return pages_left(bench) == 1; }));
}

}  // namespace
}  // namespace tocsin::ledger::testing
