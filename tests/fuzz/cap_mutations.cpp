#include "server/cap/judge.hpp"
#include "server/cap/known.hpp"
#include "server/cap/report.hpp"
#include "tests/conformance/cap_mutate.hpp"
#include "tests/conformance/cap_reference.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>

/// Wrong, broken and hostile bodies through the judge: no crash (the sanitizer presets run this
/// too), bounded time, and answers that hold together. TOCSIN_SEED repeats or varies a run.
namespace tocsin::cap {
namespace {

constexpr int rounds = 10000;

/// Enough to reach every rule without the reference set.
constexpr std::string_view own = R"(<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>EX-1</identifier><sender>cap@weather.example.cn</sender>
  <sent>2026-07-21T14:05:00+08:00</sent><status>Actual</status><msgType>Update</msgType>
  <scope>Restricted</scope><restriction>staff</restriction><addresses>a "b c"</addresses>
  <code>profile:CN-EWIS:1</code><note>n</note>
  <references>cap@weather.example.cn,EX-0,2026-07-21T13:05:00+08:00</references>
  <incidents>"storm 4"</incidents>
  <info><language>zh-CN</language><category>Met</category><event>暴雨</event>
    <responseType>Shelter</responseType><urgency>Immediate</urgency><severity>Extreme</severity>
    <certainty>Observed</certainty><audience>all</audience>
    <eventCode><valueName>CN:eventType</valueName><value>11B03</value></eventCode>
    <effective>2026-07-21T14:05:00+08:00</effective><onset>2026-07-21T14:30:00-00:00</onset>
    <expires>2026-07-21T20:05:00+08:00</expires><senderName>台</senderName>
    <headline>暴雨红色预警</headline><description><![CDATA[a & b]]></description>
    <instruction>i &#65;</instruction><web>https://example.cn/</web><contact>c</contact>
    <parameter><valueName>p</valueName><value/></parameter>
    <resource><resourceDesc>map</resourceDesc><mimeType>image/png</mimeType><size>5</size>
      <uri>map.png</uri><derefUri>aGVsbG8=</derefUri>
      <digest>aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d</digest></resource>
    <area><areaDesc>海淀</areaDesc>
      <polygon>39.92,116.20 39.92,116.38 40.10,116.38 40.10,116.20 39.92,116.20</polygon>
      <circle>39.92,116.20 5</circle>
      <geocode><valueName>GB/T 2260</valueName><value>110108</value></geocode>
      <altitude>100</altitude><ceiling>300.5</ceiling></area></info>
  <ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo/></ds:Signature>
</alert>
)";

std::vector<std::string> seeds() {
    std::vector<std::string> out{std::string(own)};
    if (const auto folder = reference::folder())
        for (const auto& row : reference::manifest(*folder)) {
            auto bytes = reference::read(*folder + "/cap/" + row.at("path"));
            if (bytes.size() < 30000) out.push_back(std::move(bytes));
        }
    return out;
}

/// What must be true of every answer, whatever the question.
void hold_together(const Judged& judged) {
    bool error = false;
    for (const auto& found : judged.violations) {
        error = error || found.severity == Weight::error;
        REQUIRE_FALSE(found.rule.empty());
        REQUIRE_FALSE(found.message.empty());
        REQUIRE(found.line >= 0);
        REQUIRE(found.message.size() < 2000);
        REQUIRE(found.element.size() < 400);
    }
    REQUIRE(error == !judged.valid());
    REQUIRE(judged.violations.size() <= 100);
    const auto line = validate_json("x.xml", judged);
    REQUIRE(line.find('\n') == line.npos);
    if (!judged.valid()) return;
    const auto again = judge(write(*judged.alert));
    REQUIRE((again.alert == judged.alert));
}

double seconds() { return double(std::clock()) / CLOCKS_PER_SEC; }

TEST_CASE("C7, F: ten thousand broken bodies neither crash nor stop the judge") {
    const char* said = std::getenv("TOCSIN_SEED");
    const std::uint64_t seed = said ? std::stoull(said) : 20260721;
    reference::Random random(seed);
    const auto from = seeds();
    reference::silence();
    int valid = 0, refused = 0;
    double worst = 0;
    for (int round = 0; round < rounds; ++round) {
        std::string body = from[reference::pick(random, from.size())];
        if (round % 3 == 0) {
            reference::Mutator mutator(own);
            for (auto left = 1 + reference::pick(random, 4); left > 0; --left)
                mutator.mutate(random);
            body = mutator.bytes();
        }
        if (round % 3 != 0 || round % 2 == 0) body = reference::spoil(body, random);
        INFO("seed ", seed, " round ", round, "\n", body.substr(0, 2000));
        const double start = seconds();
        const auto judged = judge(body);
        worst = std::max(worst, seconds() - start);
        hold_together(judged);
        ++(judged.valid() ? valid : refused);
    }
    MESSAGE("seed ", seed, ": ", valid, " valid, ", refused, " refused, slowest ",
            static_cast<int>(worst * 1000), " ms");
    CHECK(valid > 50);
    CHECK(refused > rounds / 2);
    CHECK(worst < 2);  // of the slowest build, with sanitizers
}

TEST_CASE("bytes that were never XML are refused") {
    reference::Random random(4);
    for (int round = 0; round < 2000; ++round) {
        std::string body(reference::pick(random, 400), '\0');
        for (char& c : body) c = static_cast<char>(random());
        if (round % 2) body = "<alert" + body;
        REQUIRE_FALSE(judge(body).is_cap);
    }
}

}  // namespace
}  // namespace tocsin::cap
