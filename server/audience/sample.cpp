#include "server/audience/sample.hpp"

#include <algorithm>

namespace tocsin::audience {
namespace {

constexpr std::uint64_t a_prefix = 100'000'000;  // eight digits follow 154 or 164
constexpr std::size_t piece_bytes = 64 * 1024;

/// splitmix64: the same on every machine, which std's distributions are not.
class Dice {
public:
    explicit Dice(std::uint64_t seed) : state_(seed) {}
    std::uint64_t below(std::uint64_t bound) {
        auto z = state_ += 0x9e3779b97f4a7c15;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return (z ^ z >> 31) % bound;
    }

private:
    std::uint64_t state_;
};

}  // namespace

void make_sample(std::uint64_t people,
                 std::uint64_t seed,
                 const std::vector<std::string>& regions,
                 const std::function<void(std::string_view)>& write) {
    std::string piece = "number,region,language,role,opt_out,name\n";
    if (regions.empty()) people = 0;
    Dice dice(seed);
    // Steps of a length that shares no factor with 10^8 meet every number once: no duplicates.
    const auto start = dice.below(a_prefix), step = dice.below(a_prefix / 10) * 10 + 7;
    for (std::uint64_t i = 0; i < std::min(people, sample_people_max); ++i) {
        const auto number = (i / a_prefix == 0 ? 15400000000 : 16400000000) +
                            (start + i % a_prefix * step) % a_prefix;
        const auto region = dice.below(regions.size());
        const auto* language = dice.below(100) < 3 ? "en-US" : "zh-CN";
        const bool out = dice.below(100) == 0, responsible = dice.below(1000) == 0;
        const auto name = responsible ? fmt::format("示例{}", i) : "";
        const auto row = [&](std::size_t place) {
            piece +=
                fmt::format("+86{},{},{},{},{},{}\n", number, regions[place], language,
                            responsible ? "responsible" : "public", out ? "true" : "false", name);
        };
        row(region);
        if (dice.below(100) < 2 && regions.size() > 1)
            row((region + 1 + dice.below(regions.size() - 1)) % regions.size());
        if (piece.size() < piece_bytes) continue;
        write(piece);
        piece.clear();
    }
    if (!piece.empty()) write(piece);
}

std::string make_sample(std::uint64_t people,
                        std::uint64_t seed,
                        const std::vector<std::string>& regions) {
    std::string all;
    make_sample(people, seed, regions, [&](std::string_view piece) { all += piece; });
    return all;
}

}  // namespace tocsin::audience
