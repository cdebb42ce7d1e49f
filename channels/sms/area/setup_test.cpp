#include "channels/sms/area/setup.hpp"

#include <doctest/doctest.h>

namespace tocsin::smpp_area {
namespace {

struct Read {
    explicit Read(const std::string& toml)
        : table(Settings::parse("host = \"a\"\nsystem_id = \"b\"\n" + toml, "t.toml", complaints)),
          setup(read_setup(*table)) {}
    bool complained_of(std::string_view key) const {
        return std::ranges::any_of(complaints.list(), [&](const std::string& what) {
            return what.find(key) != what.npos;
        });
    }
    Complaints complaints;
    Result<Settings> table;
    Result<Setup> setup;
};

TEST_CASE(
    "the defaults: a transmitter, names, replaced by reference, a drill that is no emergency") {
    const Read read("source = \"12379\"");
    REQUIRE(read.setup.has_value());
    CHECK(read.complaints.list().empty());
    CHECK(read.setup->bind_as == Command::bind_transmitter);
    CHECK(read.setup->names);
    CHECK_FALSE(read.setup->shapes);
    CHECK(read.setup->replace);
    CHECK(read.setup->live.content_type == 1);
    CHECK(read.setup->drill.content_type != 1);
    CHECK(read.setup->drill.source == read.setup->live.source);
}

TEST_CASE("names, shapes and repetitions are read") {
    const Read read(
        "areas = \"both\"\nnames = [\"110105=Chaoyang\"]\nrepetitions = 5\ninterval = \"30s\"\n"
        "test_source = \"DRILL\"\ntest_message_class = 2\nall_clear = \"0s\"");
    REQUIRE(read.setup.has_value());
    CHECK(read.complaints.list().empty());
    CHECK(read.setup->names);
    CHECK(read.setup->shapes);
    CHECK(read.setup->aliases.at("110105") == "Chaoyang");
    CHECK(read.setup->repetitions == 5);
    CHECK(read.setup->interval_unit == 8);
    CHECK(read.setup->interval == 30);
    CHECK(read.setup->drill.source == Address{5, 0, "DRILL"});
    CHECK(read.setup->drill.message_class == 2);
    CHECK_FALSE(read.setup->live.message_class);
    CHECK(read.setup->all_clear.count() == 0);
}

TEST_CASE("F4: what cannot be meant is a complaint that names the key") {
    for (const auto& [toml, key] : std::vector<std::pair<std::string, std::string>>{
             {"names = [\"110105\"]", "names"},
             {"areas = \"cells\"", "areas"},
             {"service_type = \"TOOLONG\"", "service_type"},
             {"interval = \"1500ms\"", "interval"},
             {"source = \"ANAMEOFTWELVE\"", "source"},
             {"password_file = \"/none/such\"", "password_file"},
             {"window = 0", "window"},
             {"no_such = 1", "no_such"}}) {
        CAPTURE(toml);
        CHECK(Read(toml).complained_of(key));
    }
}

}  // namespace
}  // namespace tocsin::smpp_area
