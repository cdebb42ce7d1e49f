#include "server/base/settings.hpp"
#include "tests/channel/play.hpp"

#include <fstream>
#include <set>
#include <sstream>

/// What a channel and its stage say of themselves.
namespace tocsin::conformance {
namespace {

TEST_CASE("every channel of the catalogue has a stage here, and every stage a channel") {
    std::set<std::string_view> channels, staged;
    for (const auto& listed : catalogue()) CHECK(channels.insert(listed.name).second);
    for (const auto& stage : stages()) CHECK(staged.insert(stage.channel).second);
    for (const auto channel : channels) {
        CAPTURE(channel);
        CHECK_MESSAGE(staged.contains(channel), "write tests/channel/<channel>_stage.cpp");
    }
    for (const auto stage : staged) {
        CAPTURE(stage);
        CHECK(channels.contains(stage));
    }
}

TEST_CASE(
    "the rows that a channel does not play are those that README.md lists, reasons included") {
    std::string declared;
    for (const auto& listed : catalogue()) {
        const auto stage = stage_for(listed.name);
        if (!stage) continue;
        for (const auto& [row, why] : stage->unplayed()) {
            CHECK(why.size() > 10);
            declared +=
                fmt::format("| {} | {} | {} |\n", listed.name, row_names[std::size_t(row)], why);
        }
    }
    std::ifstream in("tests/channel/README.md");
    std::ostringstream readme;
    readme << in.rdbuf();
    INFO(declared);
    CHECK(readme.str().find("| channel | row | why not |\n|---|---|---|\n" + declared + "\n") !=
          std::string::npos);
}

TEST_CASE("capabilities are sane") {
    for (const auto& [name, can, open] : catalogue()) {
        CAPTURE(name);
        CHECK((open != nullptr));
        CHECK(can.highest <= Said::verified);
        CHECK_FALSE(can.budgets.empty());
        std::set<Form> forms;
        for (const auto& budget : can.budgets) {
            CHECK(forms.insert(budget.form).second);
            CHECK(budget.per_page > 0);
            CHECK(budget.pages > 0);
        }
        if (can.bulk) {
            CHECK(forms.contains(Form::sms));
            CHECK_FALSE(can.updates_in_place);  // nobody can change what lies on a handset
            CHECK_FALSE(can.one_at_a_time);
            CHECK(can.highest >= Said::accepted);
        }
    }
}

TEST_CASE("F4: a key that a channel does not know is a complaint, not silence") {
    for (const auto& listed : catalogue()) {
        CAPTURE(listed.name);
        const auto stage = stage_for(listed.name);
        if (!stage) continue;
        stage->play(Manner::well);
        Complaints complaints;
        const auto settings =
            Settings::parse(stage->settings() + "no_such_key = 1\n", "stage.toml", complaints);
        REQUIRE(settings.has_value());
        Line line(listed, *stage);
        line.open_with(*settings);
        const auto& all = complaints.list();
        CHECK(std::ranges::any_of(
            all, [](const std::string& what) { return what.find("no_such_key") != what.npos; }));
    }
}

TEST_CASE("what a channel tells of its budgets fits what it declares") {
    each(Manner::well, [](Play& play) {
        play.begin();
        for (const auto& told : play.line.desk.budgets_told) {
            CHECK(told.per_page > 0);
            CHECK(told.pages > 0);
        }
    });
}

}  // namespace
}  // namespace tocsin::conformance
