/// The scars that dispatch owes an answer for, each by its name (scars.md), on a whole node with a
/// ledger in memory and peers that remember what they were told.
#include "tests/sim/world.hpp"

#include <doctest/doctest.h>

namespace tocsin::sim {
namespace {

using contract::Action, contract::Level, contract::LinkState, contract::Mode;
using ledger::Kind;
using receipts::Ended;
using namespace std::chrono_literals;

std::string state_of(World& w, const std::string& alert, const std::string& endpoint) {
    return receipts::state(w.row(alert, endpoint));
}

World::Posted alert(std::string name, Level level = Level::yellow) {
    World::Posted p;
    p.name = std::move(name);
    p.level = level;
    return p;
}

World::Posted follow(Kind kind,
                     std::string name,
                     std::vector<std::string> references,
                     std::chrono::milliseconds sent = 1s) {
    World::Posted p;
    p.kind = kind;
    p.name = std::move(name);
    p.references = std::move(references);
    p.sent = sent;
    return p;
}

struct Ready : World {
    explicit Ready(std::vector<dispatch::Definition> definitions, dispatch::Tuning tuning = {})
        : World(std::move(definitions), tuning) {
        start();
        run(100ms);
    }
    dispatch::Station& station(const std::string& name = "board") {
        return *dispatcher->find(name);
    }
};

/// For tests that last days: looking around each second would be most of the work.
dispatch::Tuning unhurried() {
    dispatch::Tuning tuning;
    tuning.look_every = tuning.outbox_every = 10min;
    tuning.lease_keep = 30min;
    return tuning;
}

TEST_CASE("an alert goes from the outbox to every endpoint, and its receipts come back") {
    Ready w({endpoint("board"), endpoint("web")});
    const auto a = w.post(alert("a"));
    w.run(1s);
    CHECK(w.board().told.size() == 1);
    CHECK(w.peers["web"].told.size() == 1);
    CHECK(w.outbox().empty());
    const auto row = w.row(a.alert, "board");
    CHECK(receipts::state(row) == std::string("accepted"));
    CHECK(row.ended == Ended::complete);
    CHECK(row.tries == 1);
    CHECK(w.want("board", a.order.ordinal).phase == ledger::Phase::up);
    const auto& metrics = w.dispatcher->metrics();
    CHECK(metrics.orders.at({"live", "board", "publish"}) == 1);
    CHECK(metrics.first_handed.at({"live", "yellow"}).count == 2);
    CHECK(metrics.deliveries.at({"live", "fake", "accepted"}) == 2);
    const auto events = w.ask<std::vector<ledger::Event>>(
        [&](auto then) { w.memory.events(a.alert, "", 100, std::move(then)); });
    const auto count = [&](std::string_view name) {
        return std::ranges::count(events, name, &ledger::Event::name);
    };
    CHECK(count("delivery") >= 2);
    CHECK(count("state") == 1);
    CHECK(count("progress") >= 1);
}

std::size_t repeats(const World& w) {
    std::size_t all = 0;
    for (const auto& [name, peer] : w.peers) all += peer.told.size() - 1;
    return all;
}

TEST_CASE("A8: restarted fifty times in the middle of the fan-out, 0 extra sends") {
    std::vector<dispatch::Definition> many;
    for (int i = 0; i < 20; ++i) many.push_back(endpoint(fmt::format("board-{:02}", i)));
    for (const auto answer : {0ms, 20ms}) {
        World w(many);
        for (auto& [_, peer] : w.peers) peer.answers_in = answer;
        w.start();
        w.run(50ms);
        const auto a = w.post(alert("a"));
        for (int i = 0; i < 50; ++i) {
            w.run(std::chrono::milliseconds(1 + i % 7));
            w.start();
        }
        w.run(10min);
        for (const auto& [name, peer] : w.peers) {
            CHECK(peer.told.size() >= 1);
            CHECK(state_of(w, a.alert, name) == "accepted");
        }
        // What the peer has answered is never sent again. What was in the air at each stop may be,
        // and is not each time.
        const auto again = repeats(w);
        if (answer == 0ms) CHECK(again == 0);
        CHECK(again <= 20 * 3);
        for (int i = 0; i < 50; ++i) {  // and all is quiet afterwards
            w.start();
            w.run(2s);
        }
        CHECK(repeats(w) == again);
    }
}

TEST_CASE("A8: an orderly stop withdraws nothing and says nothing") {
    Ready w({endpoint("board")});
    w.post(alert("a"));
    w.run(1s);
    w.stop();
    w.run(1h);
    CHECK(w.board().told.size() == 1);
    CHECK(w.board().shows.size() == 1);
}

TEST_CASE("A4 A1: a drill never reaches a live peer, and each refusal is counted by its reason") {
    Ready w({endpoint("board"), endpoint("twin", false)});
    auto drill = alert("drill");
    drill.mode = Mode::exercise;
    const auto a = w.post(drill);
    w.run(1s);
    CHECK(w.board().told.empty());
    CHECK(w.peers["twin"].told.size() == 1);
    CHECK(state_of(w, a.alert, "board") == "failed");
    CHECK(w.row(a.alert, "board").evidence.at(0).source == "gate");
    CHECK(w.dispatcher->metrics().gate_refusals.at({"a drill deeper than this live peer allows"}) ==
          1);
    const auto live = w.post(alert("live"));
    w.run(1s);
    CHECK(w.peers["twin"].told.size() == 1);
    CHECK(state_of(w, live.alert, "twin") == "failed");
    CHECK(w.dispatcher->metrics().gate_refusals.at({"a live order at a sandbox"}) == 1);
}

TEST_CASE("A4: a drill that ends at the platform is carried nowhere, and refused nowhere") {
    Ready w({endpoint("board", false)});
    w.dress = [](plan::Plan& plan) { plan.depth = contract::Depth::platform; };
    auto drill = alert("drill");
    drill.mode = Mode::replay;
    const auto a = w.post(drill);
    w.run(1s);
    CHECK(w.board().told.empty());
    CHECK(w.rows(a.alert).empty());
    CHECK(w.outbox().empty());
    CHECK(w.dispatcher->metrics().gate_refusals.empty());
}

TEST_CASE("A4: an order whose record says another mode than its queue is refused") {
    Ready w({endpoint("board")});
    auto p = alert("a");
    p.mode = Mode::test;
    w.dispatcher->pause("board", {{}, "held", "test"});
    const auto a = w.post(p);
    w.run(1s);
    // Somebody's hand in Redis: the test's record stands in the live queue.
    const ledger::Want want{a.order, Action::publish, Level::red, w.loop.now() + 1h, a.alert};
    (void)w.ask<ledger::Wanted>(
        [&](auto then) { w.memory.want("board", Mode::live, want, std::move(then)); });
    w.start();
    w.run(100ms);
    w.dispatcher->resume("board", "test");
    w.run(5s);
    CHECK(w.board().told.empty());
    CHECK(state_of(w, a.alert, "board") == "failed");
}

TEST_CASE("D5: nothing is handed over at or after its expiry, and it ends as expired") {
    Ready w({endpoint("board")});
    w.station().link(LinkState::down, {});
    auto p = alert("a");
    p.life = 60s;
    const auto a = w.post(p);
    w.run(60s);
    w.station().link(LinkState::up, {});
    w.run(10min);
    CHECK(w.board().told.empty());
    CHECK(state_of(w, a.alert, "board") == "expired");
    CHECK(w.dispatcher->metrics().expired_before_handover.at({"live", "board"}) == 1);
}

TEST_CASE("D5: retries stop at expiry and at supersession") {
    Ready w({endpoint("board")});
    w.board().usual = Said::failed;
    auto p = alert("a");
    p.life = 60s;
    const auto a = w.post(p);
    w.run(59s);
    const auto tried = w.board().told.size();
    CHECK(tried > 3);
    w.run(1h);
    for (const auto& told : w.board().told) CHECK(told.at < w.begin + 100ms + 60s);
    CHECK(state_of(w, a.alert, "board") == "expired");

    auto b = alert("b");
    const auto first = w.post(b);
    w.run(5s);
    w.board().usual = Said::accepted;
    const auto second = w.post(follow(Kind::update, "u", {"b"}));
    w.run(1min);
    CHECK(w.board().told.back().id == second.order);
    CHECK(state_of(w, first.alert, "board") == "superseded");
    CHECK(state_of(w, second.alert, "board") == "accepted");
}

TEST_CASE("F9: handed over and never answered is timed out after its expiry, not delivered") {
    Ready w({endpoint("board")});
    w.board().deaf = true;
    auto p = alert("a");
    p.life = 5min;
    const auto a = w.post(p);
    w.run(5min + 30s);
    CHECK_FALSE(receipts::terminal(w.row(a.alert, "board")));
    w.run(2min);
    CHECK(state_of(w, a.alert, "board") == "timed_out");
    // F11: the receipt comes after all.
    w.say("board", a.order, Said::accepted, "late");
    w.run(1s);
    CHECK(state_of(w, a.alert, "board") == "accepted");
    CHECK(w.dispatcher->metrics().overturned.at({"board"}) == 1);
}

TEST_CASE("F9: a word about an order that was never handed over is not believed") {
    Ready w({endpoint("board")});
    w.station().link(LinkState::down, {});
    const auto a = w.post(alert("a"));
    w.run(1s);
    w.say("board", a.order, Said::verified);
    w.say("board", {77, 1}, Said::verified);
    w.run(1s);
    CHECK(state_of(w, a.alert, "board") == "queued");
    CHECK(w.dispatcher->metrics().evidence_unmatched.at({"board"}) == 2);
    w.station().link(LinkState::up, {});
    w.run(1s);
    CHECK(w.board().told.size() == 1);
}

TEST_CASE("F11: evidence that arrives days later still finds its delivery") {
    Ready w({endpoint("board")}, unhurried());
    const auto a = w.post(alert("a"));
    w.run(72h);
    w.start();
    w.run(1s);
    w.say("board", a.order, Said::failed, "three days later");
    w.run(1s);
    CHECK(w.row(a.alert, "board").evidence.back().text == "three days later");
    CHECK(state_of(w, a.alert, "board") == "accepted");
}

TEST_CASE("E3: references that name a cancelled and several live alerts: all live ones come down") {
    for (const bool turned : {false, true}) {
        Ready w({endpoint("board"), endpoint("web")});
        w.post(alert("a"));
        w.post(alert("b"));
        w.post(alert("x"));
        w.run(1s);
        w.post(follow(Kind::cancel, "cx", {"x"}));
        w.run(1s);
        CHECK(w.board().shows.size() == 2);
        auto names = std::vector<std::string>{"x", "a", "b"};
        if (turned) std::ranges::reverse(names);
        const auto c = w.post(follow(Kind::cancel, "c", names, 2s));
        w.run(5s);
        CHECK(w.board().shows.empty());
        CHECK(w.peers["web"].shows.empty());
        CHECK(w.outbox().empty());
        CHECK(state_of(w, "la", "board") == "withdrawn");
        CHECK(state_of(w, "lb", "board") == "withdrawn");
        w.run(2h);
        for (const auto& row : w.rows(c.alert)) CHECK(receipts::terminal(row));
        CHECK(w.rows(c.alert).size() == 4);  // two chains at two endpoints
    }
}

TEST_CASE("E3: an update that names two chains goes on with one and takes the other back") {
    Ready w({endpoint("board")});
    const auto a = w.post(alert("a"));
    const auto b = w.post(alert("b"));
    w.run(1s);
    const auto u = w.post(follow(Kind::update, "u", {"b", "a"}, 2s));
    w.run(10s);
    CHECK(w.board().shows.size() == 1);
    CHECK(w.board().shows.at(u.order.ordinal) == u.order.revision);
    const auto other = u.order.ordinal == a.order.ordinal ? b : a;
    CHECK(state_of(w, other.alert, "board") == "withdrawn");
    for (const auto& told : w.board().told)  // A11: what is taken back is not said again
        if (told.action == Action::withdraw) CHECK(told.texts.empty());
}

TEST_CASE("E5: a Cancel for an unknown alert leaves a tombstone; the late alert is never sent") {
    Ready w({endpoint("board")});
    const auto c = w.post(follow(Kind::cancel, "c", {"a"}));
    w.run(1s);
    const auto a = w.post(alert("a"));
    w.run(10s);
    CHECK(w.board().told.empty());
    CHECK(state_of(w, a.alert, "board") == "cancelled");
    CHECK(receipts::terminal(w.row(c.alert, "board")));
    CHECK(w.outbox().empty());
}

TEST_CASE("E6: a Cancel kills what is unsent and follows what is sent, by itself") {
    Ready w({endpoint("board"), endpoint("slow")});
    w.peers["slow"].answers_in = 10s;
    w.dispatcher->pause("board", {{}, "repair", "li"});
    const auto a = w.post(alert("a"));
    w.run(100ms);
    CHECK(w.peers["slow"].told.size() == 1);
    const auto c = w.post(follow(Kind::cancel, "c", {"a"}));
    w.run(100ms);
    w.dispatcher->resume("board", "li");
    w.run(1min);
    CHECK(w.board().told.empty());  // never handed over, never will be
    CHECK(state_of(w, a.alert, "board") == "cancelled");
    CHECK(w.peers["slow"].told.back().action == Action::withdraw);
    CHECK(w.peers["slow"].shows.empty());
    CHECK(state_of(w, a.alert, "slow") == "withdrawn");
    CHECK(w.row(c.alert, "slow").ended == Ended::complete);
    CHECK(w.row(c.alert, "board").ended == Ended::complete);
}

TEST_CASE("E6: what came up after its cancel had nothing to take back is taken back then") {
    Ready w({endpoint("board")});
    w.board().script = {{Said::failed}};
    const auto a = w.post(alert("a"));
    w.run(30ms);  // it failed, so the peer said; nothing is in the air
    const auto c = w.post(follow(Kind::cancel, "c", {"a"}));
    w.run(1s);
    CHECK(w.board().told.size() == 1);
    w.board().shows[a.order.ordinal] = 1;  // but it had done it
    w.say("board", a.order, Said::accepted, "after all");
    w.run(5s);
    CHECK(w.board().told.back().action == Action::withdraw);
    CHECK(w.board().shows.empty());
    CHECK(state_of(w, a.alert, "board") == "withdrawn");
    CHECK(w.row(c.alert, "board").ended == Ended::complete);
}

TEST_CASE("E6: a cancel after a refused update still takes the first revision back") {
    Ready w({endpoint("board")});
    const auto a = w.post(alert("a"));
    w.run(1s);
    w.board().script = {{Said::refused}};
    const auto u = w.post(follow(Kind::update, "u", {"a"}));
    w.run(1s);
    CHECK(state_of(w, u.alert, "board") == "failed");
    w.start();
    w.run(10s);
    CHECK(w.board().told.size() == 2);  // refused for good: not tried again by a restart
    w.post(follow(Kind::cancel, "c", {"a", "u"}, 2s));
    w.run(1s);
    CHECK(w.board().shows.empty());
    CHECK(w.board().told.back().shown == a.order.revision);
    CHECK(state_of(w, a.alert, "board") == "withdrawn");
}

TEST_CASE("E4: one live version a chain: what an update replaced ends when the update is up") {
    auto sign = endpoint("board");
    sign.endpoint.highest = Said::verified;
    Ready w({sign});
    SUBCASE("seen up") {
        w.board().usual = Said::on_air;
        const auto a = w.post(alert("a"));
        w.run(1s);
        CHECK_FALSE(receipts::terminal(w.row(a.alert, "board")));
        w.post(follow(Kind::update, "u", {"a"}));
        w.run(1s);
        CHECK(w.row(a.alert, "board").ended == Ended::complete);
        CHECK(state_of(w, a.alert, "board") == "on_air");
    }
    SUBCASE("promised only") {
        const auto a = w.post(alert("a"));
        w.run(1s);
        w.post(follow(Kind::update, "u", {"a"}));
        w.run(1s);
        CHECK(state_of(w, a.alert, "board") == "superseded");
    }
}

TEST_CASE("F8: what was in the air when its update came, and nobody has in hand, still ends") {
    Ready w({endpoint("board")});
    w.board().deaf = true;
    const auto a = w.post(alert("a"));
    w.run(1s);
    const auto u = w.post(follow(Kind::update, "u", {"a"}));
    w.run(30min);
    CHECK_FALSE(receipts::terminal(w.row(a.alert, "board")));
    w.run(35min);
    CHECK(state_of(w, a.alert, "board") == "timed_out");
    CHECK(state_of(w, u.alert, "board") == "timed_out");
}

TEST_CASE("E6: a cancel ends what is unsent even where nobody owns the endpoint") {
    Ready w({endpoint("board")});
    w.run(6s);
    w.stop();
    w.run(6s);
    w.memory.become("other");
    (void)w.ask<ledger::Lease>([&](auto then) { w.memory.lease("board", 10min, std::move(then)); });
    w.start();
    w.run(1s);
    const auto a = w.post(alert("a"));
    w.run(1s);
    CHECK(state_of(w, a.alert, "board") == "queued");
    const auto c = w.post(follow(Kind::cancel, "c", {"a"}));
    w.run(1s);
    CHECK(state_of(w, a.alert, "board") == "cancelled");
    CHECK(w.row(c.alert, "board").ended == Ended::complete);
    CHECK(w.board().told.empty());
}

TEST_CASE("A3: a correction finds what was shown, days after it expired") {
    Ready w({endpoint("board")}, unhurried());
    auto p = alert("a");
    p.life = 10min;
    const auto a = w.post(p);
    w.run(1h);
    CHECK(w.row(a.alert, "board").ended == Ended::complete);
    w.start();
    w.run(48h);
    const auto c = w.post(follow(Kind::cancel, "c", {"a"}));
    w.run(1s);
    CHECK(w.board().told.back().action == Action::withdraw);
    CHECK(w.row(c.alert, "board").ended == Ended::complete);
}

TEST_CASE(
    "E8: silence after success repeats under the same reference, and only what is unanswered") {
    Ready w({endpoint("board")});
    w.board().script = {{}};
    const auto a = w.post(alert("a"));
    const auto b = w.post(alert("b"));
    w.run(2min);
    std::map<OrderId, int> times;
    for (const auto& told : w.board().told) ++times[told.id];
    CHECK(times[a.order] + times[b.order] == 3);
    CHECK(times.size() == 2);
    CHECK(w.dispatcher->metrics().duplicates.at({"live", "board"}) == 1);
    CHECK(w.dispatcher->metrics().retries.at({"live", "board"}) == 1);
}

TEST_CASE("F1: of a thousand alerts in one second the gravest leaves first, and none is lost") {
    Ready w({endpoint("board")});
    w.station().link(LinkState::down, {});
    std::vector<std::string> ids;
    std::map<OrderId, Level> levels;
    for (int i = 0; i < 1000; ++i) {
        const auto level = i == 777 ? Level::red : i % 3 == 0 ? Level::yellow : Level::blue;
        const auto a = w.post(alert(fmt::format("a{}", i), level));
        ids.push_back(a.alert);
    }
    w.station().link(LinkState::up, {});
    w.run(2min);
    REQUIRE(w.board().told.size() == 1000);
    CHECK(w.board().told.front().level == Level::red);
    CHECK(std::ranges::is_sorted(w.board().told, std::greater{}, &Peer::Told::level));
    CHECK(w.outbox().empty());
    for (const auto& id : ids) CHECK(state_of(w, id, "board") == "accepted");
}

TEST_CASE("F1: a red alert passes a window full of yellow ones that are not answered") {
    Ready w({endpoint("board")});
    w.board().deaf = true;
    for (int i = 0; i < 20; ++i) w.post(alert(fmt::format("y{}", i)));
    w.run(1s);
    CHECK(w.board().told.size() == 8);
    const auto before = w.loop.now();
    w.post(alert("red", Level::red));
    w.run(100ms);
    CHECK(w.board().told.back().level == Level::red);
    CHECK(w.board().told.back().at - before < 20ms);
}

TEST_CASE("F5: when an endpoint cannot carry it, its backup does; a backup is silent until then") {
    auto board = endpoint("board");
    board.endpoint.backup = "spare";
    auto spare = endpoint("spare");
    spare.endpoint.backup_only = true;
    Ready w({board, spare});
    w.post(alert("well"));
    w.run(1min);
    CHECK(w.peers["spare"].told.empty());
    SUBCASE("the peer fails") {
        w.board().usual = Said::failed;
        const auto a = w.post(alert("a"));
        w.run(1s);
        CHECK(w.peers["spare"].told.size() == 1);
        CHECK(state_of(w, a.alert, "spare") == "accepted");
        // What follows goes there, too.
        w.post(follow(Kind::cancel, "c", {"a"}));
        w.run(5s);
        CHECK(w.peers["spare"].shows.empty());
    }
    SUBCASE("the link is down") {
        w.station().link(LinkState::down, {});
        w.post(alert("a"));
        w.run(9s);
        CHECK(w.peers["spare"].told.empty());
        w.run(3s);
        CHECK(w.peers["spare"].told.size() == 1);
    }
    SUBCASE("it is paused for repair") {
        w.dispatcher->pause("board", {{}, "repair", "li"});
        w.post(alert("a"));
        w.run(12s);
        CHECK(w.peers["spare"].told.size() == 1);
    }
    CHECK(w.dispatcher->metrics().backups.at({"board"}) >= 1);
}

TEST_CASE("F5: a backup that the plan does not name carries what its own were to carry") {
    auto a = endpoint("board-a"), b = endpoint("board-b"), other = endpoint("radio");
    auto spare = endpoint("spare");
    a.endpoint.backup = b.endpoint.backup = other.endpoint.backup = "spare";
    other.endpoint.channel = "radio";
    spare.endpoint.backup_only = true;
    Ready w({a, b, other, spare});
    w.dress = [](plan::Plan& plan) {
        for (auto& order : plan.orders) order.footprint = contract::Regions{{order.endpoint}, {}};
    };
    auto p = alert("x");
    p.endpoints = {"board-a", "board-b", "radio"};
    w.peers["radio"].usual = Said::failed;  // of another kind: no stand-in
    w.post(p);
    w.run(30s);
    CHECK(w.peers["spare"].told.empty());
    w.peers["board-a"].usual = Said::failed;
    auto q = alert("y");
    q.endpoints = p.endpoints;
    const auto y = w.post(q);
    w.run(1s);
    REQUIRE(w.peers["spare"].told.size() == 1);
    CHECK(w.peers["spare"].told[0].regions == std::vector<std::string>{"board-a", "board-b"});
    CHECK(state_of(w, y.alert, "spare") == "accepted");
    w.start();  // and after a restart it still knows what it carries
    w.run(1s);
    auto c = follow(Kind::cancel, "c", {"y"});
    c.endpoints = p.endpoints;
    w.post(c);
    w.run(5s);
    CHECK(w.peers["spare"].shows.empty());
    CHECK(w.peers["spare"].told.size() == 2);
    CHECK(state_of(w, y.alert, "spare") == "withdrawn");
}

TEST_CASE("F7: a peer that came back empty gets all that is in force once, newest only, in 10 s") {
    Ready w({endpoint("board")});
    const auto a = w.post(alert("a"));
    w.run(1s);
    const auto u = w.post(follow(Kind::update, "u", {"a"}));
    const auto b = w.post(alert("b"));
    auto brief = alert("brief");
    brief.life = 5s;
    w.post(brief);
    w.run(10s);
    w.post(follow(Kind::cancel, "cb", {"b"}, 2s));
    w.run(10s);
    const auto before = w.board().told.size();
    w.board().shows.clear();
    w.station().link(LinkState::down, {});
    w.station().link(LinkState::up, {});
    w.station().forgot();
    w.run(10s);
    REQUIRE(w.board().told.size() == before + 1);
    CHECK(w.board().told.back().id == u.order);
    CHECK(w.board().told.back().action == Action::publish);  // nothing is there to be updated
    CHECK(w.board().shows.size() == 1);
    w.run(10min);
    CHECK(w.board().told.size() == before + 1);
    CHECK(a.order.ordinal == u.order.ordinal);
    CHECK(b.order.ordinal != u.order.ordinal);
}

TEST_CASE("F7: forgetting before we were ready is not forgotten") {
    World w({endpoint("board")});
    w.start();
    w.run(100ms);
    w.post(alert("a"));
    w.run(1s);
    w.start();
    w.dispatcher->find("board")->forgot();
    w.run(5s);
    CHECK(w.board().told.size() == 2);
}

TEST_CASE("F7: an order that was lost goes again") {
    Ready w({endpoint("board")});
    const auto a = w.post(alert("a"));
    w.run(1s);
    w.say("board", a.order, Said::lost, "not on the sign");
    w.run(1s);
    CHECK(w.board().told.size() == 2);
    CHECK(state_of(w, a.alert, "board") == "accepted");
}

TEST_CASE("F8: killed at any moment, the state that is stored is true") {
    for (auto at = 0ms; at < 60ms; at += 1ms) {
        World w({endpoint("board")});
        w.start();
        w.run(50ms);
        const auto a = w.post(alert("a"));
        w.run(at);
        w.kill();
        w.run(1h + 30min);  // nobody is there
        const auto rows = w.rows(a.alert);
        if (!rows.empty() && rows[0].grade > receipts::Grade::queued)
            CHECK(w.board().told.size() >= 1);
        w.start();
        w.run(5min);
        CAPTURE(at.count());
        REQUIRE(w.rows(a.alert).size() == 1);
        const auto state = state_of(w, a.alert, "board");
        if (w.board().told.empty())
            CHECK(state == "expired");
        else
            CHECK((state == "accepted" || state == "timed_out"));
        CHECK(w.board().told.size() <= 1);
    }
}

TEST_CASE("an order for an endpoint that is no longer configured fails, and says why") {
    Ready w({endpoint("board")});
    auto p = alert("a");
    p.endpoints = {"board", "gone"};
    const auto a = w.post(p);
    w.run(1s);
    CHECK(state_of(w, a.alert, "gone") == "failed");
    CHECK(w.row(a.alert, "gone").evidence.at(0).text == "no such endpoint is configured");
    CHECK(state_of(w, a.alert, "board") == "accepted");
    CHECK(w.outbox().empty());
}

TEST_CASE("an alert whose plan is damaged stays in the outbox, loudly, and holds up nobody") {
    Ready w({endpoint("board")});
    auto bad = alert("bad");
    bad.bad_plan = true;
    w.post(bad);
    const auto a = w.post(alert("a"));
    w.run(1s);
    CHECK(state_of(w, a.alert, "board") == "accepted");
    CHECK(w.outbox().size() == 1);
    CHECK(w.dispatcher->metrics().outbox_stuck >= 1);
}

TEST_CASE("a ledger that does not answer delays and loses nothing, and repeats nothing") {
    for (const bool did : {false, true}) {
        Ready w({endpoint("board"), endpoint("web")});
        for (int i = 0; i < 12; ++i) {
            const auto a = w.post(alert(fmt::format("a{}", i)));
            w.run(std::chrono::milliseconds(i));
            w.memory.fail(true, did);
            w.run(7s);
            w.memory.fail(false);
            w.run(30s);
            CHECK(state_of(w, a.alert, "board") == "accepted");
            CHECK(w.want("board", a.order.ordinal).phase == ledger::Phase::up);
            CHECK(w.outbox().empty());
        }
        CHECK(w.board().told.size() == 12);
        CHECK(w.peers["web"].told.size() == 12);
    }
}

TEST_CASE("an endpoint that another node holds is left to it, and taken over when it dies") {
    Ready w({endpoint("board")});
    w.stop();
    w.run(6s);
    w.memory.become("other");
    const auto held =
        w.ask<ledger::Lease>([&](auto then) { w.memory.lease("board", 20s, std::move(then)); });
    CHECK(held.mine);
    w.start();  // becomes "node" again
    w.run(1s);
    const auto a = w.post(alert("a"));
    w.run(10s);
    CHECK(w.board().told.empty());
    w.run(15s);
    CHECK(w.board().told.size() == 1);
    CHECK(state_of(w, a.alert, "board") == "accepted");
}

TEST_CASE("a fence that was raised stops the old owner's hand") {
    Ready w({endpoint("board")});
    w.memory.become("node");  // the same node, started again beside us
    (void)w.ask<ledger::Lease>([&](auto then) { w.memory.lease("board", 20s, std::move(then)); });
    w.memory.become("node");
    w.post(alert("a"));
    w.run(50ms);
    CHECK(w.board().told.size() <= 1);  // fenced first, then owner anew
    w.run(10s);
    CHECK(w.board().told.size() == 1);
    CHECK(w.dispatcher->metrics().lease_lost.at({"board"}) >= 1);
}

TEST_CASE("a pause outlives a restart, ends by itself at its time, and shows by whom and why") {
    Ready w({endpoint("board")});
    w.dispatcher->pause("board", {w.loop.now() + 10min, "repair", "li"});
    const auto a = w.post(alert("a"));
    w.run(1min);
    w.start();
    w.run(1min);
    CHECK(w.board().told.empty());
    const auto status = w.dispatcher->endpoints().at(0);
    CHECK(status.state == "paused");
    CHECK(status.paused_by == "li");
    CHECK(status.pause_reason == "repair");
    CHECK(status.queued == 1);
    w.run(9min);
    CHECK(w.board().told.size() == 1);
    CHECK(w.dispatcher->endpoints().at(0).state == "up");
    CHECK(state_of(w, a.alert, "board") == "accepted");
    CHECK_FALSE(w.dispatcher->pause("nobody", {}));
}

TEST_CASE("a throttled endpoint waits as long as its peer says") {
    Ready w({endpoint("board")});
    w.station().link(LinkState::throttled, w.loop.now() + 30s);
    w.post(alert("a"));
    w.run(29s);
    CHECK(w.board().told.empty());
    CHECK(w.dispatcher->endpoints().at(0).state == "throttled");
    w.run(2s);
    CHECK(w.board().told.size() == 1);
}

TEST_CASE("F3: endpoints are probed each few minutes, and a failure is counted and kept") {
    auto d = endpoint("board");
    d.probe_every = 3min;
    Ready w({d});
    w.run(1h);
    CHECK(w.board().probes >= 17);
    CHECK(w.board().probes <= 23);
    CHECK(w.dispatcher->endpoints().at(0).last_probe->well);
    CHECK(w.dispatcher->metrics().probes_failed.empty());
    w.board().probe_well = false;
    w.run(10min);
    CHECK(w.dispatcher->metrics().probes_failed.at({"board"}) >= 2);
    w.board().deaf = true;
    std::optional<contract::Probed> result;
    CHECK(w.dispatcher->probe("board", [&](const auto& said) { result = said; }));
    w.run(1min);
    REQUIRE(result);
    CHECK_FALSE(result->well);
    CHECK(result->what == "no answer");
    const auto kept = w.ask<std::vector<std::string>>(
        [&](auto then) { w.memory.probes("board", std::move(then)); });
    CHECK(kept.size() >= 20);
}

TEST_CASE("reconfiguring keeps those that stay, starts the new and stops the gone") {
    Ready w({endpoint("board"), endpoint("web")});
    const auto a = w.post(alert("a"));
    w.run(1s);
    auto next = w.definitions;
    std::erase_if(next, [](const auto& d) { return d.endpoint.name == "web"; });
    w.dispatcher->reconfigure(next);
    w.run(1s);
    CHECK(w.dispatcher->find("web") == nullptr);
    const auto b = w.post(alert("b"));
    w.run(1s);
    CHECK(w.board().told.size() == 2);
    CHECK(state_of(w, b.alert, "web") == "failed");
    w.dispatcher->reconfigure(w.definitions);
    w.dispatcher->find("web")->link(LinkState::up, {});
    const auto c = w.post(alert("c"));
    w.run(1s);
    CHECK(w.peers["web"].told.size() == 2);
    CHECK(state_of(w, c.alert, "web") == "accepted");
    CHECK(a.alert != c.alert);
}

}  // namespace
}  // namespace tocsin::sim
