#include "server/cap/judge.hpp"

#include <doctest/doctest.h>

namespace tocsin::cap {
namespace {

Alert small() {
    Alert alert;
    alert.identifier = "X-1";
    alert.sender = "s@example.cn";
    alert.sent = {Instant(std::chrono::seconds(1784614700)), std::chrono::hours(8), false};
    Info info;
    info.categories = {"Met"};
    info.event = "Rain";
    info.expires = Time{alert.sent.at + std::chrono::hours(6), std::chrono::hours(8), false};
    Area area;
    area.desc = "Haidian";
    area.geocodes = {{"GB/T 2260", "110108"}};
    info.areas.push_back(area);
    alert.infos.push_back(info);
    return alert;
}

Alert again(const Alert& alert) {
    const auto judged = judge(write(alert));
    REQUIRE_MESSAGE(judged.valid(), write(alert));
    return *judged.alert;
}

TEST_CASE("a message that was built is valid when written") {
    CHECK(judge(write(small())).violations.empty());
    CHECK(again(small()) == small());
}

TEST_CASE("G6: hostile text is inert and comes back as it was") {
    for (const std::string text :
         {"]]>", "<script>alert(1)</script>", "a & b &amp; &lt;", "\"'", "<![CDATA[x]]>",
          "<!-- -->", "line\r\nline\rline\n\ttab", "  edges  ", "\xE2\x80\xAE bidi",
          "\xF0\x9F\x8C\xA7 \xF0\xA0\xAE\xB7", "x\xC2\x85\xE2\x80\xA8y", "&#0;", "%s%n{}"}) {
        auto alert = small();
        alert.infos[0].description = alert.infos[0].event = text;
        alert.infos[0].parameters = {{text, text}};
        alert.note = text;
        CHECK(again(alert) == alert);
        CHECK(write(alert).find("]]>") == std::string::npos);
    }
    auto wrong = small();
    wrong.infos[0].description = "a\x01 b\x1B[2J \xFF\xC0 \xEF\xBF\xBF";
    wrong.infos[0].headline = std::string("zero \0 byte", 11);
    const auto read = again(wrong);
    CHECK(read.infos[0].headline == "zero \xEF\xBF\xBD byte");
    CHECK(read.infos[0].description.find('\x1B') == std::string::npos);
}

TEST_CASE("numbers are written without exponent and read back the same") {
    auto alert = small();
    alert.infos[0].areas[0].circles = {{{1e-7, -179.99999999999997}, 0.1}, {{-0.0, 90}, 20038}};
    alert.infos[0].areas[0].altitude_ft = -1234567.125;
    alert.infos[0].areas[0].polygons = {
        {{1.0 / 3, 2.0 / 3}, {1, 1.1}, {0.30000000000000004, 2}, {1.0 / 3, 2.0 / 3}}};
    const auto text = write(alert);
    CHECK(text.find("e-") == std::string::npos);
    CHECK(again(alert) == alert);
}

TEST_CASE("times are written with the offset they came with") {
    using std::chrono::minutes;
    const Instant at = std::chrono::sys_days(std::chrono::year(2026) / 7 / 21) + minutes(365);
    CHECK(to_text({at, minutes(480), false}) == "2026-07-21T14:05:00+08:00");
    CHECK(to_text({at, minutes(0), true}) == "2026-07-21T06:05:00-00:00");
    CHECK(to_text({at, minutes(0), false}) == "2026-07-21T06:05:00+00:00");
    CHECK(to_text({at, minutes(-210), false}) == "2026-07-21T02:35:00-03:30");
    CHECK(to_text({at + std::chrono::milliseconds(750), minutes(0), true}) ==
          "2026-07-21T06:05:00-00:00");
    CHECK(triple("s", "i", {at, minutes(480), false}) == "s,i,2026-07-21T14:05:00+08:00");
}

TEST_CASE("every part of an alert is written and read back") {
    auto alert = small();
    alert.msg_type = MsgType::update;
    alert.status = Status::exercise;
    alert.scope = Scope::private_;
    alert.addresses = "a \"b c\"";
    alert.source = "desk 4";
    alert.codes = {"profile:CN-EWIS:1", "x"};
    alert.note = "Exercise Red Lantern";
    alert.references = {{"s@example.cn", "X-0", alert.sent}, {"t", "Y", alert.sent}};
    alert.references[0].sent.at -= std::chrono::hours(1);
    alert.incidents = "\"storm 4\" flood";
    auto& info = alert.infos[0];
    info.language = "zh-CN";
    info.language_given = true;
    info.categories = {"Met", "Geo"};
    info.response_types = {"Shelter", "Avoid"};
    info.urgency = Urgency::future;
    info.severity = Severity::minor;
    info.certainty = Certainty::unlikely;
    info.audience = "all";
    info.event_codes = {{"a", "b"}, {"a", ""}};
    info.effective = info.onset = alert.sent;
    info.sender_name = "Bureau";
    info.headline = "暴雨红色预警";
    info.description = "d";
    info.instruction = "i";
    info.web = "https://example.cn/";
    info.contact = "c";
    info.parameters = {{"p", ""}, {"p", "2"}};
    info.resources = {{"map", "image/png", "https://example.cn/m.png", "", "", 12}};
    info.areas[0].polygons = {{{0, 0}, {0, 1}, {1, 1}, {0, 0}}, {{5, 5}, {5, 6}, {6, 6}, {5, 5}}};
    info.areas[0].altitude_ft = 100;
    info.areas[0].ceiling_ft = 200;
    alert.infos.push_back(info);
    alert.infos[1].language = "en-US";
    CHECK(again(alert) == alert);
}

}  // namespace
}  // namespace tocsin::cap
