#include "server/base/time.hpp"

#include <doctest/doctest.h>

namespace tocsin {
namespace {

TEST_CASE("D2: every offset form gives the same instant") {
    const auto beijing = parse_rfc3339("2026-07-29T17:30:00+08:00");
    REQUIRE(beijing.has_value());
    for (const auto* text : {"2026-07-29T09:30:00Z", "2026-07-29T09:30:00-00:00",
                             "2026-07-29T09:30:00+00:00", "2026-07-29T05:30:00.000-04:00"}) {
        CAPTURE(text);
        const auto same = parse_rfc3339(text);
        REQUIRE(same.has_value());
        CHECK(*same == *beijing);
    }
    CHECK(rfc3339(*beijing) == "2026-07-29T17:30:00+08:00");
    CHECK(rfc3339(*beijing, std::chrono::minutes(-210)) == "2026-07-29T06:00:00-03:30");
}

TEST_CASE("a time that is none is refused with the reason") {
    struct Row {
        std::string_view text, why;
    };
    const Row rows[] = {
        {"2026-02-29T00:00:00Z", "no such day"},
        {"2026-07-29 17:30:00Z", "no day and T"},
        {"2026-07-29T24:00:00Z", "no hour"},
        {"2026-07-29T17:30:00", "no offset"},
        {"2026-07-29T17:30:00+15:00", "beyond"},
        {"2026-07-29T17:30:00Z ", "something follows"},
        {"", "no year"},
        {"2026-07-29T17:30:60Z", "no second"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        const auto read = parse_rfc3339(row.text);
        REQUIRE(read.has_error());
        CHECK(read.error().what.find(row.why) != std::string::npos);
    }
}

}  // namespace
}  // namespace tocsin
