#include "tests/channel/play.hpp"

#include "server/base/log.hpp"

#include <doctest/doctest.h>

namespace tocsin::conformance {

Play::Play(const Listed& of, Manner manner)
    : listed(of), can(of.can), stage(stage_for(of.name)), line(of, *stage) {
    log::threshold(static_cast<log::Severity>(int(log::Severity::error) + 1));
    stage->play(manner);
}

Play::~Play() {
    line.close();
    const auto wrong = fmt::format("{}", fmt::join(line.desk.wrong, "; "));
    CHECK(wrong == "");
    stage->leave();
    const auto seen = fmt::format("{}", fmt::join(stage->wrong(), "; "));
    CHECK(seen == "");
}

void Play::begin() {
    REQUIRE(line.open());
    REQUIRE(line.comes_up());
}

std::vector<Got> Play::got_of(OrderId id) const {
    auto all = stage->got();
    std::erase_if(all, [&](const Got& got) { return !names(got.words, id); });
    return all;
}

std::vector<std::string> Play::shown_of(OrderId id) const {
    auto all = stage->shown();
    std::erase_if(all, [&](const std::string& words) { return !names(words, id); });
    return all;
}

bool Play::carried(const Wish& wish) {
    return line.carry(message(can, wish)) && line.reaches(wish.id, can.highest);
}

bool Play::taken_back(OrderId id) {
    if (can.bulk) return line.reaches(id, can.highest);
    return line.until([&] { return line.desk.heard_of(id, Said::gone); });
}

bool Play::told_by_peer(OrderId id, Manner manner) const {
    const auto own = stage->own_words(manner);
    return std::ranges::any_of(line.desk.bad(id), [&](const Heard& heard) {
        return heard.said != Said::gone && (heard.code.find(own) != std::string::npos ||
                                            heard.text.find(own) != std::string::npos);
    });
}

void each(Manner manner, const Scene& scene) {
    for (const auto& listed : catalogue()) {
        CAPTURE(listed.name);
        if (!stage_for(listed.name)) continue;  // its own test says so
        Play play(listed, manner);
        scene(play);
    }
}

void each(Row row, Manner manner, const Scene& scene) {
    for (const auto& listed : catalogue()) {
        CAPTURE(listed.name);
        const auto stage = stage_for(listed.name);
        if (!stage || !plays(*stage, row)) continue;
        Play play(listed, manner);
        scene(play);
    }
}

}  // namespace tocsin::conformance
