#include "server/plan/measure.hpp"
#include "server/plan/testing.hpp"

#include <atomic>
#include <thread>

namespace tocsin::plan {
namespace {

using namespace testing;
using Names = std::vector<std::string>;

Names rules(const Made& made, cap::Weight weight) {
    Names out;
    for (const auto& v : made.violations)
        if (v.severity == weight) out.push_back(v.rule + " " + v.element);
    return out;
}
Names errors(const Made& made) { return rules(made, cap::Weight::error); }
Names warnings(const Made& made) { return rules(made, cap::Weight::warning); }

Plan planned(const Planner& planner, const Request& request, const Census& census) {
    auto made = planner.make_plan(request, census);
    for (const auto& error : errors(made)) MESSAGE(error);
    REQUIRE(made.plan.has_value());
    return std::move(*made.plan);
}

Census public_census() {
    return {{{"public",
              "v1",
              {group({"110109"}, 1000), group({"110111"}, 2000), group({"110119"}, 500, "en-US"),
               group({"110101"}, 9000), group({"110109", "110101"}, 70), group({"110000"}, 40000)}},
             {"testers", "v1", {group({"110109"}, 3)}}}};
}

City two_bearers() { return city({endpoint("sms-a", "sms"), endpoint("web", "web")}); }

TEST_CASE("a red alert becomes one order an endpoint, with its words, area and people") {
    const auto alert = red_rain();
    const auto plan = planned(*planner(two_bearers()), live(alert), public_census());
    CHECK(plan.mode == Mode::live);
    CHECK(plan.level == Level::red);
    CHECK(plan.event_key == "rainstorm");
    CHECK(plan.event_class == "natural");
    CHECK(plan.event_code == "11B03");
    CHECK(plan.regions == three_districts);
    CHECK(plan.expires == at("2026-07-30T08:00:00+08:00"));
    CHECK(plan.headline == alert.infos[0].headline);
    CHECK(endpoints_of(plan) == Names{"publish sms-a", "publish web"});

    const auto& sms = *order_at(plan, "sms-a");
    CHECK(words_of(sms, Form::sms, "zh-CN") ==
          "【北京预警】北京市气象台发布暴雨红色预警：门头沟、房山、延庆，至30日8时。"
          "停止户外活动，远离山区河道，危险区立即转移。");
    CHECK(words_of(sms, Form::sms, "en-US") ==
          "Beijing Alert: RED rainstorm warning, Mentougou, Fangshan, Yanqing, until 30 Jul 08:00. "
          "Stay in; leave valleys and riverbanks now. Beijing Met Observatory");
    CHECK(sms.audience_version == "public/v1");
    CHECK(sms.groups == std::vector<std::uint32_t>{0, 1, 2, 4});
    CHECK(std::get<contract::Audience>(sms.footprint).recipients == 3570);

    const auto& web = *order_at(plan, "web");
    CHECK(std::get<contract::Regions>(web.footprint).codes == three_districts);
    CHECK(words_of(web, Form::cap, "") == "<alert/>");
    CHECK(words_of(web, Form::page, "en-US") ==
          "Beijing Meteorological Observatory issues a red rainstorm warning\n\n"
          "Level: RED rainstorm warning (Level I, extremely severe)\n"
          "Area: Mentougou, Fangshan, Yanqing\n"
          "Time: 29 Jul 2026, 20:00 to 30 Jul 2026, 08:00 (Beijing time)\n\n"
          "Extreme rain is expected on the night of the 29th. Flash floods are very likely.\n\n"
          "What to do:\n1. Stop outdoor activity. 2. Move out now.\n\n"
          "Issued by: Beijing Meteorological Observatory\n"
          "Issued at: 29 Jul 2026, 17:30 (Beijing time)");
    const auto page = words_of(web, Form::page, "zh-CN");
    for (const auto& own :
         {alert.infos[0].headline, alert.infos[0].description, alert.infos[0].instruction})
        CHECK(page.find(own) != page.npos);
    CHECK(words_of(web, Form::headline, "en-US") ==
          "Beijing Meteorological Observatory issues red rainstorm warning [Level I / extremely "
          "severe]: "
          "Mentougou, Fangshan, Yanqing, until 30 Jul 08:00");
    CHECK(plan.sha256.size() == 64);
}

TEST_CASE("H4: facts are those of the alert, whatever the level") {
    auto alert = red_rain();
    for (auto& info : alert.infos) {
        info.severity = cap::Severity::unknown;
        info.urgency = cap::Urgency::unknown;
        info.certainty = cap::Certainty::unknown;
        info.onset.reset();
        info.effective = time("2026-07-29T17:31:00+08:00");
    }
    const auto plan = planned(*planner(two_bearers()), live(alert), {});
    CHECK(plan.level == Level::red);  // CN:severity says so
    CHECK(plan.facts.severity == "Unknown");
    CHECK(plan.facts.urgency == "Unknown");
    CHECK(plan.facts.certainty == "Unknown");
    CHECK(plan.facts.event == "暴雨");
    CHECK(plan.facts.sender == alert.sender);
    CHECK(plan.facts.identifier == alert.identifier);
    CHECK(plan.facts.sent == alert.sent.at);
    CHECK(plan.facts.onset == at("2026-07-29T17:31:00+08:00"));
}

TEST_CASE("a level is said by a profile's parameter, by severity, or in the headline") {
    struct Row {
        cap::Severity severity;
        std::vector<cap::Named> parameters;
        std::string headline;
        Level level;
    };
    using enum cap::Severity;
    const Row rows[] = {
        {extreme, {}, "", Level::red},
        {severe, {}, "", Level::orange},
        {moderate, {}, "", Level::yellow},
        {minor, {}, "", Level::blue},
        {minor, {{"CN:severity", "Red"}}, "", Level::red},
        {minor, {{"cn:severity", "ORANGE"}}, "", Level::orange},
        {minor, {{"CN:severity", "橙色"}}, "", Level::orange},
        {unknown, {{"CN:level", "III"}}, "", Level::yellow},
        {minor, {{"awareness_level", "3; orange; Severe"}}, "", Level::orange},
        {unknown, {}, "延庆区气象台发布大风黄色预警信号", Level::yellow},
        {unknown, {}, "The observatory issues a red rainstorm warning", Level::red},
        {unknown, {}, "Bored people warning", Level::blue},
        {unknown, {{"CN:severity", "Unknown"}}, "", Level::blue},
        {severe, {{"other", "red"}}, "", Level::orange},
    };
    for (const auto& row : rows) {
        cap::Info info;
        info.severity = row.severity;
        info.parameters = row.parameters;
        info.headline = row.headline;
        CAPTURE(row.headline);
        CHECK(level_of(info) == row.level);
    }
    CHECK(mode_of(cap::Status::actual) == Mode::live);
    CHECK(mode_of(cap::Status::exercise) == Mode::exercise);
    CHECK(mode_of(cap::Status::system) == Mode::test);
    CHECK(mode_of(cap::Status::test) == Mode::test);
    CHECK_FALSE(mode_of(cap::Status::draft).has_value());
}

TEST_CASE("A4: a drill goes to sandboxes only, whatever live endpoints are configured") {
    auto alert = red_rain();
    auto deep = endpoint("cbs", "cb");
    deep.drills = Depth::terminal;
    auto lonely = endpoint("tv", "tv");
    lonely.sandbox.clear();
    auto crossed = endpoint("radio", "radio");
    crossed.sandbox = "tv";  // a "twin" that is live
    auto c = city({endpoint("sms-a", "sms"), deep, lonely});
    c.endpoints.push_back(crossed);
    const auto maker = planner(c);
    struct Row {
        cap::Status status;
        Mode mode;
        Depth depth;
        Names expected;
    };
    const Names twins{"publish cbs-test", "publish sms-a-test"};
    const Row rows[] = {
        {cap::Status::test, Mode::test, Depth::front_end, twins},
        {cap::Status::test, Mode::test, Depth::terminal, twins},
        {cap::Status::exercise, Mode::exercise, Depth::front_end, twins},
        {cap::Status::exercise,
         Mode::exercise,
         Depth::terminal,
         {"publish cbs", "publish sms-a-test"}},
        {cap::Status::actual, Mode::replay, Depth::terminal, twins},
        {cap::Status::actual,
         Mode::live,
         Depth::terminal,
         {"publish cbs", "publish radio", "publish sms-a", "publish tv"}},
    };
    for (const auto& row : rows) {
        alert.status = row.status;
        auto request = live(alert);
        request.mode = row.mode;
        request.depth = row.depth;
        CAPTURE(std::string(word(row.mode)));
        CAPTURE(std::string(word(row.depth)));
        const auto plan = planned(*maker, request, public_census());
        CHECK(endpoints_of(plan) == row.expected);
        CHECK(noted(plan, "no-sandbox", "tv") == (row.mode != Mode::live));
        CHECK(noted(plan, "no-sandbox", "radio") == (row.mode != Mode::live));
        for (const auto& order : plan.orders)
            for (const auto& text : order.texts) {
                if (text.form == Form::cap || row.mode == Mode::live) continue;
                const std::string mark = text.language == "zh-CN" ? "演练" : "EXERCISE";
                CHECK(text.words.starts_with(mark));
                CHECK(text.words.ends_with(mark));
            }
    }
}

TEST_CASE("promise 7: what is not Actual is refused as live") {
    for (const auto status :
         {cap::Status::exercise, cap::Status::test, cap::Status::system, cap::Status::draft}) {
        auto alert = red_rain();
        alert.status = status;
        CHECK(errors(planner(two_bearers())->make_plan(live(alert), {})) ==
              Names{"mode alert/status"});
    }
}

TEST_CASE("C2: an empty area means nobody, and an audience without people gets no order") {
    auto alert = red_rain();
    const auto maker = planner(two_bearers());
    auto nowhere = alert;
    for (auto& info : nowhere.infos) info.areas.clear();
    const auto made = maker->make_plan(live(nowhere), public_census());
    CHECK_FALSE(made.plan.has_value());
    CHECK(errors(made) == Names{"no-area alert/info[1]"});

    const Census others{{{"public", "v1", {group({"110101"}, 9000)}}}};
    const auto plan = planned(*maker, live(alert), others);
    CHECK(endpoints_of(plan) == Names{"publish web"});
    CHECK(noted(plan, "audience-empty", "sms-a"));
    CHECK(noted(planned(*maker, live(alert), {}), "audience-missing", "sms-a"));
}

TEST_CASE("C8: an area that does not resolve is refused with its path, not left out") {
    auto alert = red_rain();
    alert.infos[1].areas[2].geocodes[0].value = "119999";
    const auto made = planner(two_bearers())->make_plan(live(alert), {});
    CHECK_FALSE(made.plan.has_value());
    CHECK(errors(made) == Names{"geocode-unknown alert/info[2]/area[3]/geocode[1]"});
}

TEST_CASE("B7: a shape that reaches further than the codes beside it is shown before it is sent") {
    auto alert = red_rain();
    const auto maker = planner(two_bearers());
    CHECK_FALSE(noted(planned(*maker, live(alert), {}), "area-beyond-codes"));
    alert.infos[0].areas[1].circles = {
        {{39.90, 116.00}, 10}};  // around the border of Mentougou and Fangshan
    CHECK(noted(planned(*maker, live(alert), {}), "area-beyond-codes"));
    alert.infos[0].areas[1].geocodes.clear();  // said by the shape alone: nothing to compare with
    alert.infos[1].areas[1] = alert.infos[0].areas[1];
    CHECK_FALSE(noted(planned(*maker, live(alert), {}), "area-beyond-codes"));
}

TEST_CASE("H3: many areas are named in part and counted, and the plan shows it") {
    auto alert = red_rain();
    for (auto& info : alert.infos) {
        info.areas.clear();
        for (const auto* code : {"110106", "110107", "110108", "110109", "110111", "110114",
                                 "110116", "110118", "110119"})
            info.areas.push_back(district(code, "x"));
    }
    const auto plan = planned(*planner(two_bearers()), live(alert), public_census());
    CHECK(words_of(*order_at(plan, "sms-a"), Form::sms, "zh-CN") ==
          "【北京预警】市气象台发布暴雨红色预警：丰台、石景山、海淀等9个区，至30日8时。"
          "停止户外活动，远离山区河道，危险区立即转移。");
    CHECK(noted(plan, "text-shortened", "sms in zh-CN goes without areas"));
    const auto page = words_of(*order_at(plan, "web"), Form::page, "zh-CN");
    CHECK(page.find("丰台、石景山、海淀、门头沟、房山、昌平、怀柔、密云、延庆") != page.npos);
}

TEST_CASE("one planner plans on many threads at once, each alike") {
    const auto alert = red_rain();
    const auto maker = planner(two_bearers());
    const auto census = public_census();
    const auto expected = pack(*maker->make_plan(live(alert), census).plan);
    std::atomic<int> other = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 10; ++i)
                if (pack(*maker->make_plan(live(alert), census).plan) != expected) ++other;
        });
    for (auto& thread : threads) thread.join();
    CHECK(other == 0);
}

TEST_CASE("E19: the area is the union over all blocks and areas") {
    auto alert = red_rain();
    alert.infos[0].areas.pop_back();
    alert.infos[1].areas.erase(alert.infos[1].areas.begin());
    CHECK(planned(*planner(two_bearers()), live(alert), {}).regions == three_districts);
}

TEST_CASE("B7: nobody is told who is only known to be somewhere in a wider region") {
    auto alert = red_rain();
    const Census census{{{"public",
                          "v1",
                          {group({"110109"}, 10), group({"110109003"}, 5), group({"110000"}, 90),
                           group({"BJ-F02"}, 7)}}}};
    const auto maker = planner(two_bearers());
    const auto plan = planned(*maker, live(alert), census);
    auto groups = order_at(plan, "sms-a")->groups;
    CHECK(groups == std::vector<std::uint32_t>{0, 1});
    CHECK(noted(plan, "audience-unplaced", "90 people"));
    for (auto& info : alert.infos) info.areas = {district("110109003000", "龙泉镇")};
    groups = order_at(planned(*maker, live(alert), census), "sms-a")->groups;
    CHECK(groups == std::vector<std::uint32_t>{1});
    for (auto& info : alert.infos) info.areas = {district("110106000000", "丰台区")};
    groups = order_at(planned(*maker, live(alert), census), "sms-a")->groups;
    CHECK(groups == std::vector<std::uint32_t>{3});  // the West Station lies partly in Fengtai
}

TEST_CASE("an endpoint gets the part of the area that is its own, never more than was approved") {
    auto alert = red_rain();
    const auto maker =
        planner(city({endpoint("all", "web"), endpoint("fangshan", "web", {"110111"}),
                      endpoint("east", "web", {"110112", "110117"}),
                      endpoint("street", "web", {"110109003"}), endpoint("nobody", "web", {})}));
    const auto codes = [&](const Plan& plan, const char* name) {
        return std::get<contract::Regions>(order_at(plan, name)->footprint).codes;
    };
    auto plan = planned(*maker, live(alert), {});
    CHECK(endpoints_of(plan) == Names{"publish all", "publish fangshan", "publish street"});
    CHECK(codes(plan, "all") == three_districts);
    CHECK(codes(plan, "fangshan") == Names{"110111"});
    CHECK(codes(plan, "street") == Names{"110109003"});
    for (auto& info : alert.infos) info.areas = {district("110000", "北京市")};
    plan = planned(*maker, live(alert), {});
    CHECK(codes(plan, "all") == Names{"110000"});
    CHECK(codes(plan, "east") == Names{"110112", "110117"});
    CHECK(codes(plan, "fangshan") == Names{"110111"});
}

TEST_CASE("a person gets one message a bearer, and backups wait") {
    auto standby = endpoint("sms-0", "sms");
    standby.backup_only = true;
    auto c =
        city({endpoint("sms-a", "sms", {"110109", "110111"}), endpoint("sms-b", "sms"), standby});
    const auto plan = planned(*planner(c), live(red_rain()), public_census());
    CHECK(endpoints_of(plan) == Names{"publish sms-a", "publish sms-b"});
    CHECK(order_at(plan, "sms-a")->groups == std::vector<std::uint32_t>{0, 1, 4});
    CHECK(order_at(plan, "sms-b")->groups == std::vector<std::uint32_t>{2});
}

TEST_CASE(
    "an opt-out holds, but for red where the endpoint may override it, and never in a drill") {
    auto alert = red_rain();
    auto sms = endpoint("sms-a", "sms");
    sms.sandbox = "sms-a-test";
    auto c = city({sms});
    c.endpoints[1].audience = "public";
    auto census = public_census();
    census.audiences[0].groups[1].opted_out = true;
    const auto groups = [&](bool override_allowed, bool red, Mode mode) {
        for (auto& e : c.endpoints) e.red_overrides_opt_out = override_allowed;
        for (auto& info : alert.infos) {
            info.severity = red ? cap::Severity::extreme : cap::Severity::severe;
            info.parameters = {{"CN:severity", red ? "Red" : "Orange"}};
        }
        alert.status = mode == Mode::live ? cap::Status::actual : cap::Status::test;
        auto request = live(alert);
        request.mode = mode;
        return planned(*planner(c), request, census).orders.at(0).groups;
    };
    const std::vector<std::uint32_t> with{0, 1, 2, 4}, without{0, 2, 4};
    CHECK(groups(false, true, Mode::live) == without);
    CHECK(groups(true, true, Mode::live) == with);
    CHECK(groups(true, false, Mode::live) == without);
    CHECK(groups(true, true, Mode::test) == without);
}

TEST_CASE("F2: a bulk endpoint's finish time is forecast in segments, by language") {
    auto alert = red_rain();
    auto sms = endpoint("sms-a", "sms");
    sms.rate = 100;
    const auto plan = planned(*planner(city({sms})), live(alert), public_census());
    REQUIRE(plan.forecast.size() == 1);
    CHECK(plan.forecast[0].endpoint == "sms-a");
    CHECK(plan.forecast[0].recipients == 3570);
    CHECK(plan.forecast[0].segments == 3570);  // both languages fit one segment
    CHECK(plan.forecast[0].seconds == doctest::Approx(35.7));
    REQUIRE(plan.forecast[0].languages.size() == 2);
    CHECK(plan.forecast[0].languages[0].language == "zh-CN");
    CHECK(plan.forecast[0].languages[0].recipients == 3070);
    CHECK(plan.forecast[0].languages[0].segments_each == 1);
    CHECK(plan.forecast[0].languages[1].recipients == 500);
    auto foreign = public_census();
    foreign.audiences[0].groups[0].language = "ja";
    CHECK(noted(planned(*planner(city({sms})), live(alert), foreign), "language-missing",
                "1000 people who read ja"));
}

TEST_CASE("F2: a forecast counts segments at the measured rate, else at the configured one") {
    struct Row {
        const char* what;
        Rates rates;
        bool long_words;
        double rate, seconds;
        bool measured;
    };
    const std::vector<Row> rows{
        {"never measured", {}, false, 100, 35.7, false},
        {"measured", {{"sms-a", 1000}}, false, 1000, 3.57, true},
        {"another endpoint measured", {{"sms-b", 1000}}, false, 100, 35.7, false},
        {"measured as nothing", {{"sms-a", 0}}, false, 100, 35.7, false},
        {"texts of several segments", {{"sms-a", 1000}}, true, 1000, 3 * 3.57, true},
    };
    for (const auto& row : rows) {
        CAPTURE(row.what);
        auto alert = red_rain();
        auto sms = endpoint("sms-a", "sms");
        sms.rate = 100;
        // Pages of a web form sent as SMS: three segments of 67.
        if (row.long_words) {
            for (auto& info : alert.infos) info.description = info.instruction = "";
            sms.budgets = sms_budget(3);
        }
        auto request = live(alert);
        request.rates = &row.rates;
        const auto plan = planned(*planner(city({sms})), request, public_census());
        REQUIRE(plan.forecast.size() == 1);
        const auto& f = plan.forecast[0];
        std::uint64_t segments = 0;
        for (const auto& l : f.languages) segments += l.recipients * l.segments_each;
        CHECK(f.segments == segments);
        CHECK(f.rate == row.rate);
        CHECK(f.measured == row.measured);
        CHECK(f.seconds == doctest::Approx(double(f.segments) / row.rate));
        if (!row.long_words) CHECK(f.seconds == doctest::Approx(row.seconds));
    }
}

TEST_CASE("F5: red with fewer than two independent bearers is warned of, by region") {
    const auto alert = red_rain();
    const auto census = public_census();
    CHECK_FALSE(noted(planned(*planner(two_bearers()), live(alert), census), "one-bearer"));
    auto plan = planned(*planner(city({endpoint("web", "web"), endpoint("web-2", "web"),
                                       endpoint("sms-a", "sms", {"110111"})})),
                        live(alert), census);
    CHECK(noted(plan, "one-bearer", "only web reaches 门头沟、延庆"));
    plan = planned(*planner(city({endpoint("web", "web", {"110109"})})), live(alert), census);
    CHECK(noted(plan, "no-bearer", "房山、延庆"));
    CHECK(noted(plan, "one-bearer", "门头沟"));
}

TEST_CASE("B9: regions beside the warned ones are named") {
    const auto plan = planned(*planner(two_bearers()), live(red_rain()), {});
    CHECK(noted(plan, "regions-beside", "昌平"));
    CHECK_FALSE(noted(plan, "regions-beside", "门头沟"));
}

TEST_CASE("CAP C8: without expires the default life holds, and is shown") {
    auto alert = red_rain();
    alert.infos[0].expires.reset();
    alert.infos[1].expires.reset();
    const auto plan = planned(*planner(two_bearers()), live(alert), public_census());
    CHECK(plan.expires == alert.sent.at + 24h);
    CHECK(noted(plan, "no-expires", "2026-07-30T17:30:00+08:00"));
    CHECK(words_of(*order_at(plan, "sms-a"), Form::sms, "zh-CN").find("至30日17时30分") !=
          std::string::npos);
}

TEST_CASE("C13: an unknown event is carried in words that name only what the alert names") {
    auto alert = red_rain();
    for (auto& info : alert.infos) {
        info.event_codes = {{"CN:eventType", "19123"}};
        info.event = info.language == "zh-CN" ? "不明飞行物" : "Unidentified object";
        info.categories = {"Other"};
    }
    const auto made = planner(two_bearers())->make_plan(live(alert), public_census());
    REQUIRE(made.plan.has_value());
    CHECK(warnings(made) == Names{"eventcode-known alert/info[1]/event"});
    CHECK(made.plan->event_key == "");
    CHECK(words_of(*order_at(*made.plan, "sms-a"), Form::sms, "zh-CN") ==
          "【北京预警】北京市气象台发布不明飞行物红色预警：门头沟、房山、延庆，至30日8时。"
          "远离危险区域，听从政府指挥，立即避险。");
}

TEST_CASE("H1: a language that the alert lacks gets the templates' words, and a warning") {
    auto alert = red_rain();
    alert.infos.pop_back();
    const auto plan = planned(*planner(two_bearers()), live(alert), public_census());
    CHECK(noted(plan, "language-missing", "nothing in en-US"));
    CHECK(words_of(*order_at(plan, "sms-a"), Form::sms, "en-US") ==
          "Beijing Alert: RED rainstorm warning, Mentougou, Fangshan, Yanqing, until 30 Jul 08:00. "
          "Stay in; leave valleys and riverbanks now. Beijing Met Observatory");
    const auto page = words_of(*order_at(plan, "web"), Form::page, "en-US");
    CHECK(page.find("not translated:\n" + alert.infos[0].description) != page.npos);
    CHECK(page.find("1. Stop outdoor activity and do not go out") != page.npos);
}

TEST_CASE("a language without templates falls back with a warning, never to silence") {
    auto e = endpoint("web", "web");
    e.languages = {"ja-JP", "en-GB"};
    const auto plan = planned(*planner(city({e})), live(red_rain()), {});
    CHECK(noted(plan, "language-missing", "no templates in ja-JP: web gets zh-CN"));
    CHECK(noted(plan, "language-missing", "no templates in en-GB: web gets en-US"));
    CHECK_FALSE(words_of(*order_at(plan, "web"), Form::headline, "zh-CN").empty());
    CHECK_FALSE(words_of(*order_at(plan, "web"), Form::headline, "en-US").empty());
}

TEST_CASE("H3: a long description goes at a sentence's end, the instruction stays, and it shows") {
    auto alert = red_rain();
    auto e = endpoint("web", "web");
    e.languages = {"zh-CN"};
    const auto page_in = [&](std::uint32_t room) {
        e.budgets = {{Form::page, Budget::Unit::characters, room, 1}};
        return planned(*planner(city({e})), live(alert), {});
    };
    const auto whole = words_of(*order_at(page_in(2000), "web"), Form::page, "zh-CN");
    const auto plan = page_in(std::uint32_t(characters(whole)) - 1);
    const auto page = words_of(*order_at(plan, "web"), Form::page, "zh-CN");
    CHECK(page.find("山洪风险极高！") != page.npos);
    CHECK(page.find("低洼地区易积水") == page.npos);
    CHECK(page.find(alert.infos[0].instruction) != page.npos);
    CHECK(noted(plan, "text-shortened", "1 of 3 sentences"));
    const auto none = page_in(20);
    CHECK(none.orders.empty());
    CHECK(noted(none, "text-over-budget", "web: no page in zh-CN"));
    CHECK(noted(none, "nothing-to-say", "web"));
}

TEST_CASE("an update updates where the alert was, publishes where it is new, withdraws elsewhere") {
    const auto first = red_rain();
    const auto maker = planner(
        city({endpoint("fangshan", "web", {"110111"}), endpoint("tongzhou", "web", {"110112"}),
              endpoint("yanqing", "web", {"110119"})}));
    const auto before = planned(*maker, live(first), {});
    CHECK(endpoints_of(before) == Names{"publish fangshan", "publish yanqing"});
    auto next = first;
    next.msg_type = cap::MsgType::update;
    next.sent = time("2026-07-29T21:00:00+08:00");
    for (auto& info : next.infos) {
        info.areas = {district("110111000000", "房山区"), district("110112000000", "通州区")};
        info.severity = cap::Severity::severe;
        info.parameters = {{"CN:severity", "Orange"}};
        info.headline.clear();
    }
    const auto after = planned(*maker, live(next, &before), {});
    CHECK(endpoints_of(after) == Names{"update fangshan", "publish tongzhou", "withdraw yanqing"});
    CHECK(words_of(*order_at(after, "fangshan"), Form::headline, "zh-CN")
              .starts_with("北京市气象台降级发布暴雨橙色预警信号"));
    CHECK(words_of(*order_at(after, "tongzhou"), Form::headline, "zh-CN")
              .starts_with("北京市气象台发布暴雨橙色预警信号"));
    const auto& gone = *order_at(after, "yanqing");
    CHECK(words_of(gone, Form::headline, "zh-CN") ==
          "北京市气象台21时解除暴雨红色预警信号：门头沟、房山、延庆");
    CHECK(std::get<contract::Regions>(gone.footprint).codes == Names{"110119"});
    const auto alone = planned(*maker, live(next), {});
    CHECK(endpoints_of(alone) == Names{"publish fangshan", "publish tongzhou"});
}

TEST_CASE(
    "a message goes again only if its text or the level changed; a cancel still finds whom it "
    "reached") {
    const auto first = red_rain();
    const auto maker = planner(two_bearers());
    const auto census = public_census();
    const auto before = planned(*maker, live(first), census);
    auto next = first;
    next.msg_type = cap::MsgType::update;
    next.sent = time("2026-07-29T18:00:00+08:00");
    next.infos[0].description = "雨量已达200毫米。";
    next.infos[1].description = "200 mm have fallen.";
    const auto quiet = planned(*maker, live(next, &before), census);
    CHECK(endpoints_of(quiet) == Names{"update web"});
    CHECK(noted(quiet, "update-not-repeated", "sms-a"));
    REQUIRE(quiet.standing.size() == 1);
    CHECK(quiet.standing[0].groups == before.orders[0].groups);

    auto graver = next;
    for (auto& info : graver.infos) info.expires = time("2026-07-30T12:00:00+08:00");
    const auto again = planned(*maker, live(graver, &quiet), census);
    CHECK(endpoints_of(again) == Names{"update sms-a", "update web"});
    CHECK(words_of(*order_at(again, "sms-a"), Form::sms, "zh-CN")
              .starts_with("【北京预警】北京市气象台更新暴雨红色预警："));
    CHECK(noted(again, "update-sent-again", "3570 people"));

    auto cancel = next;
    cancel.msg_type = cap::MsgType::cancel;
    cancel.infos.clear();
    const auto gone = planned(*maker, live(cancel, &quiet), census);
    CHECK(endpoints_of(gone) == Names{"withdraw sms-a", "withdraw web"});
    CHECK(order_at(gone, "sms-a")->groups == before.orders[0].groups);
}

TEST_CASE(
    "A2: a cancel goes to exactly what the alert reached, without info, after a new import too") {
    const auto first = red_rain();
    const auto maker = planner(two_bearers());
    const auto before = planned(*maker, live(first), public_census());
    cap::Alert cancel;
    cancel.identifier = "c1";
    cancel.sender = first.sender;
    cancel.sent = time("2026-07-30T06:00:00+08:00");
    cancel.msg_type = cap::MsgType::cancel;
    cancel.status = cap::Status::actual;
    cancel.references = {{first.sender, first.identifier, first.sent}};
    const auto plan = planned(*maker, live(cancel, &before), {});
    CHECK(endpoints_of(plan) == Names{"withdraw sms-a", "withdraw web"});
    CHECK(plan.level == Level::red);
    CHECK(plan.regions == three_districts);
    CHECK(plan.event_key == "rainstorm");
    CHECK(plan.facts.severity == "Extreme");
    CHECK(plan.expires >= cancel.sent.at + 24h);
    const auto& sms = *order_at(plan, "sms-a");
    CHECK(sms.audience_version == "public/v1");
    CHECK(sms.groups == before.orders[0].groups);
    CHECK(std::get<contract::Audience>(sms.footprint).recipients == 3570);
    CHECK(words_of(sms, Form::sms, "zh-CN") ==
          "【北京预警】北京市气象台30日6时解除门头沟、房山、延庆暴雨红色预警。");
    CHECK(words_of(sms, Form::sms, "en-US") ==
          "Beijing Alert: the red rainstorm warning for Mentougou, Fangshan, Yanqing is lifted "
          "(30 Jul 06:00). Beijing Meteorological Observatory");

    auto wrong = live(cancel, &before);
    wrong.corrects = true;
    CHECK(words_of(*order_at(planned(*maker, wrong, {}), "sms-a"), Form::sms, "zh-CN") ==
          "【北京预警】更正：29日17时30分发布的暴雨红色预警系误发，请勿采取行动。北京市气象台");
}

TEST_CASE("E5: a cancel of what nobody knows is planned, with no orders") {
    auto cancel = red_rain();
    cancel.msg_type = cap::MsgType::cancel;
    cancel.infos.clear();
    const auto plan = planned(*planner(two_bearers()), live(cancel), public_census());
    CHECK(plan.orders.empty());
    CHECK(noted(plan, "references-unknown"));
    auto overtaken = red_rain();
    overtaken.msg_type = cap::MsgType::update;
    const auto before = planned(*planner(two_bearers()), live(red_rain()), public_census());
    auto request = live(overtaken, &before);
    request.cancels = true;
    CHECK(endpoints_of(planned(*planner(two_bearers()), request, {})) ==
          Names{"withdraw sms-a", "withdraw web"});
}

TEST_CASE("an endpoint that is gone from the configuration is named when it ought to take back") {
    const auto before = planned(*planner(two_bearers()), live(red_rain()), public_census());
    auto cancel = red_rain();
    cancel.msg_type = cap::MsgType::cancel;
    const auto plan = planned(*planner(city({endpoint("web", "web")})), live(cancel, &before), {});
    CHECK(endpoints_of(plan) == Names{"withdraw web"});
    CHECK(noted(plan, "endpoint-gone", "sms-a"));
}

TEST_CASE("CAP B22: what is not public goes only where restricted alerts may go") {
    auto alert = red_rain();
    alert.scope = cap::Scope::restricted;
    auto closed = endpoint("ebd", "ebd");
    closed.restricted = true;
    const auto plan = planned(*planner(city({endpoint("web", "web"), closed})), live(alert), {});
    CHECK(endpoints_of(plan) == Names{"publish ebd"});
    CHECK(noted(plan, "scope-public"));
}

TEST_CASE("A11: Ack and Error are planned to nowhere") {
    auto alert = red_rain();
    for (const auto type : {cap::MsgType::ack, cap::MsgType::error}) {
        alert.msg_type = type;
        const auto plan = planned(*planner(two_bearers()), live(alert), public_census());
        CHECK(plan.orders.empty());
        CHECK(noted(plan, "type-unsupported"));
    }
}

TEST_CASE("contradictions in an alert are warned of, each with its path") {
    auto alert = red_rain();
    alert.infos[0].instruction.clear();
    alert.infos[0].headline = "【测试】北京市气象台发布暴雨橙色预警信号";
    alert.infos[1].severity = cap::Severity::moderate;
    CHECK(warnings(planner(two_bearers())->make_plan(live(alert), {})) ==
          Names{"level-mismatch alert/info[1]/headline", "instruction-missing alert/info[1]",
                "status-words alert/info[1]", "level-mismatch alert/info[2]/severity"});
    alert = red_rain();
    alert.status = cap::Status::exercise;
    auto request = live(alert);
    request.mode = Mode::exercise;
    CHECK(warnings(planner(two_bearers())->make_plan(request, {})) ==
          Names{"status-words alert/info[1]", "status-words alert/info[2]"});
}

TEST_CASE("H1: an update that changes one language and leaves the other is warned of") {
    const auto maker = planner(two_bearers());
    const auto before = planned(*maker, live(red_rain()), {});
    auto next = red_rain();
    next.msg_type = cap::MsgType::update;
    CHECK(warnings(maker->make_plan(live(next, &before), {})).empty());
    next.infos[0].description = "新的描述。";
    CHECK(warnings(maker->make_plan(live(next, &before), {})) == Names{"language-stale alert"});
    next.infos.pop_back();
    CHECK(warnings(maker->make_plan(live(next, &before), {})) == Names{"language-stale alert"});
}

TEST_CASE("a fault in the city or the templates keeps the planner from starting") {
    auto c = city({});
    c.languages = {"xx"};
    CHECK(Planner::make(c).has_error());
    c = city({});
    c.templates = "nowhere";
    CHECK(Planner::make(c).error().what ==
          "no folder of templates at nowhere; reading the templates");
    c = city({});
    c.atlas = nullptr;
    CHECK(Planner::make(c).has_error());
}

}  // namespace
}  // namespace tocsin::plan
