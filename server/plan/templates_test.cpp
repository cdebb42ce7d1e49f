#include "server/plan/level.hpp"
#include "server/plan/measure.hpp"
#include "server/plan/naming.hpp"
#include "server/plan/speaker.hpp"
#include "server/plan/testing.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tocsin::plan {
namespace {

using namespace testing;
using contract::Text;

constexpr Level levels[] = {Level::blue, Level::yellow, Level::orange, Level::red};
constexpr Mode modes[] = {Mode::live, Mode::exercise, Mode::test, Mode::replay};
constexpr Kind kinds[] = {Kind::publish, Kind::update, Kind::cancel, Kind::correct};

std::vector<Event> all_events() {
    auto events = templates()->events().all();
    for (const auto* family : {"natural", "accident", "health", "security", ""})
        events.push_back({"", family});
    return events;
}

/// Any event as an alert that says least: no words of its own but the event's name.
cap::Alert plain_alert(const Event& event, Kind kind) {
    auto alert = red_rain();
    alert.msg_type = kind == Kind::cancel || kind == Kind::correct ? cap::MsgType::cancel
                     : kind == Kind::update                        ? cap::MsgType::update
                                                                   : cap::MsgType::alert;
    for (auto& info : alert.infos) {
        info.event = templates()->words(event, info.language).event;
        info.headline.clear();
        info.description.clear();
        info.instruction.clear();
    }
    return alert;
}

struct Scene {
    cap::Alert alert;
    Plan before;
    City city;
    Scene(const Event& event, Level level, Mode mode, Kind kind)
        : alert(plain_alert(event, kind)),
          city(testing::city({})),
          event_(event),
          level_(level),
          mode_(mode),
          kind_(kind) {
        before.level = level;
        before.sent = at("2026-07-29T17:30:00+08:00");
        before.expires = at("2026-07-30T08:30:00+08:00");
        before.regions = three_districts;
        before.event_key = event.key;
        before.event_class = event.family;
        if (kind == Kind::publish) return;
        alert.sent = time("2026-07-30T06:15:00+08:00");
        for (const auto& info : alert.infos)
            before.spoken.push_back({info.language,
                                     info.language == "zh-CN" ? info.event : lower(info.event),
                                     info.sender_name, ""});
    }
    Said say(const std::string& language, Budget budget) const {
        Subject s;
        s.alert = &alert;
        s.before = kind_ == Kind::publish ? nullptr : &before;
        s.mode = mode_;
        s.event = event_;
        s.level = level_;
        s.sent = alert.sent.at;
        s.onset = alert.sent.at;
        s.until = at("2026-08-01T08:30:00+08:00");
        s.regions = three_districts;
        return Speaker(city, *templates(), s).say(kind_, *templates()->language(language), budget);
    }

private:
    Event event_;
    Level level_;
    Mode mode_;
    Kind kind_;
};

bool says_any(const std::string& text, const std::vector<std::string>& words) {
    return std::ranges::any_of(words, [&](const auto& w) { return text.find(w) != text.npos; });
}

std::vector<std::string> times_of(Kind kind, bool zh) {
    if (kind == Kind::publish || kind == Kind::update)
        return zh ? std::vector<std::string>{"8月1日8时30分", "1日8时30分"}
                  : std::vector<std::string>{"1 Aug 08:30", "1 Aug 2026, 08:30"};
    if (kind == Kind::cancel)
        return zh ? std::vector<std::string>{"30日6时15分"}
                  : std::vector<std::string>{"30 Jul 06:15", "30 Jul 2026, 06:15"};
    return zh ? std::vector<std::string>{"29日17时30分"} : std::vector<std::string>{"29 Jul 17:30"};
}

std::vector<std::string> areas_of(bool zh) {
    return zh ? std::vector<std::string>{"门头沟", "3个区"}
              : std::vector<std::string>{"Mentougou", "3 districts"};
}

std::vector<std::string> issuers_of(bool zh) {
    return zh ? std::vector<std::string>{"北京市气象台", "市气象台"}
              : std::vector<std::string>{"Beijing Met"};
}

/// A whole prepared advice stands in the text, uncut.
bool advises(const std::string& text,
             const Event& event,
             Level level,
             const std::string& language) {
    const auto advice = templates()->words(event, language).by_level[std::size_t(level)];
    return says_any(text, {advice.advice, advice.brief,
                           templates()->language(language)->list(advice.guidance)});
}

void check_text(const Said& said,
                const Event& event,
                Level level,
                Mode mode,
                Kind kind,
                Form form,
                const std::string& language) {
    const bool zh = language == "zh-CN";
    const auto& l = *templates()->language(language);
    CHECK(said.fits);
    CHECK(said.words.find("{{") == said.words.npos);
    CHECK(said.words.find("}}") == said.words.npos);
    CHECK(says_any(said.words, times_of(kind, zh)));
    CHECK(says_any(said.words, issuers_of(zh)));
    CHECK(says_any(said.words, {l.colour[std::size_t(level)], l.colour_loud[std::size_t(level)]}));
    if (kind != Kind::correct) CHECK(says_any(said.words, areas_of(zh)));
    if (form != Form::headline && (kind == Kind::publish || kind == Kind::update))
        CHECK(advises(said.words, event, level, language));
    if (mode == Mode::live) {
        CHECK_FALSE(says_any(said.words, {"演练", "EXERCISE"}));
        return;
    }
    CHECK(said.words.starts_with(l.mark));
    CHECK(said.words.ends_with(l.mark));
}

TEST_CASE(
    "A3: every event, level, act, form, language and mode has words: whole, marked, in budget") {
    std::size_t rendered = 0;
    for (const auto& event : all_events())
        for (const auto level : levels)
            for (const auto mode : modes)
                for (const auto kind : kinds) {
                    const Scene scene(event, level, mode, kind);
                    for (const auto* language : {"zh-CN", "en-US"})
                        for (const auto& budget :
                             {Budget{Form::sms, Budget::Unit::ucs2, 70, 1},
                              Budget{Form::headline, Budget::Unit::characters, 200, 1},
                              Budget{Form::page, Budget::Unit::characters, 2000, 1}}) {
                            const auto said = scene.say(language, budget);
                            CAPTURE(event.key + "/" + event.family);
                            CAPTURE(std::string(word(level)));
                            CAPTURE(std::string(word(mode)));
                            CAPTURE(int(kind));
                            CAPTURE(std::string(word(budget.form)));
                            CAPTURE(said.words);
                            check_text(said, event, level, mode, kind, budget.form, language);
                            CHECK(fits(budget, said.words));
                            ++rendered;
                        }
                }
    CHECK(rendered == all_events().size() * 4 * 4 * 4 * 2 * 3);
}

TEST_CASE("a red SMS is one segment, live and in a drill, in Chinese and in English") {
    for (const auto& event : all_events())
        for (const auto mode : modes)
            for (const auto kind : {Kind::publish, Kind::update})
                for (const auto* language : {"zh-CN", "en-US"}) {
                    const auto said = Scene(event, Level::red, mode, kind)
                                          .say(language, {Form::sms, Budget::Unit::ucs2, 67, 4});
                    CAPTURE(said.words);
                    CHECK(segments(said.words) == 1);
                    if (mode == Mode::live)
                        CHECK(says_any(said.words,
                                       {language[0] == 'z' ? "门头沟、房山、延庆"
                                                           : "Mentougou, Fangshan, Yanqing"}));
                }
}

TEST_CASE("A7: whatever the budget, what fits carries its mark first and last and is no torso") {
    auto alert = red_rain();
    for (auto& info : alert.infos)
        info.description +=
            info.language == "zh-CN" ? "请勿外出😀𠮷。再次提醒。" : " Stay in 😀. Once more.";
    const auto c = testing::city({});
    Subject s;
    s.alert = &alert;
    s.mode = Mode::exercise;
    s.event = {"rainstorm", "natural"};
    s.level = Level::red;
    s.sent = alert.sent.at;
    s.onset = s.sent;
    s.until = at("2026-07-30T08:00:00+08:00");
    s.regions = three_districts;
    const Speaker speaker(c, *templates(), s);
    for (const auto* tag : {"zh-CN", "en-US"})
        for (const auto form : {Form::sms, Form::headline, Form::page})
            for (std::uint32_t room = 1; room < 800; room += room < 100 ? 1 : 9) {
                const auto& l = *templates()->language(tag);
                const auto said =
                    speaker.say(Kind::publish, l, {form, Budget::Unit::ucs2, room, 1});
                if (!said.fits) continue;
                CAPTURE(said.words);
                CHECK(ucs2_units(said.words) <=
                      std::max<std::size_t>(room, form == Form::sms ? 160 : 0));
                CHECK(said.words.starts_with(l.mark));
                CHECK(said.words.ends_with(l.mark));
                for (const auto* pair : {"😀", "𠮷"}) {
                    const auto first = said.words.find(std::string_view(pair).substr(0, 3));
                    if (first != said.words.npos) CHECK(said.words.substr(first, 4) == pair);
                }
                if (form == Form::page)
                    CHECK(says_any(said.words,
                                   {alert.infos[0].instruction, alert.infos[1].instruction}));
            }
}

TEST_CASE("H1: class and default words name no hazard") {
    std::vector<std::string> hazards;
    for (const auto& event : templates()->events().all())
        for (const auto* language : {"zh-CN", "en-US"})
            if (event.family == "natural" || event.family == "accident")
                hazards.push_back(templates()->words(event, language).event);
    for (const auto* family : {"natural", "accident", "health", "security", "default"})
        for (const auto& file :
             std::filesystem::directory_iterator(std::string("templates/") + family)) {
            std::ifstream in(file.path());
            const std::string text((std::istreambuf_iterator<char>(in)), {});
            for (const auto& hazard : hazards) {
                CAPTURE(file.path().string());
                CAPTURE(hazard);
                CHECK(lower(text).find(hazard) == text.npos);
            }
        }
}

TEST_CASE("every mapped code leads to a folder with words, the rest to its class") {
    const auto& events = templates()->events();
    struct Row {
        const char *code, *key, *family;
    };
    const Row rows[] = {
        {"11B03", "rainstorm", "natural"},
        {"11B06", "gale", "natural"},
        {"11B09", "heat", "natural"},
        {"11B10", "heat", "natural"},
        {"11B101", "gale", "natural"},
        {"11B29", "air_pollution", "natural"},
        {"11B37", "geological_hazard", "natural"},
        {"11D02", "geological_hazard", "natural"},
        {"11A51", "flash_flood", "natural"},
        {"11A02", "waterlogging", "natural"},
        {"11C02", "earthquake", "natural"},
        {"11G01", "forest_fire", "natural"},
        {"12D02", "chemical_accident", "accident"},
        {"12L05", "", "accident"},
        {"13A04", "public_health", "health"},
        {"14F01", "public_security", "security"},
        {"11B22", "", "natural"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.code);
        const auto event = events.by_code(row.code);
        REQUIRE(event.has_value());
        CHECK(event->key == row.key);
        CHECK(event->family == row.family);
    }
    CHECK_FALSE(events.by_code("").has_value());
    CHECK_FALSE(events.by_code("20000").has_value());
    CHECK(events.by_name("RainStorm")->key == "rainstorm");
    for (const auto& event : events.all())
        CHECK_MESSAGE(std::filesystem::exists("templates/" + event.key + "/words.zh-CN.toml"),
                      event.key);
}

/// A copy of the templates that a test may spoil.
class Copy {
public:
    Copy() {
        std::filesystem::remove_all(at_);
        std::filesystem::create_directories(at_.parent_path());
        std::filesystem::copy("templates", at_, std::filesystem::copy_options::recursive);
    }
    ~Copy() { std::filesystem::remove_all(at_); }
    Copy(const Copy&) = delete;
    Copy& operator=(const Copy&) = delete;
    void write(const std::string& file, const std::string& text) {
        std::filesystem::create_directories((at_ / file).parent_path());
        std::ofstream(at_ / file) << text;
    }
    void remove(const std::string& file) { std::filesystem::remove_all(at_ / file); }
    std::string faults() const {
        const auto loaded = Templates::load(at_);
        return loaded.has_error() ? loaded.error().what : "";
    }
    const std::filesystem::path& at() const { return at_; }

private:
    std::filesystem::path at_ = std::filesystem::temp_directory_path() /
                                fmt::format("tocsin-templates-{}", ::getpid()) / "templates";
};

TEST_CASE("faults in templates are found at start, all at once, with file and line") {
    Copy copy;
    CHECK(copy.faults() == "");
    copy.write("gale/sms.zh-CN.mustache", "{{sender}}\n{{areaz}}{{event}}");
    copy.write("hail/sms.en-US.mustache", "{{#sender}} open");
    copy.write("fog/page.cancel.zh-CN.mustache", "{{sender}} {{>nothing}}");
    copy.write("snow/poster.zh-CN.mustache", "x");
    copy.write("heat/words.fr-FR.toml", "");
    copy.write("heat/words.zh-CN.toml", "event = \"高温\"\nevnt = \"x\"\n");
    copy.write("meteor/words.zh-CN.toml", "event = \"x\"\n");
    copy.remove("default/sms.cancel.en-US.mustache");
    const auto faults = copy.faults();
    CAPTURE(faults);
    for (const auto* fault :
         {"gale/sms.zh-CN.mustache:2: {{areaz}} is no known name",
          "gale/sms.zh-CN.mustache:1: {{colour}} is missing",
          "gale/sms.zh-CN.mustache:1: {{advice}} is missing",
          "hail/sms.en-US.mustache:1: sender is never closed",
          "fog/page.cancel.zh-CN.mustache: no partials/nothing.zh-CN.mustache",
          "snow/poster.zh-CN.mustache: wants <form>",
          "heat/words.fr-FR.toml: there is no language.fr-FR.toml", "evnt: unknown key",
          "meteor: no event or class of this name", "default: no sms for cancel in en-US"})
        CHECK_MESSAGE(faults.find(fault) != faults.npos, fault);
}

TEST_CASE("a further language is added by files alone") {
    Copy copy;
    for (const auto& from : std::filesystem::recursive_directory_iterator("templates")) {
        auto name = std::filesystem::relative(from.path(), "templates").string();
        const auto tag = name.find("en-US");
        if (tag == name.npos) continue;
        name.replace(tag, 5, "fr-FR");
        std::filesystem::copy(from.path(), copy.at() / name);
    }
    const auto loaded = Templates::load(copy.at());
    REQUIRE_MESSAGE(loaded.has_value(), (loaded.has_error() ? loaded.error().what : ""));
    CHECK((*loaded)->language("fr-CA")->tag == "fr-FR");
    CHECK((*loaded)->languages() == std::vector<std::string>{"en-US", "fr-FR", "zh-CN"});
}

TEST_CASE("an event's own template goes before its class and default; an update may use publish") {
    Copy copy;
    copy.write("gale/sms.zh-CN.mustache",
               "GALE {{sender}}{{event}}{{colour}}{{areas}}{{until}}{{advice}}");
    copy.write("natural/sms.zh-CN.mustache",
               "NATURAL {{sender}}{{event}}{{colour}}{{areas}}{{until}}{{advice}}");
    const auto loaded = Templates::load(copy.at());
    REQUIRE_MESSAGE(loaded.has_value(), (loaded.has_error() ? loaded.error().what : ""));
    const auto first = [&](const Event& event, Form form, Kind kind) {
        const auto found = (*loaded)->find(event, form, kind, "zh-CN");
        REQUIRE(found.mustache);
        return found.mustache->render({}).substr(0, 4);
    };
    CHECK(first({"gale", "natural"}, Form::sms, Kind::publish) == "GALE");
    CHECK(first({"gale", "natural"}, Form::sms, Kind::update) == "GALE");
    CHECK(first({"gale", "natural"}, Form::cb, Kind::publish) == "GALE");
    CHECK(first({"fog", "natural"}, Form::sms, Kind::publish) == "NATU");
    CHECK(first({"", "accident"}, Form::sms, Kind::publish).starts_with("【"));
    CHECK((*loaded)->find({"fog", "natural"}, Form::board, Kind::publish, "zh-CN").form ==
          Form::headline);
}

TEST_CASE("what is put into a template is never read as one") {
    const auto parsed =
        Mustache::parse("{{sender}}: {{#event}}{{event}}{{/event}}{{^colour}}-{{/colour}}");
    REQUIRE(parsed.has_value());
    CHECK(parsed->render({{"sender", "{{colour}} <b> & \" '"}, {"event", "{{#sender}}"}}) ==
          "{{colour}} <b> & \" ': {{#sender}}-");
    CHECK(parsed->render({{"sender", "x"}, {"colour", "red"}}) == "x: ");
}

TEST_CASE("regions are named shortly, streets behind their district, many by their number") {
    const auto& zh = *templates()->language("zh-CN");
    const auto& en = *templates()->language("en-US");
    const auto names = [&](const std::vector<std::string>& codes, const Language& l,
                           std::size_t most) {
        return name_areas(*beijing(), codes, l).join(l, most);
    };
    CHECK(names(three_districts, zh, 9) == "门头沟、房山、延庆");
    CHECK(names(three_districts, en, 9) == "Mentougou, Fangshan, Yanqing");
    CHECK(names(three_districts, zh, 1) == "门头沟等3个区");
    CHECK(names(three_districts, en, 1) == "Mentougou + 2 districts");
    CHECK(names(three_districts, zh, 0) == "3个区");
    CHECK(names({"110109"}, zh, 0) == "门头沟");
    CHECK(names({"110000"}, zh, 9) == "北京市全市");
    CHECK(names({"110000"}, en, 9) == "all Beijing");
    CHECK(names({"110101", "BJ-F01"}, zh, 9) == "东城、天安门地区");
    CHECK(names({"110101", "BJ-F01"}, zh, 1) == "东城等2地");
    CHECK(names({"999999"}, zh, 9) == "");
    const auto shorter = [&](const std::vector<std::string>& codes, const Language& l, Naming how) {
        return name_areas(*beijing(), codes, l, how).join(l, 9);
    };
    CHECK(shorter({"BJ-F03"}, zh, Naming::whole) == "北京经济技术开发区");
    CHECK(shorter({"BJ-F03"}, zh, Naming::known) == "经开区");
    CHECK(shorter({"110101", "BJ-F03"}, en, Naming::known) == "Dongcheng, Beijing E-Town");
    CHECK(shorter({"110109101", "110109103"}, zh, Naming::district) == "门头沟部分地区");
    CHECK(shorter({"110109"}, zh, Naming::district) == "门头沟");
}

TEST_CASE("times are short beside today and full on pages") {
    const auto& zh = *templates()->language("zh-CN");
    const auto& en = *templates()->language("en-US");
    const auto noon = at("2026-07-30T12:00:00+08:00");
    struct Row {
        const char *time, *zh, *en;
    };
    const Row rows[] = {
        {"2026-07-30T21:30:00+08:00", "21时30分", "21:30"},
        {"2026-07-30T13:30:00Z", "21时30分", "21:30"},
        {"2026-07-31T08:00:00+08:00", "31日8时", "31 Jul 08:00"},
        {"2026-07-30T23:00:00Z", "31日7时", "31 Jul 07:00"},
        {"2026-08-01T00:00:00+08:00", "8月1日0时", "1 Aug 00:00"},
        {"2027-07-30T12:05:00+08:00", "7月30日12时5分", "30 Jul 12:05"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.time);
        CHECK(zh.brief_time(at(row.time), noon, 480min) == row.zh);
        CHECK(en.brief_time(at(row.time), noon, 480min) == row.en);
    }
    CHECK(zh.full_time(noon, 480min) == "2026年7月30日12时");
    CHECK(en.full_time(noon, 480min) == "30 Jul 2026, 12:00");
}

}  // namespace
}  // namespace tocsin::plan
