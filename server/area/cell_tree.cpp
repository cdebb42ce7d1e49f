#include "server/area/cell_tree.hpp"

#include <boost/geometry/core/cs.hpp>
#include <boost/geometry/geometries/box.hpp>
#include <boost/geometry/geometries/point.hpp>
#include <boost/geometry/index/rtree.hpp>
#include <boost/geometry/strategies/relate/cartesian.hpp>
#include <boost/iterator/function_output_iterator.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

// Asking for each cell of a city would cost what looking at each cell costs. Packs answer for all
// their cells where no border comes near, which is nearly everywhere. They hold cells of one size, in
// the order of a Hilbert curve, so that their boxes are small and hardly overlap.
namespace tocsin::area {
namespace {

namespace geometry = boost::geometry;
using Corner = geometry::model::point<double, 2, geometry::cs::cartesian>;
using Bounds = geometry::model::box<Corner>;
using Value = std::pair<Bounds, std::uint32_t>;

constexpr std::size_t pack_size = 24;
constexpr std::uint32_t curve_side = 1U << 16;

Bounds bounds(const Box& box) { return {{box.west, box.south}, {box.east, box.north}}; }

std::uint32_t along_curve(std::uint32_t x, std::uint32_t y) {
    std::uint32_t d = 0;
    for (auto side = curve_side / 2; side > 0; side /= 2) {
        const std::uint32_t rx = (x & side) > 0, ry = (y & side) > 0;
        d += side * side * ((3 * rx) ^ ry);
        if (ry == 0) {
            if (rx == 1) x = curve_side - 1 - x, y = curve_side - 1 - y;
            std::swap(x, y);
        }
    }
    return d;
}

int size_class(const contract::CellRow& row) { return int(std::floor(std::log2(row.range_m))); }

std::vector<std::uint32_t> by_size_and_place(const std::vector<contract::CellRow>& rows) {
    Box all;
    for (const auto& row : rows) all.stretch({row.lat, row.lon});
    const auto scaled = [](double value, double from, double to) {
        return to > from ? std::uint32_t((value - from) / (to - from) * (curve_side - 1)) : 0;
    };
    std::vector<std::tuple<int, std::uint32_t, std::uint32_t>> keys;
    keys.reserve(rows.size());
    for (std::uint32_t i = 0; i < rows.size(); ++i)
        keys.emplace_back(size_class(rows[i]),
                          along_curve(scaled(rows[i].lon, all.west, all.east),
                                      scaled(rows[i].lat, all.south, all.north)),
                          i);
    std::ranges::sort(keys);
    std::vector<std::uint32_t> order;
    order.reserve(rows.size());
    for (const auto& key : keys) order.push_back(std::get<2>(key));
    return order;
}

}  // namespace

struct CellMap::Tree::Boxes {
    explicit Boxes(const std::vector<Value>& values) : tree(values) {}
    geometry::index::rtree<Value, geometry::index::quadratic<16>> tree;
};

CellMap::Tree::Tree(const std::vector<contract::CellRow>& rows) : cell_of(by_size_and_place(rows)) {
    sectors.reserve(rows.size());
    sector_of.resize(rows.size());
    for (const auto cell : cell_of) {
        sector_of[cell] = std::uint32_t(sectors.size());
        sectors.emplace_back(rows[cell]);
    }
    for (const auto& row : rows) {
        const auto half = row.range_m / 1000 / degree_km;
        bands.push_back({row.lat - half, row.lat + half});
    }
    std::vector<Value> values;
    for (std::size_t begin = 0; begin < sectors.size();) {
        const auto size = size_class(rows[cell_of[begin]]);
        auto end = begin;
        Pack pack{{}, std::uint32_t(begin), 0};
        for (; end < sectors.size() && end - begin < pack_size &&
               size_class(rows[cell_of[end]]) == size;
             ++end) {
            const auto box = sectors[end].box();
            pack.box.stretch({box.south, box.west});
            pack.box.stretch({box.north, box.east});
        }
        pack.end = std::uint32_t(end);
        values.emplace_back(bounds(pack.box), std::uint32_t(packs.size()));
        packs.push_back(pack);
        begin = end;
    }
    boxes = std::make_unique<const Boxes>(values);
}

CellMap::Tree::~Tree() = default;

void CellMap::Tree::each_pack(const Box& box, const std::function<void(const Pack&)>& visit) const {
    boxes->tree.query(
        geometry::index::intersects(bounds(box)),
        boost::make_function_output_iterator([&](const Value& v) { visit(packs[v.second]); }));
}

}  // namespace tocsin::area
