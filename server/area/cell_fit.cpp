#include "server/area/cell_tree.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

// Sectors overlap manifold, so their areas do not add up: rows are laid through all that is heard,
// and what each row has of it is merged. As many rows as a few milliseconds give.
namespace tocsin::area {
namespace {

constexpr double looks_max = 12000;  // sectors x rows
constexpr double rows_min = 32, rows_max = 256;

using Spans = std::vector<std::pair<double, double>>;  // west, east

void merge(Spans& spans) {
    std::ranges::sort(spans);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < spans.size(); ++i) {
        if (kept > 0 && spans[i].first <= spans[kept - 1].second)
            spans[kept - 1].second = std::max(spans[kept - 1].second, spans[i].second);
        else
            spans[kept++] = spans[i];
    }
    spans.resize(kept);
}

double length(const Spans& spans) {
    double sum = 0;
    for (const auto& [west, east] : spans) sum += east - west;
    return sum;
}

Spans common(const Spans& a, const Spans& b) {
    Spans out;
    for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
        const auto west = std::max(a[i].first, b[j].first);
        const auto east = std::min(a[i].second, b[j].second);
        if (west < east) out.emplace_back(west, east);
        (a[i].second < b[j].second ? i : j)++;
    }
    return out;
}

/// What of `a` is not in `b`; both merged.
Spans apart(const Spans& a, const Spans& b) {
    Spans out;
    std::size_t j = 0;
    for (auto [west, east] : a) {
        while (j < b.size() && b[j].second <= west) ++j;
        for (auto k = j; k < b.size() && b[k].first < east && west < east; ++k) {
            if (b[k].first > west) out.emplace_back(west, b[k].first);
            west = std::max(west, b[k].second);
        }
        if (west < east) out.emplace_back(west, east);
    }
    return out;
}

void add(const std::vector<double>& lons, Spans& to) {
    for (std::size_t i = 1; i < lons.size(); i += 2) to.emplace_back(lons[i - 1], lons[i]);
}

struct Rows {
    double south, step, per_degree;
    std::size_t count;
    double lat(std::size_t row) const { return south + (double(row) + 0.5) * step; }
    double km2(std::size_t row, double degrees) const {
        return degrees * std::cos(lat(row) * std::numbers::pi / 180) * step * degree_km * degree_km;
    }
    /// The first row above a latitude.
    std::size_t from(double at) const {
        const auto row = (at - south) * per_degree + 0.5;
        return row <= 0 ? 0 : std::min(std::size_t(row), count);
    }
};

Rows rows_for(const Box& box, double heights) {
    const auto height = std::max(box.north - box.south, 1e-9);
    const auto wanted = heights > 0 ? looks_max * height / heights : rows_max;
    const auto count = std::clamp(wanted, rows_min, rows_max);
    const auto rows = std::floor(count);
    return {box.south, height / rows, rows / height, std::size_t(rows)};
}

}  // namespace

Fit CellMap::fit(const CellSet& cells,
                 const Place& place,
                 std::span<const Shape* const> within) const {
    Box box;
    double heights = 0;
    cells.each([&](std::size_t cell) {
        const auto [south, north] = tree_->bands[cell];
        box.south = std::min(box.south, south), box.north = std::max(box.north, north);
        heights += north - south;
    });
    for (const auto& shape : place) {
        box.south = std::min(box.south, shape.box().south);
        box.north = std::max(box.north, shape.box().north);
    }
    Fit fit;
    fit.outside_in.resize(within.size());
    if (box.south >= box.north) return fit;
    const auto rows = rows_for(box, heights);
    std::vector<Spans> heard(rows.count);
    std::vector<double> lons;
    cells.each([&](std::size_t cell) {
        const auto [south, north] = tree_->bands[cell];
        for (auto row = rows.from(south); row < rows.count && rows.lat(row) < north; ++row) {
            tree_->sectors[tree_->sector_of[cell]].spans_at(rows.lat(row), lons);
            add(lons, heard[row]);
        }
    });
    Spans meant, theirs;
    const auto look = [&](const Shape& shape, std::size_t row, Spans& to) {
        shape.spans_at(rows.lat(row), lons);
        add(lons, to);
    };
    for (std::size_t row = 0; row < rows.count; ++row) {
        merge(heard[row]);
        meant.clear();
        for (const auto& shape : place) look(shape, row, meant);
        merge(meant);
        const auto covered = length(common(heard[row], meant));
        const auto outside = length(heard[row]) - covered;
        fit.place_km2 += rows.km2(row, length(meant));
        fit.covered_km2 += rows.km2(row, covered);
        fit.outside_km2 += rows.km2(row, outside);
        if (outside <= 0 || within.empty()) continue;
        const auto beyond = apart(heard[row], meant);
        for (std::size_t i = 0; i < within.size(); ++i) {
            const auto lat = rows.lat(row);
            const auto& box = within[i]->box();
            if (lat < box.south || lat > box.north || beyond.empty() ||
                box.east < beyond.front().first || box.west > beyond.back().second)
                continue;
            theirs.clear();
            look(*within[i], row, theirs);
            fit.outside_in[i] += rows.km2(row, length(common(beyond, theirs)));
        }
    }
    return fit;
}

}  // namespace tocsin::area
