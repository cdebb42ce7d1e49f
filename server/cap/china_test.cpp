#include "server/cap/china.hpp"

#include "server/cap/judge.hpp"
#include "server/cap/plain.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace tocsin::cap {
namespace {

constexpr std::string_view small = R"(<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="http://com.icss.amp">
  <identifier>41000041600000_20200205105119</identifier>
  <sender>河南省气象局</sender>
  <senderCode>41000041600000</senderCode>
  <sendTime>2020-02-05 10:51:19+08:00</sendTime>
  <status>Actual</status>
  <msgType>Update</msgType>
  <scope>Public</scope>
  <code>
    <method><methodName>SMS</methodName><message>短信</message>
      <audienceGrp>G01002,G01003,</audienceGrp><audenceprt>,</audenceprt></method>
    <method><methodName>SPEAKER</methodName><message/><audienceGrp/><audenceprt>,</audenceprt></method>
  </code>
  <secClassification>None</secClassification>
  <note/>
  <references>41000041600000_20200205080000</references>
  <info>
    <language>zh-CN</language>
    <eventType>11B06</eventType>
    <urgency>Unknown</urgency>
    <severity>Blue</severity>
    <certainty>VeryLikely</certainty>
    <effective>2020-02-05 10:52:00+08:00</effective>
    <onset/>
    <expires/>
    <senderName>值班员</senderName>
    <headline>河南省气象局继续发布大风蓝色预警[IV级/一般]</headline>
    <description>预计有大风</description>
    <instruction/>
    <web/>
    <area>
      <areaDesc>河南省,郑州市，河南省</areaDesc>
      <polygon/><circle/>
      <geocode>410000000000,410100000000，410000000000</geocode>
    </area>
  </info>
</alert>
)";

std::string with(std::string_view from,
                 std::string_view to,
                 std::string text = std::string(small)) {
    const auto at = text.find(from);
    REQUIRE_MESSAGE(at != text.npos, std::string(from));
    return text.replace(at, from.size(), to);
}

Alert read(const std::string& text) {
    auto alert = from_national(text);
    REQUIRE_MESSAGE(alert.has_value(), alert.error().what);
    return *alert;
}

TEST_CASE("a national message becomes a valid CAP 1.2 alert") {
    const auto national = read_national(small);
    REQUIRE(national.has_value());
    const auto& alert = national->alert;
    CHECK(alert.identifier == "41000041600000_20200205105119");
    CHECK(alert.sender == "41000041600000@warning.example");
    CHECK(to_text(alert.sent) == "2020-02-05T10:51:19+08:00");
    REQUIRE(alert.references.size() == 1);
    CHECK(to_text(alert.references[0].sent) == "2020-02-05T08:00:00+08:00");
    CHECK(alert.note.empty());
    CHECK(national->signer == "值班员");
    REQUIRE(alert.infos.size() == 1);
    const auto& info = alert.infos[0];
    CHECK(info.sender_name == "河南省气象局");
    CHECK(info.event == "大风");
    CHECK(info.categories == std::vector<std::string>{"Met"});
    CHECK(info.severity == Severity::minor);
    CHECK(info.certainty == Certainty::likely);
    CHECK_FALSE(info.onset.has_value());
    CHECK_FALSE(info.expires.has_value());
    CHECK(info.parameters == std::vector<Named>{{"CN:severity", "Blue"},
                                                {"CN:level", "IV"},
                                                {"CN:senderCode", "41000041600000"},
                                                {"CN:method.SMS", "短信"},
                                                {"CN:audienceGrp.SMS", "G01002,G01003"},
                                                {"CN:method.SPEAKER", "预计有大风"}});
    REQUIRE(info.areas.size() == 2);
    CHECK(info.areas[1].desc == "郑州市");
    CHECK(info.areas[1].geocodes == std::vector<Named>{{"CPEAS Geographic Code", "410100000000"}});
    const auto judged = judge(write(alert));
    REQUIRE(judged.valid());
    CHECK(judged.alert == alert);
}

TEST_CASE("the signer, a person, is in no published part") {
    const auto text = write(read(std::string(small)));
    CHECK(text.find("值班员") == std::string::npos);
}

TEST_CASE("both dialects of namespace and both lengths of identifier are read") {
    const auto plain = with(" xmlns=\"http://com.icss.amp\"", "");
    CHECK(read(plain) == read(std::string(small)));
    CHECK(read(with("20200205105119<", "20200205105119_0<")).identifier.size() == 31);
    CHECK(read(with("<alert xmlns=", "<a:alert xmlns:a=", with("</alert>", "</a:alert>"))) ==
          read(std::string(small)));
    for (const auto* name : {"41000041600000_2020020510511", "41000041600000-20200205105119",
                             "41000041600000_20200205105119_x", ""})
        CHECK(from_national(with("41000041600000_20200205105119", name)).has_error());
}

TEST_CASE("outlines come over with kilometres and latitude first; a line is no area") {
    const auto circle = read(with("<circle/>", "<circle>34.7,113.6 2500</circle>"));
    REQUIRE(circle.infos[0].areas.size() == 1);
    CHECK(circle.infos[0].areas[0].circles == std::vector<Circle>{{{34.7, 113.6}, 2.5}});
    CHECK(circle.infos[0].areas[0].geocodes.size() == 2);
    const auto swapped = read(with("<circle/>", "<circle>113.6,34.7 0</circle>"));
    CHECK(swapped.infos[0].areas[0].circles == std::vector<Circle>{{{34.7, 113.6}, 0}});
    const auto ring = read(with("<polygon/>", "<polygon>34,113 34,114 35,114 34,113</polygon>"));
    CHECK(ring.infos[0].areas[0].polygons.size() == 1);
    const auto line = read_national(with("<polygon/>", "<polygon>34,113 34,114 35,114</polygon>"));
    REQUIRE(line.has_value());
    CHECK(line->alert.infos[0].areas[0].polygons.empty());
    CHECK(line->left_out == std::vector<std::string>{"a line of 3 points"});
    CHECK(from_national(with("<circle/>", "<circle>34.7,113.6</circle>")).has_error());
    CHECK(from_national(with("<polygon/>", "<polygon>34;113</polygon>")).has_error());
}

TEST_CASE("what is not in the profile is refused with the place") {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"<status>Actual<", "<status>System<"},
        {">Update<", ">Ack<"},
        {">Public<", ">Private<"},
        {">None<", ">Secret<"},
        {"2020-02-05 10:51:19+08:00", "2020-02-30 10:51:19+08:00"},
        {"<senderCode>41000041600000", "<senderCode>41"},
        {">41000041600000_20200205080000<", "><"},
        {">11B06<", "><"},
        {">Blue<", ">Purple<"},
        {"2020-02-05 10:52:00+08:00", "today"},
        {">VeryLikely<", ">Sure<"},
        {"<info>", "<other>"}};
    for (const auto& [from, to] : rows) {
        auto text = with(from, to);
        if (from == "<info>") text = with("</info>", "</other>", text);
        const auto alert = from_national(text);
        REQUIRE_MESSAGE(alert.has_error(), std::string(to));
        CHECK(alert.error().cause == Cause::malformed);
    }
    CHECK(from_national("").has_error());
    CHECK(from_national("<alert>").has_error());
    CHECK(from_national(with("?>", "?><!DOCTYPE alert>")).has_error());
    CHECK(from_national(with("?>", "?><!DOCTYPE a [<!ENTITY x 'y'>]>")).has_error());
    std::string deep;
    for (int i = 0; i < 100; ++i) deep += "<a>";
    CHECK(from_national(deep).has_error());
}

TEST_CASE("inner messages stay inner, both ways") {
    const auto alert = read(with(">None<", ">Inner<"));
    CHECK(alert.scope == Scope::restricted);
    const auto back = to_national(alert);
    REQUIRE(back.has_value());
    CHECK(back->find("<secClassification>Inner<") != std::string::npos);
    auto other = alert;
    other.restriction = "staff";
    CHECK(to_national(other).has_error());
    other.scope = Scope::private_;
    CHECK(to_national(other).has_error());
}

TEST_CASE("there and back again says the same") {
    const auto alert = read(std::string(small));
    const auto text = to_national(alert);
    REQUIRE(text.has_value());
    CHECK(read(*text) == [&] {
        auto same = alert;  // urgency and certainty are always Unknown there
        same.infos[0].certainty = Certainty::unknown;
        return same;
    }());
    CHECK(text->find("<sendTime>2020-02-05 10:51:19+08:00<") != std::string::npos);
    CHECK(text->find("<audenceprt>,<") != std::string::npos);
    CHECK(text->find("<geocode>410000000000,410100000000<") != std::string::npos);
    CHECK(text->find("<onset/>") != std::string::npos);
}

TEST_CASE("a foreign alert gets a national name, Beijing time and twelve digits") {
    auto alert = read(std::string(small));
    alert.identifier = "urn:oid:2.49.0.1.156.7";
    alert.sent = {alert.sent.at, std::chrono::minutes(0), true};
    alert.status = Status::exercise;
    alert.infos[0].areas.resize(1);
    alert.infos[0].areas[0].geocodes = {{"GB/T 2260", "410100"}, {"other", "7"}};
    alert.infos[0].description = "a < b & c ]]>";
    const auto text = to_national(alert);
    REQUIRE(text.has_value());
    CHECK(text->find("<identifier>41000041600000_20200205105119<") != std::string::npos);
    CHECK(text->find("<status>Test<") != std::string::npos);
    CHECK(text->find("<geocode>410100000000<") != std::string::npos);
    CHECK(text->find("]]>") == std::string::npos);
    CHECK(read(*text).infos[0].description == "a < b & c ]]>");
}

TEST_CASE("what the profile cannot say is refused") {
    const auto alert = read(std::string(small));
    const auto refused = [&](auto change) {
        auto other = alert;
        change(other);
        const auto text = to_national(other);
        return text.has_error() && text.error().cause == Cause::refused;
    };
    CHECK(refused([](Alert& a) { a.status = Status::system; }));
    CHECK(refused([](Alert& a) { a.msg_type = MsgType::ack; }));
    CHECK(refused([](Alert& a) { a.infos[0].language = "en-US"; }));
    CHECK(refused([](Alert& a) { a.infos[0].parameters.clear(); }));
    CHECK(refused([](Alert& a) { a.infos[0].event_codes.clear(); }));
    CHECK(refused([](Alert& a) { a.references.clear(); }));
    CHECK(refused([](Alert& a) { a.infos[0].areas[0].geocodes.clear(); }));
    CHECK(refused([](Alert& a) {
        a.infos.push_back(a.infos[0]);
        a.infos[1].severity = Severity::extreme;
    }));
    CHECK(refused([](Alert& a) {
        a.infos[0].areas[0].geocodes.clear();
        a.infos[0].areas[0].circles = {{{34, 113}, 1}, {{35, 113}, 1}};
    }));
}

TEST_CASE("headlines are read greedily") {
    using H = Headline;
    CHECK(parse_headline("河南省气象局发布大风蓝色预警[IV级/一般]") ==
          H{"河南省气象局", "发布", "", "大风", "蓝"});
    CHECK(parse_headline("北京市预警信息发布中心发布暴雨红色预警信号") ==
          H{"北京市预警信息发布中心", "发布", "", "暴雨", "红"});
    CHECK(parse_headline("市气象台升级发布暴雨橙色预警信号[II级/严重]") ==
          H{"市气象台", "发布", "升级", "暴雨", "橙"});
    CHECK(parse_headline("北京市气象台解除暴雨红色预警[I级/特别严重]") ==
          H{"北京市气象台", "解除", "", "暴雨", "红"});
    CHECK(parse_headline("某台更新寒潮黄色预警") == H{"某台", "更新", "", "寒潮", "黄"});
    CHECK_FALSE(parse_headline("北京市气象台发布暴雨预报").has_value());
    CHECK_FALSE(parse_headline("发布红色预警").has_value());
    CHECK_FALSE(parse_headline("").has_value());
    CHECK_FALSE(parse_headline("]").has_value());
}

TEST_CASE("lists are split at both commas") {
    CHECK(split_list("a, b，c,,") == std::vector<std::string>{"a", "b", "c"});
    CHECK(split_list(",").empty());
    CHECK(split_list("").empty());
}

std::string file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> codes(const Info& info) {
    std::vector<std::string> out;
    for (const auto& area : info.areas)
        for (const auto& code : area.geocodes) out.push_back(code.value);
    std::ranges::sort(out);
    return out;
}

/// The pairs leave out the groups of recipients, which we keep.
std::vector<Named> without_groups(std::vector<Named> parameters) {
    std::erase_if(parameters, [](const Named& p) { return p.name.starts_with("CN:audienceGrp."); });
    return parameters;
}

TEST_CASE("the reference pairs, national and CAP 1.2, say the same") {
    const char* said = std::getenv("TOCSIN_SHARED");
    const std::filesystem::path folder =
        std::filesystem::path(said ? said : "../shared") / "china/samples";
    if (!std::filesystem::exists(folder)) {
        fmt::print("SKIPPED: no reference data at {} (set TOCSIN_SHARED)\n", folder.string());
        return;
    }
    int pairs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "national")) {
        INFO(entry.path().string());
        const auto ours = read(file(entry.path()));
        const auto judged = judge(file(folder / "cap12" / entry.path().filename()));
        REQUIRE(judged.valid());
        const auto& theirs = *judged.alert;
        CHECK(ours.identifier == theirs.identifier);
        CHECK(ours.sender == theirs.sender);
        CHECK(ours.sent == theirs.sent);
        CHECK(ours.status == theirs.status);
        CHECK(ours.msg_type == theirs.msg_type);
        CHECK(ours.scope == theirs.scope);
        CHECK(ours.codes == theirs.codes);
        CHECK(ours.note == theirs.note);
        CHECK(ours.references == theirs.references);
        const auto &a = ours.infos.at(0), &b = theirs.infos.at(0);
        CHECK(a.language == b.language);
        CHECK(a.categories == b.categories);
        CHECK(a.event == b.event);
        CHECK(a.urgency == b.urgency);
        CHECK(a.severity == b.severity);
        CHECK(a.certainty == b.certainty);
        CHECK(a.event_codes == b.event_codes);
        CHECK(a.effective == b.effective);
        CHECK(a.onset == b.onset);
        CHECK(a.expires == b.expires);
        CHECK(a.sender_name == b.sender_name);
        CHECK(a.headline == b.headline);
        CHECK(a.description == b.description);
        CHECK(a.instruction == b.instruction);
        CHECK(without_groups(a.parameters) == b.parameters);
        CHECK(codes(a) == codes(b));
        if (!a.areas[0].circles.empty()) CHECK(a.areas[0].circles == b.areas[0].circles);
        CHECK(judge(write(ours)).valid());
        const auto back = to_national(theirs);
        REQUIRE_MESSAGE(back.has_value(), back.error().what);
        const auto again = read(*back);
        CHECK(again.identifier == ours.identifier);
        CHECK(again.references == ours.references);
        CHECK(again.infos[0].parameters == b.parameters);
        CHECK(codes(again.infos[0]) == codes(a));
        ++pairs;
    }
    CHECK(pairs == 8);
}

}  // namespace
}  // namespace tocsin::cap
