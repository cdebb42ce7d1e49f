#include "server/campaign/store.hpp"

#include <doctest/doctest.h>

namespace tocsin::campaign {
namespace {

using namespace std::chrono_literals;

Plan plan() {
    return {{3'000'000'000, 65535},
            contract::Mode::exercise,
            "sms.bj-1",
            "e01jabc",
            "public/12",
            contract::Level::orange,
            Instant(1700000000000ms),
            Instant(1700003600000ms),
            4,
            false,
            true,
            {{0, 2001, "zh-CN", "cmcc", "public", "110101 110105"},
             {17, 5, "", "", "", ""},
             {18, 1, "en-US", "other", "responsible", "110102"}}};
}

TEST_CASE("a campaign's hash says all that its plan said") {
    auto fields = fields_of(plan());
    fields.emplace_back("fence", "3");
    fields.emplace_back("cursor", "2000");
    fields.emplace_back("stopped", "superseded");
    const auto record = record_of(fields);
    REQUIRE(record.has_value());
    CHECK(record->plan == plan());
    CHECK(record->fence == 3);
    CHECK(record->cursor == 2000);
    CHECK(record->stopped == "superseded");
    CHECK_FALSE(record->closed);
}

TEST_CASE("a newer layout is refused, and a hash with a hole is malformed") {
    auto fields = fields_of(plan());
    fields.emplace_back("fence", "1");
    for (std::size_t i = 0; i < fields.size(); ++i) {
        auto broken = fields;
        broken[i].second = "9 nine";
        const bool words = fields[i].first == "endpoint" || fields[i].first == "alert" ||
                           fields[i].first == "audience" || fields[i].first == "receipts" ||
                           fields[i].first == "over_opt_outs";
        CHECK(record_of(broken).has_error() != words);
    }
    fields[0].second = "2";
    CHECK(record_of(fields).error().cause == Cause::refused);
}

TEST_CASE("a campaign's name says mode, endpoint and order: a drill's can never be a live one's") {
    CHECK(name_of(contract::Mode::live, "sms-a", {7, 2}) == "l.sms-a.7.2:0");
    CHECK(name_of(contract::Mode::replay, "sms-a", {7, 2}) == "r.sms-a.7.2:0");
}

}  // namespace
}  // namespace tocsin::campaign
