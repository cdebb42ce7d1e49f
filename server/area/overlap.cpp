#include "server/area/shape.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

// Areas by rows: between two latitudes where nothing begins, ends or crosses, what two shapes share
// is a set of trapezoids, so one look half-way is exact. Rows are thinned where an outline is so
// large or so ragged that looking at all of them would take seconds (scar C7); then areas are
// estimates, good enough for the thresholds that they are compared with.
namespace tocsin::area {
namespace {

constexpr double looks_max = 1e6;  // edges looked at by one overlap()
constexpr std::size_t crossings_max = 65536;
constexpr std::size_t exact_edges_max = 8192;  // beyond: rows without the crossings

double row_km2(double degrees, double south, double north) {
    const auto shrink = std::cos((south + north) / 2 * std::numbers::pi / 180);
    return degrees * shrink * (north - south) * degree_km * degree_km;
}

void cut_at_vertices(const Shape& shape, double south, double north, std::vector<double>& cuts) {
    for (const auto& vertex : shape.vertices())
        if (vertex.lat > south && vertex.lat < north) cuts.push_back(vertex.lat);
}

void cut_at_crossings(
    const Shape& a, const Shape& b, double south, double north, std::vector<double>& cuts) {
    if (a.edges().size() + b.edges().size() > exact_edges_max) return;
    const auto most = cuts.size() + crossings_max;
    for (const auto& p : a.edges()) {
        const auto from = std::max(p.low.lat, south), to = std::min(p.high.lat, north);
        if (from >= to) continue;
        b.each_edge(from, to, [&](const Edge& q) {
            const auto low = std::max(from, q.low.lat), high = std::min(to, q.high.lat);
            if (low >= high) return true;
            const auto below = p.lon_at(low) - q.lon_at(low),
                       above = p.lon_at(high) - q.lon_at(high);
            if ((below < 0) != (above < 0) && below != above)
                cuts.push_back(low + (high - low) * below / (below - above));
            return cuts.size() < most;
        });
    }
}

std::vector<double> thinned(std::vector<double> cuts, double looks_a_row) {
    std::ranges::sort(cuts);
    const auto [first, last] =
        std::ranges::unique(cuts, [](double a, double b) { return b - a < 1e-9; });
    cuts.erase(first, last);
    const auto affordable = static_cast<std::size_t>(std::max(64.0, looks_max / (looks_a_row + 1)));
    if (cuts.size() <= affordable) return cuts;
    std::vector<double> kept;
    for (std::size_t i = 0; i < affordable; ++i)
        kept.push_back(cuts[i * (cuts.size() - 1) / (affordable - 1)]);
    return kept;
}

/// What both spans share, west to east.
template <class Visit>
void each_common(const std::vector<double>& a, const std::vector<double>& b, Visit visit) {
    for (std::size_t i = 0, j = 0; i + 1 < a.size() && j + 1 < b.size();) {
        const auto west = std::max(a[i], b[j]), east = std::min(a[i + 1], b[j + 1]);
        if (west < east) visit(west, east);
        (a[i + 1] < b[j + 1] ? i : j) += 2;
    }
}

}  // namespace

double Shape::area_km2() const {
    if (edges_.empty()) return 0;
    std::vector<double> cuts{box_.south, box_.north}, lons;
    cut_at_vertices(*this, box_.south, box_.north, cuts);
    cuts = thinned(std::move(cuts), edges_a_band());
    double km2 = 0;
    for (std::size_t row = 1; row < cuts.size(); ++row) {
        spans_at((cuts[row - 1] + cuts[row]) / 2, lons);
        for (std::size_t i = 1; i < lons.size(); i += 2)
            km2 += row_km2(lons[i] - lons[i - 1], cuts[row - 1], cuts[row]);
    }
    return km2;
}

Overlap overlap(const Shape& said, const Shape& region, double depth_km) {
    Overlap shared;
    const auto south = std::max(said.box().south, region.box().south);
    const auto north = std::min(said.box().north, region.box().north);
    if (said.box().apart(region.box()) || south >= north) return shared;
    std::vector<double> cuts{south, north}, ours, theirs;
    cut_at_vertices(said, south, north, cuts);
    cut_at_vertices(region, south, north, cuts);
    cut_at_crossings(said, region, south, north, cuts);
    cuts = thinned(std::move(cuts), said.edges_a_band() + region.edges_a_band());
    for (std::size_t row = 1; row < cuts.size() && !shared.deep; ++row) {
        const auto lat = (cuts[row - 1] + cuts[row]) / 2;
        said.spans_at(lat, ours);
        region.spans_at(lat, theirs);
        each_common(ours, theirs, [&](double west, double east) {
            shared.km2 += row_km2(east - west, cuts[row - 1], cuts[row]);
            for (const auto lon : {(west + east) / 2, west, east})
                shared.deep = shared.deep || !region.border_within({lat, lon}, depth_km);
        });
    }
    return shared;
}

}  // namespace tocsin::area
