#include "server/area/geometry.hpp"

#include "server/area/shape.hpp"

#include <cmath>
#include <numbers>

namespace tocsin::area {
namespace {

constexpr double radian = std::numbers::pi / 180;
constexpr double plane_km_max = 500;  // beyond: too round for distances on a plane

}  // namespace

bool contains(const Polygon& polygon, Point point) {
    bool inside = contains(polygon.outer, point);
    for (const auto& hole : polygon.holes) inside = inside != contains(hole, point);
    return inside;
}

bool contains(const Ring& ring, Point point) {
    bool inside = false;
    for (std::size_t i = 1; i < ring.size(); ++i) {
        const bool rises = ring[i - 1].lat < ring[i].lat;  // from below, as Edge does
        const Edge edge{ring[rises ? i - 1 : i], ring[rises ? i : i - 1]};
        if (edge.low.lat <= point.lat && point.lat < edge.high.lat &&
            point.lon < edge.lon_at(point.lat))
            inside = !inside;
    }
    return inside;
}

bool meets(const Polygon& a, const Ring& b) {
    const Shape region({&a, 1}), said(b);
    if (said.vertices().empty() || region.vertices().empty()) return false;
    return region.contains(said.vertices().front()) || said.contains(region.vertices().front()) ||
           said.crosses_border_of(region);
}

bool meets(const Polygon& a, const Circle& b) {
    const Shape region({&a, 1});
    if (region.contains(b.centre)) return true;
    if (b.radius_km <= plane_km_max) return region.border_within(b.centre, b.radius_km);
    for (const auto& vertex : region.vertices())
        if (distance_km(vertex, b.centre) <= b.radius_km) return true;
    return false;
}

double area_km2(const Ring& ring) {
    double sum = 0;
    for (std::size_t i = 1; i < ring.size(); ++i)
        sum += (ring[i].lon - ring[i - 1].lon) * radian *
               (std::sin(ring[i].lat * radian) + std::sin(ring[i - 1].lat * radian));
    return std::abs(sum) / 2 * earth_km * earth_km;
}

double distance_km(Point a, Point b) {
    const auto lat = std::sin((b.lat - a.lat) * radian / 2);
    const auto lon = std::sin((b.lon - a.lon) * radian / 2);
    const auto h = lat * lat + std::cos(a.lat * radian) * std::cos(b.lat * radian) * lon * lon;
    return 2 * earth_km * std::asin(std::sqrt(std::min(1.0, h)));
}

}  // namespace tocsin::area
