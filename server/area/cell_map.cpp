#include "server/area/cell_map.hpp"

#include "server/area/cell_tree.hpp"
#include "server/area/edge_grid.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace tocsin::area {
namespace {

constexpr double lat_max = 85;
constexpr std::size_t edges_kept = 64;  // by a pack; with more its cells look for themselves

double turn(Point a, Point b, Point c) {
    return (b.lon - a.lon) * (c.lat - a.lat) - (b.lat - a.lat) * (c.lon - a.lon);
}

bool crosses(const Edge& edge, const Box& box) {
    const auto [west, east] = std::minmax(edge.low.lon, edge.high.lon);
    if (west > box.east || east < box.west || edge.low.lat > box.north || edge.high.lat < box.south)
        return false;
    int left = 0, right = 0;
    for (const auto corner : {Point{box.south, box.west}, Point{box.south, box.east},
                              Point{box.north, box.west}, Point{box.north, box.east}}) {
        const auto side = turn(edge.low, edge.high, corner);
        left += side >= 0, right += side <= 0;
    }
    return left > 0 && right > 0;
}

/// One shape's border, pack after pack.
class Border {
public:
    explicit Border(const EdgeGrid& grid) : grid_(grid), seen_(grid.edges().size()) {}

    void look_at(const Box& box) {
        near_.clear();
        site_ = {1000, 1000};
        ++pack_;
        grid_.each_edge(box, [&](const Edge& edge) {
            auto& seen = seen_[std::size_t(&edge - grid_.edges().data())];
            if (std::exchange(seen, pack_) != pack_ && crosses(edge, box)) near_.push_back(&edge);
            return near_.size() <= edges_kept;
        });
    }
    bool comes_near() const { return !near_.empty(); }
    /// A sector that no edge meets lies wholly inside or outside, as its site does.
    bool meets(const Sector& sector) {
        if (sector.site() != site_ || sector.range_km() != range_km_) look_around(sector);
        if (site_inside_) return true;
        if (near_.size() <= edges_kept)
            return std::ranges::any_of(close_, [&](const auto* e) { return sector.meets(*e); });
        bool met = false;
        grid_.each_edge(sector.box(), [&](const Edge& edge) {
            met = sector.meets(edge);
            return !met;
        });
        return met;
    }

private:
    /// Once for the sectors of one site: they follow one another, and most have the same range.
    void look_around(const Sector& sector) {
        site_ = sector.site(), range_km_ = sector.range_km();
        site_inside_ = grid_.contains(site_);
        close_.clear();
        if (site_inside_ || near_.size() > edges_kept) return;
        for (const auto* edge : near_)
            if (sector.reaches(*edge)) close_.push_back(edge);
    }

    const EdgeGrid& grid_;
    std::vector<std::uint32_t> seen_;  // by edge: in which pack; an edge lies in many tiles
    std::uint32_t pack_ = 0;
    std::vector<const Edge*> near_, close_;
    Point site_{1000, 1000};
    double range_km_ = 0;
    bool site_inside_ = false;
};

Result<Shape> shape_of(const Ring& ring) {
    for (std::size_t i = 0; i < ring.size(); ++i) {
        if (!(std::abs(ring[i].lat) <= lat_max) || !(std::abs(ring[i].lon) < 180))
            return Fault{Cause::refused, "an area near a pole or across 180 degrees has no cells"};
        if (i > 0 && std::abs(ring[i].lon - ring[i - 1].lon) > 180)
            return Fault{Cause::refused, "a polygon that crosses 180 degrees has to be split"};
    }
    return Shape(ring);
}

}  // namespace

std::size_t CellSet::count() const {
    return std::transform_reduce(words_.begin(), words_.end(), std::size_t(0), std::plus<>(),
                                 [](auto word) { return std::size_t(std::popcount(word)); });
}

CellSet& CellSet::operator|=(const CellSet& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_.at(i);
    return *this;
}

CellSet& CellSet::operator&=(const CellSet& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_.at(i);
    return *this;
}

Result<Place> place_of(std::span<const Ring> polygons,
                       std::span<const Circle> circles,
                       std::span<const Region* const> regions) {
    Place place;
    for (const auto& ring : polygons) {
        auto shape = shape_of(ring);
        if (shape.has_error()) return shape.error();
        place.push_back(std::move(*shape));
    }
    for (const auto& circle : circles) {
        if (std::abs(circle.centre.lat) + circle.radius_km / degree_km > lat_max)
            return Fault{Cause::refused, "a circle near a pole has no cells"};
        // A circle of no size is a point: somebody stands there.
        auto shape = shape_of(outline({circle.centre, std::max(circle.radius_km, 0.001)}));
        if (shape.has_error()) return shape.error();
        place.push_back(std::move(*shape));
    }
    for (const auto* region : regions)
        if (!region->polygons.empty()) place.emplace_back(region->polygons);
    return place;
}

CellMap::CellMap(const contract::CellsFile& file) : bscs_(file.bscs) {
    auto rows = file.rows;
    std::ranges::sort(rows, {}, &contract::CellRow::cgi);
    for (const auto& row : rows) {
        numbers_.push_back(row.cgi);
        bsc_.push_back(row.bsc);
    }
    tree_ = std::make_unique<const Tree>(rows);
}

CellMap::~CellMap() = default;

CellSet CellMap::meeting(const Place& place) const {
    CellSet out(size());
    for (const auto& shape : place)
        if (!shape.edges().empty()) mark(shape, out);
    return out;
}

void CellMap::mark(const Shape& shape, CellSet& out) const {
    const EdgeGrid grid(shape);
    Border border(grid);
    tree_->each_pack(shape.box(), [&](const Pack& pack) {
        border.look_at(pack.box);
        const bool all = !border.comes_near();
        if (all && !grid.contains({pack.box.south, pack.box.west})) return;
        for (auto i = pack.begin; i < pack.end; ++i)
            if (all || border.meets(tree_->sectors[i])) out.add(tree_->cell_of[i]);
    });
}

CellSet CellMap::of_radio(std::span<const contract::Radio> radios) const {
    CellSet out(size());
    for (std::size_t i = 0; i < numbers_.size(); ++i)
        if (const auto cell = contract::cell_of(numbers_[i]);
            cell && std::ranges::count(radios, cell->radio) > 0)
            out.add(i);
    return out;
}

CellSet CellMap::of_bscs(std::span<const std::string> names) const {
    std::vector<bool> wanted;
    for (const auto& bsc : bscs_) wanted.push_back(std::ranges::count(names, bsc) > 0);
    CellSet out(size());
    for (std::size_t i = 0; i < bsc_.size(); ++i)
        if (wanted[bsc_[i]]) out.add(i);
    return out;
}

std::vector<std::uint64_t> CellMap::names(const CellSet& cells) const {
    std::vector<std::uint64_t> out;
    out.reserve(cells.count());
    cells.each([&](std::size_t cell) { out.push_back(numbers_[cell]); });
    return out;
}

std::size_t CellMap::bscs(const CellSet& cells) const {
    std::vector<bool> seen(bscs_.size());
    cells.each([&](std::size_t cell) { seen[bsc_[cell]] = true; });
    return std::size_t(std::ranges::count(seen, true));
}

}  // namespace tocsin::area
