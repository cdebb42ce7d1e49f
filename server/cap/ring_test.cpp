#include "server/cap/ring.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <random>

namespace tocsin::cap {
namespace {

TEST_CASE("rings that do not cross themselves are told from those that do") {
    const Ring square = {{0, 0}, {0, 2}, {2, 2}, {2, 0}, {0, 0}};
    CHECK_FALSE(crosses_itself(square));
    CHECK(has_area(square));
    const Ring twice_the_same = {{0, 0}, {0, 0}, {0, 2}, {2, 2}, {2, 2}, {2, 0}, {0, 0}};
    CHECK_FALSE(crosses_itself(twice_the_same));
    const Ring bow_tie = {{0, 0}, {2, 2}, {0, 2}, {2, 0}, {0, 0}};
    CHECK(crosses_itself(bow_tie));
    const Ring through_a_corner = {{0, 0}, {1, 1}, {0, 2}, {2, 2}, {1, 1}, {2, 0}, {0, 0}};
    CHECK(crosses_itself(through_a_corner));
    const Ring touches_an_edge = {{0, 0}, {0, 4}, {4, 4}, {4, 0}, {2, 0}, {0, 2}, {1, 0}, {0, 0}};
    CHECK_FALSE(crosses_itself({{0, 0}, {0, 4}, {4, 4}, {4, 0}, {0, 0}}));
    CHECK(crosses_itself({{0, 0}, {0, 4}, {4, 4}, {4, 3}, {0, 2}, {4, 1}, {4, 0}, {0, 0}}));
    CHECK(crosses_itself(touches_an_edge));
    const Ring spike = {{0, 0}, {0, 2}, {1, 2}, {1, 3}, {1, 2}, {2, 2}, {2, 0}, {0, 0}};
    CHECK_FALSE(crosses_itself(spike));
    const Ring back_over_itself = {{0, 0}, {0, 3}, {0, 1}, {2, 1}, {0, 0}};
    CHECK(crosses_itself(back_over_itself));
    CHECK_FALSE(has_area({{1, 1}, {2, 2}, {3, 3}, {1, 1}}));
    CHECK_FALSE(has_area({{1, 1}, {1, 1}, {1, 1}, {1, 1}}));
    CHECK_FALSE(has_area({}));
}

bool naive(const Ring& ring) {
    struct P {
        long x, y;
        bool operator==(const P&) const = default;
    };
    std::vector<P> p;
    for (const auto& q : ring) p.push_back({std::lround(q.lon), std::lround(q.lat)});
    const auto side = [](P a, P b, P c) {
        const long s = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
        return (s > 0) - (s < 0);
    };
    const auto holds = [&](P a, P b, P c) {
        return side(a, b, c) == 0 && std::min(a.x, b.x) <= c.x && c.x <= std::max(a.x, b.x) &&
               std::min(a.y, b.y) <= c.y && c.y <= std::max(a.y, b.y);
    };
    const auto n = p.size() - 1;
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = i + 1; j < n; ++j) {
            const auto a = p[i], b = p[i + 1], c = p[j], d = p[j + 1];
            if (j == i + 1 || (i == 0 && j == n - 1)) {
                const auto far_a = j == i + 1 ? a : b, far_b = j == i + 1 ? d : c;
                if (holds(a, b, far_b) || holds(c, d, far_a)) return true;
                continue;
            }
            if (holds(a, b, c) || holds(a, b, d) || holds(c, d, a) || holds(c, d, b)) return true;
            if (side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0) return true;
        }
    return false;
}

TEST_CASE("sweeping finds what comparing every pair of edges finds") {
    std::mt19937_64 random(7);
    int crossing = 0, simple = 0;
    for (int round = 0; round < 20000; ++round) {
        Ring ring;
        const auto corners = 3 + random() % 6, grid = 3 + random() % 6;
        std::vector<std::pair<double, double>> used;
        while (ring.size() < corners) {
            const std::pair<double, double> at(double(random() % grid), double(random() % grid));
            if (std::ranges::find(used, at) != used.end()) continue;
            used.push_back(at);
            ring.push_back({at.first, at.second});
        }
        ring.push_back(ring.front());
        const bool wanted = naive(ring);
        REQUIRE(crosses_itself(ring) == wanted);
        ++(wanted ? crossing : simple);
    }
    CHECK(crossing > 1000);
    CHECK(simple > 1000);
}

TEST_CASE("C7: a hostile ring of 100,000 points takes no quadratic time") {
    Ring comb;  // long teeth side by side: every pair of edges shares its width
    for (int i = 0; i < 50000; ++i) {
        comb.push_back({i % 2 ? 10.0 : 0.1, i * 0.001});
        comb.push_back({i % 2 ? 10.0 : 0.1, i * 0.001 + 0.0005});
    }
    comb.push_back({0, 60});
    comb.push_back({0, -1});
    comb.push_back(comb.front());
    const auto start = std::chrono::steady_clock::now();
    CHECK_FALSE(crosses_itself(comb));
    Ring wheel;
    for (int i = 0; i < 100000; ++i) {
        const double turn = i * 2 * 3.14159265358979 / 100000, r = i % 2 ? 1 : 80;
        wheel.push_back({r * std::sin(turn), r * std::cos(turn)});
    }
    wheel.push_back(wheel.front());
    CHECK_FALSE(crosses_itself(wheel));
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}

}  // namespace
}  // namespace tocsin::cap
