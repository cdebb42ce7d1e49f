#include "server/cli/screen.hpp"

#include <doctest/doctest.h>

namespace tocsin::cli {
namespace {

TEST_CASE("Han count two columns, and a cut shows") {
    CHECK(width("暴雨 rain") == 9);
    CHECK(fit("暴雨红色预警", 7) == "暴雨红…");
    CHECK(fit("暴雨红色预警", 6) == "暴雨… ");
    CHECK(fit("7", 3, true) == "  7");
}

TEST_CASE("a table stays within 80 columns by shortening what may give way") {
    const auto text =
        table({{"NAME"}, {"NOTE", false, true}}, {{"sms", std::string(200, 'x')}, {"雨", "short"}});
    for (std::size_t from = 0; from < text.size();) {
        const auto end = text.find('\n', from);
        CHECK(width(std::string_view(text).substr(from, end - from)) <= 80);
        from = end + 1;
    }
    CHECK(text.starts_with("NAME  NOTE\n"));
}

TEST_CASE("figures read as people write them") {
    CHECK(grouped(2189300) == "2,189,300");
    CHECK(grouped(12) == "12");
    CHECK(duration(84) == "84 ms");
    CHECK(duration(2100) == "2.1 s");
    CHECK(duration(212000) == "3:32");
}

TEST_CASE("G6: text of an alert cannot drive the terminal") {
    CHECK(plain("\x1b[2J暴雨\r\n红") == "[2J暴雨 红");
}

}  // namespace
}  // namespace tocsin::cli
