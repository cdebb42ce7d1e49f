#include "server/plan/reach.hpp"

#include <set>

namespace tocsin::plan {
namespace {

using area::Atlas;
using area::Tier;

/// What of the covered regions lies in the endpoint's own: the narrower of two that contain one
/// another; of two that overlap, the covered one, never more than was approved.
std::set<std::string> own_part(const Atlas& atlas,
                               const Endpoint& endpoint,
                               const std::vector<std::string>& regions) {
    std::set<std::string> codes;
    for (const auto& covered : regions)
        for (const auto& own : endpoint.areas) {
            if (!atlas.shares(covered, own)) continue;
            const auto* region = atlas.find(own);
            const bool narrower = !atlas.within(covered, own) && atlas.within(own, covered);
            codes.insert(narrower && region ? region->code : covered);
        }
    return codes;
}

const Endpoint* named(const City& city, std::string_view name) {
    const auto found = std::ranges::find(city.endpoints, name, &Endpoint::name);
    return found == city.endpoints.end() ? nullptr : &*found;
}

bool is_twin(const City& city, const Endpoint& endpoint) {
    return std::ranges::any_of(city.endpoints,
                               [&](const Endpoint& e) { return e.sandbox == endpoint.name; });
}

/// Where a drill goes that would have gone to `endpoint`; null: nowhere.
const Endpoint* stand_in(const City& city, const Request& request, const Endpoint& endpoint) {
    if (!endpoint.live) return is_twin(city, endpoint) ? nullptr : &endpoint;
    if (request.mode == Mode::exercise && request.depth == Depth::terminal &&
        endpoint.drills == Depth::terminal)
        return &endpoint;
    const auto* twin = named(city, endpoint.sandbox);
    return twin && !twin->live ? twin : nullptr;
}

/// Who is told of an alert for some regions? Those listed in one of them or below. Listed by a wider
/// region they are not: nobody knows that they are in it (scar B7). Somebody listed in a functional
/// area is told of its districts' alerts.
class Listener {
public:
    enum class Hears { no, perhaps, yes };  // perhaps: listed in a region that is covered in part

    Listener(const Atlas& atlas, const std::vector<std::string>& codes) : atlas_(atlas) {
        for (const auto& code : codes) {
            const auto* region = atlas_.find(code);
            if (!region) continue;
            covered_.insert(region);
            for (const auto& district : region->overlaps)
                if (atlas_.within(code, district)) add_above(atlas_.find(district));
            add_above(parent(region));
        }
    }
    Hears hears(const Group& group) {
        auto best = Hears::no;
        for (const auto& region : group.regions) {
            const auto [at, fresh] = known_.try_emplace(region, Hears::no);
            if (fresh) at->second = ask(atlas_.find(region));
            best = std::max(best, at->second);
        }
        return best;
    }

private:
    using Set = std::set<const area::Region*>;

    const area::Region* parent(const area::Region* region) const {
        return region->parent.empty() ? nullptr : atlas_.find(region->parent);
    }
    void add_above(const area::Region* region) {
        for (; region; region = parent(region)) above_.insert(region);
    }
    Hears ask(const area::Region* listed) const {
        if (!listed) return Hears::no;  // no longer on the map
        for (const auto* at = listed; at; at = parent(at))
            if (covered_.contains(at)) return Hears::yes;
        for (const auto& district : listed->overlaps)
            if (covered_.contains(atlas_.find(district))) return Hears::yes;
        return above_.contains(listed) ? Hears::perhaps : Hears::no;
    }

    const Atlas& atlas_;
    Set covered_, above_;
    std::unordered_map<std::string, Hears> known_;
};

}  // namespace

std::vector<const Endpoint*> carriers(const City& city, const std::string& region) {
    std::vector<const Endpoint*> out;
    for (const auto& e : city.endpoints)
        if (e.live && !e.backup_only && std::ranges::any_of(e.areas, [&](const auto& own) {
                return city.atlas->shares(own, region);
            }))
            out.push_back(&e);
    return out;
}

std::vector<Reach> reach(const City& city,
                         const Request& request,
                         const std::vector<std::string>& regions,
                         std::vector<Note>& notes) {
    std::map<std::string, std::pair<const Endpoint*, std::set<std::string>>> targets;
    const bool for_all = request.alert->scope == cap::Scope::public_;
    for (const auto& e : city.endpoints) {
        if (e.backup_only || (!for_all && !e.restricted)) continue;
        if (request.mode == Mode::live && !e.live) continue;
        const auto codes = own_part(*city.atlas, e, regions);
        if (codes.empty()) continue;
        const auto* target = request.mode == Mode::live ? &e : stand_in(city, request, e);
        if (!target && e.live)
            notes.push_back(
                {"no-sandbox", fmt::format("{} has no sandbox: this {} does not go that way",
                                           e.name, word(request.mode))});
        if (!target) continue;
        auto& [endpoint, all] = targets[target->name];
        endpoint = target;
        all.insert(codes.begin(), codes.end());
    }
    std::vector<Reach> out;
    for (auto& [name, target] : targets)
        out.push_back({target.first, {target.second.begin(), target.second.end()}});
    return out;
}

std::vector<People> people(const City& city,
                           const Census& census,
                           const std::vector<Reach>& reached,
                           bool opt_out_may_be_overridden,
                           std::vector<Note>& notes) {
    std::vector<People> out(reached.size());
    std::map<std::pair<std::string, std::string>, std::set<std::uint32_t>> taken;
    for (std::size_t i = 0; i < reached.size(); ++i) {
        const auto& e = *reached[i].endpoint;
        if (!e.bulk) continue;
        out[i].audience = census.find(e.audience);
        if (!out[i].audience) {
            notes.push_back(
                {"audience-missing",
                 fmt::format("{} has no audience \"{}\": it reaches nobody", e.name, e.audience)});
            continue;
        }
        const bool override_opt_out = opt_out_may_be_overridden && e.red_overrides_opt_out;
        auto& gone = taken[{e.audience, e.bearer}];
        Listener listener(*city.atlas, reached[i].codes);
        const auto& groups = out[i].audience->groups;
        std::uint64_t unplaced = 0;
        for (std::uint32_t g = 0; g < groups.size(); ++g) {
            if (groups[g].count == 0 || (groups[g].opted_out && !override_opt_out)) continue;
            const auto hears = listener.hears(groups[g]);
            if (hears == Listener::Hears::perhaps) unplaced += groups[g].count;
            if (hears != Listener::Hears::yes) continue;
            if (!gone.insert(g).second) continue;
            out[i].groups.push_back(g);
            out[i].recipients += groups[g].count;
        }
        if (unplaced > 0)
            notes.push_back(
                {"audience-unplaced",
                 fmt::format("{}: {} people are listed by a wider region only and are not "
                             "told: nobody knows whether they are in the area",
                             e.name, unplaced)});
    }
    return out;
}

}  // namespace tocsin::plan
