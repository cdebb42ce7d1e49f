#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

/// What dispatch counts; app reads it on the core loop and names it (experience.md 9). Labels come
/// from configuration only: no ids, no numbers, no texts.
namespace tocsin::dispatch {

using Labels = std::vector<std::string>;
using Counter = std::map<Labels, std::uint64_t>;

struct Histogram {
    static constexpr std::array<double, 14> bounds{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                   1,     2.5,  5,     10,   30,  60,   300};
    std::array<std::uint64_t, bounds.size() + 1> counts{};  // the last: more than all bounds
    std::uint64_t count = 0;
    double sum = 0;
    void observe(double seconds) {
        std::size_t i = 0;
        while (i < bounds.size() && seconds > bounds[i]) ++i;
        ++counts[i];
        ++count;
        sum += seconds;
    }
};

struct Metrics {
    Counter orders;         // {mode, endpoint, action}: handed over to the channel
    Counter retries;        // {mode, endpoint}: of those, not the first
    Counter duplicates;     // {mode, endpoint}: handed over again without an answer to the first
    Counter gate_refusals;  // {reason}
    Counter deliveries;     // {mode, channel, state}: ended
    Counter expired_before_handover;  // {mode, endpoint}
    Counter evidence_unmatched;     // {endpoint}: about nothing that we know, or never handed over
    Counter evidence_late;          // {endpoint}: after its end
    Counter overturned;             // {endpoint}: an ending that late evidence changed
    Counter backups;                // {endpoint}: its backup was asked
    Counter probes, probes_failed;  // {endpoint}
    Counter lease_taken, lease_lost;  // {endpoint}
    std::uint64_t fanned_out = 0, outbox_stuck = 0, outbox_entries = 0, unwanted = 0;
    std::map<Labels, Histogram> first_handed;  // {mode, level}: from acceptance
    std::map<Labels, Histogram> completed;     // {mode, level}
    Counter overdue;                           // {mode, level}: first byte later than promised
};

}  // namespace tocsin::dispatch
