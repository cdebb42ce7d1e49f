#include "server/area/atlas.hpp"

#include "server/area/index.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace tocsin::area {
namespace {

bool fits_below(Tier inner, Tier outer) {
    switch (inner) {
        case Tier::city: return false;
        case Tier::district:
        case Tier::functional: return outer == Tier::city;
        case Tier::street: return outer == Tier::district;
        case Tier::community: return outer == Tier::street;
    }
    return false;
}

/// Codes are unique, parents and overlapped districts exist, and there is one city.
std::optional<Fault> check_links(const std::vector<Region>& regions) {
    std::unordered_map<std::string_view, const Region*> known;
    const auto wrong = [](const Region& region, std::string what) {
        return Fault{Cause::malformed, fmt::format("region {} {}", region.code, what)};
    };
    for (const auto& region : regions)
        if (!known.emplace(region.code, &region).second) return wrong(region, "is there twice");
    for (const auto& region : regions) {
        const auto parent = known.find(region.parent);
        if (region.tier == Tier::city && !region.parent.empty())
            return wrong(region, "is a city and has a parent");
        if (region.tier != Tier::city &&
            (parent == known.end() || !fits_below(region.tier, parent->second->tier)))
            return wrong(region,
                         fmt::format("has the parent \"{}\", which is none for it", region.parent));
        for (const auto& code : region.overlaps)
            if (const auto other = known.find(code);
                other == known.end() || other->second->tier != Tier::district)
                return wrong(region, fmt::format("overlaps \"{}\", which is no district", code));
    }
    const auto cities = std::ranges::count(regions, Tier::city, &Region::tier);
    if (cities != 1) return Fault{Cause::malformed, fmt::format("{} cities, not one", cities)};
    return std::nullopt;
}

}  // namespace

Result<Atlas> Atlas::load(const std::filesystem::path& geojson) {
    std::ifstream file(geojson, std::ios::binary);
    if (!file) return Fault{Cause::unreachable, fmt::format("cannot read {}", geojson.string())};
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    auto atlas = parse(bytes);
    if (atlas.has_error()) return std::move(atlas).error().during("reading " + geojson.string());
    return atlas;
}

Result<Atlas> Atlas::parse(std::string_view geojson) {
    auto regions = parse_regions(geojson);
    if (regions.has_error()) return std::move(regions).error();
    if (auto fault = check_links(*regions)) return std::move(*fault);
    Atlas atlas;
    atlas.regions_ = std::move(*regions);
    atlas.index_ = make_index(atlas.regions_);
    return atlas;
}

const Region* Atlas::find(std::string_view code) const {
    if (!index_) return nullptr;
    const auto found = index_->by_code.find(std::string(trimmed(code)));
    return found == index_->by_code.end() ? nullptr : &regions_[found->second];
}

const Region& Atlas::city() const { return regions_.at(index_ ? index_->city : 0); }

bool Atlas::within(std::string_view inner, std::string_view outer) const {
    const auto *small = find(inner), *large = find(outer);
    if (!small || !large) return false;
    for (const auto* at = small; at; at = at->parent.empty() ? nullptr : find(at->parent))
        if (at == large) return true;
    return small->overlaps.size() == 1 && small->overlaps.front() == large->code;
}

bool Atlas::shares(std::string_view a, std::string_view b) const {
    if (within(a, b) || within(b, a)) return true;
    const auto *one = find(a), *other = find(b);
    if (!one || !other) return false;
    const auto overlaps = [&](const Region& functional, const Region& region) {
        return std::ranges::any_of(functional.overlaps,
                                   [&](const auto& code) { return within(region.code, code); });
    };
    return overlaps(*one, *other) || overlaps(*other, *one);
}

}  // namespace tocsin::area
