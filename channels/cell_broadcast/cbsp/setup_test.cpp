#include "channels/cell_broadcast/cbsp/setup.hpp"

#include <doctest/doctest.h>

namespace tocsin::cbsp {
namespace {

using namespace std::chrono_literals;

constexpr const char* bsc = "[[bsc]]\nname = \"bsc-1\"\nhost = \"10.0.0.1\"\n";

std::vector<std::string> complaints(const std::string& toml) {
    Complaints all;
    const auto settings = Settings::parse(toml, "t.toml", all);
    REQUIRE(settings.has_value());
    (void)read_setup(*settings);
    return all.list();
}

TEST_CASE("two lines are enough, and every default is a safe one") {
    Complaints all;
    const auto settings =
        Settings::parse(std::string("cells = \"cells.csv\"\n") + bsc, "t.toml", all);
    const auto setup = read_setup(*settings);
    REQUIRE(setup.has_value());
    CHECK(all.list().empty());
    CHECK(setup->profile->name == "china");
    CHECK(setup->limits.manner.one_period);
    CHECK(setup->limits.manner.period == 60);
    CHECK((setup->limits.naming == Naming::cgi));
    CHECK((setup->times.reset == Reset::unknown));
    CHECK(setup->times.keep_alive == 30s);
    CHECK(setup->validity_most < 24h);
    CHECK(setup->covers.empty());
    CHECK(setup->controllers.at(0).port == 48049);
}

TEST_CASE("F4: each fault of a table is told with its key") {
    const std::string cells = "cells = \"cells.csv\"\n";
    const std::pair<std::string, const char*> rows[] = {
        {bsc, "cells"},
        {cells, "bsc"},
        {cells + "profile = \"chinese\"\n" + bsc, "profile"},
        {cells + "period = 10\n" + bsc, "period"},
        {cells + "pages = 16\n" + bsc, "pages"},
        {cells + "cells_max = 8000\n" + bsc, "cells_max"},
        {cells + "cells_named = \"all\"\n" + bsc, "cells_named"},
        {cells + "language = \"zh-CN\"\n" + bsc, "language"},
        {cells + "air = \"4729\"\n" + bsc, "air"},
        {cells + "reconnect = \"9s\"\nreconnect_max = \"1s\"\n" + bsc, "reconnect_max"},
        {cells + bsc + bsc, "bsc"},
        {cells + "[[bsc]]\nname = \"a\"\n", "host"},
        {cells + "[[bsc]]\nname = \"a\"\nlisten = \"here\"\n", "listen"},
        {cells + "[[bsc]]\nname = \"a\"\nlisten = \"127.0.0.1:1\"\n"
                 "[[bsc]]\nname = \"b\"\nlisten = \"127.0.0.1:1\"\n",
         "bsc"},
        {cells + bsc + "prot = 1\n", "prot"},
    };
    for (const auto& [toml, key] : rows) {
        CAPTURE(toml);
        const auto all = complaints(toml);
        REQUIRE_FALSE(all.empty());
        CHECK(all[0].find(key) != std::string::npos);
    }
    CHECK(complaints(cells +
                     "[[bsc]]\nname = \"a\"\nlisten = \"127.0.0.1:1\"\nhost = \"10.0.0.1\"\n"
                     "[[bsc]]\nname = \"b\"\nlisten = \"127.0.0.1:1\"\nhost = \"10.0.0.2\"\n")
              .empty());
}

TEST_CASE("address and port are told apart, or it is no address") {
    CHECK(host_port("127.0.0.1:48049")->port == 48049);
    CHECK(host_port("127.0.0.1:48049")->host == "127.0.0.1");
    for (const char* bad : {"", "127.0.0.1", ":1", "a:", "a:0", "a:65536", "a:1x"}) {
        CAPTURE(bad);
        CHECK_FALSE(host_port(bad));
    }
}

}  // namespace
}  // namespace tocsin::cbsp
