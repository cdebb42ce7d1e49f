#include "channels/sms/area/shape.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

namespace tocsin::smpp_area {
namespace {

namespace json = boost::json;

constexpr double km_per_degree = 111.195;
constexpr double radians = std::numbers::pi / 180;

/// A plane in which areas and angles of a city's size are right: kilometres east and north.
struct Plane {
    explicit Plane(const Ring& ring) : origin(ring.front()) {
        east = km_per_degree * std::cos(origin.latitude * radians);
    }
    Point to(const Point& p) const {
        return {(p.longitude - origin.longitude) * east,
                (p.latitude - origin.latitude) * km_per_degree};
    }
    Point from(const Point& p) const {
        return {origin.longitude + p.longitude / east,
                origin.latitude + p.latitude / km_per_degree};
    }
    Point origin;
    double east;
};

double cross(const Point& o, const Point& a, const Point& b) {
    return (a.longitude - o.longitude) * (b.latitude - o.latitude) -
           (a.latitude - o.latitude) * (b.longitude - o.longitude);
}

double twice_area(const Ring& flat) {  // > 0: counter-clockwise
    double sum = 0;
    for (std::size_t i = 0; i < flat.size(); ++i)
        sum += cross({}, flat[i], flat[(i + 1) % flat.size()]);
    return sum;
}

/// Counter-clockwise, no three in a line.
Ring hull(Ring points) {
    std::ranges::sort(points, [](const Point& a, const Point& b) {
        return std::pair(a.longitude, a.latitude) < std::pair(b.longitude, b.latitude);
    });
    Ring out;
    for (const int half : {0, 1}) {
        const auto begin = out.size();
        for (const auto& point : points) {
            while (out.size() >= begin + 2 && cross(out[out.size() - 2], out.back(), point) <= 0)
                out.pop_back();
            out.push_back(point);
        }
        out.pop_back();
        if (half == 0) std::ranges::reverse(points);
    }
    return out;
}

/// Where the lines before and after the edge a-b meet beyond it; nothing if they do not.
std::optional<Point> beyond(const Point& before,
                            const Point& a,
                            const Point& b,
                            const Point& after) {
    const Point in{a.longitude - before.longitude, a.latitude - before.latitude};
    const Point back{b.longitude - after.longitude, b.latitude - after.latitude};
    const double turn = in.longitude * back.latitude - in.latitude * back.longitude;
    if (turn >= -1e-12) return std::nullopt;
    const double along =
        ((b.longitude - a.longitude) * back.latitude - (b.latitude - a.latitude) * back.longitude) /
        turn;
    if (along < 0) return std::nullopt;
    return Point{a.longitude + along * in.longitude, a.latitude + along * in.latitude};
}

/// Takes out the edge whose absence adds least, by letting its neighbours meet. False: none can go.
bool drop_an_edge(Ring& flat) {
    const auto n = flat.size();
    double least = 0;
    std::optional<Point> meeting;
    std::size_t edge = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const auto& a = flat[i];
        const auto& b = flat[(i + 1) % n];
        const auto met = beyond(flat[(i + n - 1) % n], a, b, flat[(i + 2) % n]);
        if (!met) continue;
        const double added = std::abs(cross(a, *met, b));
        if (meeting && added >= least) continue;
        least = added, meeting = met, edge = i;
    }
    if (!meeting) return false;
    flat[edge] = *meeting;
    flat.erase(flat.begin() + std::ptrdiff_t((edge + 1) % n));
    return true;
}

Result<Point> point_of(const json::value& value) {
    const auto* pair = value.if_array();
    if (!pair || pair->size() < 2 || !(*pair)[0].is_number() || !(*pair)[1].is_number())
        return Fault{Cause::malformed, "a position is no [longitude, latitude]"};
    const Point out{(*pair)[0].to_number<double>(), (*pair)[1].to_number<double>()};
    if (std::abs(out.longitude) > 180 || std::abs(out.latitude) > 90)
        return Fault{Cause::malformed, "a position beyond 180 or 90 degrees"};
    return out;
}

Result<Ring> outer_ring(const json::value& polygon) {
    const auto* rings = polygon.if_array();
    const auto* outer = rings && !rings->empty() ? rings->front().if_array() : nullptr;
    if (!outer) return Fault{Cause::malformed, "a polygon without a ring"};
    Ring out;
    for (const auto& position : *outer) {
        const auto point = point_of(position);
        if (!point) return point.error();
        if (out.empty() || !(out.back() == *point)) out.push_back(*point);
    }
    if (out.size() > 1 && out.front() == out.back()) out.pop_back();
    if (out.size() < 3) return Fault{Cause::malformed, "a ring of fewer than 3 points"};
    return out;
}

void put24(std::string& out, std::uint32_t value) {
    for (const int shift : {16, 8, 0}) out += char(value >> shift & 0xFF);
}

/// 7.3.2 and 6.1: sign and 23 bits of latitude, 24 bits of longitude in two's complement.
void put_point(std::string& out, const Point& point) {
    const auto north = std::min(std::abs(point.latitude) / 90 * 8388608.0, 8388607.0);
    put24(out, std::uint32_t(north) | (point.latitude < 0 ? 0x800000u : 0));
    const auto east = std::floor(point.longitude / 360 * 16777216.0);
    put24(out, std::uint32_t(std::int32_t(std::clamp(east, -8388608.0, 8388607.0))) & 0xFFFFFF);
}

std::uint32_t get24(std::string_view bytes, std::size_t at) {
    return std::uint32_t(std::uint8_t(bytes[at])) << 16 |
           std::uint32_t(std::uint8_t(bytes[at + 1])) << 8 | std::uint8_t(bytes[at + 2]);
}

Point get_point(std::string_view bytes, std::size_t at) {
    const auto north = get24(bytes, at), east = get24(bytes, at + 3);
    const double latitude = double(north & 0x7FFFFF) * 90 / 8388608.0;
    const auto signed_east = std::int32_t(east << 8) >> 8;
    return {double(signed_east) * 360 / 16777216.0, north & 0x800000 ? -latitude : latitude};
}

constexpr char polygon_type = 0x50, arc_type = char(0xA0);
constexpr std::size_t arc_bytes = 13;
constexpr int uncertainty_max = 127;

/// 6.2: r = 10 (1.1^K - 1) metres.
double metres_of(int k) { return 10 * (std::pow(1.1, k) - 1); }

}  // namespace

Result<std::vector<Ring>> rings_of(std::string_view geojson) {
    boost::system::error_code error;
    const auto parsed = json::parse(json::string_view(geojson.data(), geojson.size()), error);
    const auto* object = parsed.if_object();
    const auto* type = object ? object->if_contains("type") : nullptr;
    const auto* all = object ? object->if_contains("coordinates") : nullptr;
    if (error || !type || !type->is_string() || !all || !all->is_array())
        return Fault{Cause::malformed, "the geometry is no GeoJSON"};
    std::vector<Ring> out;
    const auto take = [&](const json::value& polygon) -> Result<void> {
        auto ring = outer_ring(polygon);
        if (!ring) return ring.error();
        out.push_back(std::move(*ring));
        return boost::system::in_place_value;
    };
    if (type->as_string() == "Polygon") {
        if (const auto taken = take(*all); !taken) return taken.error();
    } else if (type->as_string() == "MultiPolygon") {
        for (const auto& polygon : all->as_array())
            if (const auto taken = take(polygon); !taken) return taken.error();
    } else {
        return Fault{Cause::malformed,
                     fmt::format("a {} has no area", std::string(type->as_string()))};
    }
    return out;
}

Ring cover(const Ring& ring) {
    if (ring.size() <= polygon_points_max) return ring;
    const Plane plane(ring);
    Ring flat;
    for (const auto& point : ring) flat.push_back(plane.to(point));
    flat = hull(std::move(flat));
    while (flat.size() > polygon_points_max && drop_an_edge(flat)) continue;
    for (auto& point : flat) point = plane.from(point);
    return flat;
}

Circle circle_around(const Ring& ring) {
    const Plane plane(ring);
    Ring flat;
    for (const auto& point : ring) flat.push_back(plane.to(point));
    Point least = flat.front(), most = flat.front();
    for (const auto& point : flat) {
        least = {std::min(least.longitude, point.longitude),
                 std::min(least.latitude, point.latitude)};
        most = {std::max(most.longitude, point.longitude), std::max(most.latitude, point.latitude)};
    }
    const Point middle{(least.longitude + most.longitude) / 2,
                       (least.latitude + most.latitude) / 2};
    double radius = 0;
    for (const auto& point : flat)
        radius = std::max(radius, std::hypot(point.longitude - middle.longitude,
                                             point.latitude - middle.latitude));
    constexpr double margin_km = 0.005;  // the centre is written to 2 m
    return {plane.from(middle), (radius * 1.002 + margin_km) * 1000};
}

double area_km2(const Ring& ring) {
    const Plane plane(ring);
    Ring flat;
    for (const auto& point : ring) flat.push_back(plane.to(point));
    return std::abs(twice_area(flat)) / 2;
}
double area_km2(const Circle& circle) {
    const double km = circle.radius_m / 1000;
    return std::numbers::pi * km * km;
}

Area named(std::string_view name) { return {AreaFormat::name, std::string(name)}; }

Area polygon(const Ring& ring) {
    auto points = ring;
    const Plane plane(ring);
    Ring flat;
    for (const auto& point : ring) flat.push_back(plane.to(point));
    if (twice_area(flat) > 0) std::ranges::reverse(points);
    Area out{AreaFormat::polygon, std::string(1, char(polygon_type | char(points.size())))};
    for (const auto& point : points) put_point(out.details, point);
    return out;
}

Area arc(const Circle& circle) {
    int k = 0;
    while (k < uncertainty_max && metres_of(k) < circle.radius_m) ++k;
    Area out{AreaFormat::arc, std::string(1, arc_type)};
    put_point(out.details, circle.centre);
    out.details += std::string(2, '\0');  // inner radius 0
    out.details += char(k);
    out.details += '\0';       // offset angle 0
    out.details += char(179);  // included angle: 2 N < b <= 2 (N + 1), a whole turn
    out.details += '\0';       // confidence: none told
    return out;
}

Area shape_around(const Ring& ring) {
    if (ring.size() <= polygon_points_max) return polygon(ring);
    const auto around = cover(ring);
    const auto circle = circle_around(ring);
    const bool round = around.size() > polygon_points_max || area_km2(circle) < area_km2(around);
    return round ? arc(circle) : polygon(around);
}

Ring points_of(const Area& area) {
    Ring out;
    const auto& bytes = area.details;
    if (area.format != AreaFormat::polygon || bytes.empty()) return out;
    const auto count = std::size_t(bytes[0] & 0x0F);
    if (bytes.size() != 1 + 6 * count) return out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(get_point(bytes, 1 + 6 * i));
    return out;
}

std::string to_text(const Area& area) {
    if (area.format == AreaFormat::name) return area.details;
    if (area.format == AreaFormat::polygon)
        return fmt::format("polygon of {} points", points_of(area).size());
    if (area.details.size() != arc_bytes) return "arc";
    return fmt::format("circle of {:.0f} m", metres_of(area.details[9]));
}

}  // namespace tocsin::smpp_area
