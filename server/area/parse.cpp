#include "server/area/index.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <cmath>

namespace tocsin::area {
namespace {

namespace json = boost::json;

Fault wrong(std::string what) { return {Cause::malformed, std::move(what)}; }

const json::value* member(const json::object& object, std::string_view key) {
    return object.if_contains(key);
}

Result<std::string> text(const json::object& object, std::string_view key) {
    const auto* value = member(object, key);
    if (!value || !value->is_string()) return wrong(fmt::format("{} is no text", key));
    return std::string(value->get_string());
}

Result<std::vector<std::string>> texts(const json::object& object, std::string_view key) {
    std::vector<std::string> all;
    const auto* value = member(object, key);
    if (!value) return all;
    if (!value->is_array()) return wrong(fmt::format("{} is no list", key));
    for (const auto& item : value->get_array()) {
        if (!item.is_string()) return wrong(fmt::format("{} holds something else than texts", key));
        all.emplace_back(item.get_string());
    }
    return all;
}

Result<Tier> tier(const json::object& properties) {
    const auto name = text(properties, "tier");
    if (name.has_error()) return name.error();
    constexpr std::pair<std::string_view, Tier> names[] = {{"city", Tier::city},
                                                           {"district", Tier::district},
                                                           {"functional", Tier::functional},
                                                           {"street", Tier::street},
                                                           {"community", Tier::community}};
    for (const auto& [word, value] : names)
        if (word == *name) return value;
    return wrong(fmt::format("tier \"{}\" is not known", *name));
}

/// GeoJSON writes longitude first; here is the one place where it turns (scar C4).
Result<Point> position(const json::value& value) {
    const auto* pair = value.if_array();
    if (!pair || pair->size() < 2 || !(*pair)[0].is_number() || !(*pair)[1].is_number())
        return wrong("is no [longitude, latitude]");
    const Point point{(*pair)[1].to_number<double>(), (*pair)[0].to_number<double>()};
    if (!(std::abs(point.lat) <= 90) || !(std::abs(point.lon) <= 180))
        return wrong(
            fmt::format("longitude {}, latitude {} is nowhere; GeoJSON writes longitude first",
                        point.lon, point.lat));
    return point;
}

Result<Ring> ring(const json::value& value) {
    if (!value.is_array()) return wrong("is no list");
    Ring points;
    for (const auto& item : value.get_array()) {
        const auto point = position(item);
        if (point.has_error())
            return Fault(point.error()).during(fmt::format("position {}", points.size()));
        points.push_back(*point);
    }
    if (points.size() < 4) return wrong(fmt::format("has {} positions, not 4", points.size()));
    if (points.front() != points.back()) return wrong("is not closed");
    if (crosses_itself(points)) return wrong("crosses itself");
    return points;
}

Result<Polygon> polygon(const json::value& value) {
    if (!value.is_array() || value.get_array().empty()) return wrong("has no rings");
    Polygon made;
    for (std::size_t i = 0; i < value.get_array().size(); ++i) {
        auto one = ring(value.get_array()[i]);
        if (one.has_error()) return std::move(one).error().during(fmt::format("ring {}", i));
        (i == 0 ? made.outer : made.holes.emplace_back()) = std::move(*one);
    }
    return made;
}

Result<std::vector<Polygon>> polygons(const json::object& feature) {
    std::vector<Polygon> all;
    const auto* geometry = member(feature, "geometry");
    if (!geometry) return wrong("geometry is missing");
    if (geometry->is_null()) return all;
    const auto* object = geometry->if_object();
    const auto* coordinates = object ? member(*object, "coordinates") : nullptr;
    if (!coordinates || !coordinates->is_array()) return wrong("geometry has no coordinates");
    const auto type = text(*object, "type");
    if (type.has_error()) return Fault(type.error()).during("geometry");
    if (*type != "Polygon" && *type != "MultiPolygon")
        return wrong(fmt::format("geometry is a {}, not a Polygon or MultiPolygon", *type));
    const bool many = *type == "MultiPolygon";
    for (std::size_t i = 0; i < (many ? coordinates->get_array().size() : 1); ++i) {
        auto one = polygon(many ? coordinates->get_array()[i] : *coordinates);
        if (one.has_error()) return std::move(one).error().during(fmt::format("polygon {}", i));
        all.push_back(std::move(*one));
    }
    return all;
}

/// Takes what a member gave, or keeps the first fault.
template <class T> void take(T& into, Result<T> given, std::optional<Fault>& fault) {
    if (given.has_value())
        into = std::move(*given);
    else if (!fault)
        fault = std::move(given).error();
}

Result<Region> region(const json::value& value) {
    const auto* feature = value.if_object();
    const auto* found = feature ? member(*feature, "properties") : nullptr;
    const auto* properties = found ? found->if_object() : nullptr;
    if (!properties) return wrong("has no properties");
    Region made;
    std::optional<Fault> fault;
    take(made.code, text(*properties, "code"), fault);
    take(made.parent, text(*properties, "parent"), fault);
    take(made.tier, tier(*properties), fault);
    take(made.name_zh, text(*properties, "name_zh"), fault);
    take(made.name_en, text(*properties, "name_en"), fault);
    take(made.overlaps, texts(*properties, "overlaps"), fault);
    take(made.former, texts(*properties, "former"), fault);
    take(made.polygons, polygons(*feature), fault);
    if (!fault && made.code.empty()) fault = wrong("code is empty");
    const bool outlined = made.tier != Tier::street && made.tier != Tier::community;
    if (!fault && outlined && made.polygons.empty()) fault = wrong("has no outline");
    if (fault) return std::move(*fault).during(fmt::format("region \"{}\"", made.code));
    return made;
}

}  // namespace

Result<std::vector<Region>> parse_regions(std::string_view geojson) {
    boost::system::error_code error;
    const auto document = json::parse({geojson.data(), geojson.size()}, error);
    if (error) return wrong(fmt::format("no JSON: {}", error.message()));
    const auto* top = document.if_object();
    const auto* found = top ? member(*top, "features") : nullptr;
    const auto* features = found ? found->if_array() : nullptr;
    if (!features) return wrong("no GeoJSON FeatureCollection");
    std::vector<Region> regions;
    for (const auto& feature : *features) {
        auto one = region(feature);
        if (one.has_error())
            return std::move(one).error().during(fmt::format("feature {}", regions.size()));
        regions.push_back(std::move(*one));
    }
    return regions;
}

}  // namespace tocsin::area
