#include "channels/web/feed.hpp"

#include "channels/web/markup.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

namespace tocsin::web {
namespace {

const Instant noon{std::chrono::milliseconds(1'800'000'000'000)};
const Site site{"https://warn.example.org", "预警"};

Entry entry(std::uint32_t ordinal, contract::Level level, std::string headline) {
    Entry e;
    e.id = {ordinal, 1};
    e.level = level;
    e.msg_type = "Alert";
    e.facts = {"暴雨",
               "Extreme",
               "Immediate",
               "Observed",
               "bureau@example.org",
               "id-" + std::to_string(ordinal),
               noon,
               noon};
    e.expires = noon + std::chrono::hours(6);
    e.words = {{"zh-CN", std::move(headline), "停止户外活动"},
               {"en-US", "Red rainstorm warning", "Stay in"}};
    e.regions = {"110109"};
    e.geometry = R"({"type":"Point","coordinates":[116.1,39.9]})";
    e.cap = "<alert>…</alert>";
    return e;
}

const Document& at(const std::vector<Document>& all, std::string_view path) {
    for (const auto& document : all)
        if (document.path == path) return document;
    FAIL("no document " << path);
    return all.front();
}

TEST_CASE("an entry stands in page, Atom and GeoJSON, with its identifier, msgType and CAP") {
    const auto all = documents(site, {{7, entry(7, contract::Level::red, "暴雨红色预警")}}, noon);
    CHECK(at(all, "/").body.find("暴雨红色预警") != std::string::npos);
    const auto& atom = at(all, "/feeds/alerts.atom").body;
    CHECK(atom.find("<id>urn:tocsin:cap:bureau@example.org,id-7</id>") != std::string::npos);
    CHECK(atom.find("term=\"Alert\"") != std::string::npos);
    const auto json = boost::json::parse(at(all, "/feeds/alerts.geojson").body);
    const auto& feature = json.at("features").at(0);
    CHECK(feature.at("properties").at("identifier") == "id-7");
    CHECK(feature.at("geometry").at("coordinates").at(0).as_double() ==
          doctest::Approx(116.1));  // C4: longitude first
    const auto cap = cap_document(entry(7, contract::Level::red, "暴雨红色预警"));
    CHECK(cap.path == "/feeds/alerts/7-1.cap");
    CHECK(cap.body == "<alert>…</alert>");
}

TEST_CASE("A12: a Cancel only marks: it is never counted or read as in force") {
    auto lifted = entry(7, contract::Level::red, "解除暴雨红色预警");
    lifted.state = State::lifted;
    lifted.msg_type = "Cancel";
    const auto all = documents(site, {{7, lifted}}, noon);
    CHECK(at(all, "/").body.find("现有 0 条预警生效") != std::string::npos);
    CHECK(at(all, "/").body.find("in-force") == std::string::npos);
    CHECK(at(all, "/feeds/alerts.atom").body.find("term=\"Cancel\"") != std::string::npos);
}

TEST_CASE("G6: hostile text is inert in page and feeds") {
    const std::string hostile =
        "]]><script>alert(1)</script>&\"'\x01\xE2\x80\xAE\xFF" + std::string(1 << 20, 'x');
    const auto all = documents(site, {{7, entry(7, contract::Level::red, hostile)}}, noon);
    for (const auto* path : {"/", "/feeds/alerts.atom"}) {
        CAPTURE(path);
        const auto& body = at(all, path).body;
        CHECK(body.find("<script>") == std::string::npos);
        CHECK(body.find("]]>") == std::string::npos);
        CHECK(body.find('\x01') == std::string::npos);
        CHECK(body.find("\xE2\x80\xAE") == std::string::npos);
        CHECK(body.find('\xFF') == std::string::npos);
    }
    CHECK(escaped("<&>\"'") == "&lt;&amp;&gt;&quot;&#39;");
    CHECK(escaped("雨\xF0\x9F\x8C\xA7") == "雨\xF0\x9F\x8C\xA7");
}

TEST_CASE("the gravest is read first") {
    const auto all = documents(site,
                               {{1, entry(1, contract::Level::yellow, "黄色的")},
                                {2, entry(2, contract::Level::red, "红色的")}},
                               noon);
    const auto& page = at(all, "/").body;
    CHECK(page.find("红色的") < page.find("黄色的"));
}

TEST_CASE("A10: the state outlives a restart, and a damaged one is not an empty one") {
    const Entries entries{{7, entry(7, contract::Level::red, "a")},
                          {9, entry(9, contract::Level::blue, "b")}};
    const auto bytes = pack(entries);
    const auto back = unpack(bytes);
    REQUIRE(back.has_value());
    CHECK(pack(*back) == bytes);
    CHECK(unpack(bytes.substr(0, bytes.size() / 2)).has_error());
    CHECK(unpack(R"({"version":2,"entries":[]})").has_error());
}

}  // namespace
}  // namespace tocsin::web
