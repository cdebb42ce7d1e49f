#include "server/area/shape.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace tocsin::area {
namespace {

constexpr std::size_t bands_max = 4096;
constexpr double entries_an_edge = 4;

double cosine(double lat) { return std::cos(lat * std::numbers::pi / 180); }

/// Squared, in kilometres, on the plane that touches the Earth half-way.
double distance2(Point point, const Edge& edge) {
    const auto shrink = cosine((point.lat + (edge.low.lat + edge.high.lat) / 2) / 2);
    const auto x = (edge.low.lon - point.lon) * shrink, y = edge.low.lat - point.lat;
    const auto dx = (edge.high.lon - edge.low.lon) * shrink, dy = edge.high.lat - edge.low.lat;
    const auto length2 = dx * dx + dy * dy;
    const auto along = length2 > 0 ? std::clamp(-(x * dx + y * dy) / length2, 0.0, 1.0) : 0.0;
    const auto nx = x + along * dx, ny = y + along * dy;
    return (nx * nx + ny * ny) * degree_km * degree_km;
}

double turn(Point a, Point b, Point c) {
    return (b.lon - a.lon) * (c.lat - a.lat) - (b.lat - a.lat) * (c.lon - a.lon);
}

bool on(const Edge& edge, Point p) {
    return turn(edge.low, edge.high, p) == 0 && std::min(edge.low.lon, edge.high.lon) <= p.lon &&
           p.lon <= std::max(edge.low.lon, edge.high.lon) && edge.low.lat <= p.lat &&
           p.lat <= edge.high.lat;
}

bool touch(const Edge& a, const Edge& b) {
    const auto opposite = [](double x, double y) { return (x > 0 && y < 0) || (x < 0 && y > 0); };
    if (opposite(turn(a.low, a.high, b.low), turn(a.low, a.high, b.high)) &&
        opposite(turn(b.low, b.high, a.low), turn(b.low, b.high, a.high)))
        return true;
    return on(a, b.low) || on(a, b.high) || on(b, a.low) || on(b, a.high);
}

}  // namespace

void Box::stretch(Point point) {
    south = std::min(south, point.lat), north = std::max(north, point.lat);
    west = std::min(west, point.lon), east = std::max(east, point.lon);
}

Box Box::grown(double km) const {
    const auto lat = km / degree_km;
    const auto far = std::min(std::max(std::abs(south), std::abs(north)) + lat, 89.0);
    const auto lon = lat / cosine(far);
    return {south - lat, west - lon, north + lat, east + lon};
}

bool Box::apart(const Box& other) const {
    return other.south > north || other.north < south || other.west > east || other.east < west;
}

Shape::Shape(const Ring& ring) {
    add(ring);
    make_bands();
}

Shape::Shape(std::span<const Polygon> polygons) {
    for (const auto& polygon : polygons) {
        add(polygon.outer);
        for (const auto& hole : polygon.holes) add(hole);
    }
    make_bands();
}

void Shape::add(const Ring& ring) {
    for (std::size_t i = 1; i < ring.size(); ++i) {
        const auto a = ring[i - 1], b = ring[i];
        if (a == b) continue;
        const bool rises = a.lat != b.lat ? a.lat < b.lat : a.lon < b.lon;
        edges_.push_back(rises ? Edge{a, b} : Edge{b, a});
        vertices_.push_back(a);
        box_.stretch(a);
        box_.stretch(b);
    }
}

void Shape::make_bands() {
    const auto height = box_.north - box_.south;
    double heights = 0;
    for (const auto& edge : edges_) heights += edge.high.lat - edge.low.lat;
    const auto affordable =
        heights > 0 ? entries_an_edge * static_cast<double>(edges_.size()) * height / heights : 1;
    const auto wanted = std::min(affordable, static_cast<double>(edges_.size()));
    starts_.assign(std::clamp<std::size_t>(static_cast<std::size_t>(wanted), 1, bands_max) + 1, 0);
    for (const auto& edge : edges_)
        for (auto b = band_of(edge.low.lat); b <= band_of(edge.high.lat); ++b) ++starts_[b + 1];
    for (std::size_t b = 1; b < starts_.size(); ++b) starts_[b] += starts_[b - 1];
    entries_.resize(starts_.back());
    auto next = starts_;
    for (std::uint32_t i = 0; i < edges_.size(); ++i)
        for (auto b = band_of(edges_[i].low.lat); b <= band_of(edges_[i].high.lat); ++b)
            entries_[next[b]++] = i;
}

std::size_t Shape::band_of(double lat) const {
    const auto count = starts_.size() - 1;
    const auto share = (lat - box_.south) / (box_.north - box_.south);
    if (!(share > 0)) return 0;
    return std::min(count - 1,
                    static_cast<std::size_t>(std::min(share, 1.0) * static_cast<double>(count)));
}

double Shape::edges_a_band() const {
    return static_cast<double>(entries_.size()) / static_cast<double>(starts_.size() - 1);
}

bool Shape::contains(Point point) const {
    if (point.lon < box_.west || point.lon > box_.east) return false;
    bool inside = false;
    each_edge(point.lat, point.lat, [&](const Edge& edge) {
        if (edge.low.lat <= point.lat && point.lat < edge.high.lat &&
            point.lon < edge.lon_at(point.lat))
            inside = !inside;
        return true;
    });
    return inside;
}

bool Shape::border_within(Point point, double km) const {
    const auto reach = Box{point.lat, point.lon, point.lat, point.lon}.grown(km);
    bool near = false;
    each_edge(reach.south, reach.north, [&](const Edge& edge) {
        const auto [west, east] = std::minmax(edge.low.lon, edge.high.lon);
        near = west <= reach.east && east >= reach.west && distance2(point, edge) <= km * km;
        return !near;
    });
    return near;
}

double Shape::border_km(Point point) const {
    auto least = std::numeric_limits<double>::infinity();
    for (const auto& edge : edges_) least = std::min(least, distance2(point, edge));
    return std::sqrt(least);
}

bool Shape::crosses_border_of(const Shape& other) const {
    if (box_.apart(other.box_)) return false;
    bool crosses = false;
    for (const auto& edge : edges_) {
        other.each_edge(edge.low.lat, edge.high.lat, [&](const Edge& candidate) {
            crosses = touch(edge, candidate);
            return !crosses;
        });
        if (crosses) return true;
    }
    return false;
}

void Shape::spans_at(double lat, std::vector<double>& lons) const {
    lons.clear();
    each_edge(lat, lat, [&](const Edge& edge) {
        if (edge.low.lat <= lat && lat < edge.high.lat) lons.push_back(edge.lon_at(lat));
        return true;
    });
    std::ranges::sort(lons);
}

Ring outline(const Circle& circle) {
    constexpr int corners = 72;
    constexpr double step = 2 * std::numbers::pi / corners;
    const auto reach = circle.radius_km * std::sqrt(step / std::sin(step)) / earth_km;
    const auto phi = circle.centre.lat * std::numbers::pi / 180;
    Ring ring;
    for (int i = 0; i < corners; ++i) {
        const auto bearing = i * step;
        const auto sine =
            std::sin(phi) * std::cos(reach) + std::cos(phi) * std::sin(reach) * std::cos(bearing);
        const auto east = std::atan2(std::sin(bearing) * std::sin(reach) * std::cos(phi),
                                     std::cos(reach) - std::sin(phi) * sine);
        ring.push_back({std::asin(std::clamp(sine, -1.0, 1.0)) * 180 / std::numbers::pi,
                        circle.centre.lon + east * 180 / std::numbers::pi});
    }
    ring.push_back(ring.front());
    return ring;
}

}  // namespace tocsin::area
