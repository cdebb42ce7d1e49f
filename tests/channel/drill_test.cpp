#include "tests/channel/play.hpp"

/// A live endpoint and its sandbox twin side by side: what a drill can never do.
namespace tocsin::conformance {
namespace {

using namespace std::chrono_literals;

constexpr Mode drills[] = {Mode::exercise, Mode::test, Mode::replay};

/// A sandbox beside the live line that each row has already.
struct Twin {
    explicit Twin(Play& play)
        : stage(stage_for(play.listed.name)),
          line(play.listed, *stage, Peer::sandbox, Depth::terminal) {
        stage->play(Manner::well);
        REQUIRE(line.open());
        REQUIRE(line.comes_up());
    }
    ~Twin() {
        line.close();
        const auto wrong = fmt::format("{}", fmt::join(line.desk.wrong, "; "));
        CHECK(wrong == "");
        stage->leave();
        const auto seen = fmt::format("{}", fmt::join(stage->wrong(), "; "));
        CHECK(seen == "");
    }
    std::unique_ptr<Stage> stage;
    Line line;
};

/// Nothing of the order stands outside its marked texts, in anything that the peer got.
void check_marks(Stage& stage, const Message& order) {
    int seen = 0;
    for (const auto& got : stage.got()) {
        if (!names(got.words, order.id)) continue;
        ++seen;
        CAPTURE(got.to);
        CHECK(has_a_text(got.words, order));
        CHECK_FALSE(names(without_texts(got.words, order), order.id));
    }
    if (plays(stage, Row::words)) CHECK(seen > 0);
}

TEST_CASE("A1 A4: a drill never reaches the live peer, at whatever depth and in whatever mode") {
    each(Manner::well, [](Play& play) {
        play.begin();
        Twin twin(play);
        const auto before = play.stage->got().size();
        const auto shown = play.stage->shown();
        std::uint32_t ordinal = 20;
        for (const auto mode : drills)
            for (const auto depth : {Depth::front_end, Depth::terminal}) {
                const OrderId id{++ordinal, 1};
                const auto order = message(play.can, {.id = id, .mode = mode, .depth = depth});
                CHECK_FALSE(play.line.carry(order));
                CHECK(twin.line.carry(order));
                CHECK(twin.line.reaches(id, play.can.highest));
                check_marks(*twin.stage, order);
            }
        const OrderId talk{++ordinal, 1};
        CHECK_FALSE(twin.line.carry(
            message(play.can, {.id = talk, .mode = Mode::exercise, .depth = Depth::platform})));
        play.line.run(20ms);
        CHECK(play.stage->got().size() == before);
        CHECK(play.stage->shown() == shown);
    });
}

TEST_CASE("A4: a live order can't be made for a sandbox") {
    each(Manner::well, [](Play& play) {
        play.begin();
        Twin twin(play);
        CHECK_FALSE(twin.line.carry(message(play.can, {.id = flood})));
        twin.line.run(20ms);
        CHECK(twin.stage->got().empty() == play.stage->got().empty());
        for (const auto& got : twin.stage->got()) CHECK_FALSE(names(got.words, flood));
    });
}

TEST_CASE(
    "A7: a drill bears its marks in every byte, updated and withdrawn, short and at full length") {
    each(Manner::well, [](Play& play) {
        Twin twin(play);
        for (const bool full : {false, true}) {
            CAPTURE(full);
            const std::uint32_t ordinal = full ? 31 : 30;
            const Wish acts[] = {
                {.id = {ordinal, 1}},
                {.id = {ordinal, 2}, .action = Action::update, .shown = 1},
                {.id = {ordinal, 3}, .action = Action::withdraw, .shown = 2},
            };
            for (auto wish : acts) {
                CAPTURE(wish.id.revision);
                wish.mode = Mode::exercise;
                wish.full = full;
                const auto order = message(play.can, wish);
                CHECK(twin.line.carry(order));
                if (wish.action == Action::withdraw)
                    CHECK(twin.line.until([&] {
                        return play.can.bulk ? twin.line.desk.reached(wish.id) >= play.can.highest
                                             : twin.line.desk.heard_of(wish.id, Said::gone);
                    }));
                else
                    CHECK(twin.line.reaches(wish.id, play.can.highest));
                check_marks(*twin.stage, order);
            }
        }
    });
}

TEST_CASE("A4: an exercise on a real endpoint says so in every word, and its neighbour does not") {
    each(Manner::well, [](Play& play) {
        if (play.can.drills < Depth::terminal) return;
        play.line.outlet.drills = Depth::terminal;
        play.begin();
        const Wish wish{.id = {40, 1}, .mode = Mode::exercise};
        const auto order = message(play.can, wish);
        CHECK(play.carried(wish));
        CHECK(play.carried({.id = flood}));
        check_marks(*play.stage, order);
        for (const auto& got : play.got_of(flood))
            CHECK(has_a_text(got.words, message(play.can, {.id = flood})));
        // Unmarked words never pass, whoever made them.
        auto bare = message(play.can, {.id = {41, 1}});
        bare.mode = Mode::exercise;
        CHECK_FALSE(play.line.carry(bare));
    });
}

}  // namespace
}  // namespace tocsin::conformance
