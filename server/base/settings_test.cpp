#include "server/base/settings.hpp"

#include <doctest/doctest.h>

namespace tocsin {
namespace {

using namespace std::chrono_literals;

TEST_CASE("all faults of a file come at once, each with line, key and a hint") {
    Complaints complaints;
    const auto settings = Settings::parse("rate = 70\nwindw = 5\nname = \" a\"\npause = \"3 m\"\n",
                                          "t.toml", complaints);
    REQUIRE(settings.has_value());
    CHECK(settings->number("rate", 10, 1, 50) == 10);
    CHECK(settings->number("window", 8, 1, 50) == 8);
    CHECK(settings->text("name", "b") == "b");
    CHECK(settings->duration("pause", 2s) == 2s);
    settings->finish();
    REQUIRE(complaints.list().size() == 4);
    CHECK(complaints.list()[0] == "t.toml:1:8: rate: 70 is not within 1 and 50");
    CHECK(complaints.list()[1] == "t.toml:3:8: name: has white space at its ends");  // scar F4
    CHECK(complaints.list()[2].starts_with("t.toml:4:9: pause: must be a duration"));
    CHECK(complaints.list()[3] == "t.toml:2:9: windw: unknown key; did you mean 'window'?");
}

TEST_CASE("tables know their path; what is no TOML says where") {
    Complaints complaints;
    const auto settings =
        Settings::parse("[[endpoint]]\nname = \"a\"\n[[endpoint]]\n[endpoint.smpp]\nport = 1\n",
                        "t.toml", complaints);
    REQUIRE(settings.has_value());
    const auto endpoints = settings->tables("endpoint");
    REQUIRE(endpoints.size() == 2);
    CHECK(endpoints[0].required("name") == "a");
    CHECK(endpoints[1].required("name").empty());
    endpoints[1].table("smpp").finish();
    REQUIRE(complaints.list().size() == 2);
    CHECK(complaints.list()[0].find("endpoint[2].name: is missing") != std::string::npos);
    CHECK(complaints.list()[1].find("endpoint[2].smpp.port: unknown key") != std::string::npos);
    const auto bad = Settings::parse("a = \n", "t.toml", complaints);
    REQUIRE(bad.has_error());
    CHECK(bad.error().what.starts_with("t.toml:1:"));
}

}  // namespace
}  // namespace tocsin
