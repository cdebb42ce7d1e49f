#include "server/cap/testing.hpp"

namespace tocsin::cap {
namespace {

TEST_CASE("each rule of identity and header names its line and its element") {
    const Row rows[] = {
        {"EX-BJ-20260721-0001", "", "identifier-empty", 3, "alert/identifier"},
        {"EX-BJ-20260721-0001", "EX 1", "identifier-chars", 3, "alert/identifier"},
        {"EX-BJ-20260721-0001", "EX,1", "identifier-chars", 3, "alert/identifier"},
        {"EX-BJ-20260721-0001", "EX&amp;1", "identifier-chars", 3, "alert/identifier"},
        {"EX-BJ-20260721-0001", "EX&#xA0;1", "identifier-chars", 3, "alert/identifier"},
        {"EX-BJ-20260721-0001", "EX&#x202E;1", "identifier-visible", 3, "alert/identifier"},
        {"EX-BJ-20260721-0001", "EX&#x200B;1", "identifier-visible", 3, "alert/identifier"},
        {"cap@weather.example.cn", "", "sender-empty", 4, "alert/sender"},
        {"cap@weather.example.cn", "cap weather", "sender-chars", 4, "alert/sender"},
        {">Alert<", ">Update<", "references-missing", 7, "alert/references"},
        {">Alert<", ">Cancel<", "references-missing", 7, "alert/references"},
        {">Public</scope>", ">Restricted</scope>", "scope-restriction", 8, "alert/restriction"},
        {">Public</scope>", ">Private</scope>", "scope-addresses", 8, "alert/addresses"},
        {">Public</scope>", ">Private</scope><addresses>a \"b c</addresses>", "quotes", 8,
         "alert/addresses"},
        {"<info>", "<incidents>\"storm</incidents><info>", "quotes", 9, "alert/incidents"},
    };
    for (const auto& row : rows) check(row, Weight::error);
    const Row warned[] = {
        {"<sent>2026-07-21T14:05:00+08:00", "<sent>2026-07-21T06:05:00+00:00", "datetime-utc", 5,
         "alert/sent"},
        {">Actual<", ">Exercise<", "exercise-note", 6, "alert/note"},
        {">Public</scope>", ">Public</scope><restriction>x</restriction>", "restriction-unused", 8,
         "alert/restriction"},
        {"<info>", "<references> </references><info>", "empty-element", 9, "alert/references"},
        {"<info>", "<references>a,b,2026-07-20T00:00:00+08:00</references><info>",
         "references-on-alert", 9, "alert/references"},
    };
    for (const auto& row : warned) check(row, Weight::warning);
}

TEST_CASE("references are read one by one") {
    const auto update = with(">Alert<", ">Update<");
    const auto named = [&](std::string_view references) {
        return judge(
            with("<info>", fmt::format("<references>{}</references><info>", references), update));
    };
    const auto two = named("a,b,2026-07-20T00:00:00+08:00\n  c,d,2026-07-19T00:00:00-00:00");
    INFO(show(two));
    REQUIRE(two.valid());
    REQUIRE(two.alert->references.size() == 2);
    CHECK(two.alert->references[1].sender == "c");
    CHECK(two.alert->references[1].sent.unknown_offset);
    for (const auto* bad :
         {"b", "a,b", "a,b,2026-07-20T00:00:00Z", "a,b,c,2026-07-20T00:00:00+08:00",
          ",b,2026-07-20T00:00:00+08:00", "a,,2026-07-20T00:00:00+08:00"}) {
        const auto judged = named(bad);
        REQUIRE_MESSAGE(judged.violations.size() == 1, bad);
        CHECK(judged.violations[0].rule == "references-form");
    }
    const auto self = named("cap@weather.example.cn,EX-BJ-20260721-0001,2026-07-21T14:05:00+08:00");
    REQUIRE(self.violations.size() == 1);
    CHECK(self.violations[0].rule == "references-self");
    const auto again =
        named("cap@weather.example.cn,EX-BJ-20260721-0001,2026-07-21T13:05:00+08:00");
    REQUIRE(again.valid());
    CHECK(again.violations[0].rule == "identifier-reused");
    std::string many;
    for (int i = 0; i < 257; ++i) many += fmt::format("a,{},2026-07-20T00:00:00+08:00 ", i);
    CHECK(named(many).violations[0].rule == "limit-references");
}

TEST_CASE("an Error without a reason is accepted and asked for one") {
    const auto from = base.find("  <info>"), to = base.find("</alert>");
    std::string text(base);
    text.replace(from, to - from, "  <references>a,b,2026-07-20T00:00:00+08:00</references>\n");
    const auto judged = judge(with(">Alert<", ">Error<", text));
    REQUIRE(judged.valid());
    REQUIRE(judged.violations.size() == 1);
    CHECK(judged.violations[0].rule == "error-note");
    CHECK(judge(with(">Alert<", ">Cancel<", text)).violations.empty());
    const auto none = judge(with(">Alert<", ">Update<", text));
    REQUIRE(none.violations.size() == 1);
    CHECK(none.violations[0].rule == "no-info");
    CHECK(none.violations[0].line == 7);
    CHECK(none.violations[0].element == "alert/info");
}

TEST_CASE("each rule of content names its line and its element") {
    const Row rows[] = {
        {">Rainstorm<", "> <", "empty-required", 12, "alert/info[1]/event"},
        {"<valueName>level<", "<valueName><", "empty-required", 23,
         "alert/info[1]/parameter[1]/valueName"},
        {"<effective>2026-07-21T14:05:00", "<effective>2026-07-21T20:05:00",
         "expires-before-effective", 20, "alert/info[1]/expires"},
    };
    for (const auto& row : rows) check(row, Weight::error);
    const std::string long_headline = "<headline>" + std::string(161, 'x');
    const Row warned[] = {
        {"<onset>2026-07-21T14:30", "<onset>2026-07-21T20:30", "expires-before-onset", 20,
         "alert/info[1]/expires"},
        {"    <expires>2026-07-21T20:05:00+08:00</expires>", "", "no-expires", 9,
         "alert/info[1]/expires"},
        {"<headline>Red rainstorm warning", long_headline, "headline-long", 21,
         "alert/info[1]/headline"},
        {"https://warning.example.cn/1", "warning.example.cn", "uri-absolute", 22,
         "alert/info[1]/web"},
        {"https://warning.example.cn/1", "https://a/b c", "uri-absolute", 22, "alert/info[1]/web"},
        {"https://warning.example.cn/1", "javascript:alert(1)", "uri-scheme", 22,
         "alert/info[1]/web"},
        {"Red rainstorm", "Red \xE2\x80\xAE rainstorm", "text-controls", 21,
         "alert/info[1]/headline"},
        {"Red rainstorm", "Red \xC2\x85 rainstorm", "text-controls", 21, "alert/info[1]/headline"},
    };
    for (const auto& row : warned) check(row, Weight::warning);
    const auto foreign = judge(with("    <language>en-US</language>\n", "",
                                    with("Red rainstorm warning", "暴雨红色预警信号正在生效")));
    REQUIRE(foreign.violations.size() == 1);
    CHECK(foreign.violations[0].rule == "language");
    CHECK(foreign.violations[0].element == "alert/info[1]/language");
}

TEST_CASE("what expired before it was sent is refused, unless it ends something") {
    const auto text = with("<onset>2026-07-21T14:30:00+08:00</onset>", "",
                           with("<expires>2026-07-21T20:05", "<expires>2026-07-21T14:05"));
    const auto alert = judge(text);
    REQUIRE(alert.violations.size() == 1);
    CHECK(alert.violations[0].rule == "expires-before-sent");
    CHECK_FALSE(alert.valid());
    const auto cancel =
        judge(with("<info>", "<references>a,b,2026-07-20T00:00:00+08:00</references><info>",
                   with(">Alert<", ">Cancel<", text)));
    REQUIRE(cancel.violations.size() == 1);
    CHECK(cancel.violations[0].rule == "expires-before-sent");
    CHECK(cancel.valid());
}

TEST_CASE("a link that no channel may carry does not get into the alert") {
    const auto script = judge(with("https://warning.example.cn/1", "JavaScript:alert(1)"));
    REQUIRE(script.valid());
    CHECK(script.alert->infos[0].web.empty());
}

TEST_CASE("H1: a translation that says other facts is told so") {
    const auto from = base.find("  <info>"), to = base.find("</alert>");
    std::string second(base.substr(from, to - from));
    second = with("en-US", "zh-CN", second);
    const auto both = [&](std::string_view block) {
        auto text = std::string(base);
        return judge(text.insert(text.find("</alert>"), block));
    };
    CHECK(both(second).violations.empty());
    const auto other = both(with("20:05:00", "22:05:00", second));
    REQUIRE(other.violations.size() == 1);
    CHECK(other.violations[0].rule == "info-language-set");
    CHECK(other.violations[0].element == "alert/info[2]");
    CHECK(other.valid());
    CHECK(both(with(">Extreme<", ">Minor<", second)).violations[0].rule == "info-language-set");
}

TEST_CASE("C2: an alert without an area warns nobody; the intake refuses it") {
    const auto from = base.find("    <area>"), to = base.find("  </info>");
    std::string text(base);
    text.erase(from, to - from);
    const auto file = judge(text);
    REQUIRE(file.violations.size() == 1);
    CHECK(file.violations[0].rule == "no-area");
    CHECK(file.valid());
    Limits intake;
    intake.area_required = true;
    CHECK_FALSE(judge(text, intake).valid());
    CHECK(judge(base, intake).valid());
}

TEST_CASE("each rule of resources drops what is defective and says so") {
    constexpr std::string_view digest =
        "      <digest>aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d</digest>\n";
    const Row rows[] = {
        {"image/png", "image", "mime-type", 26, "alert/info[1]/resource[1]/mimeType"},
        {"image/png", "application/x-msdownload", "mime-type", 26,
         "alert/info[1]/resource[1]/mimeType"},
        {"aGVsbG8=", "aGVsbG8", "derefuri-base64", 29, "alert/info[1]/resource[1]/derefUri"},
        {">5</size>", ">-5</size>", "resource-size", 27, "alert/info[1]/resource[1]/size"},
        {">5</size>", ">6</size>", "resource-size", 27, "alert/info[1]/resource[1]/size"},
        {"aaf4c61d", "aaf4c61", "digest-form", 30, "alert/info[1]/resource[1]/digest"},
        {"aaf4c61d", "baf4c61d", "digest-mismatch", 30, "alert/info[1]/resource[1]/digest"},
        {"      <derefUri>aGVsbG8=</derefUri>\n", "", "uri-absolute", 28,
         "alert/info[1]/resource[1]/uri"},
    };
    for (const auto& row : rows) check(row, Weight::warning);
    const auto left = [](const std::string& text) { return judge(text).alert->infos[0].resources; };
    CHECK(left(with("image/png", "image")).empty());
    CHECK(left(with("aaf4c61d", "baf4c61d")).empty());
    CHECK(left(with("aGVsbG8=", "!")).empty());
    CHECK_FALSE(left(with(">5</size>", ">-5</size>"))[0].size_bytes.has_value());
    CHECK(left(with(digest, ""))[0].deref_uri == "aGVsbG8=");
    // <script> inside HTML that would run in a reader's browser
    const auto script =
        with("aGVsbG8=", "PHNjcmlwdD4=", with("image/png", "text/html", with(digest, "")));
    CHECK(left(with(">5<", ">8<", script)).empty());
    const auto none =
        judge(with("      <uri>map.png</uri>\n", "",
                   with("      <derefUri>aGVsbG8=</derefUri>\n", "", with(digest, ""))));
    REQUIRE(none.violations.size() == 1);
    CHECK(none.violations[0].rule == "resource-empty");
}

TEST_CASE("each rule of areas names its line and its element") {
    constexpr std::string_view ring =
        "39.92,116.20 39.92,116.38 40.10,116.38 40.10,116.20 39.92,116.20";
    constexpr std::string_view polygon = "alert/info[1]/area[1]/polygon[1]",
                               circle = "alert/info[1]/area[1]/circle[1]";
    const Row rows[] = {
        {">Haidian<", "><", "empty-required", 33, "alert/info[1]/area[1]/areaDesc"},
        {"39.92,116.38", "39.92 116.38", "polygon-form", 34, polygon},
        {"39.92,116.38", "+39.92,116.38", "polygon-form", 34, polygon},
        {"39.92,116.38", "39.92,116.38,0", "polygon-form", 34, polygon},
        {"39.92,116.38", "3.992e1,116.38", "polygon-form", 34, polygon},
        {"39.92,116.38", "nan,116.38", "polygon-form", 34, polygon},
        {"39.92,116.38", "39.92,116.38\xC2\xB0", "polygon-form", 34, polygon},
        {ring, "", "polygon-min", 34, polygon},
        {ring, "1,1 2,2 1,1", "polygon-min", 34, polygon},
        {"40.10,116.20 39.92,116.20", "40.10,116.20 39.92,116.21", "polygon-closed", 34, polygon},
        {"39.92,116.38", "39.92,181", "coordinate-range", 34, polygon},
        {"39.92,116.38", "90.5,116.38", "coordinate-range", 34, polygon},
        {"116.20 5<", "116.20<", "circle-form", 35, circle},
        {"116.20 5<", "116.20  5<", "circle-form", 35, circle},
        {"116.20 5<", "116.20 5km<", "circle-form", 35, circle},
        {"116.20 5<", "116.20,5<", "circle-form", 35, circle},
        {"116.20 5<", "216.20 5<", "coordinate-range", 35, circle},
        {"116.20 5<", "116.20 -5<", "circle-radius", 35, circle},
        {"116.20 5<", "116.20 20039<", "circle-radius", 35, circle},
        {"      <altitude>100</altitude>", "", "ceiling-alone", 38,
         "alert/info[1]/area[1]/ceiling"},
    };
    for (const auto& row : rows) check(row, Weight::error);
    const Row warned[] = {
        {ring, "1,1 2,2 3,3 1,1", "polygon-area", 34, polygon},
        {ring, "1,1 2,2 1,2 2,1 1,1", "polygon-simple", 34, polygon},
        {ring, "0,0 0,2 2,2 2,1 0,1 2,0 0,0", "polygon-simple", 34, polygon},
        {ring, "-18,179 -17,179 -17,-179 -18,-179 -18,179", "polygon-antimeridian", 34, polygon},
        {"116.20 5<", "116.20 0<", "circle-zero", 35, circle},
        {">300<", ">50<", "ceiling-order", 38, "alert/info[1]/area[1]/ceiling"},
    };
    for (const auto& row : warned) check(row, Weight::warning);
    const auto line =
        judge(with("      <circle>39.92,116.20 5</circle>\n", "", with(ring, "1,1 2,2 3,3 1,1")));
    REQUIRE(line.violations.size() == 1);
    CHECK(line.violations[0].rule == "polygon-area");
    CHECK_FALSE(line.valid());
}

TEST_CASE("C4: a polygon with longitude first is refused with that hint") {
    const auto judged =
        judge(with("39.92,116.20 39.92,116.38 40.10,116.38 40.10,116.20 39.92,116.20",
                   "116.20,39.92 116.38,39.92 116.38,40.10 116.20,40.10 116.20,39.92"));
    REQUIRE(judged.violations.size() == 1);
    CHECK(judged.violations[0].rule == "coordinate-range");
    CHECK(judged.violations[0].message.find("longitude were written first") != std::string::npos);
}

TEST_CASE("H6: line breaks in polygons, codes and circles are white space, not faults") {
    const auto judged = judge(with(
        "39.92,116.38 ", "39.92,116.38\n\t ",
        with("<circle>39.92", "<circle>\n39.92", with("<info>", "<code>\n a\n</code><info>"))));
    INFO(show(judged));
    CHECK(judged.valid());
    CHECK(judged.violations.empty());
}

}  // namespace
}  // namespace tocsin::cap
