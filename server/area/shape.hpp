#pragma once
#include "server/area/geometry.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

/// Outlines prepared for many questions; the Atlas's, and of use to whoever asks for many points.
namespace tocsin::area {

inline constexpr double earth_km = 6371.0088;  // mean radius, IUGG
inline constexpr double degree_km = earth_km * 3.14159265358979323846 / 180;

struct Box {
    double south = 90, west = 180, north = -90, east = -180;
    void stretch(Point point);
    Box grown(double km) const;
    bool apart(const Box& other) const;
};

/// A straight piece of an outline, its lower end first: neighbours that share a border then compute
/// with the same numbers, so that no point falls between them or into both.
struct Edge {
    Point low, high;
    double lon_at(double lat) const {
        return low.lon + (lat - low.lat) / (high.lat - low.lat) * (high.lon - low.lon);
    }
};

/// Rings read by the even-odd rule, holes and self-crossings alike, indexed in bands of latitude.
/// Bands are fewer where edges are long, so memory stays linear whatever a sender draws.
class Shape {
public:
    Shape() = default;
    explicit Shape(const Ring& ring);
    explicit Shape(std::span<const Polygon> polygons);

    const Box& box() const { return box_; }
    const std::vector<Edge>& edges() const { return edges_; }
    const std::vector<Point>& vertices() const { return vertices_; }

    /// Lower and left borders belong to the shape, upper and right ones to its neighbour.
    bool contains(Point point) const;
    bool border_within(Point point, double km) const;
    double border_km(Point point) const;
    bool crosses_border_of(const Shape& other) const;

    /// Where the parallel of `lat` enters and leaves, from west to east; pairs.
    void spans_at(double lat, std::vector<double>& lons) const;
    /// Edges that may be met between two latitudes; some of them more than once.
    template <class Visit> void each_edge(double south, double north, Visit visit) const;
    double edges_a_band() const;
    /// By the even-odd rule.
    double area_km2() const;

private:
    void add(const Ring& ring);
    void make_bands();
    std::size_t band_of(double lat) const;

    Box box_;
    std::vector<Edge> edges_;
    std::vector<Point> vertices_;
    std::vector<std::uint32_t> starts_, entries_;  // band b: entries_[starts_[b] .. starts_[b + 1])
};

/// How far and how much of `said` lies in `region`.
struct Overlap {
    bool deep = false;  // a point farther than asked inside; then km2 is not the whole
    double km2 = 0;
};
Overlap overlap(const Shape& said, const Shape& region, double depth_km);

/// A circle as a ring of the same area.
Ring outline(const Circle& circle);

template <class Visit> void Shape::each_edge(double south, double north, Visit visit) const {
    if (edges_.empty() || south > box_.north || north < box_.south) return;
    const auto last = band_of(north);
    for (auto band = band_of(south); band <= last; ++band)
        for (auto i = starts_[band]; i < starts_[band + 1]; ++i)
            if (const auto& edge = edges_[entries_[i]];
                edge.low.lat <= north && edge.high.lat >= south && !visit(edge))
                return;
}

}  // namespace tocsin::area
