#include "server/area/edge_grid.hpp"

#include <algorithm>
#include <cmath>

namespace tocsin::area {
namespace {

constexpr std::size_t side_min = 8, side_max = 128;
constexpr double entries_more = 60000, entries_an_edge = 4;  // what a grid may cost
// Off the middle, where no vertex lies that a person or a program would draw.
constexpr double middle_lon = 0.5139, middle_lat = 0.4871;

double turn(Point a, Point b, Point c) {
    return (b.lon - a.lon) * (c.lat - a.lat) - (b.lat - a.lat) * (c.lon - a.lon);
}

/// A corner on the line counts as left of it, for both edges that it ends.
bool crosses(Point from, Point to, const Edge& edge) {
    return (turn(edge.low, edge.high, from) >= 0) != (turn(edge.low, edge.high, to) >= 0) &&
           (turn(from, to, edge.low) >= 0) != (turn(from, to, edge.high) >= 0);
}

}  // namespace

EdgeGrid::EdgeGrid(const Shape& shape) : box_(shape.box()), edges_(shape.edges()) {
    choose_side();
    sort_edges();
    look_inside(shape);
}

void EdgeGrid::choose_side() {
    const auto width = box_.east - box_.west, height = box_.north - box_.south;
    double across = 0;  // tiles that all edges cross, in a grid of one tile a side
    for (const auto& edge : edges_) {
        if (width > 0) across += std::abs(edge.high.lon - edge.low.lon) / width;
        if (height > 0) across += (edge.high.lat - edge.low.lat) / height;
    }
    const auto count = double(edges_.size());
    const auto wanted = std::clamp(std::size_t(2 * std::sqrt(count)), side_min, side_max);
    const auto affordable = (entries_more + entries_an_edge * count) / std::max(across, 1e-9);
    side_ = std::max<std::size_t>(1, std::min(wanted, std::size_t(std::min(affordable, 1e6))));
    per_lon_ = width > 0 ? double(side_) / width : 0;
    per_lat_ = height > 0 ? double(side_) / height : 0;
}

/// Row by row what the edge has of it, and a tile more where rounding could tell otherwise.
template <class Visit> void EdgeGrid::each_tile(const Edge& edge, Visit visit) const {
    const auto first = row(edge.low.lat), last = row(edge.high.lat);
    for (auto r = first; r <= last; ++r) {
        auto from = edge.low.lon, to = edge.high.lon;
        if (first != last) {
            const auto south = box_.south + double(r) / per_lat_;
            const auto north = box_.south + double(r + 1) / per_lat_;
            if (r != first) from = edge.lon_at(south);
            if (r != last) to = edge.lon_at(north);
        }
        const auto slack = 1e-9;
        const auto [west, east] = std::minmax(from, to);
        for (auto c = column(west - slack); c <= column(east + slack); ++c) visit(r * side_ + c);
    }
}

void EdgeGrid::sort_edges() {
    starts_.assign(side_ * side_ + 1, 0);
    for (const auto& edge : edges_) each_tile(edge, [&](std::size_t tile) { ++starts_[tile + 1]; });
    for (std::size_t tile = 1; tile < starts_.size(); ++tile) starts_[tile] += starts_[tile - 1];
    entries_.resize(starts_.back());
    auto next = starts_;
    for (std::uint32_t i = 0; i < edges_.size(); ++i)
        each_tile(edges_[i], [&](std::size_t tile) { entries_[next[tile]++] = i; });
}

Point EdgeGrid::middle(std::size_t row, std::size_t column) const {
    return {box_.south + (double(row) + middle_lat) / per_lat_,
            box_.west + (double(column) + middle_lon) / per_lon_};
}

void EdgeGrid::look_inside(const Shape& shape) {
    inside_.assign(side_ * side_, false);
    if (per_lon_ == 0 || per_lat_ == 0) return;  // a line has no inside
    std::vector<double> lons;
    for (std::size_t r = 0; r < side_; ++r) {
        shape.spans_at(middle(r, 0).lat, lons);
        for (std::size_t c = 0, left = 0; c < side_; ++c) {
            while (left < lons.size() && lons[left] <= middle(r, c).lon) ++left;
            inside_[r * side_ + c] = left % 2 == 1;
        }
    }
}

bool EdgeGrid::contains(Point point) const {
    if (per_lon_ == 0 || per_lat_ == 0) return false;
    if (point.lat < box_.south || point.lat > box_.north || point.lon < box_.west ||
        point.lon > box_.east)
        return false;
    const auto r = row(point.lat), c = column(point.lon);
    const auto tile = r * side_ + c;
    bool inside = inside_[tile];
    const auto from = middle(r, c);
    for (auto i = starts_[tile]; i < starts_[tile + 1]; ++i)
        if (crosses(from, point, edges_[entries_[i]])) inside = !inside;
    return inside;
}

}  // namespace tocsin::area
