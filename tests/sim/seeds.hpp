#pragma once
#include <cstdint>
#include <cstdlib>
#include <random>

/// Which seeds to run, and dice that give the same throws everywhere.
namespace tocsin::sim {

struct Seeds {
    std::uint32_t first, last;
};

inline Seeds seeds(std::uint32_t usual) {
    if (const auto* one = std::getenv("TOCSIN_SEED")) {
        const auto seed = std::uint32_t(std::strtoul(one, nullptr, 10));
        return {seed, seed};
    }
    if (const auto* many = std::getenv("TOCSIN_SEEDS"))
        return {1, std::uint32_t(std::strtoul(many, nullptr, 10))};
    return {1, usual};
}

class Dice {
public:
    explicit Dice(std::uint32_t seed) : engine_(seed) {}
    std::uint32_t below(std::uint32_t bound) { return bound ? engine_() % bound : 0; }
    std::uint32_t between(std::uint32_t low, std::uint32_t high) {
        return low + below(high - low + 1);
    }
    bool chance(std::uint32_t percent) { return below(100) < percent; }

private:
    std::mt19937 engine_;  // std distributions differ between libraries; the engine does not
};

}  // namespace tocsin::sim
