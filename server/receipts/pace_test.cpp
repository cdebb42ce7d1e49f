#include "server/receipts/pace.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace tocsin::receipts {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

const Instant noon{milliseconds(1'800'000'000'000)};

/// A campaign as its engine tells of it: what is out and what is final, by the second.
struct Run {
    const char* what;
    double total;
    double (*out)(double seconds);  // texts handed over by then
    double (*final)(double seconds);
    double ends;  // when the last is final
    double look;  // when we ask
    double tolerance;
};

Delivery told(const Run& run, double until, double each = 0.5) {
    Delivery d;
    d.bulk = true;
    const Bounds bounds{Grade::delivered};
    for (double t = 0; t <= until + 1e-9; t += each) {
        Counts c;
        c.total = std::uint64_t(run.total);
        c.handed = std::uint64_t(std::clamp(run.out(t), 1.0, run.total));
        c.delivered = std::uint64_t(std::clamp(run.final(t), 0.0, double(c.handed)));
        c.accepted = c.handed;
        if (const auto next = count(d, c, noon + milliseconds(std::int64_t(t * 1000)), bounds))
            d = *next;
    }
    return d;
}

TEST_CASE("what is left is right within a tenth, however the campaign goes") {
    const std::vector<Run> rows{
        {"steady, receipts at once", 20e6, [](double t) { return 33334 * t; },
         [](double t) { return 33334 * t; }, 600, 30, 0.02},
        {"steady, receipts 20 s later", 20e6, [](double t) { return 33334 * t; },
         [](double t) { return 33334 * (t - 20); }, 620, 30, 0.02},
        {"receipts later than we ask", 20e6, [](double t) { return 33334 * t; },
         [](double t) { return 33334 * (t - 40); }, 640, 30, 0.08},
        {"slow at the beginning", 3e6,
         [](double t) { return t < 8 ? 2000 * t : 16000 + 33000 * (t - 8); },
         [](double t) { return t < 9 ? 2000 * (t - 1) : 16000 + 33000 * (t - 9); }, 99.4, 30, 0.03},
        {"interrupted by a graver one for 20 s", 1e6,
         [](double t) {
             return 10000 * (t < 10 ? t : t < 30 ? 10 : t - 20);
         },
         [](double t) { return 10000 * (t < 11   ? t - 1
                                        : t < 31 ? 10
                                                 : t - 21); }, 121, 55, 0.03},
        {"throttled to a quarter half-way", 1e6,
         [](double t) { return t < 50 ? 10000 * t : 500000 + 2500 * (t - 50); },
         [](double t) { return t < 51 ? 10000 * (t - 1) : 500000 + 2500 * (t - 51); }, 251, 85,
         0.03},
        {"all out, receipts on their way", 1e6, [](double t) { return 50000 * t; },
         [](double t) { return 20000 * t; }, 50, 40, 0.03},
        {"a few people, slowly", 600, [](double t) { return 2 * t; },
         [](double t) { return 2 * (t - 3); }, 303, 60, 0.06},
        {"near its end", 1e6, [](double t) { return 33334 * t; },
         [](double t) { return 33334 * (t - 1); }, 31, 29, 0.05},
    };
    for (const auto& run : rows) {
        CAPTURE(run.what);
        const auto left =
            remaining(told(run, run.look), noon + milliseconds(std::int64_t(run.look * 1000)));
        REQUIRE(left.has_value());
        CHECK(std::abs(left->count() - (run.ends - run.look)) <=
              run.tolerance * (run.ends - run.look));
    }
}

TEST_CASE("after 30 s a pace that jitters is still judged within a tenth") {
    std::mt19937 random(30);
    std::normal_distribution<double> noise(1, 0.15);
    for (int round = 0; round < 50; ++round) {
        Delivery d;
        d.bulk = true;
        Counts c;
        c.total = 20'000'000;
        double out = 0;
        for (double t = 0; t <= 35; t += 0.25) {
            out += 33334 * 0.25 * std::max(0.0, noise(random));
            c.handed = c.accepted = std::uint64_t(out);
            c.delivered = std::uint64_t(out * 0.97);
            if (const auto next =
                    count(d, c, noon + milliseconds(std::int64_t(t * 1000)), {Grade::delivered}))
                d = *next;
            if (t < 30) continue;
            const auto left = remaining(d, noon + milliseconds(std::int64_t(t * 1000)));
            REQUIRE(left.has_value());
            const auto truth = (20e6 - out) / 33334;
            REQUIRE(std::abs(left->count() - truth) < 0.1 * truth);
        }
    }
}

TEST_CASE("standing still, the rest grows longer, and at last nothing is said") {
    const Run run{
        "", 1e6, [](double t) { return 10000 * t; }, [](double t) { return 10000 * t; }, 100,
        30, 0};
    const auto d = told(run, 30);
    const auto at = [&](double seconds) {
        return remaining(d, noon + milliseconds(std::int64_t(seconds * 1000)));
    };
    REQUIRE(at(30).has_value());
    CHECK(at(34)->count() == doctest::Approx(at(30)->count()));  // totals come when they change
    CHECK(at(60)->count() > 1.9 * at(30)->count());

    auto still = d;  // told, and not a text further
    for (int t = 31; t < 300; t += 1) {
        auto counts = still.counts;
        counts.failed = std::uint64_t(t % 2);  // something changes, or nothing would be told
        if (const auto next =
                count(still, counts, noon + std::chrono::seconds(t), {Grade::delivered}))
            still = *next;
    }
    CHECK_FALSE(remaining(still, noon + 300s).has_value());
}

TEST_CASE("without a pace there is an average, and without that nothing") {
    struct Row {
        const char* what;
        Counts counts;
        std::optional<Instant> handed_at;
        std::optional<double> left;
    };
    const std::vector<Row> rows{
        {"nothing handed over", {1000, 0, 0, 0, 0, 0}, std::nullopt, std::nullopt},
        {"half handed over, no receipt yet", {1000, 500, 500, 0, 0, 0}, noon, 20.0},
        {"all handed over, half is known", {1000, 1000, 1000, 400, 100, 0}, noon, 10.0},
        {"all handed over, nothing is known", {1000, 1000, 1000, 0, 0, 0}, noon, std::nullopt},
        {"all known", {1000, 1000, 1000, 900, 60, 40}, noon, 0.0},
        {"in the future", {1000, 500, 500, 0, 0, 0}, noon + 1h, std::nullopt},
        {"more than all", {1000, 1000, 1000, 1000, 5, 0}, noon, 0.0},
    };
    for (const auto& row : rows) {
        CAPTURE(row.what);
        Delivery d;
        d.bulk = true;
        d.counts = row.counts;
        d.handed_at = row.handed_at;
        const auto left = remaining(d, noon + 10s);
        CHECK(left.has_value() == row.left.has_value());
        if (left && row.left) CHECK(left->count() == doctest::Approx(*row.left));
    }
}

TEST_CASE("the pace is kept with the delivery; records from before have none") {
    const Run run{
        "", 1e6, [](double t) { return 10000 * t; }, [](double t) { return 10000 * t; }, 100,
        30, 0};
    const auto d = told(run, 25);
    REQUIRE(d.pace.has_value());
    const auto back = unpack(pack(d));
    REQUIRE(back.has_value());
    CHECK(*back == d);
    auto old = d;
    old.pace.reset();
    const auto bytes = pack(old);
    CHECK(bytes.size() < pack(d).size());
    const auto without = unpack(bytes);
    REQUIRE(without.has_value());
    CHECK_FALSE(without->pace.has_value());
}

TEST_CASE("a clock that goes back changes no pace") {
    Counts c{100, 50, 50, 50, 0, 0};
    const auto first = paced(std::nullopt, c, noon + 10s);
    c.handed = 60;
    CHECK(paced(first, c, noon) == first);
}

}  // namespace
}  // namespace tocsin::receipts
