#include "channels/shared/sms_text.hpp"

#include "channels/shared/backoff.hpp"

#include <doctest/doctest.h>

#include <random>

namespace tocsin::shared {
namespace {

constexpr LongForm cutting[] = {LongForm::udh8, LongForm::udh16, LongForm::sar};
const std::string emoji = "\xF0\x9F\x8C\x8A";  // U+1F30A, two units

std::string han(std::size_t units) {
    std::string out;
    while (units-- > 0) out += "雨";
    return out;
}

std::string joined(const Segments& segments) {
    std::string octets;
    for (const auto& part : segments.parts) octets += part;
    return segments.alphabet == Alphabet::gsm7 ? from_gsm7(octets) : from_ucs2(octets);
}

bool starts_inside_a_pair(const std::string& part) {
    const auto first = static_cast<unsigned char>(part.at(0));
    return first >= 0xDC && first < 0xE0;
}

TEST_CASE("R17 H3: Chinese segments at every boundary, by 8 and 16 bit references") {
    struct Row {
        std::size_t units, udh8, udh16;
    };
    const Row rows[] = {{1, 1, 1},   {69, 1, 1},  {70, 1, 1},  {71, 2, 2},  {132, 2, 2},
                        {133, 2, 3}, {134, 2, 3}, {135, 3, 3}, {198, 3, 3}, {199, 3, 4},
                        {201, 3, 4}, {202, 4, 4}, {268, 4, 5}, {269, 5, 5}};
    for (const auto& row : rows) {
        CAPTURE(row.units);
        CHECK(segment(han(row.units), LongForm::udh8, true)->parts.size() == row.udh8);
        CHECK(segment(han(row.units), LongForm::udh16, true)->parts.size() == row.udh16);
        CHECK(segment(han(row.units), LongForm::sar, true)->parts.size() == row.udh16);
        CHECK(segment(han(row.units), LongForm::payload, true)->parts.size() == 1);
    }
}

TEST_CASE(
    "R17: an emoji at any place is never split, and 69 characters with one make two segments") {
    CHECK(segment(han(68) + emoji, LongForm::udh8, true)->parts.size() == 1);
    CHECK(segment(han(69) + emoji, LongForm::udh8, true)->parts.size() == 2);
    for (const auto form : cutting)
        for (std::size_t before = 0; before < 205; ++before) {
            CAPTURE(before);
            const auto text = han(before) + emoji + han(205 - before);
            const auto segments = segment(text, form, true);
            REQUIRE(segments.has_value());
            for (const auto& part : segments->parts) {
                CHECK(part.size() <= units_in_part(Alphabet::ucs2, form) * 2);
                CHECK(part.size() % 2 == 0);
                CHECK_FALSE(starts_inside_a_pair(part));
            }
            CHECK(joined(*segments) == text);
        }
}

TEST_CASE("GSM segments: 160 alone, 153 or 152 each, an escape is never split") {
    const std::string a160(160, 'a');
    CHECK(segment(a160, LongForm::udh8, true)->parts.size() == 1);
    CHECK(segment(a160 + "a", LongForm::udh8, true)->parts.size() == 2);
    CHECK(segment(std::string(306, 'a'), LongForm::udh8, true)->parts.size() == 2);
    CHECK(segment(std::string(306, 'a'), LongForm::udh16, true)->parts.size() == 3);
    CHECK(segment(std::string(159, 'a') + "€", LongForm::udh8, true)->parts.size() == 2);
    for (const auto form : cutting)
        for (std::size_t before = 0; before < 320; ++before) {
            const auto text = std::string(before, 'a') + "€[]" + std::string(320 - before, 'b');
            const auto segments = segment(text, form, true);
            REQUIRE(segments.has_value());
            for (const auto& part : segments->parts) CHECK(part.back() != 0x1B);
            CHECK(joined(*segments) == text);
        }
}

TEST_CASE("every character of the GSM alphabet goes and comes, '@' as NUL") {
    const std::string all =
        "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà\f^{}\\[~]|€";
    const auto septets = to_gsm7(all);
    REQUIRE(septets.has_value());
    CHECK((*septets)[0] == 0);
    CHECK(from_gsm7(*septets) == all);
    CHECK(to_gsm7("雨").has_error());
    CHECK(to_gsm7("`").has_error());
}

TEST_CASE(
    "one character outside the GSM alphabet makes the whole text UCS2, and a setting forces it") {
    CHECK(segment("Flood warning", LongForm::udh8, true)->alphabet == Alphabet::gsm7);
    CHECK(segment("Flood \xE2\x80\x9Cwarning\xE2\x80\x9D", LongForm::udh8, true)->alphabet ==
          Alphabet::ucs2);
    CHECK(segment("Flood warning", LongForm::udh8, false)->alphabet == Alphabet::ucs2);
}

TEST_CASE("a byte order mark is stripped, bytes that are no UTF-8 are a fault") {
    CHECK(*to_ucs2("\xEF\xBB\xBF"
                   "A") == std::string("\0A", 2));
    for (const auto* bad : {"\x80", "\xC0\x80", "\xE9\x9B", "\xED\xA0\x80", "\xF5\x80\x80\x80",
                            "\xE0\x80\x80", "a\xFF"}) {
        CAPTURE(bad);
        CHECK(to_ucs2(bad).error().cause == Cause::malformed);
        CHECK(segment(bad, LongForm::udh8, true).has_error());
    }
}

TEST_CASE("what a phone sent is read as far as it can be") {
    CHECK(from_ucs2(*to_ucs2("退订" + emoji)) == "退订" + emoji);
    CHECK(from_ucs2(std::string("\xD8\x3C\0A", 4)) ==
          "\xEF\xBF\xBD"
          "A");
    CHECK(from_ucs2(std::string("\0T\0D\0", 5)) == "TD");
    CHECK(from_latin1("caf\xE9") == "café");
}

TEST_CASE("A7: random drill texts keep their mark at both ends through every split") {
    std::mt19937 random(20201);
    const std::string pieces[] = {"雨", "水", emoji, "a", "€", "。", "\n", "é", "𠮷"};
    for (int round = 0; round < 3000; ++round) {
        const bool chinese = random() % 2 == 0;
        const std::string mark = chinese ? "演练" : "EXERCISE";
        auto text = mark + " ";
        for (auto n = random() % 400; n > 0; --n)
            text += chinese ? pieces[random() % std::size(pieces)] : pieces[3 + random() % 2];
        text += " " + mark;
        const auto form = cutting[random() % 3];
        const auto segments = segment(text, form, random() % 4 != 0);
        REQUIRE(segments.has_value());
        const auto whole = joined(*segments);
        REQUIRE(whole == text);
        REQUIRE(whole.starts_with(mark));
        REQUIRE(whole.ends_with(mark));
    }
}

TEST_CASE("the user data header names reference, number of parts and part") {
    CHECK(user_data_header(LongForm::udh8, 0x1234, 3, 2) == std::string("\5\0\3\x34\3\2", 6));
    CHECK(user_data_header(LongForm::udh16, 0x1234, 3, 2) == std::string("\6\10\4\x12\x34\3\2", 7));
    CHECK(user_data_header(LongForm::sar, 0x1234, 3, 2).empty());
}

TEST_CASE("a text of more than 255 parts is refused, never cut") {
    CHECK(segment(han(67 * 255), LongForm::udh8, true)->parts.size() == 255);
    CHECK(segment(han(67 * 255 + 1), LongForm::udh8, true).error().cause == Cause::over_limit);
}

TEST_CASE("back-off doubles to its ceiling, spreads by jitter and starts over") {
    using namespace std::chrono_literals;
    Backoff backoff(1s, 60s);
    std::vector<std::chrono::milliseconds> drawn;
    for (int i = 0; i < 8; ++i) drawn.push_back(backoff.next(0.999999));
    CHECK(drawn.front() == 999ms);
    CHECK(drawn[2] == 3999ms);
    CHECK(drawn.back() == 59999ms);
    CHECK(backoff.next(0.0) == 250ms);
    backoff.reset();
    CHECK(backoff.next(0.5) == 500ms);
}

}  // namespace
}  // namespace tocsin::shared
