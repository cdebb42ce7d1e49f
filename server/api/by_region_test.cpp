#include "server/api/by_region.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

using namespace tocsin;
using namespace tocsin::api;

namespace {

plan::Group group(std::vector<std::string> regions, std::uint32_t count) {
    plan::Group out;
    out.regions = std::move(regions);
    out.count = count;
    return out;
}

plan::Order bulk(std::string endpoint, std::vector<plan::Group> people) {
    plan::Order out;
    out.endpoint = std::move(endpoint);
    std::uint32_t all = 0;
    for (const auto& one : people) out.groups.push_back(all), all += one.count;
    out.footprint = contract::Audience{{}, all, 0};
    out.people = std::move(people);
    return out;
}

plan::Order shown(std::string endpoint, std::vector<std::string> codes) {
    plan::Order out;
    out.endpoint = std::move(endpoint);
    out.footprint = contract::Regions{std::move(codes), {}};
    return out;
}

receipts::Delivery row(std::string endpoint, receipts::Counts counts = {}) {
    receipts::Delivery out;
    out.endpoint = std::move(endpoint);
    out.bulk = counts.total > 0;
    out.counts = counts;
    return out;
}

plan::Plan plan_of(std::vector<plan::Order> orders) {
    plan::Plan out;
    out.regions = {"110107", "110109"};
    out.orders = std::move(orders);
    return out;
}

/// Streets lie in their districts; "BJ-F01" overlaps 110109.
const Ground ground{[](const std::string& listed) {
                        return std::vector<std::string>{
                            "110000", listed == "BJ-F01" ? "110109" : listed.substr(0, 6)};
                    },
                    [](const std::string& endpoint) -> Ground::Kin {
                        if (endpoint == "sms") return {"smpp", "spare"};
                        if (endpoint == "spare") return {"smpp", ""};
                        return {};
                    }};

std::string said(const boost::json::value& all, std::string_view region, std::string_view key) {
    const auto& one = all.as_object().at(region).as_object();
    if (key == "shared" || key == "orders") return boost::json::serialize(one.at(key));
    return boost::json::serialize(one.at("recipients").as_object().at(key));
}

boost::json::value shown_for(const plan::Plan& plan, std::vector<receipts::Delivery> rows) {
    return by_region(plan, rows, ground, Instant{}, Instant{});
}

}  // namespace

TEST_CASE("a region counts its own people, not all of a delivery over several") {
    const auto plan = plan_of({bulk("sms", {group({"110107"}, 30), group({"110109001"}, 12)})});
    struct Row {
        const char* what;
        receipts::Counts counts;
        const char *total, *delivered, *failed, *pending, *shared;  // of 110107
    };
    const Row rows[] = {
        {"not begun", {42, 0, 0, 0, 0, 0}, "30", "0", "0", "30", "false"},
        {"under way", {42, 20, 20, 7, 0, 0}, "30", "null", "0", "null", "true"},
        {"all delivered", {42, 42, 42, 42, 0, 0}, "30", "30", "0", "0", "false"},
        {"some failed", {42, 42, 42, 40, 2, 0}, "30", "null", "null", "0", "true"},
        {"all failed", {42, 42, 0, 0, 42, 0}, "30", "0", "30", "0", "false"},
        {"another total than planned", {40, 40, 40, 40, 0, 0}, "null", "null", "0", "0", "true"},
        {"nobody after all", {0, 0, 0, 0, 0, 0}, "0", "0", "0", "0", "false"},
    };
    for (const auto& r : rows) {
        CAPTURE(r.what);
        const auto all = shown_for(plan, {row("sms", r.counts)});
        CHECK(said(all, "110107", "total") == r.total);
        CHECK(said(all, "110107", "delivered") == r.delivered);
        CHECK(said(all, "110107", "failed") == r.failed);
        CHECK(said(all, "110107", "pending") == r.pending);
        CHECK(said(all, "110107", "shared") == r.shared);
    }
    CHECK(said(shown_for(plan, {row("sms", {42, 42, 42, 42, 0, 0})}), "110109", "total") == "12");
}

TEST_CASE("a delivery whose people are all of one region counts there as it stands") {
    const auto plan =
        plan_of({bulk("sms", {group({"110107"}, 30)}), shown("site", {"110107", "110109"})});
    const auto all = shown_for(plan, {row("sms", {25, 25, 20, 15, 5, 1}), row("site")});
    CHECK(said(all, "110107", "total") ==
          "25");  // also of a withdrawal, to fewer than were planned
    CHECK(said(all, "110107", "delivered") == "15");
    CHECK(said(all, "110107", "shared") == "false");
    CHECK(said(all, "110107", "orders") == "2");
    CHECK(said(all, "110109", "total") == "0");
    CHECK(said(all, "110109", "orders") == "1");
}

TEST_CASE("who is listed in two regions counts in each, and once in the whole") {
    const auto plan =
        plan_of({bulk("sms", {group({"110107", "BJ-F01"}, 5), group({"110107"}, 3)})});
    const auto all = shown_for(plan, {row("sms", {8, 8, 8, 8, 0, 0})});
    CHECK(said(all, "110107", "total") == "8");
    CHECK(said(all, "110109", "total") == "5");
    CHECK(said(all, "110109", "delivered") == "5");
}

TEST_CASE("one unknown part makes the sum unknown; what is known of others stays") {
    const auto plan = plan_of({bulk("sms", {group({"110107"}, 30), group({"110109"}, 12)}),
                               bulk("sms-2", {group({"110109"}, 4)})});
    const auto all =
        shown_for(plan, {row("sms-2", {4, 4, 4, 4, 0, 0}), row("sms", {42, 42, 42, 1, 0, 0})});
    CHECK(said(all, "110109", "total") == "16");
    CHECK(said(all, "110109", "delivered") == "null");
    CHECK(said(all, "110109", "failed") == "0");
}

TEST_CASE("a backup's delivery stands in the regions of what it stands in for") {
    const auto plan = plan_of({bulk("sms", {group({"110107"}, 30)}), shown("site", {"110109"})});
    const auto all = shown_for(plan, {row("spare", {30, 30, 30, 30, 0, 0}), row("stranger")});
    CHECK(said(all, "110107", "delivered") == "30");
    CHECK(said(all, "110109", "orders") == "0");
}

TEST_CASE("regions that nothing serves are shown, and of an older record nothing is made up") {
    auto plan = plan_of({bulk("sms", {group({"110107"}, 30)})});
    CHECK(said(shown_for(plan, {}), "110109", "orders") == "0");
    plan.orders[0].people.clear();
    const auto all = shown_for(plan, {row("sms", {30, 30, 30, 30, 0, 0})});
    CHECK(said(all, "110109", "total") == "null");
    CHECK(said(all, "110109", "shared") == "true");
    plan.regions = {"110107"};
    CHECK(said(shown_for(plan, {row("sms", {30, 30, 30, 30, 0, 0})}), "110107", "total") == "30");
}
