#include "server/ledger/audit_chain.hpp"
#include "server/ledger/keys.hpp"
#include "server/ledger/testing.hpp"
#include "server/ledger/testing_raw.hpp"

namespace tocsin::ledger::testing {
namespace {

AuditVerdict verify(Bench& bench) {
    return bench.sure<AuditVerdict>(
        [&](auto then) { bench.ledger().verify_audit(std::move(then)); });
}
std::vector<AuditLine> lines(Bench& bench,
                             const std::string& after = "",
                             std::size_t limit = 9999) {
    return bench.sure<std::vector<AuditLine>>(
        [&](auto then) { bench.ledger().audit_lines(after, limit, std::move(then)); });
}
void note(Bench& bench, int count) {
    for (int i = 0; i < count; ++i)
        bench.sure<Done>([&](auto then) {
            bench.ledger().audit(fmt::format(R"({{"n":{}}})", i), std::move(then));
        });
}
bool sealed(Bench& bench, std::uint64_t count) {
    return bench.until(
        [&] {
            const auto is = verify(bench);
            return is.sealed == count && is.unsealed == 0;
        },
        20s);
}

TEST_CASE("10: each act is soon in the chain, accepts too, and the chain verifies") {
    both([](Bench& bench) {
        note(bench, 2);
        const auto accepted = try_accept(bench, "A");
        REQUIRE(sealed(bench, 3));
        CHECK(verify(bench).whole);
        const auto all = lines(bench);
        REQUIRE(all.size() == 3);
        CHECK(all[0].line == R"({"n":0})");
        CHECK(all[2].line ==
              R"({"act":{"who":"test"},"alert":")" + accepted->alert + R"(","state":"accepted"})");
        CHECK(all[0].before == std::string(64, '0'));
        CHECK(all[2].before == all[1].hash);
        CHECK(all[2].hash == verify(bench).head);
        CHECK(all[2].hash == sealed_hash(all[1].hash, all[2].line));
        CHECK(lines(bench, all[0].entry, 1).front().number == 2);
    });
}

/// Writes the audit stream anew, as a forger with the keys to Redis would.
void rewrite(RedisBench& bench, const std::function<bool(std::size_t, std::string&)>& keep) {
    Raw raw(bench.embedded->address());
    const auto key = keys::intake("audit");
    const auto all = raw.ask({"XRANGE", key, "-", "+"});
    raw.ask({"DEL", key});
    for (std::size_t i = 0; i + 2 < all.size(); i += 3) {
        auto line = all[i + 2];
        if (keep(i / 3, line)) raw.ask({"XADD", key, all[i], all[i + 1], line});
    }
}

RedisLedger::Options quick() {
    RedisLedger::Options options;
    options.seal_after = 30ms;
    return options;
}

TEST_CASE("10: a line changed, removed or cut off is found, and its place named") {
    RedisBench bench({}, quick());
    note(bench, 5);
    REQUIRE(sealed(bench, 5));
    const auto third = lines(bench)[2].entry, last = lines(bench)[4].entry;

    SUBCASE("changed") {
        rewrite(bench, [](std::size_t i, std::string& line) {
            if (i == 2) line = R"({"n":7})";
            return true;
        });
        const auto is = verify(bench);
        CHECK_FALSE(is.whole);
        CHECK(is.where == third);
        CHECK(is.why == "its words were changed");
    }
    SUBCASE("removed") {
        rewrite(bench, [](std::size_t i, std::string&) { return i != 2; });
        const auto is = verify(bench);
        CHECK_FALSE(is.whole);
        CHECK(is.where == third);
        CHECK(is.why == "line 3 was removed");
    }
    SUBCASE("cut off with its seal") {
        Raw raw(bench.embedded->address());
        raw.ask({"XDEL", keys::intake("audit"), last});
        raw.ask({"XDEL", keys::intake("seal"), last});
        const auto is = verify(bench);
        CHECK_FALSE(is.whole);
        CHECK(is.why == "the head says 5 lines, 4 are here");
    }
    SUBCASE("removed with its seal") {
        Raw raw(bench.embedded->address());
        raw.ask({"XDEL", keys::intake("audit"), third});
        raw.ask({"XDEL", keys::intake("seal"), third});
        const auto is = verify(bench);
        CHECK_FALSE(is.whole);
        CHECK(is.why == "line 4 follows line 2");
    }
    SUBCASE("untouched") { CHECK(verify(bench).whole); }
}

TEST_CASE("a chain of thousands is sealed and verified page by page, by two nodes at once") {
    RedisBench bench;
    RedisLedger::Options options;
    options.at = bench.embedded->address();
    options.node = "second";
    RedisLedger second(bench.loop, options);
    REQUIRE(bench.until([&] { return second.health().durable; }));
    int open = 2600;
    for (int i = 0; i < 2600; ++i) {
        auto& one = i % 2 ? static_cast<Ledger&>(second) : bench.ledger();
        one.audit("{}", [&](const Result<Done>& done) {
            CHECK(done.has_value());
            --open;
        });
    }
    REQUIRE(bench.until([&] { return open == 0; }));
    REQUIRE(sealed(bench, 2600));
    CHECK(verify(bench).whole);
}

TEST_CASE("what a stop left unsealed is sealed by the next start") {
    RedisBench bench;
    note(bench, 3);
    bench.close();
    bench.open();
    CHECK(sealed(bench, 3));
}

TEST_CASE("lines in another order do not verify") {
    const auto first = sealed_hash(first_hash(), "a"), second = sealed_hash(first, "b");
    const AuditLine a{"1-0", "a", 1, first_hash(), first}, b{"2-0", "b", 2, first, second};
    AuditCheck right, wrong;
    right.take(a), right.take(b);
    wrong.take(b), wrong.take(a);
    CHECK(right.verdict().whole);
    CHECK(right.verdict().head == second);
    CHECK_FALSE(wrong.verdict().whole);
    CHECK(wrong.verdict().where == "2-0");
}

}  // namespace
}  // namespace tocsin::ledger::testing
