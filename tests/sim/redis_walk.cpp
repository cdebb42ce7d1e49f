/// The crash walk over the store that serves: a real redis-server, killed by -9 at one of the
/// dispatcher's steps, or killed together with the dispatcher. Real time, so only some of the steps;
/// TOCSIN_SEEDS=1 takes them all.
#include "server/dispatch/asio.hpp"
#include "server/ledger/testing.hpp"
#include "tests/sim/world.hpp"

namespace tocsin::sim {
namespace {

using contract::Action;
using ledger::Kind;
using namespace std::chrono_literals;

class AsioLoop final : public Loop {
public:
    explicit AsioLoop(boost::asio::io_context& io) : io_(io), timers_(io) {}
    Instant now() const override { return tocsin::now(); }
    void after(milliseconds pause, std::function<void()> then) override {
        timers_.after(pause, alive_.guard(std::move(then)));  // the world ends before its loop
    }
    bool run_one(Instant until) override {
        if (now() >= until) return false;
        io_.restart();
        io_.run_one_for(
            std::min<milliseconds>(20ms, until == Instant::max() ? 20ms : until - now()));
        return true;
    }
    void settle(Instant) override {}

private:
    boost::asio::io_context& io_;
    dispatch::AsioTimers timers_;
    dispatch::Alive alive_;
};

struct Life {
    std::array<int, 3> order{};
    bool at_once = true;
    std::size_t at = 0;
    bool both = false;
    std::string name() const {
        return fmt::format("{}{}{}{} step {}{}", "AUC"[order[0]], "AUC"[order[1]], "AUC"[order[2]],
                           at_once ? "" : " late", at, both ? ", both killed" : ", Redis killed");
    }
};

bool ended(World& w, const std::vector<std::string>& alerts) {
    if (!w.outbox().empty()) return false;
    for (const auto& alert : alerts) {
        const auto rows = w.rows(alert);
        if (rows.size() != 2 || !std::ranges::all_of(rows, receipts::terminal)) return false;
    }
    return true;
}

std::size_t walk(const Life& life) {
    CAPTURE(life.name());
    ledger::testing::RedisBench bench;
    World w({endpoint("board"), endpoint("web")}, {}, std::make_unique<AsioLoop>(bench.loop),
            [&bench]() -> ledger::Ledger& {
                bench.close();
                bench.open();
                return bench.ledger();
            });
    w.sent_of["u"] = rfc3339(w.begin + 1s);
    w.start();
    w.run(200ms);
    const auto before = w.fuse.steps;
    w.fuse.at = life.at ? before + life.at : 0;
    w.fuse.blown = [&] {
        ::kill(bench.embedded->pid(), SIGKILL);
        w.fuse.dead = life.both;
    };
    std::vector<std::string> alerts;
    for (const auto which : life.order) {
        World::Posted p;
        p.kind = Kind(which);
        p.name = which == 0 ? "a" : which == 1 ? "u" : "c";
        p.sent = milliseconds(1000 * which);
        if (which == 1) p.references = {"a"};
        if (which == 2) p.references = {"a", "u"};
        alerts.push_back(w.post(p).alert);
        if (!life.at_once) w.run(150ms);
    }
    for (int i = 0; i < 150 && !ended(w, alerts); ++i) w.run(100ms);
    w.run(200ms);
    CHECK(ended(w, alerts));
    for (const auto& [name, peer] : w.peers) {
        CHECK(peer.shows.empty());
        std::map<OrderId, int> times;
        std::uint16_t newest = 0;
        bool withdrawn = false;
        int repeats = 0;
        for (const auto& told : peer.told) {
            CHECK(told.id.revision >= newest);
            newest = told.id.revision;
            if (told.action == Action::withdraw) withdrawn = true;
            CHECK((told.action == Action::withdraw || !withdrawn));
            if (++times[told.id] > 1) ++repeats;
        }
        CHECK(repeats <= 1);
    }
    const auto steps = w.fuse.steps - before;
    w.stop();
    bench.close();
    return steps;
}

TEST_CASE("E5 E8 F8: redis-server killed by -9 at any step: all ends alike, one repeat at most") {
    const bool thorough = std::getenv("TOCSIN_SEEDS") != nullptr;
    std::array<int, 3> order{0, 1, 2};
    std::size_t lives = 0, longest = 0;
    do
        for (const bool at_once : {true, false}) {
            const auto steps = walk({order, at_once, 0, false});
            longest = std::max(longest, steps);
            // Some early, some late in each; at the end of all six orders every part was hit.
            const auto stride = thorough ? 1 : std::max<std::size_t>(steps, 1);
            for (std::size_t at = thorough ? 1 : 1 + 7 * lives % steps; at <= steps; at += stride)
                walk({order, at_once, at, lives++ % 2 == 0});
        }
    while (std::ranges::next_permutation(order).found);
    MESSAGE(lives, " kills, at up to ", longest, " steps");
}

}  // namespace
}  // namespace tocsin::sim
