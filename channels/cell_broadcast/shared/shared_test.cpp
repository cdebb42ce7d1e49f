#include "channels/cell_broadcast/shared/identifiers.hpp"
#include "channels/cell_broadcast/shared/pages.hpp"
#include "channels/cell_broadcast/shared/serial.hpp"
#include "server/base/digest.hpp"

#include <doctest/doctest.h>

#include <random>
#include <set>

namespace tocsin::cell_broadcast {
namespace {

using namespace std::chrono_literals;
using contract::Level, contract::Mode;

std::string octets(const Page& page, std::size_t count) {
    return hex(std::string_view(page.octets.data(), count));
}
std::string times(std::size_t count, std::string_view what) {
    std::string out;
    while (count-- > 0) out += what;
    return out;
}
std::size_t pages_of(const std::string& text, std::string_view language) {
    const auto pages = paginate(text, language, {});
    return pages ? pages->pages.size() : 0;
}

TEST_CASE("a page is packed by TS 23.038 and padded with CR to 82 octets") {
    const auto gsm = paginate("Test", "en", {});
    REQUIRE(gsm.has_value());
    CHECK(gsm->dcs == 0x01);
    CHECK(gsm->pages.at(0).length == 4);
    CHECK(octets(gsm->pages[0], 12) == "d4f29cde68341a8d46a3d168");  // "Test", then CR septets
    CHECK(hex(std::string_view(&gsm->pages[0].octets[80], 2)) == "d100");  // 5 bits are spare
    const auto han = paginate("雨灾", "zh-CN", {});
    REQUIRE(han.has_value());
    CHECK(han->dcs == 0x48);
    CHECK(han->pages.at(0).length == 4);
    CHECK(octets(han->pages[0], 8) == "96e8707e000d000d");
    const auto named = paginate("雨", "zh", {.name_language = true});
    REQUIRE(named.has_value());
    CHECK(named->dcs == 0x11);
    CHECK(octets(named->pages.at(0), 6) == "7a3496e8000d");
    CHECK(named->pages[0].length == 4);
    const auto letters = paginate("abc", "en", {.name_language = true});
    REQUIRE(letters.has_value());
    CHECK(letters->dcs == 0x10);
    CHECK(read(*letters).language == "en");
    CHECK(read(*letters).words == "abc");
}

TEST_CASE("H3: 1395 letters or 615 characters, exactly; one more is refused and never cut") {
    struct Row {
        std::string text;
        const char* language;
        std::size_t pages;
    };
    const Row rows[] = {
        {times(93, "a"), "en", 1},
        {times(94, "a"), "en", 2},
        {times(1395, "a"), "en", 15},
        {times(1396, "a"), "en", 0},
        {times(41, "雨"), "zh", 1},
        {times(42, "雨"), "zh", 2},
        {times(615, "雨"), "zh", 15},
        {times(616, "雨"), "zh", 0},
        {times(92, "a") + "€", "en", 2},  // two septets, never parted
        {times(40, "雨") + "😀", "zh", 2},
        {times(307, "😀") + "雨", "zh", 15},  // pairs part only where nothing else fits
        {"", "zh", 0},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text.size());
        CHECK(pages_of(row.text, row.language) == row.pages);
        if (row.pages == 0) continue;
        CHECK(read(*paginate(row.text, row.language, {})).words == row.text);
    }
    const Layout narrow{.name_language = true};
    CHECK(paginate(times(600, "雨"), "zh", narrow)->pages.size() == 15);
    CHECK(paginate(times(601, "雨"), "zh", narrow).has_error());
    CHECK(paginate(times(1350, "a"), "en", narrow)->pages.size() == 15);
    CHECK(paginate(times(1351, "a"), "en", narrow).error().cause == Cause::over_limit);
    CHECK(paginate("\xFF", "en", {}).error().cause == Cause::malformed);
}

TEST_CASE("H3 A7: any text is read back as it was written, marks at both ends included") {
    std::mt19937 random(20261124);
    const std::vector<std::string> letters = {"a", "Z", "9", " ", "@", "€", "[", "}", "\n", "é"};
    const std::vector<std::string> han = {"雨", "演", "。", "a", "𠮷", "😀", "\n", "1"};
    for (int i = 0; i < 4000; ++i) {
        const bool latin = i % 2 == 0;
        const auto& from = latin ? letters : han;
        std::string text = latin ? "EXERCISE " : "演练 ";
        for (auto left = random() % (latin ? 600 : 250); left > 0; --left)
            text += from[random() % from.size()];
        text += latin ? " EXERCISE" : " 演练";
        const Layout layout{.name_language = random() % 2 == 0};
        const auto pages = paginate(text, latin ? "en-US" : "zh-CN", layout);
        REQUIRE(pages.has_value());
        CHECK(read(*pages).words == text);
        for (const auto& page : pages->pages) {
            CHECK(page.length > 0);
            CHECK(page.length <= page_octets);
        }
    }
}

TEST_CASE("the coding names the language where it can, and each octet is understood") {
    CHECK(gsm7_dcs("de-DE") == 0x00);
    CHECK(gsm7_dcs("en-US") == 0x01);
    CHECK(gsm7_dcs("ru") == 0x23);
    CHECK(gsm7_dcs("vi") == 0x0F);
    CHECK(gsm7_dcs("") == 0x0F);
    CHECK(coding_of(0x01) == Coding{Alphabet::gsm7, "en", false});
    CHECK(coding_of(0x0F) == Coding{Alphabet::gsm7, "", false});
    CHECK(coding_of(0x10) == Coding{Alphabet::gsm7, "", true});
    CHECK(coding_of(0x11) == Coding{Alphabet::ucs2, "", true});
    CHECK(coding_of(0x44) == Coding{Alphabet::octets, "", false});
    CHECK(coding_of(0x48) == Coding{Alphabet::ucs2, "", false});
    CHECK(coding_of(0x58) == Coding{Alphabet::ucs2, "", false});
    CHECK(coding_of(0xF4) == Coding{Alphabet::octets, "", false});
}

TEST_CASE("a serial is scope, code and update number; a phone shows what is 1 to 8 ahead") {
    CHECK(to_number({Scope::plmn, 2, 0}) == 0x4020);
    CHECK(to_number({Scope::cell, 1023, 15}) == 0xFFFF);
    CHECK(to_number(alarming({Scope::plmn, 7, 1})) == 0x7071);
    for (unsigned i = 0; i < 0x10000; ++i)
        CHECK(to_number(serial_of(std::uint16_t(i))) == std::uint16_t(i));
    CHECK(shown_after(0, 1));
    CHECK(shown_after(0, 8));
    CHECK_FALSE(shown_after(0, 9));
    CHECK_FALSE(shown_after(3, 3));
    CHECK_FALSE(shown_after(3, 2));
    CHECK(shown_after(15, 0));
}

TEST_CASE("E4: each update of an alert is news to a phone that has any of the eight before it") {
    const Instant noon{std::chrono::seconds(1'800'000'000)};
    Codes book;
    std::uint16_t before_code = book.take(5, 1, noon, noon + 1h);
    CHECK(before_code == 5);
    std::uint16_t before = 1;
    for (const std::uint16_t revision : {2, 3, 11, 19, 20, 28}) {
        const auto code = book.take(5, revision, noon, noon + 1h);
        CHECK(code == before_code);
        CHECK(shown_after(before % 16, revision % 16));
        before = revision;
    }
    const auto jumped = book.take(5, 37, noon, noon + 1h);  // nine ahead: a phone would not show it
    CHECK(jumped == 6);
    CHECK(book.of(5) == 6);
    CHECK(book.take(6, 1, noon, noon + 1h) == 7);  // its own by rule is taken
    Codes again;
    again.restore(book.entries());
    CHECK(again.entries() == book.entries());
    CHECK(again.take(5, 38, noon, noon + 1h) == 6);
}

TEST_CASE("a code is not used again while phones may know it, whatever the ordinals are") {
    const Instant noon{std::chrono::seconds(1'800'000'000)};
    Codes book;
    std::set<std::uint16_t> seen;
    for (std::uint32_t i = 0; i < 1024; ++i)
        CHECK(seen.insert(book.take(i * 1024 + 3, 1, noon + 1s * i, noon + 1s * i + 1h)).second);
    CHECK(book.take(99, 1, noon + 2h, noon + 3h) == 3);  // all used: the first to leave the air
    Codes later;
    later.take(3, 1, noon, noon + 1h);
    CHECK(later.take(1027, 1, noon + 24h, noon + 26h) == 4);
    CHECK(later.take(2051, 1, noon + 25h, noon + 26h) == 3);
}

TEST_CASE("identifiers by profile, level and facts") {
    contract::Facts facts{};
    const auto& china = *find_profile("china");
    CHECK(live_identifier(china, Level::red, facts) == Identifier{4371, 4384});
    CHECK(live_identifier(china, Level::orange, facts) == Identifier{4375, 4388});
    CHECK(live_identifier(china, Level::yellow, facts) == Identifier{4396, 4397});
    CHECK(live_identifier(china, Level::blue, facts) == Identifier{6400, 0});
    struct Row {
        const char *severity, *urgency, *certainty;
        std::uint16_t eu, wea;
    };
    const Row rows[] = {{"Extreme", "Immediate", "Observed", 4371, 4371},
                        {"Extreme", "Immediate", "Likely", 4372, 4372},
                        {"Extreme", "Expected", "Observed", 4373, 4373},
                        {"Extreme", "Expected", "Likely", 4374, 4374},
                        {"Severe", "Immediate", "Observed", 4375, 4375},
                        {"Severe", "Expected", "Likely", 4378, 4378},
                        {"Severe", "Future", "Possible", 4396, 0},
                        {"Moderate", "Immediate", "Observed", 4396, 0},
                        {"Minor", "Immediate", "Observed", 6400, 0},
                        {"Unknown", "Unknown", "Unknown", 6400, 0}};
    for (const auto& row : rows) {
        CAPTURE(row.severity);
        facts.severity = row.severity, facts.urgency = row.urgency, facts.certainty = row.certainty;
        for (const auto& [name, wanted] : {std::pair{"eu_alert", row.eu}, {"wea", row.wea}}) {
            const auto got = live_identifier(*find_profile(name), Level::red, facts);
            CHECK((got ? got->local : 0) == wanted);
        }
    }
}

TEST_CASE("an earthquake warned of alarms by ETWS; a report of one does not") {
    contract::Facts facts{};
    facts.event = "地震预警";
    facts.urgency = "Immediate";
    const auto& china = *find_profile("china");
    CHECK(live_primary(china, facts) == Primary{4352, 0x0180});
    CHECK(drill_primary(china, facts) == Primary{4355, 0x0780});
    CHECK_FALSE(live_primary(*find_profile("wea"), facts));
    facts.event = "Earthquake and Tsunami";
    CHECK(live_primary(china, facts) == Primary{4354, 0x0580});
    facts.urgency = "Past";
    CHECK_FALSE(live_primary(china, facts));
    facts.event = "暴雨", facts.urgency = "Immediate";
    CHECK_FALSE(live_primary(china, facts));
    CHECK_FALSE(drill_primary(china, facts));
}

TEST_CASE("A1: no drill has a live identifier and no live alert a drill's, in any profile") {
    contract::Facts facts{};
    for (const auto& profile : profiles()) {
        CAPTURE(profile.name);
        for (const auto id : live_identifiers(profile)) CHECK_FALSE(for_drills_only(id));
        for (const auto id : drill_identifiers(profile)) CHECK(for_drills_only(id));
        for (const auto mode : {Mode::exercise, Mode::test, Mode::replay}) {
            const auto drill = drill_identifier(profile, mode);
            CHECK(for_drills_only(drill.local));
            CHECK(for_drills_only(drill.additional));
        }
        for (const auto level : {Level::blue, Level::yellow, Level::orange, Level::red})
            for (const char* severity : {"Extreme", "Severe", "Moderate", "Minor", "Unknown", "?"})
                for (const char* urgency : {"Immediate", "Expected", "Future", "Past", "?"})
                    for (const char* certainty : {"Observed", "Likely", "Possible", "?"})
                        for (const char* event : {"暴雨", "地震", "tsunami"}) {
                            facts.severity = severity, facts.urgency = urgency;
                            facts.certainty = certainty, facts.event = event;
                            if (const auto live = live_identifier(profile, level, facts)) {
                                CHECK_FALSE(for_drills_only(live->local));
                                CHECK_FALSE(for_drills_only(live->additional));
                            }
                            if (const auto alarm = live_primary(profile, facts))
                                CHECK_FALSE(for_drills_only(alarm->identifier));
                            if (const auto alarm = drill_primary(profile, facts))
                                CHECK(for_drills_only(alarm->identifier));
                        }
    }
}

}  // namespace
}  // namespace tocsin::cell_broadcast
