#include "server/dispatch/decide.hpp"

#include <doctest/doctest.h>

/// Single steps of the decider; whole storms are in tests/sim.
namespace tocsin::dispatch {
namespace {

using namespace std::chrono_literals;

const Instant noon{milliseconds(1'800'000'000'000)};

template <class A> std::vector<A> all(const Actions& actions) {
    std::vector<A> found;
    for (const auto& action : actions)
        if (const auto* a = std::get_if<A>(&action)) found.push_back(*a);
    return found;
}

Wanted want(OrderId id, Rank rank = Rank::yellow) {
    Wanted w{};
    w.id = id;
    w.rank = rank;
    w.accepted = noon;
    w.expires = noon + 1h;
    return w;
}

struct Bench {
    explicit Bench(Limits limits = {}, Said highest = Said::accepted) {
        limits.highest = highest;
        decider.emplace(limits);
        step(Linked{LinkState::up, {}});
    }
    Actions step(const Input& input) { return decider->step(input, now); }
    Actions at(Instant when, const Input& input = Woke{}) {
        now = when;
        return step(input);
    }
    /// Wanted, intended, handed over.
    Actions hand(const Wanted& w) {
        step(w);
        return step(Intended{w.id, true});
    }
    std::optional<Decider> decider;
    Instant now = noon;
};

TEST_CASE("an order is handed over only after its intent is on disk") {
    Bench b;
    auto actions = b.step(want({1, 1}));
    CHECK(all<Intend>(actions).size() == 1);
    CHECK(all<Hand>(actions).empty());
    CHECK(all<Hand>(b.step(Intended{{1, 1}, true})).size() == 1);
    CHECK(all<Hand>(b.step(Intended{{1, 1}, true})).empty());  // twice says nothing new
}

TEST_CASE("an intent that was overtaken or fenced is tried again later, not handed over") {
    Bench b;
    b.step(want({1, 1}));
    CHECK(all<Hand>(b.step(Intended{{1, 1}, false})).empty());
    CHECK(all<Intend>(b.at(noon + 999ms)).empty());
    CHECK(all<Intend>(b.at(noon + 1000ms)).size() == 1);
}

TEST_CASE("what each word of the peer leads to") {
    struct Row {
        Said said;
        std::optional<Mark> mark;
        std::optional<Ended> ended;
    };
    const Row rows[] = {
        {Said::handed, std::nullopt, std::nullopt},  // the answer is still to come
        {Said::accepted, Mark::up, std::nullopt},    {Said::verified, Mark::up, std::nullopt},
        {Said::failed, Mark::due, std::nullopt},     {Said::refused, Mark::ended, Ended::failed},
        {Said::gone, Mark::ended, Ended::withdrawn}, {Said::displaced, std::nullopt, std::nullopt},
        {Said::lost, Mark::forgotten, std::nullopt},
    };
    for (const auto& row : rows) {
        Bench b;
        b.hand(want({1, 1}));
        const auto actions = b.step(Heard{{1, 1}, row.said});
        CAPTURE(int(row.said));
        const auto settles = all<Settle>(actions);
        const auto ends = all<End>(actions);
        CHECK((settles.empty() ? std::nullopt : std::optional(settles[0].mark)) == row.mark);
        CHECK((ends.empty() ? std::nullopt : std::optional(ends[0].how)) == row.ended);
    }
    Bench b({}, Said::handed);  // a channel that can prove no more
    b.hand(want({1, 1}));
    CHECK(all<Settle>(b.step(Heard{{1, 1}, Said::handed}))[0].mark == Mark::up);
}

TEST_CASE("D5: what fails is tried again after pauses that grow, and never at or past its expiry") {
    Bench b;
    auto w = want({1, 1});
    w.expires = noon + 60s;
    auto actions = b.step(w);
    std::vector<Instant> tries;
    for (Instant now = noon; now < noon + 120s; now += 10ms, actions = b.at(now, Woke{7ms})) {
        while (!all<Intend>(actions).empty()) {
            b.step(Intended{{1, 1}, true});
            tries.push_back(now);
            actions = b.step(Heard{{1, 1}, Said::failed});
        }
    }
    REQUIRE(tries.size() > 5);
    CHECK(tries[1] - tries[0] <= 1010ms);
    CHECK(tries[3] - tries[2] > tries[2] - tries[1]);
    CHECK(tries.back() < noon + 60s);
}

TEST_CASE("a silent peer is asked again when its time is over, under the same order") {
    Bench b;
    b.hand(want({1, 1}));
    CHECK(all<Intend>(b.at(noon + 29s)).empty());
    b.at(noon + 30s);
    const auto again = all<Intend>(b.at(noon + 33s));
    REQUIRE(again.size() == 1);
    CHECK(again[0].id == OrderId{1, 1});
}

TEST_CASE("an update waits for the answer of what it updates, for two seconds at most") {
    SUBCASE("the answer comes") {
        Bench b;
        b.hand(want({1, 1}));
        CHECK(all<Intend>(b.step(want({1, 2}))).empty());
        CHECK(all<Intend>(b.step(Heard{{1, 1}, Said::accepted})).size() == 1);
    }
    SUBCASE("it does not") {
        Bench b;
        b.hand(want({1, 1}));
        b.step(want({1, 2}));
        CHECK(all<Intend>(b.at(noon + 1999ms)).empty());
        CHECK(all<Intend>(b.at(noon + 2000ms)).size() == 1);
    }
    SUBCASE("old news of an even older one does not release it (found by seed 11633)") {
        Bench b;
        b.hand(want({1, 1}));
        b.step(Heard{{1, 1}, Said::accepted});
        b.hand(want({1, 2}));
        b.step(want({1, 3}));
        CHECK(all<Intend>(b.step(Heard{{1, 1}, Said::lost})).empty());
        CHECK(all<Intend>(b.step(Heard{{1, 2}, Said::accepted})).size() == 1);
    }
    SUBCASE("a third revision does not jump the queue (found by seed 1313)") {
        Bench b;
        b.hand(want({1, 1}));
        b.step(want({1, 2}));
        const auto actions = b.step(want({1, 3}));
        CHECK(all<Intend>(actions).empty());
        CHECK(all<End>(actions).at(0).id == OrderId{1, 2});  // never handed over
        CHECK(all<Intend>(b.at(noon + 2000ms)).size() == 1);
    }
}

TEST_CASE("E6: what was not handed over ends with its cancel; what was follows by evidence") {
    auto cancel = want({1, 2}, Rank::retract);
    cancel.withdraw = true;
    SUBCASE("due") {
        Bench b;
        b.step(Linked{LinkState::down, {}});
        b.step(want({1, 1}));
        const auto ends = all<End>(b.step(cancel));
        CHECK(ends.at(0).how == Ended::cancelled);
    }
    SUBCASE("its intent is being written") {
        Bench b;
        b.step(want({1, 1}));
        cancel.shown = 1;
        CHECK(all<End>(b.step(cancel)).empty());
        const auto actions = b.step(Intended{{1, 1}, true});
        CHECK(all<Hand>(actions).empty());
        CHECK(all<End>(actions).at(0).how == Ended::cancelled);
    }
    SUBCASE("in the air") {
        Bench b;
        b.hand(want({1, 1}));
        cancel.shown = 1;
        CHECK(all<End>(b.step(cancel)).empty());
    }
    SUBCASE("silent, and about to be asked again: it may be up") {
        Bench b;
        b.hand(want({1, 1}));
        b.at(noon + 30s);
        cancel.shown = 1;
        CHECK(all<End>(b.step(cancel)).empty());
    }
}

TEST_CASE("expiry: unsent expires, sent waits for its answer until the grace is over") {
    SUBCASE("unsent") {
        Bench b;
        b.step(Linked{LinkState::down, {}});
        b.step(want({1, 1}));
        CHECK(all<End>(b.at(noon + 1h)).at(0).how == Ended::expired);
        CHECK(all<Intend>(b.at(noon + 1h, Linked{LinkState::up, {}})).empty());
    }
    SUBCASE("the intent comes back at the very instant") {
        Bench b;
        b.step(want({1, 1}));
        const auto actions = b.at(noon + 1h, Intended{{1, 1}, true});
        CHECK(all<Hand>(actions).empty());
        CHECK(all<End>(actions).at(0).how == Ended::expired);
    }
    SUBCASE("in the air") {
        Bench b;
        auto w = want({1, 1});
        w.expires = noon + 10s;
        b.hand(w);
        CHECK(all<End>(b.at(noon + 10s)).empty());
        CHECK(all<Intend>(b.at(noon + 45s)).empty());  // not again
        CHECK(all<End>(b.at(noon + 70s)).at(0).how == Ended::timed_out);
    }
    SUBCASE("up") {
        Bench b;
        b.hand(want({1, 1}));
        b.step(Heard{{1, 1}, Said::accepted});
        const auto actions = b.at(noon + 1h);
        CHECK(all<End>(actions).at(0).how == Ended::complete);
        CHECK(all<Settle>(actions).empty());  // stays for a correction (scar A3)
    }
    SUBCASE("taking back has no expiry") {
        Bench b;
        auto w = want({1, 2}, Rank::retract);
        w.withdraw = true;
        w.shown = 1;
        b.step(Linked{LinkState::down, {}});
        b.step(w);
        CHECK(all<Intend>(b.at(noon + 20h, Linked{LinkState::up, {}})).size() == 1);
    }
}

TEST_CASE(
    "F7: a peer that forgot gets what was up again; what was in the air is soon asked again") {
    Bench b;
    b.hand(want({1, 1}));
    b.step(Heard{{1, 1}, Said::accepted});
    b.hand(want({2, 1}));
    auto actions = b.step(Forgot{});
    CHECK(all<Settle>(actions).at(0).mark == Mark::forgotten);
    CHECK(all<Intend>(actions).at(0).id == OrderId{1, 1});
    CHECK(all<Intend>(actions).size() == 1);
    b.step(Intended{{1, 1}, true});
    b.step(Heard{{1, 1}, Said::accepted});
    b.at(noon + 5s);
    CHECK(all<Intend>(b.at(noon + 8s)).at(0).id == OrderId{2, 1});
}

TEST_CASE("a paused, throttled or broken endpoint is handed nothing, not even what is intended") {
    const Input stops[] = {Linked{LinkState::down, {}}, Linked{LinkState::throttled, noon + 10s},
                           Paused{noon + 10s}};
    for (const auto& stop : stops) {
        Bench b;
        b.step(want({1, 1}));
        b.step(stop);
        CHECK(all<Hand>(b.step(Intended{{1, 1}, true})).empty());
        CHECK(all<Intend>(b.at(noon + 9s, want({2, 1}))).empty());
        b.at(noon + 10s);
        const auto actions = b.step(Linked{LinkState::up, {}});
        const bool goes = !all<Intend>(actions).empty() || b.decider->load(b.now).queued == 2;
        CHECK(goes);
    }
}

TEST_CASE("F1: a graver order passes a full window; its own kind waits") {
    Limits limits;
    limits.window = 2;
    Bench b(limits);
    for (std::uint32_t i = 1; i <= 3; ++i) b.hand(want({i, 1}));
    CHECK(b.decider->load(b.now).in_flight == 2);
    CHECK(all<Intend>(b.step(want({9, 1}, Rank::red))).size() == 1);
    CHECK(all<Intend>(b.step(want({10, 1}, Rank::drill))).empty());
}

TEST_CASE("bulk: one slice in hand, the gravest asks first, its size follows the rate") {
    Bench b({}, Said::delivered);
    b.step(Rate{10'000});
    auto yellow = want({1, 1}), red = want({2, 1}, Rank::red);
    yellow.bulk = red.bulk = true;
    b.hand(yellow);
    const auto first = all<Grant>(b.step(Asked{{1, 1}}));
    REQUIRE(first.size() == 1);
    CHECK(first[0].recipients == 500);  // 50 ms
    b.hand(red);
    CHECK(all<Grant>(b.step(Asked{{2, 1}})).empty());  // the slice in hand ends first
    const auto next = all<Grant>(b.step(Asked{{1, 1}}));
    REQUIRE(next.size() == 1);
    CHECK(next[0].id == OrderId{2, 1});
    CHECK(all<Grant>(b.at(noon + 1000ms)).size() == 1);  // red never came back: its turn is over
}

TEST_CASE("bulk: expiry, cancel and supersession stop it, and nothing is granted any more") {
    Bench b({}, Said::delivered);
    auto w = want({1, 1});
    w.bulk = true;
    b.hand(w);
    SUBCASE("expiry") { CHECK(all<Stop>(b.at(noon + 1h)).at(0).how == Ended::expired); }
    SUBCASE("supersession") {
        auto next = want({1, 2});
        next.bulk = true;
        CHECK(all<Stop>(b.step(next)).at(0).how == Ended::superseded);
    }
    SUBCASE("cancel") {
        auto next = want({1, 2});
        next.bulk = next.withdraw = true;
        next.shown = 1;
        CHECK(all<Stop>(b.step(next)).at(0).how == Ended::cancelled);
    }
    CHECK(all<Grant>(b.step(Asked{{1, 1}})).empty());
}

TEST_CASE("bulk: a campaign at its end is up; if somebody is left after all, it goes again") {
    Bench b({}, Said::delivered);
    auto w = want({1, 1});
    w.bulk = true;
    b.hand(w);
    CHECK(all<Settle>(b.step(Exhausted{{1, 1}})).at(0).mark == Mark::up);
    const auto actions = b.step(Asked{{1, 1}});
    CHECK(all<Settle>(actions).at(0).mark == Mark::due);
    CHECK(all<Intend>(actions).size() == 1);
}

TEST_CASE("F5: the backup is asked once: at a failure, or when the link stays down") {
    Bench b;
    b.hand(want({1, 1}));
    CHECK(all<Backup>(b.step(Heard{{1, 1}, Said::failed})).size() == 1);
    b.at(noon + 5s);
    b.step(Intended{{1, 1}, true});
    CHECK(all<Backup>(b.step(Heard{{1, 1}, Said::failed})).empty());
    b.step(Linked{LinkState::down, {}});
    b.step(want({2, 1}));
    CHECK(all<Backup>(b.at(noon + 14s)).empty());
    CHECK(all<Backup>(b.at(noon + 15s)).size() == 1);
}

TEST_CASE("what the ledger says is up, or ended, is not handed over") {
    Bench b;
    b.step(want({1, 1}));
    b.step(Intended{{1, 1}, false});
    b.step(Moved{{1, 1}, true});
    CHECK(all<Intend>(b.at(noon + 10min)).empty());
    auto up = want({2, 1});
    up.shown = 1;
    CHECK(all<Intend>(b.step(up)).empty());
}

}  // namespace
}  // namespace tocsin::dispatch
