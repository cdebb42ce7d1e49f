#pragma once
#include <vector>

/// Plane geometry on WGS 84 degrees, good for areas of a city's size. Latitude first, as CAP writes.
namespace tocsin::area {

struct Point {
    double lat, lon;
    bool operator==(const Point&) const = default;
};
using Ring = std::vector<Point>;  // first equals last

struct Circle {
    Point centre;
    double radius_km;
};

/// Outer ring, then its holes.
struct Polygon {
    Ring outer;
    std::vector<Ring> holes;
};

/// For one question; for many points against one outline see Shape (shape.hpp). A point on a border
/// that two outlines share is in exactly one of them.
bool contains(const Polygon& polygon, Point point);
bool contains(const Ring& ring, Point point);
bool meets(const Polygon& a, const Ring& b);  // share any point
bool meets(const Polygon& a, const Circle& b);
double area_km2(const Ring& ring);
double distance_km(Point a, Point b);
/// Does the ring cross or touch itself, or visit a point twice? O(n log n), exact to 1e-9 degree.
bool crosses_itself(const Ring& ring);

}  // namespace tocsin::area
