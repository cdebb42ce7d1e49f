#include "server/area/index.hpp"

#include <algorithm>
#include <limits>

namespace tocsin::area {
namespace {

constexpr double round_km = 500;  // circles beyond are no rings on a map any more

Point deepest(const Polygon& part) {
    constexpr int rows = 48;
    const Shape shape({&part, 1});
    std::vector<double> lons;
    Point best = part.outer.front();
    double depth = 0;
    for (int row = 0; row < rows; ++row) {
        const auto lat =
            shape.box().south + (shape.box().north - shape.box().south) * (row + 0.5) / rows;
        shape.spans_at(lat, lons);
        for (std::size_t i = 1; i < lons.size(); i += 2) {
            const Point middle{lat, (lons[i - 1] + lons[i]) / 2};
            if (const auto km = shape.border_km(middle); km > depth) best = middle, depth = km;
        }
    }
    return best;
}

bool touch(const Shape& a, const Shape& b) {
    if (a.box().grown(depth_km).apart(b.box())) return false;
    const auto reaches = [](const Shape& from, const Shape& to) {
        return std::ranges::any_of(from.vertices(), [&](Point point) {
            return to.contains(point) || to.border_within(point, depth_km);
        });
    };
    return reaches(a, b) || reaches(b, a);
}

bool meets(const Shape& said, double said_km2, const Placed& place) {
    const auto& region = place.shape;
    if (said.box().apart(region.box())) return false;
    const auto holds = [&](Point point) { return said.contains(point); };
    if (std::ranges::any_of(place.inner, holds)) return true;
    const auto deep = [&](Point point) {
        return region.contains(point) && !region.border_within(point, depth_km);
    };
    if (std::ranges::any_of(said.vertices(), deep)) return true;
    const auto shared = overlap(said, region, depth_km);
    return shared.deep || (shared.km2 > 0 && shared.km2 >= share * said_km2);
}

std::vector<std::size_t> where(const std::vector<Placed>& placed, auto predicate) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < placed.size(); ++i)
        if (predicate(placed[i])) found.push_back(i);
    return found;
}

void find_touching(std::vector<Placed>& placed) {
    for (std::size_t i = 0; i < placed.size(); ++i)
        for (std::size_t j = i + 1; j < placed.size(); ++j)
            if (touch(placed[i].shape, placed[j].shape)) {
                placed[i].touching.push_back(j);
                placed[j].touching.push_back(i);
            }
}

}  // namespace

std::string_view trimmed(std::string_view code) {
    if (code.size() == 12 && code.ends_with("000")) code.remove_suffix(3);
    if (code.size() == 9 && code.ends_with("000")) code.remove_suffix(3);
    return code;
}

std::vector<std::size_t> Index::met_by(const Shape& said) const {
    const auto km2 = said.area_km2();
    return where(placed, [&](const Placed& place) { return meets(said, km2, place); });
}

std::vector<std::size_t> Index::met_by(const Circle& said) const {
    if (said.radius_km <= round_km) return met_by(Shape(area::outline(said)));
    return where(placed, [&](const Placed& place) {
        return std::ranges::any_of(place.shape.vertices(), [&](Point vertex) {
            return distance_km(vertex, said.centre) < said.radius_km - depth_km;
        });
    });
}

std::vector<std::size_t> Index::met_by(Point said) const {
    return where(placed, [&](const Placed& place) { return place.shape.contains(said); });
}

double Index::km_outside(const Shape& said) const {
    if (said.vertices().empty()) return std::numeric_limits<double>::infinity();
    if (outline.contains(said.vertices().front()) || said.contains(outline.vertices().front()) ||
        said.crosses_border_of(outline))
        return 0;
    constexpr std::size_t looks = 2000;  // the figure is for people, but the margin must hold
    auto least = std::numeric_limits<double>::infinity();
    if (said.box().grown(2 * margin_km).apart(outline.box())) {
        const auto step = said.vertices().size() / looks + 1;
        for (std::size_t i = 0; i < said.vertices().size(); i += step)
            least = std::min(least, outline.border_km(said.vertices()[i]));
        return least;
    }
    for (const auto vertex : said.vertices())
        if (outline.border_within(vertex, margin_km)) return margin_km;
    for (const auto vertex : outline.vertices())
        if (said.border_within(vertex, margin_km)) return margin_km;
    for (std::size_t i = 0; i < said.vertices().size(); i += said.vertices().size() / looks + 1)
        least = std::min(least, outline.border_km(said.vertices()[i]));
    return std::max(least, 1.01 * margin_km);
}

std::shared_ptr<const Index> make_index(const std::vector<Region>& regions) {
    auto index = std::make_shared<Index>();
    for (std::size_t i = 0; i < regions.size(); ++i) {
        const auto& region = regions[i];
        index->by_code.emplace(region.code, i);
        for (const auto& name : {region.name_zh, region.name_en})
            if (!name.empty()) index->by_name[name].push_back(i);
        for (const auto& code : region.former) index->by_former.emplace(code, i);
        if (region.tier == Tier::city) {
            index->city = i;
            index->outline = Shape(region.polygons);
        }
        if (region.tier == Tier::street) ++index->streets[region.parent];
        if (region.tier == Tier::district) ++index->districts;
        if (region.tier != Tier::district && region.tier != Tier::functional) continue;
        auto& place = index->placed.emplace_back(Placed{i, Shape(region.polygons), {}, {}});
        for (const auto& part : region.polygons) place.inner.push_back(deepest(part));
    }
    find_touching(index->placed);
    return index;
}

}  // namespace tocsin::area
