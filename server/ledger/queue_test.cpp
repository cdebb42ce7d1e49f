#include "server/base/time.hpp"
#include "server/ledger/testing.hpp"

namespace tocsin::ledger::testing {
namespace {

using contract::Action;

/// One chain at one endpoint.
struct Queue {
    Bench& bench;
    Wanted want(std::uint16_t revision, Action action) {
        const Want w{{7, revision},
                     action,
                     contract::Level::orange,
                     expires,
                     fmt::format("alert{}", revision)};
        return bench.sure<Wanted>(
            [&](auto then) { bench.ledger().want("board", Mode::test, w, std::move(then)); });
    }
    Intent intend(std::uint64_t fence, std::uint16_t revision) {
        return bench.sure<Intent>([&](auto then) {
            bench.ledger().intend("board", Mode::test, fence, {7, revision}, std::move(then));
        });
    }
    void settle(std::uint16_t revision, Phase phase) {
        bench.sure<Done>([&](auto then) {
            bench.ledger().settle("board", Mode::test, {7, revision}, phase, std::move(then));
        });
    }
    Lease lease(std::chrono::milliseconds keep = 1min) {
        return bench.sure<Lease>(
            [&](auto then) { bench.ledger().lease("board", keep, std::move(then)); });
    }
    WantRecord only() {
        const auto all = bench.sure<std::vector<WantRecord>>(
            [&](auto then) { bench.ledger().wants("board", Mode::test, std::move(then)); });
        REQUIRE(all.size() == 1);
        return all.front();
    }
    Instant expires = now() + 1h;
};

TEST_CASE("what is wanted is read back whole") {
    both([](Bench& bench) {
        Queue q{bench};
        CHECK(q.want(3, Action::publish).due);
        const auto r = q.only();
        CHECK(r.want.order == OrderId{7, 3});
        CHECK(r.want.action == Action::publish);
        CHECK(r.want.level == contract::Level::orange);
        CHECK(r.want.expires == q.expires);
        CHECK(r.want.alert == "alert3");
        CHECK(r.phase == Phase::due);
        CHECK(r.shown == 0);
        CHECK(r.tries == 0);
        CHECK(bench
                  .sure<std::vector<WantRecord>>([&](auto then) {
                      bench.ledger().wants("board", Mode::live, std::move(then));
                  })
                  .empty());
    });
}

TEST_CASE("the outbox twice gives the same answers and changes nothing") {
    both([](Bench& bench) {
        Queue q{bench};
        q.want(1, Action::publish);
        const auto first = q.want(2, Action::update), again = q.want(2, Action::update);
        CHECK(first.due);
        CHECK(again.due);
        CHECK(first.ended == "alert1");
        CHECK(again.ended == "alert1");
        const auto fence = q.lease().fence;
        q.intend(fence, 2);
        q.want(2, Action::update);
        CHECK(q.only().phase == Phase::sent);
    });
}

TEST_CASE("5: an older revision is late, a withdraw of what was never shown is nothing") {
    both([](Bench& bench) {
        Queue q{bench};
        q.want(5, Action::update);
        const auto late = q.want(4, Action::publish);
        CHECK_FALSE(late.due);
        CHECK(late.ended == "alert4");
        const auto nothing = q.want(6, Action::withdraw);
        CHECK_FALSE(nothing.due);
        CHECK(nothing.ended == "alert5");  // never handed, now never will be
        CHECK(q.only().phase == Phase::ended);
        CHECK_FALSE(q.want(6, Action::withdraw).due);
        CHECK(q.intend(q.lease().fence, 6).answer == Intent::Answer::moved);
    });
}

TEST_CASE("E6: what is in flight counts as shown, so its withdraw follows") {
    both([](Bench& bench) {
        Queue q{bench};
        const auto fence = q.lease().fence;
        q.want(1, Action::publish);
        const auto go = q.intend(fence, 1);
        CHECK(go.answer == Intent::Answer::go);
        CHECK(go.tries == 1);
        CHECK(go.shown == 0);
        CHECK(q.want(2, Action::withdraw).due);
        const auto back = q.intend(fence, 2);
        CHECK(back.answer == Intent::Answer::go);
        CHECK(back.shown == 1);
        q.settle(2, Phase::ended);
        CHECK(q.only().phase == Phase::ended);
        CHECK(q.only().shown == 0);
    });
}

TEST_CASE("an intent of an overtaken revision has moved, a repeat counts its tries") {
    both([](Bench& bench) {
        Queue q{bench};
        const auto fence = q.lease().fence;
        CHECK(q.intend(fence, 1).answer == Intent::Answer::moved);  // nothing is wanted
        q.want(1, Action::publish);
        q.want(2, Action::update);
        CHECK(q.intend(fence, 1).answer == Intent::Answer::moved);
        CHECK(q.intend(fence, 2).tries == 1);
        CHECK(q.intend(fence, 2).tries == 2);  // after a crash: `s` goes again
        q.settle(2, Phase::due);               // failed: try again
        CHECK(q.intend(fence, 2).tries == 3);
        q.settle(2, Phase::up);
        CHECK(q.intend(fence, 2).answer == Intent::Answer::moved);
        CHECK(q.only().shown == 2);
    });
}

TEST_CASE("F11: a late fact about the revision before still counts as shown") {
    both([](Bench& bench) {
        Queue q{bench};
        const auto fence = q.lease().fence;
        q.want(1, Action::publish);
        q.intend(fence, 1);
        q.settle(1, Phase::due);  // no answer in time
        q.want(2, Action::update);
        CHECK(q.only().shown == 0);
        q.settle(1, Phase::up);  // it came up after all
        CHECK(q.only().shown == 1);
        CHECK(q.only().phase == Phase::due);
        q.settle(1, Phase::ended);  // old news changes nothing
        CHECK(q.only().want.order.revision == 2);
        CHECK(q.intend(fence, 2).shown == 1);
    });
}

TEST_CASE("F7: what the peer forgot is due again, a withdraw that it forgot is over") {
    both([](Bench& bench) {
        Queue q{bench};
        const auto fence = q.lease().fence;
        q.want(1, Action::publish);
        q.intend(fence, 1);
        q.settle(1, Phase::up);
        q.settle(1, Phase::forgotten);
        CHECK(q.only().phase == Phase::due);
        CHECK(q.only().shown == 0);
        q.intend(fence, 1);
        q.settle(1, Phase::up);
        q.want(2, Action::withdraw);
        q.settle(2, Phase::forgotten);
        CHECK(q.only().phase == Phase::ended);
    });
}

TEST_CASE("7: one owner at a time; a renewal keeps the fence; a wrong fence is fenced") {
    both([](Bench& bench) {
        Queue q{bench};
        const auto lease = q.lease();
        CHECK(lease.mine);
        CHECK(lease.fence == 1);
        CHECK(q.lease().fence == 1);
        q.want(1, Action::publish);
        CHECK(q.intend(lease.fence + 1, 1).answer == Intent::Answer::fenced);
        CHECK(q.intend(0, 1).answer == Intent::Answer::fenced);
        CHECK(q.only().phase == Phase::due);
        CHECK(q.intend(lease.fence, 1).answer == Intent::Answer::go);
    });
}

TEST_CASE("7: another node waits for the end of the lease, then fences the past; a restart too") {
    RedisBench bench;
    const auto as = [&](const std::string& node, const std::string& boot) {
        RedisLedger::Options options;
        options.at = bench.embedded->address();
        options.node = node;
        options.boot = boot;
        auto ledger = std::make_unique<RedisLedger>(bench.loop, options);
        REQUIRE(bench.until([&] { return ledger->health().up; }));
        return ledger;
    };
    const auto lease = [&](RedisLedger& of, std::chrono::milliseconds keep) {
        return bench.sure<Lease>([&](auto then) { of.lease("board", keep, std::move(then)); });
    };
    const auto a = as("a", "1"), b = as("b", "1"), a_again = as("a", "2");
    CHECK(lease(*a, 300ms).fence == 1);
    const auto held = lease(*b, 300ms);
    CHECK_FALSE(held.mine);
    CHECK(held.holder == "a");
    CHECK(lease(*a_again, 300ms).fence == 2);  // at once: the old boot is dead by definition
    bench.until([] { return false; }, 350ms);
    CHECK(lease(*b, 300ms).fence == 3);
    CHECK_FALSE(lease(*a, 300ms).mine);
}

TEST_CASE("sweep drops what has ended and expired, and only that") {
    both([](Bench& bench) {
        Queue q{bench};
        q.want(1, Action::withdraw);
        const auto sweep = [&](Instant before) {
            bench.sure<Done>([&](auto then) {
                bench.ledger().sweep("board", Mode::test, before, std::move(then));
            });
        };
        sweep(q.expires);
        CHECK(q.only().phase == Phase::ended);
        q.want(2, Action::publish);
        sweep(q.expires + 1h);
        CHECK(q.only().phase == Phase::due);
        q.settle(2, Phase::ended);
        sweep(q.expires + 1h);
        CHECK(bench
                  .sure<std::vector<WantRecord>>([&](auto then) {
                      bench.ledger().wants("board", Mode::test, std::move(then));
                  })
                  .empty());
    });
}

}  // namespace
}  // namespace tocsin::ledger::testing
