#include "server/contract/gate.hpp"

#include <doctest/doctest.h>

#include <type_traits>

namespace tocsin::contract {
namespace {

// Nothing turns one side into the other, and nobody but the gate makes an order (design.md 8).
static_assert(!std::is_constructible_v<Order<Live>, Order<Drill>>);
static_assert(!std::is_constructible_v<Order<Drill>, Order<Live>>);
static_assert(!std::is_assignable_v<Order<Live>&, Order<Drill>>);
static_assert(!std::is_assignable_v<Order<Drill>&, Order<Live>>);
static_assert(!std::is_default_constructible_v<Order<Live>>);
static_assert(!std::is_constructible_v<Order<Live>, Message>);
static_assert(!std::is_constructible_v<Order<Live>, std::shared_ptr<const Message>>);

const Instant noon{std::chrono::milliseconds(1'800'000'000'000)};

Message message(Mode mode, Depth depth) {
    Message m{};
    m.id = {7, 1};
    m.mode = mode;
    m.depth = depth;
    m.action = Action::publish;
    m.level = Level::red;
    m.expires = noon + std::chrono::hours(1);
    m.texts = {{Form::sms, "zh-CN", mode == Mode::live ? "暴雨" : "演练 暴雨 演练"}};
    m.footprint = Regions{{"110101"}};
    return m;
}

bool clears(const Message& m, Mode by_key, Peer peer, Depth drills) {
    return Gate::clear(std::make_shared<Message>(m), by_key, {"e", peer, drills}, noon).has_value();
}

TEST_CASE("A1 A4: over all modes, keys, peers and depths only the right pairs pass") {
    for (int mode = 0; mode <= 5; ++mode)
        for (int key = 0; key <= 5; ++key)
            for (const auto peer : {Peer::sandbox, Peer::live})
                for (const auto depth : {Depth::platform, Depth::front_end, Depth::terminal})
                    for (const auto allows : {Depth::platform, Depth::front_end, Depth::terminal}) {
                        CAPTURE(mode);
                        CAPTURE(key);
                        const bool sane = mode >= 1 && mode <= 4 && mode == key;
                        const bool live = mode == 1;
                        const bool may = live ? peer == Peer::live
                                              : depth != Depth::platform &&
                                                    (peer == Peer::sandbox || depth <= allows);
                        CHECK(clears(message(Mode(mode), depth), Mode(key), peer, allows) ==
                              (sane && may));
                    }
}

TEST_CASE("A7: a drill without its mark at both ends in any text is stopped") {
    for (const auto* words : {"暴雨", "演练 暴雨", "暴雨 演练", ""}) {
        auto m = message(Mode::exercise, Depth::terminal);
        m.texts[0].words = words;
        CAPTURE(words);
        CHECK_FALSE(clears(m, Mode::exercise, Peer::sandbox, Depth::terminal));
    }
}

TEST_CASE("D5: what has expired is not handed over, but a withdrawal still is") {
    auto m = message(Mode::live, Depth::terminal);
    m.expires = noon;
    CHECK_FALSE(clears(m, Mode::live, Peer::live, Depth::platform));
    m.action = Action::withdraw;
    CHECK(clears(m, Mode::live, Peer::live, Depth::platform));
}

TEST_CASE("C2: an empty footprint means nobody") {
    for (const auto& nobody :
         {Footprint(Regions{}), Footprint(Cells{}), Footprint(Audience{"c", 0})}) {
        auto m = message(Mode::live, Depth::terminal);
        m.footprint = nobody;
        CHECK_FALSE(clears(m, Mode::live, Peer::live, Depth::platform));
    }
}

}  // namespace
}  // namespace tocsin::contract
