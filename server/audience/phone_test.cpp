#include "server/audience/phone.hpp"

#include "server/audience/language.hpp"

#include <doctest/doctest.h>

namespace tocsin::audience {
namespace {

TEST_CASE("mainland mobiles are one number however they are written, and nothing else is one") {
    struct Row {
        std::string_view text;
        std::uint64_t e164;
        NumberFlaw flaw = NumberFlaw::none;
    };
    using enum NumberFlaw;
    const Row rows[] = {
        {"13800138000", 8613800138000},
        {"8613800138000", 8613800138000},
        {"+8613800138000", 8613800138000},
        {"008613800138000", 8613800138000},
        {"+86 138-0013-8000", 8613800138000},
        {"(0086) 138.0013.8000", 8613800138000},
        {"19900000000", 8619900000000},
        {"12800138000", 0, not_mobile},
        {"1380013800", 0, not_mobile},
        {"138001380000", 0, not_mobile},
        {"01062345678", 0, not_mobile},
        {"+861062345678", 0, not_mobile},
        {"+8612345", 0, not_mobile},
        {"1064812345678", 0, not_mobile},
        {"10690123456789", 0, not_mobile},
        {"95588", 0, not_mobile},
        {"", 0, empty},
        {" - ", 0, empty},
        {"+", 0, form},
        {"1380013800O", 0, form},
        {"138 0013 8000 ext 5", 0, form},
        {"13800138000;13800138001", 0, form},
        {"１３８００１３８０００", 0, form},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        const auto number = normalised(row.text);
        CHECK(number.e164 == row.e164);
        CHECK(number.flaw == row.flaw);
    }
    CHECK(normalised(std::string(100000, '1')).flaw == form);
}

TEST_CASE("foreign mobiles are taken with + or 00, checked by the plan of their country") {
    struct Row {
        std::string_view text;
        std::uint64_t e164;
        NumberFlaw flaw = NumberFlaw::none;
    };
    using enum NumberFlaw;
    const Row rows[] = {
        {"+44 7400 123456", 447400123456},  {"00447400123456", 447400123456},
        {"+1 (202) 555-0123", 12025550123}, {"+85261234567", 85261234567},
        {"+82-10-1234-5678", 821012345678}, {"+442071234567", 0, not_mobile},
        {"+9991234567", 0, country},        {"+44740012", 0, invalid},
        {"85261234567", 0, not_mobile},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        const auto number = normalised(row.text);
        CHECK(number.e164 == row.e164);
        CHECK(number.flaw == row.flaw);
    }
}

TEST_CASE("the operator follows from the prefix, the longer one first") {
    struct Row {
        std::uint64_t e164;
        std::string_view network;
    };
    const Row rows[] = {
        {8613800138000, "cmcc"},  {8613410000000, "cmcc"}, {8613490000000, "ctcc"},
        {8613012345678, "cucc"},  {8618912345678, "ctcc"}, {8619212345678, "cbn"},
        {8617031234567, "cmcc"},  {8617091234567, "cucc"}, {8617001234567, "ctcc"},
        {8615412345678, "other"}, {12025550123, "other"},  {8612345, "other"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.e164);
        CHECK(network_of(row.e164) == row.network);
    }
}

TEST_CASE("a masked number shows its kind and its end, never more than it hides of a short one") {
    CHECK(masked("8613800130001") == "861380***0001");
    CHECK(masked("+86 138-0013-0001") == "861380***0001");
    CHECK(masked("13800130001") == "1380***0001");
    CHECK(masked("1380013") == "13***3");
    CHECK(masked("Zhang San") == "***");
    CHECK(masked("") == "***");
    CHECK(masked(std::string(5000, '7')).size() == 13);
}

TEST_CASE("a packed number is its digits as nibbles with their count, and comes back") {
    CHECK(pack(8613800138000) == 0x861380013800000d);
    CHECK(pack(12025550123) == 0x120255501230000b);
    for (const std::uint64_t e164 :
         {8613800138000ull, 12025550123ull, 1234567ull, 999999999999999ull, 860000000000000ull})
        CHECK(unpack(pack(e164)) == e164);
    for (const std::uint64_t broken : {0ull, 0xdull, 0x8613800138000ffdull, 0x86a380013800000dull,
                                       0x861380013800001dull, 0x061380013800000dull})
        CHECK_FALSE(unpack(broken).has_value());
}

TEST_CASE("language tags are those of BCP 47, in one case") {
    struct Row {
        std::string_view text, tag;
    };
    const Row rows[] = {
        {"zh-CN", "zh-CN"},
        {"ZH-cn", "zh-CN"},
        {"zh-hans-cn", "zh-Hans-CN"},
        {"en", "en"},
        {"es-419", "es-419"},
        {"yue-HK", "yue-HK"},
        {"zh-yue-HK", "zh-yue-HK"},
        {"sl-rozaj-biske", "sl-rozaj-biske"},
        {"de-1996", "de-1996"},
        {"en-u-ca-buddhist", "en-u-ca-buddhist"},
        {"de-LS", "de-LS"},
        {"en-x-plain", "en-x-plain"},
        {"", ""},
        {"c", ""},
        {"english", "english"},
        {"chinese language", ""},
        {"zh_CN", ""},
        {"zh-", ""},
        {"-CN", ""},
        {"zh--CN", ""},
        {"中文", ""},
        {"zh-CN-x", ""},
        {"zh-CN-US", ""},
        {"en-u", ""},
        {"123", ""},
        {"abcd", ""},
        {"abcdefghi", ""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        CHECK(language_tag(row.text) == row.tag);
    }
}

}  // namespace
}  // namespace tocsin::audience
