#include "server/cap/testing.hpp"

#include <algorithm>
#include <ctime>

namespace tocsin::cap {
namespace {

const std::string big(70000, 'x');

TEST_CASE("a message without fault is valid and says what it says") {
    const auto judged = judge(base);
    INFO(show(judged));
    REQUIRE(judged.valid());
    CHECK(judged.violations.empty());
    const auto& alert = *judged.alert;
    CHECK(alert.identifier == "EX-BJ-20260721-0001");
    CHECK(to_text(alert.sent) == "2026-07-21T14:05:00+08:00");
    CHECK(alert.status == Status::actual);
    CHECK(alert.msg_type == MsgType::alert);
    REQUIRE(alert.infos.size() == 1);
    const auto& info = alert.infos[0];
    CHECK(info.categories == std::vector<std::string>{"Met"});
    CHECK(info.severity == Severity::extreme);
    CHECK(info.event_codes == std::vector<Named>{{"CN:eventType", "11B03"}});
    CHECK(to_text(*info.expires) == "2026-07-21T20:05:00+08:00");
    REQUIRE(info.resources.size() == 1);
    CHECK(info.resources[0].size_bytes == 5);
    CHECK(info.resources[0].uri == "map.png");
    REQUIRE(info.areas.size() == 1);
    const auto& area = info.areas[0];
    REQUIRE(area.polygons.size() == 1);
    CHECK(area.polygons[0][1] == Point{39.92, 116.38});
    CHECK(area.circles == std::vector<Circle>{{{39.92, 116.20}, 5}});
    CHECK(area.ceiling_ft == 300);
    CHECK(judge(write(alert)).alert == alert);
}

TEST_CASE("what is no CAP 1.2 message at all is told so, with the line") {
    struct Not {
        std::string bytes;
        std::string_view rule;
        long line;
    };
    const std::string latin = with("Haidian", "Caf\xE9");
    const Not rows[] = {
        {"", "not-well-formed", 1},
        {"hello", "not-well-formed", 1},
        {"{\"alert\": 1}", "not-well-formed", 1},
        {with("Haidian", "A & B"), "not-well-formed", 33},
        {with("Haidian", "A&nbsp;B"), "not-well-formed", 33},
        {with("Haidian", "A\x01"), "not-well-formed", 33},
        {with("Haidian", std::string_view("A\0B", 3)), "not-well-formed", 33},
        {std::string(base) + '\0', "not-well-formed", 42},
        {with("</event>", "</evnt>"), "not-well-formed", 12},
        {with("<event>", "<cap:event>"), "not-well-formed", 12},
        {with("<info>", "<info a='1' a='2'>"), "not-well-formed", 9},
        {fmt::format("{}<alert/>", base), "not-well-formed", 42},
        {fmt::format(" {}", base), "not-well-formed", 1},
        {with("?>", "?>\n<!DOCTYPE alert>"), "doctype", 2},
        {with("?>", "?><!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>"), "doctype", 1},
        {latin, "bad-encoding", 33},
        {with("Haidian", "\xC0\xAF"), "bad-encoding", 33},
        {with("Haidian", "\xED\xA0\x80"), "bad-encoding", 33},
        {with("UTF-8", "UTF-7"), "bad-encoding", 1},
        {with("UTF-8", "UTF-16"), "bad-encoding", 1},
        {with("UTF-8", "GB18030"), "bad-encoding", 1},
        {with("UTF-8", "US-ASCII", latin), "bad-encoding", 33},
        {std::string("<\0a\0/\0>\0", 8), "bad-encoding", 1},
        {std::string("\xFF\xFE<\0a\0\x00\xD8>\0", 10), "bad-encoding", 1},
        {"<alerts xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"/>", "root", 1},
        {with("cap:1.2", "cap:1.3"), "root", 2},
        {with("cap:1.2", "cap:1.2 "), "root", 2},
        {with("cap:1.2", "CAP:1.2"), "root", 2},
    };
    for (const auto& row : rows) {
        const auto judged = judge(row.bytes);
        INFO(row.bytes.substr(0, 200), show(judged));
        REQUIRE(judged.violations.size() == 1);
        CHECK(judged.violations[0].rule == row.rule);
        CHECK(judged.violations[0].line == row.line);
        CHECK_FALSE(judged.valid());
        CHECK_FALSE(judged.is_cap);
    }
}

TEST_CASE("other versions and envelopes are named to the sender") {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"<alert xmlns='urn:oasis:names:tc:emergency:cap:1.1'/>", "CAP 1.1"},
        {"<alert xmlns='http://www.incident.com/cap/1.0'/>", "CAP 1.0"},
        {"<feed xmlns='http://www.w3.org/2005/Atom'/>", "Atom"},
        {"<EDXLDistribution xmlns='urn:oasis:names:tc:emergency:EDXL:DE:1.0'/>", "EDXL-DE"},
        {"<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'/>", "SOAP"},
        {"<rss version='2.0'/>", "RSS"},
        {"<alert/>", "no namespace"},
        {"<alerts xmlns='urn:oasis:names:tc:emergency:cap:1.2'/>", "bundle"},
        {"<html/>", "'html'"}};
    for (const auto& [bytes, word] : rows) {
        const auto judged = judge(bytes);
        REQUIRE(judged.violations.size() == 1);
        INFO(std::string(bytes), show(judged));
        CHECK(judged.violations[0].rule == "root");
        CHECK(judged.violations[0].message.find(word) != std::string::npos);
    }
}

TEST_CASE("encodings that are accepted read the same") {
    const auto text = with("Haidian", "Caf\xC3\xA9 \xF0\x9F\x8C\xA7");
    const auto utf8 = judge(text);
    REQUIRE(utf8.valid());
    CHECK(judge(fmt::format("\xEF\xBB\xBF{}", text)).alert == utf8.alert);
    std::string little = "\xFF\xFE", large = "\xFE\xFF";
    const auto unit = [&](unsigned u) {
        little += {char(u & 0xFF), char(u >> 8)};
        large += {char(u >> 8), char(u & 0xFF)};
    };
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        if (lead < 0x80)
            unit(lead), ++i;
        else if (lead < 0xE0)
            unit(0xE9), i += 2;
        else
            unit(0xD83C), unit(0xDF27), i += 4;
    }
    for (auto* wide : {&little, &large}) {
        const auto at = wide->find(std::string_view(wide == &little ? "8\0\"\0" : "\0008\0\"", 4));
        REQUIRE(at != wide->npos);
        wide->replace(at, 2,
                      wide == &little ? std::string("1\0006\0", 4) : std::string("\0001\0006", 4));
        CHECK(judge(*wide).alert == utf8.alert);
    }
    const auto latin = judge(with("UTF-8", "ISO-8859-1", with("Haidian", "Caf\xE9")));
    REQUIRE(latin.valid());
    CHECK(latin.alert->infos[0].areas[0].desc == "Caf\xC3\xA9");
    Limits chinese;
    chinese.gb18030 = true;
    const auto gb = judge(with("UTF-8", "GB18030", with("Haidian", "\xB1\xA9\xD3\xEA")), chinese);
    REQUIRE(gb.valid());
    CHECK(gb.alert->infos[0].areas[0].desc == "暴雨");
    CHECK_FALSE(judge(with("UTF-8", "GB18030", with("Haidian", "\xFF\xFF")), chinese).is_cap);
}

TEST_CASE("each rule of structure names its line, its element and the cure") {
    const Row rows[] = {
        {"<identifier>EX-BJ-20260721-0001</identifier>\n", "\n", "xsd", 4, "alert/identifier"},
        {"    <urgency>Immediate</urgency>", "", "xsd", 15, "alert/info[1]/urgency"},
        {"<category>Met</category>", "", "xsd", 12, "alert/info[1]/category"},
        {"<areaDesc>Haidian</areaDesc>", "", "xsd", 34, "alert/info[1]/area[1]/areaDesc"},
        {"<value>110108</value>", "", "xsd", 36, "alert/info[1]/area[1]/geocode[1]"},
        {"<mimeType>image/png</mimeType>", "", "xsd", 27, "alert/info[1]/resource[1]/mimeType"},
        {"<event>", "<event>Flood</event><event>", "xsd", 12, "alert/info[1]/event[2]"},
        {"<scope>Public</scope>", "<priority>1</priority><scope>Public</scope>", "xsd", 8,
         "alert/priority"},
        {"<headline>", "<info/><headline>", "xsd", 21, "alert/info[1]/info"},
        {"<headline>", "<Headline>a</Headline><headline>", "xsd", 21, "alert/info[1]/Headline"},
        {"<event>", "<event xmlns='urn:x'>", "xsd", 12, "alert/info[1]/event"},
        {"<info>", "<info id='1'>", "xsd", 9, "alert/info[1]/@id"},
        {"<headline>Red", "<headline><b>Red</b>", "xsd", 21, "alert/info[1]/headline"},
        {"<info>", "stray<info>", "xsd", 2, "alert"},
        {"<status>Actual</status>", "<status>Live</status>", "xsd", 6, "alert/status"},
        {"<status>Actual</status>", "<status> Actual</status>", "xsd", 6, "alert/status"},
        {"Observed", "Very Likely", "xsd", 16, "alert/info[1]/certainty"},
        {">Met<", ">Weather<", "xsd", 11, "alert/info[1]/category[1]"},
        {">en-US<", ">english_US!<", "xsd", 10, "alert/info[1]/language"},
        {"<sent>2026-07-21T14:05:00+08:00", "<sent>2026-07-21T06:05:00Z", "xsd", 5, "alert/sent"},
        {"<sent>2026-07-21", "<sent>2026-02-29", "xsd", 5, "alert/sent"},
        {">5</size>", ">5kB</size>", "xsd", 27, "alert/info[1]/resource[1]/size"},
        {">300<", ">300ft<", "xsd", 38, "alert/info[1]/area[1]/ceiling"},
        {"https://warning.example.cn/1", "http://[x", "xsd", 22, "alert/info[1]/web"},
        {"<sent>2026", "<sent> 2026", "datetime-form", 5, "alert/sent"},
        {"<sent>2026-07-21T14:05:00+08:00", "<sent>2026-07-20T24:00:00+08:00", "datetime-form", 5,
         "alert/sent"},
    };
    for (const auto& row : rows) check(row, Weight::error);
}

TEST_CASE("an element out of order is blamed itself, not what follows it") {
    constexpr std::string_view sent = "  <sent>2026-07-21T14:05:00+08:00</sent>\n";
    const auto late = judge(with("  <sender>", fmt::format("{}  <sender>", sent), with(sent, "")));
    REQUIRE(late.violations.size() == 1);
    CHECK(late.violations[0].line == 4);
    CHECK(late.violations[0].element == "alert/sent");
    constexpr std::string_view expires = "    <expires>2026-07-21T20:05:00+08:00</expires>\n";
    const auto moved =
        judge(with("    <web>", fmt::format("{}    <web>", expires), with(expires, "")));
    REQUIRE(moved.violations.size() == 1);
    CHECK(moved.violations[0].line == 21);
    CHECK(moved.violations[0].element == "alert/info[1]/expires");
}

TEST_CASE("a comment inside a value does not shorten it") {
    const auto judged = judge(with("cap@weather.example", "cap@weather<!-- x -->.exam<?p?>ple"));
    REQUIRE(judged.valid());
    CHECK(judged.alert->sender == "cap@weather.example.cn");
    CHECK(judge(with("Haidian", "<![CDATA[A & <B>]]>")).alert->infos[0].areas[0].desc == "A & <B>");
}

TEST_CASE("signatures come last, at most two, and are opaque") {
    const std::string_view signature =
        "<ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'><ds:Any "
        "a='1'/></ds:Signature>";
    const auto last = [&](int count) {
        std::string all;
        for (int i = 0; i < count; ++i) all += signature;
        return judge(with("</alert>", all + "</alert>"));
    };
    CHECK(last(2).valid());
    REQUIRE(last(3).violations.size() == 1);
    CHECK(last(3).violations[0].rule == "limit-signatures");
    CHECK(last(3).violations[0].element == "alert/Signature[3]");
    const auto early = judge(with("  <info>", fmt::format("{}<info>", signature)));
    REQUIRE(early.violations.size() == 1);
    CHECK(early.violations[0].rule == "signature-position");
    CHECK(early.violations[0].element == "alert/Signature");
    const auto inside = judge(with("<area>", fmt::format("{}<area>", signature)));
    REQUIRE(inside.violations.size() == 1);
    CHECK(inside.violations[0].rule == "xsd");
}

TEST_CASE("limits act and name what passed them") {
    const auto rule = [](const std::string& text, const Limits& limits = {}) {
        const auto judged = judge(text, limits);
        INFO(show(judged));
        REQUIRE(judged.violations.size() == 1);
        CHECK_FALSE(judged.valid());
        CHECK(judged.is_cap);
        return judged.violations[0].rule + " " + judged.violations[0].element;
    };
    Limits few;
    few.infos = few.areas = few.named_per_element = 1;
    const auto second = [](std::string_view from, std::string_view to) {
        const auto at = base.find(from), end = base.find(to) + to.size();
        std::string text(base);
        return text.insert(end, base.substr(at, end - at));
    };
    CHECK(rule(second("<info>", "</info>"), few) == "limit-infos alert/info[2]");
    CHECK(rule(second("<area>", "</area>"), few) == "limit-areas alert/info[1]/area[2]");
    CHECK(rule(second("<parameter>", "</parameter>"), few) ==
          "limit-named alert/info[1]/parameter[2]");
    Limits points;
    points.points_per_polygon = 4;
    CHECK(rule(std::string(base), points) == "limit-points alert/info[1]/area[1]/polygon[1]");
    points = {};
    points.points = 4;
    CHECK(rule(std::string(base), points) == "limit-points alert/info[1]/area[1]/polygon[1]");
    points = {};
    points.shapes = 1;
    CHECK(rule(std::string(base), points) == "limit-points alert/info[1]/area[1]/circle[1]");
    CHECK(rule(with("EX-BJ-20260721-0001", std::string(257, 'x'))) ==
          "limit-identifier alert/identifier");
    CHECK(rule(with("Red rainstorm", big)) == "limit-text alert/info[1]/headline");
    std::string deep, flood, spaces;
    for (int i = 0; i < 3000; ++i) deep += "<x>";
    for (int i = 0; i < 3000; ++i) deep += "</x>";
    CHECK(rule(with("<info>", deep + "<info>")) == "limit-depth alert");
    for (int i = 0; i < 40000; ++i) flood += fmt::format(" a{}=''", i);
    for (int i = 0; i < 2000; ++i) spaces += fmt::format(" xmlns:n{}='u'", i);
    CHECK(rule(with("<info>", fmt::format("<info{}>", flood))) == "xsd alert/info");
    CHECK(rule(with("<info>", fmt::format("<info{}>", flood.substr(0, 200)))) == "xsd alert/info");
    CHECK(rule(with("<info>", fmt::format("<info{}>", spaces))) == "limit-namespaces alert/info");
    const auto huge = judge(std::string(1048577, ' '));
    CHECK(huge.too_large);
    CHECK(huge.violations[0].rule == "limit-bytes");
}

TEST_CASE("a body of exactly the limit passes") {
    std::string ring = "39.92,116.20";
    const std::string_view rest = " 39.92,116.38 40.10,116.38 40.10,116.20 39.92,116.20";
    const auto empty = with("39.92,116.20 39.92,116.38 40.10,116.38 40.10,116.20 39.92,116.20", "");
    while (empty.size() + ring.size() + rest.size() < 1048576 - 13) ring += " 39.92,116.20";
    ring.append(1048576 - empty.size() - ring.size() - rest.size(), ' ');
    const auto text = with("<polygon>", "<polygon>" + ring + std::string(rest), empty);
    REQUIRE(text.size() == 1048576);
    Limits limits;
    const auto judged = judge(text, limits);
    INFO(show(judged));
    CHECK(judged.valid());
    limits.bytes = 1048575;
    CHECK(judge(text, limits).too_large);
}

TEST_CASE("C7: a hostile megabyte is answered at once") {
    const std::pair<std::string_view, std::string_view> rows[] = {{"<info>", "<x/>"},
                                                                  {"<info>", "<note/>"},
                                                                  {"Red", "&#65;"},
                                                                  {"Red", "<!---->"},
                                                                  {"Red", "<![CDATA[]]>"},
                                                                  {"Red", "<"},
                                                                  {"Red", "<a "},
                                                                  {"<info>", "<p:a/>"},
                                                                  {"39.92,116.20", "1,1 "},
                                                                  {"<area>", "<info><area>"},
                                                                  {"<parameter>", "<code>\n"},
                                                                  {"Red", "&amp;"}};
    for (const auto& [at, what] : rows) {
        std::string flood;
        while (flood.size() < 1000000) flood += what;
        const auto text = with(at, flood + std::string(at));
        const auto start = std::clock();
        const auto judged = judge(text);
        const double seconds = double(std::clock() - start) / CLOCKS_PER_SEC;
        INFO(std::string(what));
        CHECK(seconds < 1);  // 20 ms in a release build; sanitizers take their time
        CHECK(judged.violations.size() <= 100);
    }
}

TEST_CASE("all faults of a message are told at once, in order of lines, errors first to be kept") {
    auto text = with(">Actual<", ">Live<", with("<event>", "<event> </event><x/><event>"));
    text = with("39.92,116.38", "91,116.38", text);
    const auto judged = judge(text);
    std::vector<std::string> rules;
    for (const auto& v : judged.violations) rules.push_back(v.rule);
    CHECK(rules ==
          std::vector<std::string>{"xsd", "xsd", "xsd", "empty-required", "coordinate-range"});
    CHECK(std::ranges::is_sorted(judged.violations, {}, &Violation::line));
    std::string many;
    for (int i = 0; i < 500; ++i) many += "<headlin/>\n";
    CHECK(judge(with("<headline>", many + "<headline>")).violations.size() == 100);
}

}  // namespace
}  // namespace tocsin::cap
