#include "server/cap/known.hpp"

#include "server/cap/report.hpp"

#include <doctest/doctest.h>

namespace tocsin::cap {
namespace {

const Instant noon = std::chrono::sys_days(std::chrono::year(2026) / 7 / 21);

Alert message(std::string sender, std::string identifier, int hour, MsgType type = MsgType::alert) {
    Alert alert;
    alert.sender = std::move(sender);
    alert.identifier = std::move(identifier);
    alert.sent.at = noon + std::chrono::hours(hour);
    alert.msg_type = type;
    return alert;
}

Alert about(Alert alert, const Alert& earlier) {
    alert.references.push_back({earlier.sender, earlier.identifier, earlier.sent});
    return alert;
}

struct Row {
    const char* what;
    Alert alert;
    const char* rule;  // "" if nothing is wrong
    Weight weight;
    const char* element;
};

TEST_CASE("rules between messages, with the earlier ones in hand") {
    const auto first = message("a", "1", 1);
    const std::vector<Known> known = {{first, "11"}, {message("b", "1", 1), "22"}};
    auto wrong_time = about(message("a", "2", 3, MsgType::update), first);
    wrong_time.references[0].sent.at += std::chrono::hours(2);
    const Row rows[] = {
        {"a new message", message("a", "2", 2), "", Weight::error, ""},
        {"same triple, other bytes", first, "duplicate", Weight::error, "alert/identifier"},
        {"same name, later", message("a", "1", 2), "identifier-reused", Weight::warning,
         "alert/identifier"},
        {"an update of its own", about(message("a", "2", 2, MsgType::update), first), "",
         Weight::error, ""},
        {"a cancel of another's", about(message("b", "2", 2, MsgType::cancel), first),
         "references-foreign", Weight::error, "alert/references"},
        {"an ack of another's", about(message("b", "2", 2, MsgType::ack), first), "", Weight::error,
         ""},
        {"E5: a cancel of what never came",
         about(message("a", "2", 2, MsgType::cancel), message("a", "9", 1)), "references-unknown",
         Weight::warning, "alert/references"},
        {"a cancel of what another may have sent",
         about(message("a", "2", 2, MsgType::cancel), message("z", "9", 1)), "references-foreign",
         Weight::error, "alert/references"},
        {"sent at the same time", about(message("a", "2", 1, MsgType::update), first),
         "references-order", Weight::error, "alert/sent"},
        {"the reference has another time", wrong_time, "references-sent", Weight::warning,
         "alert/references"},
    };
    for (const auto& row : rows) {
        INFO(row.what);
        const auto found = judge_known(row.alert, known, {3, 5, 9}, "33");
        REQUIRE(found.size() == (row.rule[0] ? 1u : 0u));
        if (found.empty()) continue;
        CHECK(found[0].rule == row.rule);
        CHECK(found[0].severity == row.weight);
        CHECK(found[0].element == row.element);
        CHECK(found[0].line > 0);
    }
}

TEST_CASE("E2: the same bytes again are no fault") {
    const std::vector<Known> known = {{message("a", "1", 1), "11"}};
    CHECK(judge_known(message("a", "1", 1), known, {}, "11").empty());
    CHECK(judge_known(message("a", "1", 1), known, {}, "12").size() == 1);
    CHECK(judge_known(message("a", "1", 1), known).size() == 1);
}

TEST_CASE("a judgement is shown as a line of JSON and as text") {
    Judged judged;
    judged.violations = {{"polygon-closed", Weight::error, 12, "alert/info[1]/area[1]/polygon[1]",
                          "first and last pair differ"},
                         {"no-expires", Weight::warning, 0, "", "say\nwhen \x1B[2J"}};
    CHECK(validate_json("rain.xml", judged) ==
          R"({"file":"rain.xml","verdict":"invalid","violations":[)"
          R"({"rule":"polygon-closed","severity":"error","line":12,)"
          R"("element":"alert/info[1]/area[1]/polygon[1]","message":"first and last pair differ"},)"
          R"({"rule":"no-expires","severity":"warning","line":0,"element":"",)"
          R"("message":"say?when ?[2J"}]})");
    CHECK(validate_text("rain.xml", judged) ==
          "rain.xml:12 error  polygon-closed  alert/info[1]/area[1]/polygon[1]\n"
          "            first and last pair differ\n"
          "rain.xml warning  no-expires\n"
          "            say?when ?[2J\n");
    judged.violations.clear();
    judged.alert = Alert{};
    CHECK(validate_json("\xFF.xml", judged) ==
          "{\"file\":\"\xEF\xBF\xBD.xml\",\"verdict\":\"valid\",\"violations\":[]}");
    CHECK(validate_text("x", judged).empty());
}

}  // namespace
}  // namespace tocsin::cap
