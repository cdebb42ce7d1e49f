#include "server/plan/where.hpp"

namespace tocsin::plan {
namespace {

area::Said said_by(const cap::Area& from) {
    area::Said said;
    said.desc = from.desc;
    for (const auto& code : from.geocodes) said.geocodes.push_back({code.name, code.value});
    for (const auto& ring : from.polygons) {
        area::Ring points;
        for (const auto& p : ring) points.push_back({p.lat, p.lon});
        said.polygons.push_back(std::move(points));
    }
    for (const auto& c : from.circles)
        said.circles.push_back({{c.centre.lat, c.centre.lon}, c.radius_km});
    return said;
}

/// A translation repeats codes and shapes: they need not be resolved twice.
bool says_the_same(const cap::Area& a, const cap::Area& b) {
    const bool has_more_than_words =
        !a.geocodes.empty() || !a.polygons.empty() || !a.circles.empty();
    return has_more_than_words && a.geocodes == b.geocodes && a.polygons == b.polygons &&
           a.circles == b.circles;
}

bool has_shape(const area::Said& said) { return !said.polygons.empty() || !said.circles.empty(); }

/// A shape drawn coarsely beside a code reaches into the neighbours. By CAP rule E19 they are warned
/// too; that must be seen before it happens.
std::vector<std::string> beyond_codes(const area::Atlas& atlas,
                                      std::vector<area::Said> said,
                                      const std::vector<std::string>& regions) {
    bool both = false;
    for (auto& one : said) {
        if (one.geocodes.empty() || !has_shape(one)) continue;
        both = true;
        one.polygons.clear();
        one.circles.clear();
    }
    if (!both) return {};
    const auto coded = atlas.resolve(said).regions;
    std::vector<std::string> out;
    for (const auto& region : regions)
        if (std::ranges::none_of(coded, [&](const auto& c) { return atlas.within(region, c); }))
            out.push_back(region);
    return out;
}

/// An area that draws a shape and gives no code means the shape, whatever it calls it.
std::vector<std::string> named(const area::Atlas& atlas,
                               std::vector<area::Said> said,
                               const std::vector<std::string>& regions) {
    if (std::ranges::none_of(said, has_shape)) return regions;
    std::erase_if(said, [](const auto& one) { return has_shape(one) && one.geocodes.empty(); });
    for (auto& one : said) {
        one.polygons.clear();
        one.circles.clear();
    }
    return said.empty() ? std::vector<std::string>() : atlas.resolve(said).regions;
}

struct Place {
    std::size_t info, area;
};

}  // namespace

Where resolve(const area::Atlas& atlas,
              const cap::Alert& alert,
              std::vector<cap::Violation>& violations) {
    std::vector<area::Said> said;
    std::vector<Place> places;
    std::vector<const cap::Area*> known;
    for (std::size_t i = 0; i < alert.infos.size(); ++i) {
        const auto before = known.size();  // repeats inside one block are resolved and reported
        for (std::size_t j = 0; j < alert.infos[i].areas.size(); ++j) {
            const auto& one = alert.infos[i].areas[j];
            const auto same = [&](const cap::Area* other) { return says_the_same(*other, one); };
            if (j < before && same(known[j])) continue;  // the usual case: the same order
            if (std::any_of(known.begin(), known.begin() + std::ptrdiff_t(before), same)) continue;
            said.push_back(said_by(one));
            places.push_back({i + 1, j + 1});
            known.push_back(&one);
        }
    }
    if (said.empty()) return {};
    auto resolved = atlas.resolve(said);
    for (const auto& problem : resolved.problems) {
        const auto at = problem.area < places.size() ? places[problem.area] : Place{1, 1};
        auto element = fmt::format("alert/info[{}]/area[{}]", at.info, at.area);
        if (!problem.part.empty()) element += "/" + problem.part;
        violations.push_back({problem.rule,
                              problem.error ? cap::Weight::error : cap::Weight::warning, 0,
                              std::move(element), problem.message});
    }
    auto beyond = beyond_codes(atlas, said, resolved.regions);
    auto by_name = named(atlas, std::move(said), resolved.regions);
    return {std::move(resolved.regions),  std::move(resolved.beside),  std::move(beyond),
            std::move(resolved.polygons), std::move(resolved.circles), std::move(by_name)};
}

}  // namespace tocsin::plan
