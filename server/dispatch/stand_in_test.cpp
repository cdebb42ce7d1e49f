#include "server/dispatch/stand_in.hpp"

#include <doctest/doctest.h>

namespace tocsin::dispatch {
namespace {

const FindKin kin = [](const std::string& name) -> Kin {
    if (name == "sms-a" || name == "sms-b") return {"smpp", "sms-0", true};
    if (name == "radio") return {"icecast", "sms-0", true};
    if (name == "sms-0") return {"smpp", "", true};
    return {};
};

plan::Order bulk(std::string endpoint, std::vector<std::uint32_t> groups) {
    plan::Order order;
    order.endpoint = std::move(endpoint);
    order.audience_version = "public/1";
    order.groups = std::move(groups);
    std::uint32_t all = 0;
    for (const auto group : order.groups) {
        plan::Group people;
        people.count = 10 * (group + 1);
        all += people.count;
        order.people.push_back(people);
    }
    order.footprint = contract::Audience{"c", all};
    return order;
}

Carried carried(std::vector<plan::Order> orders) {
    Carried alert;
    alert.plan.orders = std::move(orders);
    return alert;
}

TEST_CASE("a backup carries what all of its kind were to carry, each group once, and no more") {
    const auto alert = carried({bulk("sms-a", {0, 1}), bulk("sms-b", {1, 3})});
    const auto order = planned_for(alert, "sms-0", kin);
    REQUIRE(order);
    CHECK(order->endpoint == "sms-0");
    CHECK(order->groups == std::vector<std::uint32_t>{0, 1, 3});
    REQUIRE(order->people.size() == 3);
    CHECK(order->people[2].count == 40);
    CHECK(std::get<contract::Audience>(order->footprint).recipients == 10 + 20 + 40);
    CHECK(stand_ins(alert, kin).size() == 1);
}

TEST_CASE("what the plan itself orders for a backup is what it carries") {
    const auto alert = carried({bulk("sms-0", {7}), bulk("sms-a", {0})});
    CHECK(planned_for(alert, "sms-0", kin)->groups == std::vector<std::uint32_t>{7});
    CHECK(stand_ins(alert, kin).empty());
}

TEST_CASE("nobody stands in for another kind of channel, for none, or for one not configured") {
    auto radio = bulk("radio", {});
    radio.footprint = contract::Regions{{"110101"}, {}};
    CHECK_FALSE(planned_for(carried({radio}), "sms-0", kin));
    CHECK(stand_ins(carried({radio}), kin).empty());
    CHECK_FALSE(planned_for(carried({bulk("unknown", {0})}), "sms-0", kin));
    CHECK_FALSE(planned_for(carried({bulk("sms-a", {0})}), "sms-a-test", kin));
}

TEST_CASE("C1: areas are joined, and a shape that is no longer all of it is dropped, not widened") {
    auto a = bulk("sms-a", {}), b = bulk("sms-b", {});
    a.footprint = contract::Regions{{"110101", "110102"}, "shape of a"};
    b.footprint = contract::Regions{{"110102", "110105"}, "shape of b"};
    const auto order = planned_for(carried({a, b}), "sms-0", kin);
    const auto& regions = std::get<contract::Regions>(order->footprint);
    CHECK(regions.codes == std::vector<std::string>{"110101", "110102", "110105"});
    CHECK(regions.geometry.empty());
}

}  // namespace
}  // namespace tocsin::dispatch
