#include "server/plan/measure.hpp"

#include <doctest/doctest.h>

namespace tocsin::plan {
namespace {

using contract::Budget;
using contract::Form;

std::string times(std::size_t count, std::string_view what) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out += what;
    return out;
}

TEST_CASE("H3: lengths are counted as each medium counts them") {
    struct Row {
        std::string text;
        std::size_t units, chars, segments;
        int septets;  // -1: not in the GSM alphabet
    };
    const Row rows[] = {
        {"", 0, 0, 1, 0},
        {"Stay in", 7, 7, 1, 7},
        {"[10 €]", 6, 6, 1, 9},
        {"暴雨", 2, 2, 1, -1},
        {"😀𠮷", 4, 2, 1, -1},
        {"it’s", 4, 4, 1, -1},
        {times(160, "a"), 160, 160, 1, 160},
        {times(161, "a"), 161, 161, 2, 161},
        {times(306, "a"), 306, 306, 2, 306},
        {times(307, "a"), 307, 307, 3, 307},
        {times(80, "€"), 80, 80, 1, 160},
        {times(70, "雨"), 70, 70, 1, -1},
        {times(71, "雨"), 71, 71, 2, -1},
        {times(134, "雨"), 134, 134, 2, -1},
        {times(135, "雨"), 135, 135, 3, -1},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        CHECK(ucs2_units(row.text) == row.units);
        CHECK(characters(row.text) == row.chars);
        CHECK(segments(row.text) == row.segments);
        const auto septets = gsm_septets(row.text);
        CHECK((septets ? int(*septets) : -1) == row.septets);
    }
}

TEST_CASE("H3: a part of a long SMS holds no half of a pair and no half of an escape") {
    CHECK(segments(times(66, "雨") + "😀" + times(66, "雨")) == 3);  // 134 units, but 66 + 67 + 1
    CHECK(segments(times(67, "雨") + "😀" + times(65, "雨")) == 2);
    CHECK(segments(times(152, "a") + "€" + times(152, "a")) == 3);
}

TEST_CASE("a budget is kept in its own unit, an SMS budget in segments") {
    using enum Budget::Unit;
    const auto rain70 = times(70, "雨"), rain71 = times(71, "雨");
    CHECK(fits({Form::sms, ucs2, 70, 1}, rain70));
    CHECK_FALSE(fits({Form::sms, ucs2, 70, 1}, rain71));
    CHECK(fits({Form::sms, ucs2, 67, 2}, rain71));
    CHECK_FALSE(fits({Form::sms, ucs2, 67, 1}, rain70));
    CHECK(fits({Form::sms, ucs2, 70, 1}, times(160, "a")));
    CHECK_FALSE(fits({Form::sms, ucs2, 70, 1}, times(161, "a")));
    CHECK(fits({Form::sms, septets, 160, 1}, rain70));
    CHECK_FALSE(fits({Form::sms, septets, 160, 1}, rain71));
    CHECK(fits({Form::board, characters, 10, 2}, times(20, "雨")));
    CHECK_FALSE(fits({Form::board, characters, 10, 2}, times(21, "雨")));
    CHECK_FALSE(fits({Form::board, bytes, 10, 2}, times(7, "雨")));
    CHECK(fits({Form::cb, septets, 93, 15}, times(610, "雨")));
    CHECK(fits({Form::speech, milliseconds, 1000, 1}, "暴雨红色"));
    CHECK_FALSE(fits({Form::speech, milliseconds, 1000, 1}, "暴雨红色预警"));
}

TEST_CASE("H3: sentences end at their stops, not at list numbers, decimals or short forms") {
    struct Row {
        std::string text;
        std::vector<std::string> sentences;
    };
    const Row rows[] = {
        {"", {}},
        {"一。二！三", {"一。", "二！", "三"}},
        {"他说：“快走。”然后走了。", {"他说：“快走。”", "然后走了。"}},
        {"1. Stay in. 2. Keep away.", {"1. Stay in.", " 2. Keep away."}},
        {"1.停止户外活动；2.远离山区。完", {"1.停止户外活动；2.远离山区。", "完"}},
        {"Rain of 2.5 mm. Be careful!", {"Rain of 2.5 mm.", " Be careful!"}},
        {"About approx. ten km. Go.", {"About approx. ten km.", " Go."}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        std::vector<std::string> sentences;
        std::size_t from = 0;
        for (const auto end : sentence_ends(row.text)) {
            sentences.push_back(row.text.substr(from, end - from));
            from = end;
        }
        CHECK(sentences == row.sentences);
    }
}

TEST_CASE("G6: controls and text that runs backwards are taken out, line breaks stay") {
    CHECK(plain("  a\x01\tb\r\nc\u202E雨\u200F \u0085 ") == "a b\nc雨");
    CHECK(plain("😀𠮷") == "😀𠮷");
    CHECK(plain(" \n ") == "");
}

}  // namespace
}  // namespace tocsin::plan
