#include "tests/channel/play.hpp"

#include <set>

/// Orders in, evidence out, and what people then see, with a peer that behaves well.
namespace tocsin::conformance {
namespace {

using namespace std::chrono_literals;

TEST_CASE("an order goes in and evidence comes out, up to the highest grade and never above it") {
    each(Manner::well, [](Play& play) {
        play.begin();
        CHECK(play.carried({.id = flood}));
        play.line.run(30ms);
        CHECK(play.line.desk.claimed(flood) == play.can.highest);
        CHECK(play.line.desk.bad(flood).empty());
    });
}

TEST_CASE("H5: the peer has the approved words whole, everybody in their language and once") {
    each(Row::words, Manner::well, [](Play& play) {
        play.begin();
        const auto order = message(play.can, {.id = flood});
        CHECK(play.carried({.id = flood}));
        const auto got = play.got_of(flood);
        CHECK_FALSE(got.empty());
        for (const auto& one : got) CHECK(has_a_text(one.words, order));
        for (const auto& text : order.texts)
            CHECK(std::ranges::any_of(
                got, [&](const Got& one) { return one.words.find(text.words) != one.words.npos; }));
        if (!play.can.bulk) return;
        std::set<std::string> reached;
        for (const auto& one : got) CHECK(reached.insert(one.to).second);
        CHECK(reached.size() == people_usual);
    });
}

TEST_CASE("texts as long as the budget allows arrive without losing a character") {
    each(Row::words, Manner::well, [](Play& play) {
        play.begin();
        const Wish wish{.id = flood, .full = true};
        const auto order = message(play.can, wish);
        CHECK(play.carried(wish));
        const auto got = play.got_of(flood);
        for (const auto& text : order.texts)
            CHECK(std::ranges::any_of(
                got, [&](const Got& one) { return one.words.find(text.words) != one.words.npos; }));
    });
}

TEST_CASE("H4: what the alert says of itself stands on the medium, each alert with its own") {
    each(Row::facts, Manner::well, [](Play& play) {
        play.begin();
        for (const auto id : {flood, storm, OrderId{9, 1}, OrderId{10, 1}}) {
            CAPTURE(id.ordinal);
            CHECK(play.carried({.id = id}));
            const auto own = message(play.can, {.id = id}).facts;
            const auto seen = play.stage->facts(id);
            CHECK(seen.event == own.event);
            CHECK(seen.severity == own.severity);
            CHECK(seen.urgency == own.urgency);
            CHECK(seen.certainty == own.certainty);
            CHECK(seen.sender == own.sender);
            CHECK(seen.identifier == own.identifier);
            CHECK(seen.sent == own.sent);
        }
    });
}

TEST_CASE("A12 E4: an update takes the place of what it updates; never are both shown") {
    each(Row::shows, Manner::well, [](Play& play) {
        if (!play.can.updates_in_place) return;
        play.begin();
        CHECK(play.carried({.id = flood}));
        CHECK(play.shown_of(flood).size() == 1);
        CHECK(play.carried({.id = flood_again, .action = Action::update, .shown = 1}));
        CHECK(play.shown_of(flood).empty());
        CHECK(play.shown_of(flood_again).size() == 1);
        for (const auto& got : play.stage->got())
            CHECK_FALSE((names(got.words, flood) && names(got.words, flood_again)));
    });
}

TEST_CASE("E4: an older revision that comes late changes nothing") {
    each(Manner::well, [](Play& play) {
        play.begin();
        CHECK(play.carried({.id = flood_again}));
        const auto before = play.stage->shown();
        REQUIRE(play.line.carry(message(play.can, {.id = flood})));
        play.line.run(150ms);
        if (play.has(Row::shows)) {
            CHECK(play.stage->shown() == before);
            CHECK_FALSE(play.line.desk.claimed(flood));
        }
        if (play.can.bulk) CHECK(play.got_of(flood).empty());
    });
}

TEST_CASE("on a medium that keeps what it got, nothing of the older is begun after the newer") {
    each(Row::words, Manner::well, [](Play& play) {
        if (!play.can.bulk) return;
        constexpr std::uint32_t many = 120;
        play.begin();
        REQUIRE(play.line.carry(message(play.can, {.id = flood}, many), many));
        REQUIRE(play.line.until([&] { return play.got_of(flood).size() >= 5; }));
        const Wish newer{.id = flood_again, .action = Action::update, .shown = 1};
        REQUIRE(play.line.carry(message(play.can, newer, many), many));
        CHECK(play.line.reaches(flood_again, play.can.highest));
        const auto all = play.stage->got();
        const auto first =
            std::ranges::find_if(all, [](const Got& got) { return names(got.words, flood_again); });
        CHECK(
            std::none_of(first, all.end(), [](const Got& got) { return names(got.words, flood); }));
        CHECK(play.got_of(flood).size() < many);
    });
}

TEST_CASE("A12: a withdrawal takes the alert off, and is never itself shown as in force") {
    each(Manner::well, [](Play& play) {
        if (!play.can.withdraws) return;
        play.begin();
        CHECK(play.carried({.id = flood}));
        REQUIRE(play.line.carry(
            message(play.can, {.id = flood_again, .action = Action::withdraw, .shown = 1})));
        CHECK(play.taken_back(flood_again));
        CHECK(play.stage->shown().empty());
        if (play.can.bulk) CHECK(play.got_of(flood_again).size() == people_usual);
    });
}

TEST_CASE("A3: what is over already can still be taken back") {
    each(Manner::well, [](Play& play) {
        if (!play.can.withdraws) return;
        play.begin();
        CHECK(play.carried({.id = flood}));
        REQUIRE(play.line.carry(
            message(play.can,
                    {.id = flood_again, .action = Action::withdraw, .shown = 1, .lasts = -1min})));
        CHECK(play.taken_back(flood_again));
        CHECK(play.stage->shown().empty());
    });
}

TEST_CASE("E7: of two live alerts each is withdrawn without the other") {
    each(Manner::well, [](Play& play) {
        if (!play.can.withdraws) return;
        constexpr std::uint32_t many = 60;
        play.begin();
        for (const auto id : {flood, storm})
            REQUIRE(play.line.carry(message(play.can, {.id = id}, many), many));
        if (!play.can.bulk)
            for (const auto id : {flood, storm}) CHECK(play.line.reaches(id, play.can.highest));
        REQUIRE(play.line.carry(
            message(play.can, {.id = flood_again, .action = Action::withdraw, .shown = 1})));
        CHECK(play.taken_back(flood_again));
        CHECK(play.line.reaches(storm, play.can.highest));
        CHECK(play.line.desk.bad(storm).empty());
        if (!play.has(Row::shows)) return;
        CHECK(play.stage->shown().size() == 1);
        CHECK(play.shown_of(storm).size() == 1);
    });
}

TEST_CASE("D4: what ends by itself is off within two seconds of its end, and nobody had to ask") {
    each(Row::shows, Manner::well, [](Play& play) {
        if (!play.can.expires_by_itself) return;
        play.begin();
        const auto brief = message(play.can, {.id = flood, .lasts = 1500ms});
        REQUIRE(play.line.carry(brief));
        REQUIRE(play.line.carry(message(play.can, {.id = storm})));
        CHECK(play.line.until([&] { return play.shown_of(flood).size() == 1; }, 1400ms));
        CHECK(play.line.until([&] { return play.shown_of(flood).empty(); }, 3500ms));
        CHECK(now() >= brief.expires);
        CHECK(now() < brief.expires + 2s);
        CHECK(play.shown_of(storm).size() == 1);
    });
}

TEST_CASE("D5: what expired before its hand-over is stopped by the gate") {
    each(Manner::well, [](Play& play) {
        play.begin();
        CHECK_FALSE(play.line.carry(message(play.can, {.id = flood, .lasts = 0ms})));
        play.line.run(20ms);
        CHECK(play.got_of(flood).empty());
    });
}

}  // namespace
}  // namespace tocsin::conformance
