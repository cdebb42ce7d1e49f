#include "server/area/index.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace tocsin::area {
namespace {

constexpr double point_km = 0.001;  // a circle below is a point (CAP rule E12)
constexpr double line_km2 = 1e-6;   // a polygon below is a line (CAP rule E7)

bool on_earth(Point p) { return std::abs(p.lat) <= 90 && std::abs(p.lon) <= 180; }  // NaN is not
Point swapped(Point p) { return {p.lon, p.lat}; }

bool digits(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::string_view stripped(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// CAP rules E1 to E4, which intake has checked; here so that nothing unreadable is ever taken for
/// an area, whoever asks (scar C1).
const char* flaw(const Ring& ring) {
    if (ring.size() < 4) return "polygon-min";
    if (!std::ranges::all_of(ring, [](Point p) { return std::isfinite(p.lat + p.lon); }))
        return "polygon-form";
    return ring.front() == ring.back() ? nullptr : "polygon-closed";
}

}  // namespace

/// Goes through what an alert says, area by area, and keeps what it covers.
class Resolver {
public:
    explicit Resolver(const Atlas& atlas) : atlas_(atlas), index_(*atlas.index_) {}

    Resolved run(const std::vector<Said>& areas) {
        for (area_ = 0; area_ < areas.size(); ++area_) take(areas[area_]);
        if (areas.empty())
            report("no-area", true, "",
                   "the alert names no area, so it would reach nobody; name one");
        weigh_outside();
        weigh_names();
        join_streets();
        drop_covered();
        out_.regions.assign(covered_.begin(), covered_.end());
        find_beside();
        std::ranges::stable_sort(out_.problems, {}, &Problem::area);
        return std::move(out_);
    }

private:
    void take(const Said& said) {
        const auto first = out_.problems.size();
        const auto before = resolved_;
        for (std::size_t i = 0; i < said.geocodes.size(); ++i) take(said.geocodes[i], i);
        for (std::size_t i = 0; i < said.polygons.size(); ++i) take(said.polygons[i], i);
        for (std::size_t i = 0; i < said.circles.size(); ++i) take(said.circles[i], i);
        if (said.geocodes.empty() && said.polygons.empty() && said.circles.empty())
            take_name(said.desc);
        if (resolved_ == before) return;
        for (auto i = first; i < out_.problems.size();
             ++i)  // CAP rule E15: the rest of it resolves
            if (out_.problems[i].rule == "geocode-unknown" ||
                out_.problems[i].rule == "polygon-area")
                out_.problems[i].error = false;
    }

    void take(const Said::Geocode& geocode, std::size_t i) {
        const auto part = fmt::format("geocode[{}]", i + 1);
        const auto scheme = stripped(geocode.scheme), code = stripped(geocode.code);
        const Region* region = nullptr;
        if (scheme == "tocsin:region")
            region = atlas_.find(code);
        else if (!std::ranges::count(atlas_.schemes_, scheme))
            return report(
                "geocode-unknown", true, part,
                fmt::format(
                    "the valueName \"{}\" is not known here; known are {} and tocsin:region",
                    scheme, fmt::join(atlas_.schemes_, ", ")));
        else if (digits(code))
            region = atlas_.find(code);
        if (!region && scheme != "tocsin:region") region = street_of_community(code, part);
        if (!region) return report("geocode-unknown", true, part, why_unknown(code));
        cover(*region);
    }

    const Region* street_of_community(std::string_view code, const std::string& part) {
        if (code.size() != 12 || !digits(code)) return nullptr;
        const auto* street = atlas_.find(code.substr(0, 9));
        if (!street || street->tier != Tier::street) return nullptr;
        report("geocode-community", false, part,
               fmt::format("communities have no list of their own: {} is taken as its street {} {}",
                           code, street->code, street->name_zh));
        return street;
    }

    std::string why_unknown(std::string_view code) const {
        if (const auto old = index_.by_former.find(std::string(trimmed(code)));
            old != index_.by_former.end()) {
            const auto& now = atlas_.regions_[old->second];
            return fmt::format("{} is no longer in use; its area belongs to {} {} now", code,
                               now.code, now.name_zh);
        }
        const auto* named = atlas_.find(code);
        if (named && named->tier == Tier::functional)
            return fmt::format("{} is a code of tocsin:region, not of this list", code);
        if (!digits(code) || (code.size() != 6 && code.size() != 9 && code.size() != 12))
            return fmt::format("\"{}\" is no region here: codes have 6, 9 or 12 digits", code);
        const auto* district = atlas_.find(code.substr(0, 6));
        if (!district) return fmt::format("{} is no region of {}", code, atlas_.city().name_zh);
        return fmt::format("{} {} is known, {} is none of its streets", district->code,
                           district->name_zh, code);
    }

    void take(const Ring& ring, std::size_t i) {
        const auto part = fmt::format("polygon[{}]", i + 1);
        if (const auto* rule = flaw(ring))
            return report(rule, true, part,
                          "the polygon is not readable, and nothing is put in its place");
        if (!std::ranges::all_of(ring, on_earth)) return report_misplaced(ring, part);
        const Shape shape(ring);
        if (shape.area_km2() < line_km2)
            return report("polygon-area", true, part,
                          "the polygon has no area: its points lie on one line");
        const auto met = index_.met_by(shape);
        for (const auto place : met) cover(atlas_.regions_[index_.placed[place].region]);
        if (near(shape, ring, met.empty(), part) && !std::ranges::count(out_.polygons, ring))
            out_.polygons.push_back(ring);
    }

    void take(const Circle& circle, std::size_t i) {
        const auto part = fmt::format("circle[{}]", i + 1);
        if (!std::isfinite(circle.radius_km) || circle.radius_km < 0)
            return report("circle-radius", true, part,
                          "the radius is no number of kilometres from 0 on");
        if (!on_earth(circle.centre)) return report_misplaced({circle.centre}, part);
        const bool point = circle.radius_km < point_km;
        const auto met = point ? index_.met_by(circle.centre) : index_.met_by(circle);
        for (const auto place : met) cover(atlas_.regions_[index_.placed[place].region]);
        const Shape shape(outline({circle.centre, std::max(circle.radius_km, point_km)}));
        const auto same = [&](const Circle& c) {
            return c.centre == circle.centre && c.radius_km == circle.radius_km;
        };
        if (near(shape, {circle.centre}, met.empty(), part) &&
            std::ranges::none_of(out_.circles, same))
            out_.circles.push_back(circle);
    }

    /// False where the geometry lies outside, which is reported.
    bool near(const Shape& shape, const Ring& said, bool meets_none, const std::string& part) {
        if (!meets_none) return inside_ = true;
        const auto km = index_.km_outside(shape);
        if (km > margin_km) {
            report_outside(said, km, part);
            return false;
        }
        inside_ = true;
        near_misses_.push_back(out_.problems.size());
        report("area-outside", false, part,
               fmt::format(
                   "it lies at the border of {} and reaches into no district; if one is meant, "
                   "name it by a geocode",
                   atlas_.city().name_zh));
        return true;
    }

    bool looks_swapped(const Ring& said) const {
        const auto city = index_.outline.box().grown(margin_km);
        Box box;
        for (const auto point : said) box.stretch(swapped(point));
        return !city.apart(box);
    }

    void report_misplaced(const Ring& said, const std::string& part) {
        if (looks_swapped(said)) return report_outside(said, 0, part);
        report("coordinate-range", true, part,
               "latitudes are -90 to 90, longitudes -180 to 180, in this order");
    }

    void report_outside(const Ring& said, double km, const std::string& part) {
        const auto& city = atlas_.city();
        if (looks_swapped(said))
            return report(
                "area-outside", true, part,
                fmt::format("latitude and longitude are swapped: CAP writes latitude,longitude "
                            "({:.4f},{:.4f} would lie in {})",
                            said.front().lon, said.front().lat, city.name_zh));
        outside_.push_back(out_.problems.size());
        report("area-outside", true, part,
               fmt::format("it lies {:.0f} km outside {}", km, city.name_zh));
    }

    void take_name(std::string_view desc) {
        const auto found = index_.by_name.find(std::string(stripped(desc)));
        if (found == index_.by_name.end() || found->second.size() != 1) {
            nameless_.push_back(out_.problems.size());
            return report(
                "area-no-geometry", true, "areaDesc",
                fmt::format("there is only a description, and \"{}\" is {}: it covers nobody; add "
                            "a geocode or a polygon",
                            stripped(desc),
                            found == index_.by_name.end() ? "the name of no region"
                                                          : "the name of several regions"));
        }
        const auto& region = atlas_.regions_[found->second.front()];
        report("area-no-geometry", false, "areaDesc",
               fmt::format("there is only a description; by its name it is taken as {} {}",
                           region.code, region.name_zh));
        cover(region);
    }

    void cover(const Region& region) {
        covered_.insert(region.code);
        ++resolved_;
    }

    void report(std::string rule, bool error, std::string part, std::string message) {
        out_.problems.push_back(
            {std::move(rule), error, area_, std::move(part), std::move(message)});
    }

    /// CAP rule E5: refused if none of the geometry meets the city, or if then nobody is left.
    void weigh_outside() {
        for (const auto i : outside_) out_.problems[i].error = !inside_ || covered_.empty();
        if (covered_.empty())
            for (const auto i : near_misses_) out_.problems[i].error = true;
    }

    /// CAP rule E18 only warns of a description that is no region's name, and so do we where the rest
    /// of the alert covers somebody. Alone it would leave an alert that reaches nobody, and nothing
    /// may be put in its place (scar C1): then the sender must hear it while there is time.
    void weigh_names() {
        for (const auto i : nameless_) out_.problems[i].error = covered_.empty();
    }

    /// A district all of whose streets are named is named; so is a city with its districts.
    void join_streets() {
        std::unordered_map<std::string, std::size_t> streets;
        std::size_t districts = 0;
        for (const auto& code : std::set(covered_)) {
            const auto& region = *atlas_.find(code);
            if (region.tier != Tier::street ||
                ++streets[region.parent] < index_.streets.at(region.parent))
                continue;
            covered_.insert(region.parent);
        }
        for (const auto& code : covered_) districts += atlas_.find(code)->tier == Tier::district;
        if (districts == index_.districts) covered_.insert(atlas_.city().code);
    }

    /// What lies below something covered; functional areas stay, as people look for them by name.
    void drop_covered() {
        const bool all = covered_.contains(atlas_.city().code);
        std::erase_if(covered_, [&](const std::string& code) {
            const auto& region = *atlas_.find(code);
            if (all) return region.tier != Tier::city;
            for (auto parent = region.parent; !parent.empty(); parent = atlas_.find(parent)->parent)
                if (covered_.contains(parent)) return true;
            return false;
        });
    }

    bool is_covered(const Region& region) const {
        return std::ranges::any_of(
            covered_, [&](const auto& code) { return atlas_.within(region.code, code); });
    }

    void find_beside() {
        std::set<std::string> beside;
        const auto add = [&](const Region& region) {
            if (!is_covered(region)) beside.insert(region.code);
        };
        for (const auto& place : index_.placed)
            if (covered_.contains(atlas_.regions_[place.region].code))
                for (const auto other : place.touching)
                    add(atlas_.regions_[index_.placed[other].region]);
        for (const auto& code : covered_)
            if (const auto& region = *atlas_.find(code); region.tier == Tier::street)
                add(*atlas_.find(region.parent));  // its other streets: which touch is not known
        out_.beside.assign(beside.begin(), beside.end());
    }

    const Atlas& atlas_;
    const Index& index_;
    Resolved out_;
    std::set<std::string> covered_;
    std::size_t area_ = 0, resolved_ = 0;
    bool inside_ = false;  // some geometry meets the city or its margin
    std::vector<std::size_t> outside_, near_misses_, nameless_;  // problems, weighed at the end
};

Resolved Atlas::resolve(const std::vector<Said>& areas) const {
    if (!index_) return {{}, {}, {}, {{"no-area", true, 0, "", "no regions are loaded"}}, {}};
    return Resolver(*this).run(areas);
}

}  // namespace tocsin::area
