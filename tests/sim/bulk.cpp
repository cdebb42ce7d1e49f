/// A bulk endpoint's station between the decider and its campaigns: opened when its intent is on
/// disk, fed by slices, stopped by whatever ends it, counted as its totals come.
#include "tests/sim/world.hpp"

#include <doctest/doctest.h>

namespace tocsin::sim {
namespace {

using contract::Action, contract::Level, contract::Mode;
using ledger::Kind;
using receipts::Counts, receipts::Ended;
using namespace std::chrono_literals;

/// Campaigns that take what they are granted at a rate and tell their totals, as the engine does.
class Campaigns final : public dispatch::BulkPort {
public:
    explicit Campaigns(World*& world) : world_(world) {}
    struct Run {
        dispatch::CampaignSpec spec;
        Counts counts;
        std::string stopped;
        std::size_t opened = 0;
    };
    std::map<OrderId, Run> runs;  // kept on disk: outlives the process
    std::vector<OrderId> slices;
    std::uint32_t rate = 10'000, delivered_percent = 100;
    std::string refuse;  // the next ones that are opened

    void open(dispatch::CampaignSpec spec) override {
        const auto id = spec.order;
        auto& run = runs[id];
        ++run.opened;
        run.spec = spec;
        if (run.counts.total == 0)
            for (const auto& group : spec.groups) run.counts.total += group.count;
        say(1ms, [this, id](auto& station) {
            station.opened(id, refuse.empty(), refuse);
            if (!refuse.empty()) return;
            station.rate(rate);
            next(id, station);
        });
    }
    void grant(OrderId id, std::uint32_t recipients) override {
        slices.push_back(id);
        auto& counts = runs.at(id).counts;
        const auto takes = std::min<std::uint64_t>(recipients, counts.total - counts.handed);
        say(milliseconds(takes * 1000 / rate + 1), [this, id, takes](auto& station) {
            auto& run = runs.at(id);
            if (!run.stopped.empty()) return;
            run.counts.handed += takes;
            run.counts.accepted += takes;
            station.totals(id, run.counts, false);
            next(id, station);
            world_->loop.after(500ms, [this, id, takes] { receipts(id, takes); });
        });
    }
    void stop(OrderId id, std::string why) override { runs.at(id).stopped = std::move(why); }

private:
    /// They wait at the peer while nobody is there, so none is lost.
    void receipts(OrderId id, std::uint64_t takes) {
        auto& c = runs.at(id).counts;
        const auto good = takes * delivered_percent / 100;
        c.delivered += good;
        c.failed += takes - good;
        const bool whole = c.handed == c.total || !runs.at(id).stopped.empty();
        auto* station = world_->dispatcher ? world_->dispatcher->find("sms") : nullptr;
        if (station) station->totals(id, c, whole && c.delivered + c.failed == c.handed);
    }
    template <class F> void say(milliseconds after, F what) {
        world_->loop.after(after, [this, what, life = world_->life] {
            if (life != world_->life || !world_->dispatcher) return;
            what(*world_->dispatcher->find("sms"));
        });
    }
    template <class S> void next(OrderId id, S& station) {
        const auto& run = runs.at(id);
        if (!run.stopped.empty()) return;
        if (run.counts.handed == run.counts.total)
            station.exhausted(id);
        else
            station.asked(id);
    }
    World*& world_;
};

struct Bulk {
    explicit Bulk(std::uint32_t people = 20'000) : campaigns(std::make_shared<Campaigns>(world)) {
        auto sms = endpoint("sms");
        sms.endpoint.bulk = true;
        sms.endpoint.highest = Said::delivered;
        sms.bulk = campaigns;
        held = std::make_unique<World>(std::vector{sms});
        world = held.get();
        auto& w = *world;
        std::vector<std::uint64_t> numbers;
        for (std::uint32_t i = 0; i < people; ++i) numbers.push_back(8613800000000 + i);
        std::vector<ledger::Ledger::GroupNumbers> groups(2);
        groups[0].group.regions = {"110101"};
        groups[1].group.regions = {"110102"};
        groups[1].numbers = numbers;
        groups[0].numbers = {8613900000001};
        audience = w.ask<plan::Audience>(
            [&](auto then) { w.memory.put_audience("public", groups, std::move(then)); });
        w.peers["sms"].deaf = true;  // the channel pulls; it says nothing of the order itself
        w.start();
        w.run(100ms);
    }
    ledger::Accepted post(World::Posted p) {
        auto& w = *world;
        w.dress = [this](plan::Plan& plan) {
            for (auto& order : plan.orders) {
                order.audience_version = audience.name + "/" + audience.version;
                order.groups = {1};
                order.footprint = contract::Audience{"c", audience.groups.at(1).count};
            }
        };
        return w.post(std::move(p));
    }
    Campaigns::Run& run(OrderId id) { return campaigns->runs.at(id); }
    receipts::Delivery row(const std::string& alert) { return world->row(alert, "sms"); }

    World* world = nullptr;
    std::shared_ptr<Campaigns> campaigns;
    std::unique_ptr<World> held;
    plan::Audience audience;
};

World::Posted alert(std::string name, Level level = Level::yellow) {
    World::Posted p;
    p.name = std::move(name);
    p.level = level;
    return p;
}

World::Posted follow(Kind kind, std::string name, std::vector<std::string> references) {
    World::Posted p;
    p.kind = kind;
    p.name = std::move(name);
    p.references = std::move(references);
    p.sent = 1s;
    return p;
}

TEST_CASE("a campaign runs by slices to its end, and its receipts make the delivery complete") {
    Bulk b;
    auto& w = *b.world;
    const auto a = b.post(alert("a"));
    w.run(50ms);
    CHECK(b.row(a.alert).counts.total == 20'000);
    w.run(1s);
    const auto early = b.row(a.alert);
    CHECK(early.grade >= receipts::Grade::accepted);
    CHECK(early.partial);
    w.run(30s);
    const auto& run = b.run(a.order);
    CHECK(run.spec.groups.size() == 1);
    CHECK(run.spec.groups.at(0).count == 20'000);
    CHECK(run.spec.indices == std::vector<std::uint32_t>{1});
    CHECK(run.spec.receipts);
    CHECK(run.counts.delivered == 20'000);
    const auto row = b.row(a.alert);
    CHECK(receipts::state(row) == std::string("delivered"));
    CHECK(row.ended == Ended::complete);
    CHECK_FALSE(row.partial);
    CHECK(w.want("sms", a.order.ordinal).phase == ledger::Phase::up);
    CHECK(w.peers["sms"].told.size() == 1);  // the channel has its words
}

TEST_CASE("totals are stored five times a second at most, and the last one always") {
    Bulk b(100'000);
    auto& w = *b.world;
    const auto a = b.post(alert("a"));
    w.run(60s);
    const auto events = w.ask<std::vector<ledger::Event>>(
        [&](auto then) { w.memory.events(a.alert, "", 10'000, std::move(then)); });
    const auto told = std::ranges::count(events, "delivery", &ledger::Event::name);
    CHECK(b.campaigns->slices.size() >= 200);
    CHECK(told <= 12 * 5 + 10);  // ten seconds of it, and receipts
    CHECK(b.row(a.alert).counts.delivered == 100'000);
}

TEST_CASE("F2: red goes before the yellow campaign that is running, which goes on slowly") {
    Bulk b(100'000);
    auto& w = *b.world;
    const auto yellow = b.post(alert("y"));
    w.run(2s);
    const auto before = w.loop.now();
    const auto red = b.post(alert("r", Level::red));
    std::optional<Instant> first;
    for (int i = 0; i < 300 && !first; ++i) {
        w.run(1ms);
        if (b.campaigns->slices.back() == red.order) first = w.loop.now();
    }
    REQUIRE(first);
    CHECK(*first - before < 100ms);
    const auto from = b.campaigns->slices.size();
    w.run(5s);
    std::size_t reds = 0, yellows = 0;
    for (auto i = from; i < b.campaigns->slices.size(); ++i)
        (b.campaigns->slices[i] == red.order ? reds : yellows) += 1;
    CHECK(reds >= 14 * yellows);
    CHECK(yellows >= 4);
    CHECK(yellow.order != red.order);
}

TEST_CASE("a cancelled campaign stops, and its correction goes to those that it reached") {
    Bulk b;
    auto& w = *b.world;
    const auto a = b.post(alert("a"));
    w.run(1s);
    const auto c = b.post(follow(Kind::cancel, "c", {"a"}));
    w.run(30s);
    CHECK(b.run(a.order).stopped == "cancelled");
    CHECK(b.run(a.order).counts.handed < 20'000);
    CHECK(b.run(c.order).spec.only_reached_by == a.order.revision);
    const auto row = b.row(a.alert);
    CHECK(row.partial);
    CHECK(receipts::state(row) == std::string("withdrawn"));
    CHECK(row.grade == receipts::Grade::delivered);  // how far it got is still told
    CHECK(receipts::state(b.row(c.alert)) == std::string("delivered"));
}

TEST_CASE("an update stops the older campaign and runs its own") {
    Bulk b;
    auto& w = *b.world;
    const auto a = b.post(alert("a"));
    w.run(1s);
    const auto u = b.post(follow(Kind::update, "u", {"a"}));
    w.run(30s);
    CHECK(b.run(a.order).stopped == "superseded");
    CHECK(b.run(u.order).counts.delivered == 20'000);
    CHECK(b.run(u.order).spec.only_reached_by == 0);
    CHECK(b.row(a.alert).ended == Ended::complete);  // those whom it reached, it reached
    CHECK(b.row(a.alert).partial);
}

TEST_CASE("D5: at its expiry a campaign stops; those who were told stay told") {
    Bulk b(100'000);
    auto& w = *b.world;
    auto p = alert("a");
    p.life = 3s;
    const auto a = b.post(p);
    w.run(3s);
    const auto handed = b.run(a.order).counts.handed;
    w.run(5min);
    CHECK(b.run(a.order).stopped == "expired");
    CHECK(b.run(a.order).counts.handed <= handed + 500);
    const auto row = b.row(a.alert);
    CHECK(row.ended == Ended::complete);
    CHECK(row.partial);
    CHECK(row.counts.delivered == b.run(a.order).counts.delivered);
}

TEST_CASE("after a restart a campaign goes on where it was, and is told to the channel again") {
    Bulk b;
    auto& w = *b.world;
    const auto a = b.post(alert("a"));
    w.run(1s);
    const auto handed = b.run(a.order).counts.handed;
    CHECK(handed > 0);
    w.start();
    w.run(30s);
    CHECK(b.run(a.order).opened == 2);
    CHECK(b.run(a.order).counts.handed == 20'000);
    CHECK(b.row(a.alert).ended == Ended::complete);
    w.start();  // at its end: opened for its receipts, granted nothing
    const auto slices = b.campaigns->slices.size();
    w.run(30s);
    CHECK(b.run(a.order).opened == 3);
    CHECK(b.campaigns->slices.size() == slices);
}

TEST_CASE("a campaign that cannot be opened is tried again") {
    Bulk b;
    auto& w = *b.world;
    b.campaigns->refuse = "another owner has it";
    const auto a = b.post(alert("a"));
    w.run(5s);
    CHECK(b.row(a.alert).evidence.at(0).text == "another owner has it");
    b.campaigns->refuse.clear();
    w.run(5min);
    CHECK(b.row(a.alert).ended == Ended::complete);
}

TEST_CASE("some delivered and some failed is complete in part; none at all is failed") {
    for (const std::uint32_t percent : {60U, 0U}) {
        Bulk b;
        b.campaigns->delivered_percent = percent;
        const auto a = b.post(alert("a"));
        b.world->run(1min);
        const auto row = b.row(a.alert);
        CHECK(receipts::state(row) == std::string(percent ? "delivered" : "failed"));
        CHECK(row.partial);
        CHECK(row.counts.failed == (percent ? 8'000 : 20'000));
    }
}

TEST_CASE("an audience that is no longer here fails the order, loudly") {
    Bulk b;
    b.audience.version = "99";
    const auto a = b.post(alert("a"));
    b.world->run(5s);
    CHECK(receipts::state(b.row(a.alert)) == std::string("failed"));
    CHECK(b.row(a.alert).evidence.back().text == "its audience is no longer here");
}

}  // namespace
}  // namespace tocsin::sim
