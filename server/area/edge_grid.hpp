#pragma once
#include "server/area/shape.hpp"

#include <algorithm>

/// A shape's edges by tiles of its box, made for one question with very many points: near a tile only
/// its own edges matter, however many the shape has in the same latitude. Internal to the folder.
namespace tocsin::area {

class EdgeGrid {
public:
    explicit EdgeGrid(const Shape& shape);

    const std::vector<Edge>& edges() const { return edges_; }
    /// As Shape::contains, except for points on the border.
    bool contains(Point point) const;
    /// Edges that share a tile with the box; some of them more than once. Until `visit` says false.
    template <class Visit> void each_edge(const Box& box, Visit visit) const {
        if (box_.apart(box)) return;
        const auto west = column(box.west), east = column(box.east), north = row(box.north);
        for (auto r = row(box.south); r <= north; ++r)
            for (auto tile = r * side_ + west; tile <= r * side_ + east; ++tile)
                for (auto i = starts_[tile]; i < starts_[tile + 1]; ++i)
                    if (!visit(edges_[entries_[i]])) return;
    }

private:
    std::size_t column(double lon) const { return place((lon - box_.west) * per_lon_); }
    std::size_t row(double lat) const { return place((lat - box_.south) * per_lat_); }
    std::size_t place(double at) const {
        return at <= 0 ? 0 : std::min(std::size_t(at), side_ - 1);
    }
    Point middle(std::size_t row, std::size_t column) const;
    template <class Visit> void each_tile(const Edge& edge, Visit visit) const;
    void choose_side();
    void sort_edges();
    void look_inside(const Shape& shape);

    Box box_;
    const std::vector<Edge>& edges_;
    std::size_t side_ = 1;  // tiles across, and up
    double per_lon_ = 0, per_lat_ = 0;
    std::vector<std::uint32_t> starts_, entries_;  // tile t: entries_[starts_[t] .. starts_[t + 1])
    std::vector<bool> inside_;                     // a tile's middle
};

}  // namespace tocsin::area
