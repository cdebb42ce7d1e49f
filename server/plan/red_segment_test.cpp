#include "server/plan/measure.hpp"
#include "server/plan/speaker.hpp"
#include "server/plan/testing.hpp"

#include <fstream>
#include <functional>

/// Two segments are twice the time and twice the cost: a red alert's SMS is one, whatever its event,
/// area, issuer and times.
namespace tocsin::plan {
namespace {

using namespace testing;

std::vector<std::string> longest(area::Tier tier, bool zh, std::size_t count) {
    std::vector<const area::Region*> all;
    for (const auto& region : beijing()->regions())
        if (region.tier == tier) all.push_back(&region);
    std::ranges::sort(all, [&](const auto* a, const auto* b) {
        const auto size = [&](const auto* r) {
            return zh ? characters(r->name_zh) : r->name_en.size();
        };
        return std::pair(size(a), b->code) > std::pair(size(b), a->code);
    });
    std::vector<std::string> codes;
    for (std::size_t i = 0; i < std::min(count, all.size()); ++i) codes.push_back(all[i]->code);
    std::ranges::sort(codes);
    return codes;
}

std::vector<std::vector<std::string>> areas(bool zh) {
    std::vector<std::vector<std::string>> out{{"110000"}};
    for (const std::size_t count : {1, 2, 3, 8, 15})
        out.push_back(longest(area::Tier::district, zh, count));
    for (const std::size_t count : {1, 3})
        out.push_back(longest(area::Tier::functional, zh, count));
    for (const std::size_t count : {1, 2, 40})
        out.push_back(longest(area::Tier::street, zh, count));
    return out;
}

/// Those whose short names are the longest, of all that the templates know.
std::vector<std::string> issuers(const char* tag) {
    std::ifstream file(fmt::format("templates/issuers.{}.tsv", tag));
    std::vector<std::pair<std::size_t, std::string>> all;
    for (std::string line; std::getline(file, line);) {
        const auto tab = line.find('\t'), last = line.rfind('\t');
        if (line.starts_with('#') || tab == line.npos || tab == last) continue;
        all.emplace_back(characters(line.substr(last + 1)), line.substr(0, tab));
    }
    REQUIRE(all.size() > 50);
    std::ranges::sort(all, std::greater<>());
    std::vector<std::string> names;
    for (std::size_t i = 0; i < 4; ++i) names.push_back(all[i].second);
    return names;
}

struct Case {
    Event event;
    std::vector<std::string> regions;
    std::string issuer;
    Kind kind;
};

Said say(const Case& c, const std::string& tag) {
    auto alert = red_rain();
    for (auto& info : alert.infos) {
        info.event = templates()->words(c.event, info.language).event;
        info.sender_name = c.issuer;
    }
    Plan before;
    before.level = Level::orange;
    before.sent = at("2026-12-29T17:30:00+08:00");
    before.expires = at("2026-12-31T23:45:00+08:00");
    before.regions = c.regions;
    before.event_key = c.event.key;
    before.event_class = c.event.family;
    Subject s;
    s.alert = &alert;
    s.before = c.kind == Kind::publish ? nullptr : &before;
    s.mode = Mode::live;
    s.event = c.event;
    s.level = Level::red;
    s.sent = s.onset = at("2026-12-30T10:45:00+08:00");
    s.until = at("2026-12-31T23:45:00+08:00");  // the longest way to write a time
    s.regions = c.regions;
    static const auto here = testing::city({});
    return Speaker(here, *templates(), s)
        .say(c.kind, *templates()->language(tag), {Form::sms, Budget::Unit::ucs2, 67, 4});
}

TEST_CASE(
    "F2: a red SMS of any event fits one segment, with the longest names of places and issuers") {
    const auto& events = templates()->events().all();
    CHECK(events.size() >= 22);
    std::size_t rendered = 0, most_zh = 0, most_en = 0;
    for (const auto& event : events)
        for (const bool zh : {true, false})
            for (const auto& regions : areas(zh))
                for (const auto& issuer : issuers(zh ? "zh-CN" : "en-US"))
                    for (const auto kind : {Kind::publish, Kind::update}) {
                        const auto said =
                            say({event, regions, issuer, kind}, zh ? "zh-CN" : "en-US");
                        CAPTURE(event.key);
                        CAPTURE(said.words);
                        CHECK(said.fits);
                        CHECK(segments(said.words) == 1);
                        ++rendered;
                        if (zh) {
                            most_zh = std::max(most_zh, ucs2_units(said.words));
                            CHECK(ucs2_units(said.words) <= 70);
                        } else {
                            const auto septets = gsm_septets(said.words);
                            REQUIRE(septets.has_value());
                            most_en = std::max(most_en, *septets);
                            CHECK(*septets <= 160);
                        }
                    }
    MESSAGE(rendered << " red texts of " << events.size() << " events: at most " << most_zh
                     << " UCS2 units and " << most_en << " septets");
    CHECK(rendered == events.size() * 2 * 11 * 4 * 2);
}

TEST_CASE("F2: of a red alert the level, the area and what to do survive in the one segment") {
    for (const auto& event : templates()->events().all())
        for (const bool zh : {true, false}) {
            const auto tag = zh ? "zh-CN" : "en-US";
            const auto said = say(
                {event, longest(area::Tier::district, zh, 1), issuers(tag)[0], Kind::publish}, tag);
            CAPTURE(said.words);
            const auto has = [&](const std::string& what) {
                return !what.empty() && said.words.find(what) != said.words.npos;
            };
            const auto advice = templates()->words(event, tag).by_level[std::size_t(Level::red)];
            CHECK(has(zh ? "红色" : "RED"));
            CHECK(has(zh ? "至31日23时45分" : "until 31 Dec 23:45"));
            CHECK((has(advice.advice) || has(advice.brief)));
        }
}

}  // namespace
}  // namespace tocsin::plan
