#include "server/api/by_region.hpp"

#include "server/dispatch/stand_in.hpp"
#include "server/receipts/progress.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <optional>
#include <set>

namespace tocsin::api {
namespace {

namespace json = boost::json;
using receipts::Delivery;

/// The regions that an alert's deliveries are told apart by: those covered, and the narrower ones
/// that an endpoint serves of them.
std::set<std::string> places_of(const plan::Plan& plan) {
    std::set<std::string> out(plan.regions.begin(), plan.regions.end());
    for (const auto& order : plan.orders)
        if (const auto* regions = std::get_if<contract::Regions>(&order.footprint))
            out.insert(regions->codes.begin(), regions->codes.end());
    return out;
}

/// In which of the alert's places the people of a group are. Thousands of groups share some hundred
/// regions: each is asked about once.
class Placing {
public:
    Placing(const plan::Plan& plan, const Ground& ground)
        : places_(places_of(plan)), ground_(ground) {}

    const std::set<std::string>& places() const { return places_; }
    std::set<std::string> of(const plan::Group& group) {
        std::set<std::string> out;
        for (const auto& listed : group.regions) {
            const auto& found = of(listed);
            out.insert(found.begin(), found.end());
        }
        return out;
    }

private:
    const std::vector<std::string>& of(const std::string& listed) {
        const auto [at, fresh] = known_.try_emplace(listed);
        if (!fresh) return at->second;
        auto told = ground_.told_of ? ground_.told_of(listed) : std::vector<std::string>();
        told.push_back(listed);
        for (auto& one : told)
            if (places_.contains(one)) at->second.push_back(std::move(one));
        return at->second;
    }

    std::set<std::string> places_;
    const Ground& ground_;
    std::map<std::string, std::vector<std::string>> known_;
};

Served served(const plan::Order& order, const plan::Plan& plan, Placing& placing) {
    Served out;
    if (const auto* regions = std::get_if<contract::Regions>(&order.footprint)) {
        out.regions = regions->codes;
        return out;
    }
    out.counted = !order.people.empty();
    for (const auto& group : order.people) {
        out.all += group.count;
        for (const auto& region : placing.of(group)) out.people[region] += group.count;
    }
    for (const auto& [region, _] : out.people) out.regions.push_back(region);
    if (!out.counted) out.regions = plan.regions;  // of an older record: all that it could be
    return out;
}

/// Sums of what is known; nothing as soon as one part of it is not.
using Sum = std::optional<std::uint64_t>;

struct Tally {
    Sum total = 0, handed = 0, accepted = 0, delivered = 0, failed = 0, expired = 0, pending = 0;

    void add(const Delivery& d, const Served& served, const std::string& region) {
        const auto& c = d.counts;
        const auto found = served.people.find(region);
        const auto here = found == served.people.end() ? 0 : found->second;
        const bool alone = served.counted ? here == served.all : served.regions.size() == 1;
        // A withdrawal goes to those who were reached: their regions are not kept.
        const bool complete = served.counted && c.total == served.all;
        const auto part = [&](Sum& sum, std::uint64_t count) {
            if (!sum || count == 0) return;
            if (alone)
                *sum += count;
            else if (complete && count == c.total)
                *sum += here;
            else
                sum.reset();
        };
        const auto final = c.delivered + c.failed + c.expired;
        part(total, c.total);
        part(handed, c.handed);
        part(accepted, c.accepted);
        part(delivered, c.delivered);
        part(failed, c.failed);
        part(expired, c.expired);
        part(pending, terminal(d) || final > c.total ? 0 : c.total - final);
    }
    bool shared() const {
        return !(total && handed && accepted && delivered && failed && expired && pending);
    }
    json::object object() const {
        const auto known = [](const Sum& sum) { return sum ? json::value(*sum) : json::value(); };
        return {{"total", known(total)},       {"handed", known(handed)},
                {"accepted", known(accepted)}, {"delivered", known(delivered)},
                {"failed", known(failed)},     {"expired", known(expired)},
                {"pending", known(pending)}};
    }
};

}  // namespace

std::map<std::string, Served> served_by(const plan::Plan& plan,
                                        std::span<const Delivery> rows,
                                        const Ground& ground) {
    std::map<std::string, Served> out;
    Placing placing(plan, ground);
    for (const auto& order : plan.orders) out.emplace(order.endpoint, served(order, plan, placing));
    std::optional<dispatch::Carried> carried;
    const auto kin = [&](const std::string& endpoint) {
        const auto of = ground.kin(endpoint);
        return dispatch::Kin{of.channel, of.backup, !of.channel.empty()};
    };
    for (const auto& row : rows) {
        if (out.contains(row.endpoint) || !ground.kin) continue;
        if (!carried) carried.emplace(dispatch::Carried{{}, plan});
        if (const auto order = dispatch::planned_for(*carried, row.endpoint, kin))
            out.emplace(row.endpoint, served(*order, plan, placing));
    }
    return out;
}

json::value by_region(const plan::Plan& plan,
                      std::span<const Delivery> rows,
                      const Ground& ground,
                      Instant accepted,
                      Instant now) {
    const auto by_endpoint = served_by(plan, rows, ground);
    std::map<std::string, Tally> tallies;
    std::map<std::string, std::vector<const Delivery*>> groups;
    for (const auto& region : places_of(plan)) tallies[region], groups[region];
    for (const auto& row : rows) {
        const auto found = by_endpoint.find(row.endpoint);
        if (found == by_endpoint.end()) continue;
        for (const auto& region : found->second.regions) {
            groups[region].push_back(&row);
            if (row.bulk) tallies[region].add(row, found->second, region);
        }
    }
    json::object out;
    for (const auto& [region, of] : groups) {
        const auto progress = receipts::progress(std::span<const Delivery* const>(of), now);
        auto one = json::parse(receipts::to_json(progress, accepted)).as_object();
        one["recipients"] = tallies[region].object();
        one["shared"] = tallies[region].shared();
        out[region] = std::move(one);
    }
    return out;
}

}  // namespace tocsin::api
