#pragma once
#include "server/cap/judge.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <string_view>

/// For the tests of this folder: a right message, and ways to make it wrong.
namespace tocsin::cap {

inline constexpr std::string_view base = R"(<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>EX-BJ-20260721-0001</identifier>
  <sender>cap@weather.example.cn</sender>
  <sent>2026-07-21T14:05:00+08:00</sent>
  <status>Actual</status>
  <msgType>Alert</msgType>
  <scope>Public</scope>
  <info>
    <language>en-US</language>
    <category>Met</category>
    <event>Rainstorm</event>
    <responseType>Shelter</responseType>
    <urgency>Immediate</urgency>
    <severity>Extreme</severity>
    <certainty>Observed</certainty>
    <eventCode><valueName>CN:eventType</valueName><value>11B03</value></eventCode>
    <effective>2026-07-21T14:05:00+08:00</effective>
    <onset>2026-07-21T14:30:00+08:00</onset>
    <expires>2026-07-21T20:05:00+08:00</expires>
    <headline>Red rainstorm warning</headline>
    <web>https://warning.example.cn/1</web>
    <parameter><valueName>level</valueName><value>1</value></parameter>
    <resource>
      <resourceDesc>map</resourceDesc>
      <mimeType>image/png</mimeType>
      <size>5</size>
      <uri>map.png</uri>
      <derefUri>aGVsbG8=</derefUri>
      <digest>aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d</digest>
    </resource>
    <area>
      <areaDesc>Haidian</areaDesc>
      <polygon>39.92,116.20 39.92,116.38 40.10,116.38 40.10,116.20 39.92,116.20</polygon>
      <circle>39.92,116.20 5</circle>
      <geocode><valueName>GB/T 2260</valueName><value>110108</value></geocode>
      <altitude>100</altitude>
      <ceiling>300</ceiling>
    </area>
  </info>
</alert>
)";

/// The base with every `from` made `to`; an absent `from` is a mistake of the test.
inline std::string with(std::string_view from,
                        std::string_view to,
                        std::string text = std::string(base)) {
    const auto at = text.find(from);
    REQUIRE_MESSAGE(at != text.npos, std::string(from));
    return text.replace(at, from.size(), to);
}

inline std::string show(const Judged& judged) {
    std::string out;
    for (const auto& v : judged.violations)
        out += fmt::format("\n    {} {} {} {}: {}", v.line,
                           v.severity == Weight::error ? "error" : "warning", v.rule, v.element,
                           v.message);
    return out;
}

struct Row {
    std::string_view from, to, rule;
    long line;
    std::string_view element;
};

/// The change breaks that rule there, and no other.
inline void check(const Row& row, Weight weight) {
    const auto judged = judge(with(row.from, row.to));
    INFO(std::string(row.to), show(judged));
    REQUIRE(judged.violations.size() == 1);
    const auto& found = judged.violations[0];
    CHECK(found.rule == row.rule);
    CHECK(found.severity == weight);
    CHECK(found.line == row.line);
    CHECK(found.element == row.element);
    CHECK(found.message.size() > 20);
    CHECK(judged.valid() == (weight == Weight::warning));
}

}  // namespace tocsin::cap
