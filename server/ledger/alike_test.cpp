#include "server/ledger/testing.hpp"
#include "server/ledger/testing_raw.hpp"

#include <random>

/// The store in memory stands in for Redis in others' tests, so it must answer the same.
namespace tocsin::ledger::testing {
namespace {

struct Step {
    Acceptance acceptance;
    std::vector<Triple> references;
};

Triple pick_triple(std::mt19937& random, const Instant& base) {
    const auto name = std::string(1, char('A' + random() % 8));
    return {"sender@example.org", name, rfc3339(base + std::chrono::minutes(random() % 6))};
}

/// Few names and few times: so that all collide, in every order.
Step make_step(std::mt19937& random, const Instant& base) {
    Step step;
    auto& a = step.acceptance;
    a = simple_acceptance("x", random() % 8 == 0 ? Mode::test : Mode::live);
    a.triple = pick_triple(random, base);
    a.cap = random() % 10 == 0 ? "other" : "cap";
    a.digest = sha256_hex(a.cap + a.triple.identifier + a.triple.sent);
    a.kind = Kind(random() % 3);
    a.expires = base + std::chrono::hours(random() % 4);
    if (a.kind != Kind::alert)
        for (auto n = 1 + random() % 3; n > 0; --n)
            step.references.push_back(pick_triple(random, base));
    a.references = step.references;
    return step;
}

std::string tell(const View& v) {
    std::string matched;
    for (const auto& triple : v.matched) matched += triple.identifier + triple.sent + " ";
    return fmt::format("{} {} {} {} {} {} {} [{}] [{}] [{}] {}", v.chain, v.already,
                       v.already_digest, v.closed, v.late, v.head, v.head_plan,
                       fmt::join(v.other_chains, " "), fmt::join(v.unknown, " "),
                       fmt::join(v.by_name, " "), matched);
}
std::string tell(const Accepted& a) {
    return fmt::format("{} {} {} {}.{} {}", int(a.outcome), a.alert, a.state, a.order.ordinal,
                       a.order.revision, a.chain);
}
std::string tell(const AlertRecord& r) {
    return fmt::format("{} {} {} {} {}.{} {} {} {}.{}", r.id, r.chain, r.state, int(r.kind),
                       r.order.ordinal, r.order.revision, r.head, r.withdrawn_by, r.newest.ordinal,
                       r.newest.revision);
}

std::string play(Bench& bench, Step step) {
    auto& a = step.acceptance;
    a.view = bench.sure<View>([&](auto then) {
        bench.ledger().look(a.mode, a.triple, step.references, std::move(then));
    });
    auto out = tell(a.view);
    out +=
        " | " +
        tell(bench.sure<Accepted>([&](auto then) { bench.ledger().accept(a, std::move(then)); }));
    return out;
}

std::string end_of(Bench& bench, Instant at) {
    std::string out;
    for (const auto& item :
         bench.sure<AlertPage>([&](auto then) { bench.ledger().alerts(1000, "", std::move(then)); })
             .items)
        out += tell(item) + "\n";
    for (const auto mode : {Mode::live, Mode::test})
        for (const auto& item : bench.sure<std::vector<AlertRecord>>(
                 [&](auto then) { bench.ledger().in_force(mode, at, std::move(then)); }))
            out += "shown " + item.id + "\n";
    for (const auto& entry : bench.sure<std::vector<OutboxEntry>>(
             [&](auto then) { bench.ledger().outbox(1000, std::move(then)); }))
        out += fmt::format("outbox {} {}\n", entry.alert, fmt::join(entry.other_chains, " "));
    return out;
}

TEST_CASE("a storm of colliding messages is answered alike by both stores, word for word") {
    const auto seed = std::random_device()();
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto base = now();
    RedisBench redis;
    for (int round = 0; round < 12; ++round) {
        MemoryBench memory;
        Raw(redis.embedded->address()).ask({"FLUSHDB"});
        for (int i = 0; i < 40; ++i) {
            const auto step = make_step(random, base);
            CAPTURE(round);
            CAPTURE(i);
            REQUIRE(play(memory, step) == play(redis, step));
        }
        REQUIRE(end_of(memory, base + 90min) == end_of(redis, base + 90min));
    }
}

}  // namespace
}  // namespace tocsin::ledger::testing
