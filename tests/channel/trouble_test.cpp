#include "tests/channel/play.hpp"

#include <set>

/// Peers that refuse, fall silent, vanish or lie, and our own restart.
namespace tocsin::conformance {
namespace {

using namespace std::chrono_literals;

std::uint64_t number(const Got& got) { return std::stoull(got.to); }

TEST_CASE("a probe says that the peer is well, and says so when it is gone") {
    each(Row::probe, Manner::well, [](Play& play) {
        play.begin();
        auto& probes = play.line.desk.probes;
        play.line.probe();
        CHECK(play.line.until([&] { return !probes.empty() && probes.back().well; }));
        play.stage->leave();
        play.line.run(30ms);
        const auto before = probes.size();
        play.line.probe();
        CHECK(play.line.until([&] { return probes.size() > before; }));
        CHECK_FALSE(probes.back().well);
        CHECK_FALSE(probes.back().what.empty());
    });
}

TEST_CASE("F9: a refusal is told in the peer's own code, and nothing is claimed") {
    each(Row::refuses, Manner::refuses, [](Play& play) {
        play.begin();
        for (const auto id : {flood, storm}) {
            CAPTURE(id.ordinal);
            REQUIRE(play.line.carry(message(play.can, {.id = id})));
            CHECK(play.line.until([&] { return play.told_by_peer(id, Manner::refuses); }));
            CHECK(play.line.desk.claimed(id) <= play.stage->most(Manner::refuses));
        }
        CHECK(play.stage->shown().empty());
    });
}

TEST_CASE("F9: a peer that hangs gets no grade that it did not prove, and holds nobody up") {
    each(Row::hangs, Manner::hangs, [](Play& play) {
        play.begin();
        const auto most = play.stage->most(Manner::hangs);
        for (const auto id : {flood, storm}) {
            CAPTURE(id.ordinal);
            REQUIRE(play.line.carry(message(play.can, {.id = id})));
            // The second comes just as far, just as soon.
            CHECK(play.line.until([&] { return play.line.desk.claimed(id) == most; }, 4s));
        }
        play.line.run(300ms);
        for (const auto id : {flood, storm}) CHECK(play.line.desk.claimed(id) == most);
    });
}

TEST_CASE("F9: a peer that never says a word proves nothing") {
    each(Row::mute, Manner::mute, [](Play& play) {
        REQUIRE(play.line.open());
        REQUIRE(play.line.carry(message(play.can, {.id = flood})));
        play.line.run(500ms);
        CHECK(play.line.desk.claimed(flood) <= play.stage->most(Manner::mute));
        CHECK(play.line.desk.claimed(flood) < play.can.highest);
    });
}

TEST_CASE(
    "F7: a peer that vanishes in mid-message is noticed; when it is back all goes on by itself") {
    each(Row::vanishes, Manner::vanishes, [](Play& play) {
        play.begin();
        auto& desk = play.line.desk;
        const auto noticed = [&] {
            const bool down = std::ranges::find(desk.links, LinkState::down, [](auto state) {
                                  return state;
                              }) != desk.links.end();
            const bool ill = std::ranges::any_of(desk.probes, [](auto& p) { return !p.well; });
            return (down && !desk.up()) || !desk.bad(flood).empty() || ill;
        };
        REQUIRE(play.line.carry(message(play.can, {.id = flood})));
        CHECK(play.line.until(noticed));
        CHECK_FALSE(desk.reached(flood) >= play.can.highest);
        play.stage->recover();
        play.line.probe();  // as the server does every few minutes
        CHECK(play.line.reaches(flood, play.can.highest, 10s));
        CHECK(play.carried({.id = storm}));
    });
}

TEST_CASE("E8: after a broken link only what was unanswered goes again, under the same reference") {
    each(Row::repeats, Manner::vanishes, [](Play& play) {
        play.begin();
        CHECK(play.carried({.id = flood, .full = true}));
        std::map<std::string, std::set<std::string>> references;
        std::map<std::string, std::uint32_t> copies;
        for (const auto& got : play.got_of(flood)) {
            references[got.to].insert(got.reference);
            CHECK(++copies[got.to] <= 1 + play.line.desk.unknown(flood, number(got)));
        }
        CHECK(references.size() == people_usual);
        for (const auto& [_, all] : references) CHECK(all.size() == 1);
    });
}

TEST_CASE("F9: a peer that says yes and does nothing shows as less than proven") {
    each(Row::lies, Manner::lies, [](Play& play) {
        play.begin();
        const auto most = play.stage->most(Manner::lies);
        REQUIRE(play.line.carry(message(play.can, {.id = flood})));
        CHECK(play.line.until([&] { return play.line.desk.claimed(flood) >= most; }));
        if (!play.stage->own_words(Manner::lies).empty())
            CHECK(play.line.until([&] { return play.told_by_peer(flood, Manner::lies); }));
        play.line.run(150ms);
        CHECK(play.line.desk.claimed(flood) == most);
        CHECK(most < play.can.highest);
    });
}

TEST_CASE("D5: an order that expires while nobody is there is never sent") {
    each(Row::expires, Manner::well, [](Play& play) {
        play.stage->leave();
        REQUIRE(play.line.open());
        const auto brief = message(play.can, {.id = flood, .lasts = 200ms});
        REQUIRE(play.line.carry(brief));
        CHECK(play.line.until([&] { return now() > brief.expires; }));
        play.stage->play(Manner::well);
        REQUIRE(play.line.comes_up());
        CHECK(play.carried({.id = storm}));
        CHECK(play.got_of(flood).empty());
        CHECK_FALSE(play.line.desk.claimed(flood));
    });
}

TEST_CASE("D5: a second try that would come after the end is not made, and the end is told") {
    each(Row::expires, Manner::busy, [](Play& play) {
        play.begin();
        const auto brief = message(play.can, {.id = flood, .lasts = 900ms});
        REQUIRE(play.line.carry(brief));
        CHECK(play.line.until([&] { return !play.got_of(flood).empty(); }, 800ms));
        CHECK(play.line.until([&] { return !play.line.desk.bad(flood).empty(); }));
        CHECK(play.line.until([&] { return now() > brief.expires + 700ms; }));
        for (const auto& got : play.got_of(flood)) {
            CHECK(got.at < brief.expires);
            CHECK_FALSE(got.taken);
        }
        CHECK_FALSE(play.line.desk.claimed(flood) >= Said::accepted);
    });
}

TEST_CASE("A8: neither stop nor start sends or withdraws anything; what is shown stays, once") {
    each(Manner::well, [](Play& play) {
        play.begin();
        CHECK(play.carried({.id = flood}));
        const auto shown = play.stage->shown();
        const auto got = play.stage->got().size();
        play.line.close();
        CHECK(play.stage->shown() == shown);
        CHECK(play.stage->got().size() == got);
        play.begin();
        play.line.run(50ms);
        const bool kept = play.has(Row::shows) ? play.shown_of(flood).size() == 1 : true;
        CHECK((kept || play.line.desk.forgotten > 0));  // promise 14: forgotten is not "none"
        CHECK(play.carried({.id = flood}));
        if (play.has(Row::shows)) CHECK(play.stage->shown().size() == 1);
        if (play.can.bulk) CHECK(play.stage->got().size() == got);
    });
}

TEST_CASE("A8: fifty starts and stops send nothing") {
    each(Row::words, Manner::well, [](Play& play) {
        play.begin();
        CHECK(play.carried({.id = flood}));
        const auto messages = play.got_of(flood).size();
        const auto shown = play.shown_of(flood).size();
        for (int i = 0; i < 50; ++i) {
            play.line.close();
            REQUIRE(play.line.open());
            play.line.run(5ms);
        }
        REQUIRE(play.line.comes_up());
        if (play.can.bulk) CHECK(play.got_of(flood).size() == messages);
        CHECK(play.shown_of(flood).size() == shown);
    });
}

TEST_CASE("E8: what a restart leaves unanswered goes again under the same reference") {
    each(Row::repeats, Manner::hangs, [](Play& play) {
        const Wish wish{.id = flood, .full = true};
        play.begin();
        REQUIRE(play.line.carry(message(play.can, wish)));
        REQUIRE(play.line.until([&] { return play.got_of(flood).size() >= people_usual; }));
        play.line.close();
        play.stage->play(Manner::well);
        play.begin();
        CHECK(play.carried(wish));
        CHECK(play.carried({.id = storm, .full = true}));
        std::set<std::string> references;
        std::map<std::string, std::uint32_t> copies;
        for (const auto& got : play.got_of(flood)) {
            references.insert(got.reference);
            CHECK(++copies[got.to] <= 1 + play.line.desk.unknown(flood, number(got)));
        }
        CHECK(copies.size() == people_usual);
        CHECK(references.size() == 1);
        for (const auto& got : play.got_of(storm)) CHECK_FALSE(references.contains(got.reference));
    });
}

}  // namespace
}  // namespace tocsin::conformance
