#include "server/ledger/keys.hpp"
#include "server/ledger/testing.hpp"
#include "server/ledger/testing_raw.hpp"

namespace tocsin::ledger::testing {
namespace {

const std::string alert = "l01j8aaaaaaaaaaaaaaaaaaaaaa", other = "l01j8bbbbbbbbbbbbbbbbbbbbbb";

Graded grade(Bench& bench,
             const std::string& endpoint,
             std::uint32_t expect,
             const std::string& record,
             const std::string& of = alert) {
    const Event event{{}, of, "delivery", "{\"is\":\"" + record + "\"}"};
    return bench.sure<Graded>([&](auto then) {
        bench.ledger().grade(of, endpoint, expect, record, event, std::move(then));
    });
}
using Events = std::vector<Event>;
Result<Events> events(Bench& bench, const std::string& after, std::size_t limit = 100) {
    return bench.wait<Events>(
        [&](auto then) { bench.ledger().events(alert, after, limit, std::move(then)); });
}

TEST_CASE("a grade is stored only on top of what its writer had read") {
    both([](Bench& bench) {
        const auto first = grade(bench, "board", 0, "queued");
        CHECK(first.stored);
        CHECK(first.seq == 1);
        const auto beaten = grade(bench, "board", 0, "accepted");
        CHECK_FALSE(beaten.stored);
        CHECK(beaten.seq == 1);
        CHECK(beaten.now == "queued");
        CHECK(grade(bench, "board", 1, "handed").seq == 2);
        CHECK_FALSE(grade(bench, "unknown", 3, "handed").stored);
        grade(bench, "radio", 0, std::string("\0\xff", 2));
        auto rows = bench.sure<std::vector<DeliveryRow>>(
            [&](auto then) { bench.ledger().deliveries(alert, std::move(then)); });
        std::ranges::sort(rows, {}, &DeliveryRow::endpoint);
        REQUIRE(rows.size() == 2);
        CHECK(rows[0].record == "handed");
        CHECK(rows[0].seq == 2);
        CHECK(rows[1].record == std::string("\0\xff", 2));
        CHECK(events(bench, "")->size() == 3);  // what was beaten is not told
    });
}

TEST_CASE("events resume after the last one seen, without loss and without repeats") {
    both([](Bench& bench) {
        for (std::uint32_t i = 0; i < 5; ++i) grade(bench, "board", i, std::to_string(i));
        const auto all = *events(bench, "");
        REQUIRE(all.size() == 5);
        CHECK(all[0].name == "delivery");
        CHECK(all[0].data == R"({"is":"0"})");
        CHECK(all[0].alert == alert);
        const auto rest = *events(bench, all[2].id);
        REQUIRE(rest.size() == 2);
        CHECK(rest[0].id == all[3].id);
        CHECK(events(bench, all[4].id)->empty());
        CHECK(events(bench, "", 2)->size() == 2);
        CHECK(events(bench, "not an id").error().cause == Cause::malformed);
        CHECK(events(bench, "99999999999999-0").error().cause == Cause::refused);
    });
}

TEST_CASE("all events together rise, and each watcher on this node hears each at once") {
    both([](Bench& bench) {
        std::vector<std::string> heard;
        bench.ledger().on_event([&](const Event& event, const std::string& global) {
            heard.push_back(event.alert + " " + global);
        });
        grade(bench, "board", 0, "a");
        grade(bench, "board", 0, "b", other);
        const auto told = bench.sure<std::string>([&](auto then) {
            bench.ledger().tell({{}, alert, "state", "{}"}, std::move(then));
        });
        CHECK(events(bench, "")->back().id == told);
        const auto all = bench.sure<Events>(
            [&](auto then) { bench.ledger().events_all("", 100, std::move(then)); });
        REQUIRE(all.size() == 3);
        REQUIRE(heard.size() == 3);
        for (std::size_t i = 0; i < 3; ++i) CHECK(heard[i] == all[i].alert + " " + all[i].id);
        CHECK(all[1].alert == other);
        CHECK(all[2].name == "state");
        const auto rest = bench.sure<Events>(
            [&](auto then) { bench.ledger().events_all(all[1].id, 100, std::move(then)); });
        REQUIRE(rest.size() == 1);
        CHECK(rest[0].id == all[2].id);
    });
}

TEST_CASE("who resumes from an event that has been dropped is refused, not served a gap") {
    RedisLedger::Options options;
    options.events_kept = 100;
    RedisBench bench({}, options);
    int open = 600;
    for (int i = 0; i < 600; ++i)
        bench.ledger().tell({{}, alert, "progress", std::to_string(i)},
                            [&](const Result<std::string>&) { --open; });
    REQUIRE(bench.until([&] { return open == 0; }));
    const auto kept = *events(bench, "", 1000);
    CHECK(kept.size() < 400);
    REQUIRE(kept.size() >= 100);
    CHECK(kept.back().data == "599");
    CHECK(events(bench, kept.front().id, 1000)->size() == kept.size() - 1);
    CHECK(events(bench, "1-0").error().cause == Cause::refused);
    CHECK(
        bench
            .wait<Events>([&](auto then) { bench.ledger().events_all("1-0", 10, std::move(then)); })
            .error()
            .cause == Cause::refused);
}

TEST_CASE("endpoints' state and link tests are kept") {
    both([](Bench& bench) {
        const auto put = [&](const std::string& endpoint, const std::string& json) {
            bench.sure<Done>(
                [&](auto then) { bench.ledger().put_state(endpoint, json, std::move(then)); });
        };
        put("board", R"({"paused":true})");
        put("radio", "{}");
        put("board", R"({"paused":false})");
        const auto all = bench.sure<std::map<std::string, std::string>>(
            [&](auto then) { bench.ledger().states(std::move(then)); });
        CHECK(all.size() == 2);
        CHECK(all.at("board") == R"({"paused":false})");
        for (const auto* json : {"1", "2"})
            bench.sure<Done>(
                [&](auto then) { bench.ledger().note_probe("board", json, std::move(then)); });
        CHECK(bench.sure<std::vector<std::string>>([&](auto then) {
            bench.ledger().probes("board", std::move(then));
        }) == std::vector<std::string>{"1", "2"});
    });
}

TEST_CASE("a flipped bit is found, told, and hides nothing else") {
    RedisBench bench;
    grade(bench, "board", 0, "handed");
    grade(bench, "radio", 0, "handed");
    const auto a = try_accept(bench, "A"), b = try_accept(bench, "B");
    log::threshold(log::Severity(9));  // it is told, loudly
    Raw raw(bench.embedded->address());
    auto bytes = raw.one({"HGET", keys::deliveries(alert), "board"});
    bytes.back() ^= 1;
    raw.ask({"HSET", keys::deliveries(alert), "board", bytes});
    raw.ask({"HSET", keys::intake(Mode::live, "alert:" + a->alert), "cap", "other"});
    auto rows = bench.sure<std::vector<DeliveryRow>>(
        [&](auto then) { bench.ledger().deliveries(alert, std::move(then)); });
    std::ranges::sort(rows, {}, &DeliveryRow::endpoint);
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].record.empty());
    CHECK(rows[1].record == "handed");
    CHECK(bench
              .wait<std::optional<AlertRecord>>(
                  [&](auto then) { bench.ledger().alert(a->alert, std::move(then)); })
              .has_error());
    const auto shown = bench.sure<std::vector<AlertRecord>>(
        [&](auto then) { bench.ledger().in_force(Mode::live, now(), std::move(then)); });
    REQUIRE(shown.size() == 1);
    CHECK(shown[0].id == b->alert);
    log::threshold(log::Severity::error);
}

}  // namespace
}  // namespace tocsin::ledger::testing
