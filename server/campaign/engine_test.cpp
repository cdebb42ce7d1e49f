#include "server/campaign/rig_for_tests.hpp"

#include <doctest/doctest.h>

namespace tocsin::campaign {
namespace {

using namespace rig;

std::map<std::string, int> states(const std::vector<dispatch::Recipient>& all) {
    std::map<std::string, int> counts;
    for (const auto& one : all) ++counts[one.state];
    return counts;
}
using States = std::map<std::string, int>;

/// Each person has exactly one record, and it says what the peer did to him.
void check_exact(Rig& rig, const dispatch::CampaignSpec& spec, std::size_t people) {
    const auto all = rig.report(spec);
    REQUIRE(all.size() == people);
    std::map<std::uint64_t, std::set<Said>> outcomes;
    for (const auto& [id, copy] : rig.peer.copies) {
        outcomes[copy.number].insert(copy.said);
        REQUIRE(copy.acknowledged);
    }
    std::set<std::uint64_t> numbers;
    std::size_t wrong = 0;
    for (const auto& one : all) {
        numbers.insert(one.number);
        const bool delivered =
            one.state == "delivered" && outcomes[one.number].contains(Said::delivered);
        const bool failed =
            one.state == "failed" &&
            (outcomes[one.number].contains(Said::refused) || rig.peer.refused.contains(one.number));
        wrong += !delivered && !failed;
    }
    CHECK(wrong == 0);
    CHECK(numbers.size() == people);
    CHECK(rig.touched() == people);
}

/// Receipts in = what became of them.
void check_sums(const Rig& rig) {
    const auto m = rig.engine->metrics();
    CHECK(m.receipts + m.unparked == m.matched + m.repeats + m.conflicts + m.noted + m.parked);
    CHECK(m.parked == m.unparked + m.orphans + m.parked_now);
}

TEST_CASE(
    "twenty thousand people in groups with short last pages: each one record, each delivered "
    "once") {
    Rig rig;
    rig.nature.window = 2000;
    rig.nature.each_tick = 1000;
    const auto spec = rig.audience({5003, 1, 9996, 5000});
    rig.up();
    rig.open(spec);
    REQUIRE_MESSAGE(rig.run_until([&] {
        return rig.core.told[spec.order].all_final && rig.core.told[spec.order].exhausted;
    }),
                    rig.how(spec.order));
    CHECK(rig.core.told[spec.order].counts == receipts::Counts{20000, 20000, 20000, 20000, 0, 0});
    CHECK(rig.peer.taken.size() == 20000);
    CHECK(rig.repeats() == 0);
    const auto all = rig.report(spec);
    REQUIRE(all.size() == 20000);
    CHECK(states(all) == States{{"delivered", 20000}});
    for (std::size_t i = 1; i < all.size(); ++i) REQUIRE(all[i].number == all[i - 1].number + 1);
    CHECK(std::ranges::all_of(
        all, [](auto& r) { return r.message_id.starts_with("id-") && r.attempts == 1; }));
    CHECK(std::ranges::all_of(rig.peer.copies, [](auto& e) { return e.second.acknowledged; }));
    CHECK(std::ranges::count(rig.channel->languages, "en-US") > 0);
    check_sums(rig);

    // Then it is folded, its log goes, and the pages alone tell the same.
    REQUIRE(rig.run_until([&] { return rig.engine->campaign(spec.order) == nullptr; }));
    const auto name = name_of(spec.mode, spec.endpoint, spec.order);
    CHECK(rig.redis.text({"EXISTS", ledger::campaign_part_key(name, "log")}) == "0");
    CHECK(rig.redis.text({"SCARD", open_campaigns_key("sms-a")}) == "0");
    CHECK(rig.redis.text({"STRLEN", ledger::campaign_page_key(name, 0)}) == "48000");
    CHECK(std::stoll(rig.redis.text({"TTL", ledger::campaign_page_key(name, 0)})) > 0);
    CHECK(states(rig.report(spec)) == States{{"delivered", 20000}});
    bool found = false;
    rig.engine->find(spec.order, spec.mode, 8613800005003, [&](auto result) {
        found = result.has_value() && *result && (*result)->state == "delivered";
    });
    CHECK(rig.run_until([&] { return found; }));

    // Opened again, core hears what came of it, and nobody is told anything.
    rig.core.told.clear();
    rig.engine->open(spec);
    CHECK(rig.run_until([&] { return rig.core.told[spec.order].exhausted; }));
    CHECK(rig.core.told[spec.order].counts.delivered == 20000);
    CHECK(rig.repeats() == 0);
}

TEST_CASE(
    "E8, F11: links die, receipts come early, twice and from nowhere, peers refuse: exact all the "
    "same") {
    for (const auto seed : {11U, 12U, 13U}) {
        CAPTURE(seed);
        Rig rig(seed);
        rig.nature = {5, 20, 100, 50, 20, 30, 20, 1, 500, 200, true};
        const auto spec = rig.audience({2500, 1700});
        rig.up();
        rig.open(spec);
        REQUIRE_MESSAGE(rig.run_until([&] {
            return rig.core.told[spec.order].all_final && rig.channel->idle();
        }),
                        rig.how(spec.order));
        check_exact(rig, spec, 4200);
        check_sums(rig);
        CHECK(rig.repeats() <= rig.channel->may_repeat);
        CHECK(rig.engine->metrics().unparked > 0);
        // What came from nowhere is kept, and counted when its answer did not come in time.
        CHECK(std::stoll(rig.redis.text({"XLEN", orphans_key("sms-a")})) > 0);
        CHECK(rig.run_until([&] { return rig.engine->metrics().parked_now == 0; }));
        CHECK(rig.engine->metrics().orphans >= rig.peer.foreign_acknowledged);
        check_sums(rig);
    }
}

TEST_CASE(
    "F8, E8: the engine crashes at random ticks: it goes on at its cursor, and repeats are "
    "bounded") {
    for (const auto seed : {21U, 22U, 23U, 24U}) {
        CAPTURE(seed);
        Rig rig(seed);
        rig.nature = {5, 20, 100, 30, 0, 20, 5, 1, 300, 150, true};
        const auto spec = rig.audience({3100, 1, 2200});
        rig.up();
        rig.open(spec);
        int crashes = 0;
        const auto done = [&] {
            return rig.core.told[spec.order].all_final && rig.channel->idle();
        };
        while (crashes < 12 && !done()) {
            rig.run_for(milliseconds(5 + rig.random() % 40));
            rig.down(spec);
            ++crashes;
            rig.run_for(milliseconds(rig.random() % 5));
            rig.core.told.clear();
            rig.up();
            rig.engine->open(spec);
        }
        REQUIRE_MESSAGE(rig.run_until(done), rig.how(spec.order));
        CHECK(crashes > 4);
        check_exact(rig, spec, 5301);
        CHECK(rig.repeats() <= rig.may_repeat + rig.channel->may_repeat);
        CHECK(rig.core.told[spec.order].counts.total == 5301);
    }
}

TEST_CASE(
    "Redis is killed again and again: nobody is repeated for that, and no acknowledged receipt is "
    "lost") {
    for (const auto seed : {31U, 32U}) {
        CAPTURE(seed);
        Rig rig(seed);
        rig.nature = {5, 10, 50, 30, 5, 20, 0, 1, 400, 150, true};
        const auto spec = rig.audience({4000, 800});
        rig.up();
        rig.open(spec);
        const auto done = [&] {
            return rig.core.told[spec.order].all_final && rig.channel->idle();
        };
        for (int kills = 0; kills < 4 && !done(); ++kills) {
            rig.run_for(milliseconds(10 + rig.random() % 40));
            rig.redis.kill();
            rig.run_for(milliseconds(rig.random() % 40));
            rig.redis.start();
        }
        REQUIRE_MESSAGE(rig.run_until(done), rig.how(spec.order));
        check_exact(rig, spec, 4800);
        CHECK(rig.repeats() == 0);
        MESSAGE(rig.engine->metrics().failed_writes,
                " writes were under way when it died");  // chance
    }
}

TEST_CASE("engine and Redis are killed together") {
    for (const auto seed : {41U, 42U, 43U}) {
        CAPTURE(seed);
        Rig rig(seed);
        rig.nature = {5, 10, 50, 30, 0, 20, 0, 1, 300, 150, true};
        const auto spec = rig.audience({3000, 1500});
        rig.up();
        rig.open(spec);
        const auto done = [&] {
            return rig.core.told[spec.order].all_final && rig.channel->idle();
        };
        for (int kills = 0; kills < 5 && !done(); ++kills) {
            rig.run_for(milliseconds(10 + rig.random() % 40));
            rig.redis.kill();
            rig.run_for(milliseconds(rig.random() % 10));
            rig.redis.start();
            rig.down(spec);
            rig.core.told.clear();
            rig.up();
            rig.engine->open(spec);
        }
        REQUIRE_MESSAGE(rig.run_until(done), rig.how(spec.order));
        check_exact(rig, spec, 4500);
        CHECK(rig.repeats() <= rig.may_repeat);
    }
}

TEST_CASE(
    "several segments: accepted with all parts' answers, delivered with all parts' receipts") {
    Rig rig(5);
    rig.nature = {0, 10, 50, 20, 0, 10, 5, 3, 300, 150, true};
    const auto spec = rig.audience({1500, 400});
    rig.up();
    rig.open(spec);
    const auto done = [&] { return rig.core.told[spec.order].all_final && rig.channel->idle(); };
    for (int crashes = 0; crashes < 3; ++crashes) {
        rig.run_for(25ms);
        rig.down(spec);
        rig.core.told.clear();
        rig.up();
        rig.engine->open(spec);
    }
    REQUIRE_MESSAGE(rig.run_until(done), rig.how(spec.order));
    check_exact(rig, spec, 1900);
    CHECK(rig.report(spec)[0].parts == 3);
}

TEST_CASE("after a stop nobody is taken; who was not handed over ends as what stopped it") {
    Rig rig(6);
    rig.nature.asks_again = 100;
    const auto spec = rig.audience({6000});
    rig.up();
    rig.open(spec);
    REQUIRE(rig.run_until([&] { return rig.channel->taken > 1500; }));
    rig.engine->stop(spec.order, "cancelled");
    rig.run_for(5ms);
    const auto taken = rig.channel->taken;
    rig.run_for(100ms);
    CHECK(rig.channel->taken == taken);
    REQUIRE_MESSAGE(rig.run_until([&] { return rig.core.told[spec.order].all_final; }),
                    rig.how(spec.order));
    auto before = states(rig.report(spec));
    CHECK(before["delivered"] == int(rig.peer.taken.size()));
    CHECK(before["cancelled"] == 6000 - before["delivered"]);
    // Stopped stays stopped, over a crash and over its closing.
    rig.down(spec);
    rig.core.told.clear();
    rig.up();
    rig.engine->open(spec);
    REQUIRE(rig.run_until([&] { return rig.core.told[spec.order].all_final; }));
    CHECK(rig.channel->taken == 0);
    CHECK(states(rig.report(spec)) == before);
    REQUIRE(rig.run_until([&] { return rig.engine->campaign(spec.order) == nullptr; }));
    CHECK(states(rig.report(spec)) == before);
}

TEST_CASE(
    "D5: at expiry nothing more is taken, not even a retry, and whoever has no receipt times out") {
    Rig rig(7);
    rig.nature.asks_again = 300;
    auto spec = rig.audience({8000});
    rig.up();
    rig.open(spec);
    REQUIRE(rig.run_until([&] { return rig.channel->taken > 2000; }));
    rig.clock_ahead = 1h;
    const auto taken = rig.channel->taken;
    rig.run_for(100ms);
    CHECK(rig.channel->taken == taken);
    REQUIRE(rig.run_until([&] { return rig.core.told[spec.order].all_final; }));
    auto after = states(rig.report(spec));
    CHECK(after["expired"] + after["delivered"] == 8000);
    CHECK(rig.core.told[spec.order].counts.expired == std::uint64_t(after["expired"]));
}

TEST_CASE("without a receipt a recipient is timed out, and a late one overturns it") {
    Rig rig(8);
    rig.nature.receipts = false;
    auto spec = rig.audience({50});
    rig.settings.clock = [&rig] { return tocsin::now() + rig.clock_ahead; };
    rig.up();
    rig.open(spec);
    REQUIRE(rig.run_until([&] { return rig.core.told[spec.order].counts.accepted == 50; }));
    CHECK_FALSE(rig.core.told[spec.order].all_final);
    rig.clock_ahead = 1h + 11min;
    REQUIRE(rig.run_until([&] { return rig.core.told[spec.order].all_final; }));
    CHECK(states(rig.report(spec)) == States{{"timed_out", 50}});
    const Receipt late{id_of(rig.peer.copies.begin()->first), Said::delivered, 0};
    rig.engine->settled({&late, 1});
    CHECK(rig.run_until([&] { return rig.core.told[spec.order].counts.delivered == 1; }));
    rig.clock_ahead = 26h;
    REQUIRE(rig.run_until([&] { return rig.engine->campaign(spec.order) == nullptr; }));
    CHECK(states(rig.report(spec)) == States{{"delivered", 1}, {"timed_out", 49}});
}

TEST_CASE("a peer without receipts: accepted is the end") {
    Rig rig(9);
    rig.nature.receipts = false;
    auto spec = rig.audience({1200});
    spec.receipts = false;
    rig.up();
    rig.open(spec);
    REQUIRE(rig.run_until([&] { return rig.core.told[spec.order].all_final; }));
    CHECK(states(rig.report(spec)) == States{{"accepted", 1200}});
    REQUIRE(rig.run_until([&] { return rig.engine->campaign(spec.order) == nullptr; }));
    CHECK(states(rig.report(spec)) == States{{"accepted", 1200}});
}

TEST_CASE("a second owner fences the first: its intents are refused and it takes nobody") {
    Rig rig(10);
    const auto spec = rig.audience({5000});
    rig.up();
    rig.open(spec);
    REQUIRE(rig.run_until([&] { return rig.channel->taken > 500; }));
    rig.channel->hung = true;
    Core other_core;
    Peer other_peer;
    Engine other(rig.io, rig.io, rig.settings, rig.desk, other_core);
    Channel other_channel(other, other_peer, {}, rig.random);
    other.attach(other_channel);
    other_core.port = &other;
    other_channel.orders = rig.orders;
    other.start();
    other.open(spec);
    REQUIRE(rig.run_until([&] { return other_core.told[spec.order].opened; }));
    rig.channel->hung = false;
    const auto taken = rig.channel->taken;
    REQUIRE(rig.run_until([&] { return other_core.told[spec.order].exhausted; }));
    // What it held when it was fenced: the slice in hand, and one whose intent was written already.
    CHECK(rig.channel->taken <= taken + 2000);
    CHECK(rig.engine->campaign(spec.order) == nullptr);
    CHECK_FALSE(rig.core.told[spec.order].well);
}

TEST_CASE("a correction goes to those whom the earlier revision reached, and to nobody else") {
    for (const bool restarted : {false, true}) {
        CAPTURE(restarted);
        Rig rig(14);
        rig.nature.refuses = 100;
        const auto spec = rig.audience({3000, 1500});
        rig.up();
        rig.open(spec);
        REQUIRE(rig.run_until([&] { return rig.channel->taken > 1200; }));
        rig.engine->stop(spec.order, "superseded");
        REQUIRE(rig.run_until([&] { return rig.core.told[spec.order].all_final; }));
        std::set<std::uint64_t> reached, told;
        for (const auto& [number, _] : rig.peer.taken) reached.insert(number);
        auto correction = spec;
        correction.order.revision = 2;
        correction.only_reached_by = 1;
        correction.expires = rig.settings.clock() - 1h;  // promise 12: even after it expired
        correction.groups.clear();
        correction.indices.clear();
        rig.nature.refuses = 0;
        if (restarted) {
            REQUIRE(rig.run_until([&] { return rig.engine->campaign(spec.order) == nullptr; }));
            rig.orders.clear();
        }
        rig.run_for(30ms);  // what is not on disk counts as perhaps reached
        rig.down(spec);
        rig.peer = {};
        rig.up();
        rig.open(correction);
        REQUIRE_MESSAGE(rig.run_until([&] { return rig.core.told[correction.order].all_final; }),
                        rig.how(correction.order));
        for (const auto& [number, _] : rig.peer.taken) told.insert(number);
        CHECK(told == reached);
        CHECK(rig.core.told[correction.order].counts.total == reached.size());
        CHECK(rig.report(correction).size() == reached.size());
    }
}

TEST_CASE("a correction of what never began reaches nobody") {
    Rig rig(15);
    auto spec = rig.audience({100}, {9, 3});
    spec.only_reached_by = 2;
    rig.up();
    rig.open(spec);
    REQUIRE(rig.run_until([&] { return rig.core.told[spec.order].exhausted; }));
    CHECK(rig.core.told[spec.order].all_final);
    CHECK(rig.channel->taken == 0);
}

TEST_CASE("a receipt is acknowledged only when the batch that wrote it is on disk") {
    Rig rig(16);
    const auto spec = rig.audience({300});
    rig.up();
    rig.open(spec);
    std::uint64_t told = 0, early = 0;
    const auto key =
        ledger::campaign_part_key(name_of(spec.mode, spec.endpoint, spec.order), "log");
    rig.channel->on_durable = [&](Ticket) {
        ++told;
        auto* reply = rig.redis.ask({"XRANGE", key, "-", "+"});
        std::size_t stored = 0, acknowledged = 0;
        for (std::size_t i = 0; reply && i < reply->elements; ++i) {
            const auto* bytes = reply->element[i]->element[1]->element[1];
            const auto records = unpack_log({bytes->str, bytes->len});
            stored += records.has_value() ? (*records).size() : 0;
        }
        if (reply) freeReplyObject(reply);
        for (const auto& [_, copy] : rig.peer.copies) acknowledged += copy.acknowledged;
        early += acknowledged > stored;
    };
    REQUIRE(
        rig.run_until([&] { return rig.channel->idle() && rig.core.told[spec.order].all_final; }));
    CHECK(told > 0);
    CHECK(early == 0);
    // While Redis is away nothing is acknowledged.
    rig.redis.kill();
    const Receipt one{id_of(rig.peer.copies.begin()->first), Said::refused, 0};
    const Receipt foreign{id_of("nobody"), Said::delivered, 0};
    told = 0;
    rig.channel->on_durable = [&](Ticket) { ++told; };
    const Receipt both[] = {one, foreign};
    rig.engine->settled(both);
    rig.run_for(60ms);
    CHECK(told == 0);
    rig.redis.start();
    CHECK(rig.run_until([&] { return told == 1; }));
}

TEST_CASE(
    "receipts that come before the campaigns are taken up wait, unacknowledged, and are matched "
    "then") {
    Rig rig(17);
    rig.nature.receipts = true;
    const auto spec = rig.audience({200});
    rig.up();
    rig.open(spec);
    REQUIRE(rig.run_until([&] { return rig.core.told[spec.order].counts.accepted > 20; }));
    rig.run_for(20ms);
    const auto id = rig.peer.copies.begin()->first;
    rig.down(spec);
    rig.core.told.clear();
    rig.up();
    const Receipt again{id_of(id), Said::delivered, 0};
    rig.engine->settled({&again, 1});  // before anything was read
    rig.engine->open(spec);
    REQUIRE(
        rig.run_until([&] { return rig.core.told[spec.order].all_final && rig.channel->idle(); }));
    CHECK(states(rig.report(spec)) == States{{"delivered", 200}});
    check_sums(rig);
}

TEST_CASE("what is said while a campaign is being opened is not lost") {
    Rig rig(18);
    const auto spec = rig.audience({500, 700});
    rig.up();
    rig.core.grants = false;
    rig.engine->open(spec);
    rig.engine->grant(spec.order, 300);
    rig.orders.push_back(spec.order);
    rig.channel->orders = rig.orders;
    rig.run_for(100ms);
    CHECK(rig.channel->taken == 300);  // and no more than was granted
    const auto other = rig.audience({500}, {8, 1});
    rig.engine->open(other);
    rig.engine->stop(other.order, "cancelled");
    rig.engine->grant(other.order, 100);
    REQUIRE(rig.run_until([&] { return rig.core.told[other.order].all_final; }));
    CHECK(states(rig.report(other)) == States{{"cancelled", 500}});
}

TEST_CASE(
    "E4: an update ends what went before it, also if nobody said stop, and reaches all anew") {
    Rig rig(26);
    rig.core.slice = 200;
    const auto first = rig.audience({4000});
    rig.up();
    rig.open(first);
    REQUIRE(rig.run_until([&] { return rig.channel->taken > 600; }));
    auto update = first;
    update.order.revision = 2;
    rig.open(update);
    REQUIRE(rig.run_until([&] { return rig.core.told[update.order].opened; }));
    const auto handed = [&] {  // a finished campaign leaves the memory; its report stays
        const auto* held = rig.engine->campaign(first.order);
        return held ? held->counts().handed : rig.core.told[first.order].counts.handed;
    };
    const auto before = handed();
    REQUIRE(rig.run_until([&] { return rig.core.told[update.order].all_final; }));
    CHECK(handed() == before);
    CHECK(states(rig.report(first))["superseded"] == 4000 - before);
    CHECK(rig.core.told[update.order].counts.delivered == 4000);
}

TEST_CASE("a stop that comes while the campaign is being taken up after a crash is not lost") {
    Rig rig(27);
    const auto spec = rig.audience({3000});
    rig.core.slice = 100;
    rig.up();
    rig.open(spec);
    REQUIRE(rig.run_until([&] { return rig.channel->taken > 300; }));
    rig.down(spec);
    rig.core.told.clear();
    rig.up();
    rig.engine->stop(spec.order, "cancelled");
    REQUIRE(rig.run_until([&] { return states(rig.report(spec))["cancelled"] > 0; }));
    rig.run_for(200ms);
    // Who was in the air when it crashed may have it and is not asked again: his end is his expiry.
    CHECK(states(rig.report(spec))["cancelled"] ==
          int(3000 - rig.core.told[spec.order].counts.handed));
    CHECK(rig.channel->taken == 0);
}

TEST_CASE("while the channel says that a peer waits, receipts are durable long before the tick") {
    Rig rig(28);
    rig.settings.tick = rig.settings.tick_idle = 60s;
    const auto spec = rig.audience({10});
    rig.up();
    rig.channel->hurries = true;
    rig.open(spec);
    std::uint64_t told = 0;
    rig.channel->on_durable = [&](Ticket) { ++told; };
    const Receipt foreign{id_of("nobody"), Said::delivered, 0};
    for (int i = 1; i <= 5; ++i) {
        const auto before = told;
        rig.engine->settled({&foreign, 1});
        REQUIRE(rig.run_until([&] { return told > before; }));
    }
}

TEST_CASE(
    "an audience page that is gone: its people have failed, visibly, and the others are told") {
    Rig rig(19);
    const auto spec = rig.audience({2500});
    rig.redis.text({"DEL", ledger::audience_page_key(spec.audience, 0, 1)});
    rig.up();
    rig.open(spec);
    REQUIRE_MESSAGE(rig.run_until([&] { return rig.core.told[spec.order].all_final; }),
                    rig.how(spec.order));
    CHECK(rig.core.told[spec.order].counts.failed == 1000);
    CHECK(rig.core.told[spec.order].counts.delivered == 1500);
}

TEST_CASE("another mode's name finds nothing") {
    Rig rig(20);
    const auto spec = rig.audience({10});
    rig.up();
    rig.open(spec);
    REQUIRE(rig.run_until([&] { return rig.core.told[spec.order].all_final; }));
    bool refused = false;
    rig.engine->recipients(spec.order, contract::Mode::live, 0,
                           [&](auto result) { refused = result.has_error(); });
    CHECK(rig.run_until([&] { return refused; }));
}

TEST_CASE("one person among a hundred thousand is found at once") {
    Rig rig(25);
    const auto spec = rig.audience({100'000});
    rig.up();
    rig.core.grants = false;
    rig.open(spec);
    REQUIRE(rig.run_until([&] { return rig.core.told[spec.order].opened; }));
    const auto began = std::chrono::steady_clock::now();
    bool found = false, nobody = false;
    rig.engine->find(spec.order, spec.mode, 8613800099999, [&](auto result) {
        found = result.has_value() && *result && (*result)->state == "queued";
    });
    CHECK(rig.run_until([&] { return found; }));
    const auto took = std::chrono::steady_clock::now() - began;
    MESSAGE("found in ", std::chrono::duration_cast<std::chrono::microseconds>(took).count(),
            " us");
    rig.engine->find(spec.order, spec.mode, 8613900000000,
                     [&](auto result) { nobody = result.has_value() && !*result; });
    CHECK(rig.run_until([&] { return nobody; }));
}

}  // namespace
}  // namespace tocsin::campaign
