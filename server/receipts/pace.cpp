#include "server/receipts/pace.hpp"

#include <algorithm>

namespace tocsin::receipts {
namespace {

using namespace std::chrono_literals;
using Seconds = std::chrono::duration<double>;

constexpr auto window = 10s, window_of_few = 60s;
constexpr std::uint64_t few = 500;  // fewer say little about a pace
constexpr auto shortest = 1s;
constexpr auto silence = 5s;  // totals come when they change: longer than this is standing still

std::uint64_t final_of(const Counts& c) { return c.delivered + c.failed + c.expired; }

/// A late receipt may take one out of `failed`: never below nothing.
std::uint64_t rise(std::uint64_t from, std::uint64_t to) { return to > from ? to - from : 0; }

/// From the first hand-over on: all that is known of records without a pace, and of the first second.
std::optional<Seconds> by_average(const Delivery& d, std::uint64_t pending, Instant now) {
    if (!d.handed_at || now <= *d.handed_at) return std::nullopt;
    const auto done = d.counts.handed < d.counts.total ? d.counts.handed : final_of(d.counts);
    if (done == 0) return std::nullopt;
    return Seconds(now - *d.handed_at) * (double(pending) / double(done));
}

}  // namespace

Pace paced(const std::optional<Pace>& before, const Counts& counts, Instant at) {
    const Pace::Mark mark{at, counts.handed, final_of(counts)};
    if (!before) return {mark, mark, mark};
    auto pace = *before;
    if (at < pace.last.at) return pace;  // clocks of two nodes
    pace.last = mark;
    const auto since = at - pace.middle.at;
    const auto done = rise(pace.middle.handed, mark.handed) + rise(pace.middle.final, mark.final);
    if (since >= window_of_few || (since >= window && done >= few))
        pace.base = pace.middle, pace.middle = mark;
    return pace;
}

std::optional<Seconds> remaining(const Delivery& d, Instant now) {
    const auto pending = rise(final_of(d.counts), d.counts.total);
    if (pending == 0) return Seconds(0);
    if (!d.pace) return by_average(d, pending, now);
    const auto& [base, middle, last] = *d.pace;
    const auto took = std::max(last.at, now - silence) - base.at;
    if (took < shortest) return by_average(d, pending, now);
    const auto done = d.counts.handed < d.counts.total ? rise(base.handed, last.handed)
                                                       : rise(base.final, last.final);
    if (done == 0) return std::nullopt;
    return Seconds(took) * (double(pending) / double(done));
}

}  // namespace tocsin::receipts
