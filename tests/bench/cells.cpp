// From an area to cells, measured: a network as scripts/cells makes it against polygons of 100 and
// 1,000 points, a circle and the whole city, with and without the figures on what is heard beyond.
//
//   scripts/cells --count 300000 > cells.csv
//   bench-cells cells.csv data/beijing/regions.geojson [--benchmark_...]
#include "server/area/cell_map.hpp"
#include "server/contract/cells_file.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cmath>
#include <iostream>
#include <numbers>
#include <random>

namespace {

using namespace tocsin;

/// A ragged star around the centre of Beijing, as a sender draws what a storm covers.
area::Ring star(std::size_t points, double km) {
    std::mt19937 random(20120721);
    std::uniform_real_distribution<double> far(0.7, 1);
    area::Ring ring;
    for (std::size_t i = 0; i < points; ++i) {
        const auto turn = 2 * std::numbers::pi * double(i) / double(points);
        const auto reach = km * far(random) / 111.195;
        ring.push_back({39.909 + reach * std::cos(turn), 116.397 + reach * std::sin(turn) / 0.767});
    }
    ring.push_back(ring.front());
    return ring;
}

struct Bench {
    area::CellMap map;
    area::Atlas atlas;
};

void add(const std::string& name, const Bench& bench, area::Place place) {
    const auto shared = std::make_shared<const area::Place>(std::move(place));
    const auto cells = bench.map.meeting(*shared).count();
    benchmark::RegisterBenchmark((name + "/cells").c_str(), [&bench, shared](benchmark::State& s) {
        for (auto _ : s) benchmark::DoNotOptimize(bench.map.names(bench.map.meeting(*shared)));
    })->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark((name + "/fit").c_str(), [&bench, shared](benchmark::State& s) {
        const auto met = bench.map.meeting(*shared);
        for (auto _ : s) benchmark::DoNotOptimize(bench.map.fit(met, *shared, {}));
    })->Unit(benchmark::kMillisecond);
    const auto fit = bench.map.fit(bench.map.meeting(*shared), *shared, {});
    std::cout << fmt::format(
        "{}: {} of {} cells, {:.1f} km2, {:.1f} % covered, {:.1f} % overshoot\n", name, cells,
        bench.map.size(), fit.place_km2, 100 * fit.covered_km2 / fit.place_km2,
        100 * fit.overshoot());
}

area::Place place(std::vector<area::Ring> rings, std::vector<area::Circle> circles) {
    return *area::place_of(rings, circles, {});
}

}  // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (argc != 3) return std::cerr << "bench-cells CELLS REGIONS\n", 2;
    const auto begun = std::chrono::steady_clock::now();
    const auto file = tocsin::contract::load_cells(argv[1]);
    auto atlas = tocsin::area::Atlas::load(argv[2]);
    if (!file || !atlas) return std::cerr << (file ? atlas.error() : file.error()).what << "\n", 1;
    const auto read = std::chrono::steady_clock::now();
    const Bench bench{tocsin::area::CellMap(*file), std::move(*atlas)};
    const auto built = std::chrono::steady_clock::now();
    using Ms = std::chrono::duration<double, std::milli>;
    std::cout << fmt::format("read {:.0f} ms, indexed {:.0f} ms\n", Ms(read - begun).count(),
                             Ms(built - read).count());
    for (const double km : {2.0, 15.0, 45.0})
        for (const std::size_t points : {100, 1000})
            add(fmt::format("star_{}_points_{}_km", points, km), bench,
                place({star(points, km)}, {}));
    add("circle_10_km", bench, place({}, {{{39.909, 116.397}, 10}}));
    const std::array<const tocsin::area::Region*, 1> city{&bench.atlas.city()};
    add("city", bench, *tocsin::area::place_of({}, {}, city));
    benchmark::RunSpecifiedBenchmarks();
}
