#include "server/dispatch/stand_in.hpp"

#include <algorithm>
#include <set>

namespace tocsin::dispatch {
namespace {

template <class T> void add(std::vector<T>& to, const std::vector<T>& from) {
    for (const auto& one : from)
        if (std::ranges::find(to, one) == to.end()) to.push_back(one);
}

/// Of a city's cells each cannot be looked for among all.
void unite(std::vector<std::uint64_t>& to, const std::vector<std::uint64_t>& from) {
    to.insert(to.end(), from.begin(), from.end());
    std::ranges::sort(to);
    const auto twice = std::ranges::unique(to);
    to.erase(twice.begin(), twice.end());
}

/// Groups that the order has not yet, with the people in them as they were planned; how many.
std::uint32_t add_people(plan::Order& order, const plan::Order& by) {
    const bool known =
        by.people.size() == by.groups.size() && order.people.size() == order.groups.size();
    if (!known) order.people.clear();  // the audience's own numbers then
    std::uint32_t more = 0;
    for (std::size_t i = 0; i < by.groups.size(); ++i) {
        if (std::ranges::find(order.groups, by.groups[i]) != order.groups.end()) continue;
        order.groups.push_back(by.groups[i]);
        if (!known) continue;
        order.people.push_back(by.people[i]);
        more += by.people[i].count;
    }
    const auto* all = std::get_if<contract::Audience>(&by.footprint);
    return known || !all ? more : all->recipients;
}

/// Of one kind, or it is left as it is: an order has one kind of footprint.
void widen(plan::Order& order, const plan::Order& by) {
    if (auto* regions = std::get_if<contract::Regions>(&order.footprint)) {
        const auto* more = std::get_if<contract::Regions>(&by.footprint);
        if (!more) return;
        add(regions->codes, more->codes);
        if (regions->geometry != more->geometry) regions->geometry.clear();  // codes say it all
    } else if (auto* cells = std::get_if<contract::Cells>(&order.footprint)) {
        if (const auto* more = std::get_if<contract::Cells>(&by.footprint))
            unite(cells->cgi, more->cgi);
    } else if (auto* audience = std::get_if<contract::Audience>(&order.footprint)) {
        if (std::holds_alternative<contract::Audience>(by.footprint) &&
            order.audience_version == by.audience_version)
            audience->recipients += add_people(order, by);
    }
}

}  // namespace

std::optional<plan::Order> planned_for(const Carried& alert,
                                       const std::string& endpoint,
                                       const FindKin& kin) {
    if (const auto* own = alert.order_for(endpoint)) return *own;
    const auto channel = kin(endpoint).channel;
    std::optional<plan::Order> made;
    for (const auto& order : alert.plan.orders) {
        const auto of = kin(order.endpoint);
        // Another kind of channel would need words cut to another measure.
        if (!of.configured || of.backup != endpoint || of.channel != channel) continue;
        if (made) {
            widen(*made, order);
            continue;
        }
        made = order;
        made->endpoint = endpoint;
    }
    return made;
}

std::vector<plan::Order> stand_ins(const Carried& alert, const FindKin& kin) {
    std::set<std::string> names;
    for (const auto& order : alert.plan.orders)
        if (const auto of = kin(order.endpoint);
            !of.backup.empty() && !alert.order_for(of.backup) && kin(of.backup).configured)
            names.insert(of.backup);
    std::vector<plan::Order> out;
    for (const auto& name : names)
        if (auto order = planned_for(alert, name, kin)) out.push_back(std::move(*order));
    return out;
}

}  // namespace tocsin::dispatch
