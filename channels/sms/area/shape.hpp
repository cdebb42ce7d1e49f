#pragma once
#include "server/base/fault.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Shapes as 3GPP TS 23.032 codes them, which is what a broadcast_area_identifier holds. A shape may
/// cover more than was drawn, never less: who is in the area must be warned.
namespace tocsin::smpp_area {

struct Point {  // degrees, WGS 84
    double longitude = 0, latitude = 0;
    bool operator==(const Point&) const = default;
};
using Ring = std::vector<Point>;  // not closed by its first point

/// The outer rings of a GeoJSON Polygon or MultiPolygon; holes are covered.
[[nodiscard]] Result<std::vector<Ring>> rings_of(std::string_view geojson);

inline constexpr std::size_t polygon_points_max = 15;  // TS 23.032, 5.4

/// At most 15 points: the ring itself, or a convex one around it.
Ring cover(const Ring& ring);
struct Circle {
    Point centre;
    double radius_m = 0;
};
Circle circle_around(const Ring& ring);
double area_km2(const Ring& ring);
double area_km2(const Circle& circle);

enum class AreaFormat : std::uint8_t { name = 0, arc = 1, polygon = 2 };
/// One broadcast_area_identifier.
struct Area {
    AreaFormat format = AreaFormat::name;
    std::string details;
    bool operator==(const Area&) const = default;
};
Area named(std::string_view name);
/// TS 23.032, 7.3.4: clockwise, as the area lies to the right of its lines (5.4).
Area polygon(const Ring& ring);
/// TS 23.032, 7.3.7: a whole turn; the radius is the next larger that can be written.
Area arc(const Circle& circle);
/// The smaller of polygon and circle around `ring`; exact up to 15 points.
Area shape_around(const Ring& ring);

/// "110105", "polygon 15", "circle 1200 m": for people.
std::string to_text(const Area& area);
/// Points of a coded polygon; empty if it is none. Tests and to_text.
Ring points_of(const Area& area);

}  // namespace tocsin::smpp_area
