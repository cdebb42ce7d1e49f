#include "server/plan/cells.hpp"

#include <algorithm>
#include <cmath>

namespace tocsin::plan {
namespace {

using area::Region;
using area::Tier;

std::vector<const Region*> regions_of(const area::Atlas& atlas,
                                      const std::vector<std::string>& codes) {
    std::vector<const Region*> out;
    for (const auto& code : codes)
        if (const auto* region = atlas.find(code)) out.push_back(region);
    return out;
}

/// The audience that stands for the people of the city.
const Audience* the_public(const Census& census) {
    if (const auto* found = census.find("public")) return found;
    return census.audiences.empty() ? nullptr : &census.audiences.front();
}

/// Somebody listed in a functional area is counted in its first district.
const Region* district_of(const area::Atlas& atlas, const std::string& code) {
    const auto* region = atlas.find(code);
    if (region && region->tier == Tier::functional && !region->overlaps.empty())
        region = atlas.find(region->overlaps.front());
    while (region && region->tier != Tier::district)
        region = region->parent.empty() ? nullptr : atlas.find(region->parent);
    return region;
}

}  // namespace

CellGround::CellGround(const City& city) {
    if (!city.cells) return;
    for (const auto& endpoint : city.endpoints) {
        if (endpoint.cells.empty()) continue;
        const auto regions = regions_of(*city.atlas, endpoint.areas);
        const auto place = area::place_of({}, {}, regions);
        if (place.has_error()) continue;
        auto own = city.cells->meeting(*place);
        own &= city.cells->of_radio(endpoint.cells);
        if (!endpoint.bscs.empty()) own &= city.cells->of_bscs(endpoint.bscs);
        own_.emplace(endpoint.name, std::move(own));
    }
    if (own_.empty()) return;
    for (const auto& region : city.atlas->regions()) {
        if (region.tier != Tier::district) continue;
        area::Shape shape(region.polygons);
        const auto km2 = shape.area_km2();
        if (km2 > 0) districts_.push_back({region.code, std::move(shape), km2});
    }
}

const area::CellSet* CellGround::own(const std::string& endpoint) const {
    const auto found = own_.find(endpoint);
    return found == own_.end() ? nullptr : &found->second;
}

void CellChoice::look() {
    looked_ = true;
    const auto regions = regions_of(*city_.atlas, where_.named);
    auto place = area::place_of(where_.polygons, where_.circles, regions);
    if (place.has_error()) {
        refused_ = place.error().what;
        return;
    }
    place_ = std::move(*place);
    met_ = city_.cells->meeting(place_);
}

CellChoice::Chosen CellChoice::choose(const Endpoint& endpoint) {
    Chosen out;
    out.reach.endpoint = endpoint.name;
    const auto* own = ground_.own(endpoint.name);
    if (!own) return out.why = "no cells are configured", out;
    if (!looked_) look();
    if (!refused_.empty()) return out.why = refused_, out;
    auto cells = met_;
    cells &= *own;
    out.cells.cgi = city_.cells->names(cells);
    if (out.cells.cgi.empty()) return out.why = "none of its cells is heard in the area", out;
    std::vector<const area::Shape*> districts;
    for (const auto& district : ground_.districts()) districts.push_back(&district.shape);
    const auto fit = city_.cells->fit(cells, place_, districts);
    out.reach.cells = out.cells.cgi.size();
    out.reach.bscs = city_.cells->bscs(cells);
    out.reach.place_km2 = fit.place_km2;
    out.reach.covered_km2 = fit.covered_km2;
    out.reach.outside_km2 = fit.outside_km2;
    out.reach.people_outside = people_outside(fit);
    return out;
}

/// As if people were spread evenly over their district: nobody knows better.
std::optional<std::uint64_t> CellChoice::people_outside(const area::Fit& fit) const {
    const auto* audience = the_public(census_);
    if (!audience) return std::nullopt;
    std::map<std::string, std::uint64_t> people;
    for (const auto& group : audience->groups)
        for (const auto& code : group.regions)
            if (const auto* district = district_of(*city_.atlas, code)) {
                people[district->code] += group.count;
                break;
            }
    double outside = 0;
    for (std::size_t i = 0; i < ground_.districts().size(); ++i) {
        const auto& district = ground_.districts()[i];
        const auto share = std::min(1.0, fit.outside_in[i] / district.km2);
        outside += share * double(people[district.code]);
    }
    return std::uint64_t(std::llround(outside));
}

std::vector<std::string> CellChoice::without_outline() const {
    std::vector<std::string> out;
    for (const auto* region : regions_of(*city_.atlas, where_.named))
        if (region->polygons.empty()) out.push_back(region->code);
    return out;
}

}  // namespace tocsin::plan
