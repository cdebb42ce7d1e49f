#pragma once
#include "server/contract/order.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>

/// Names of everything in Redis (contract.md 3). `t1` is the layout's version; what stands in braces
/// is the hash tag: keys that must change together share it, so they share a Cluster slot. Pure
/// text, so that whoever keeps things of his own there (server/campaign) needs nothing else of us.
namespace tocsin::ledger {
namespace keys {

/// The mode stands in the key, so that a drill cannot even name what is live.
inline char mode_letter(contract::Mode mode) {
    switch (mode) {
        case contract::Mode::live: return 'l';
        case contract::Mode::exercise: return 'e';
        case contract::Mode::test: return 't';
        case contract::Mode::replay: return 'r';
    }
    return '0';  // no key ever has it
}

// Intake: one slot, since audit and outbox are fsynced with the alert.
inline std::string intake(std::string_view what) { return fmt::format("t1:{{in}}:{}", what); }
inline std::string intake(contract::Mode mode, std::string_view what) {
    return fmt::format("t1:{{in}}:{}:{}", mode_letter(mode), what);
}

// One endpoint's queue.
inline std::string wants(std::string_view endpoint, contract::Mode mode) {
    return fmt::format("t1:{{e:{}}}:{}:want", endpoint, mode_letter(mode));
}
inline std::string lease(std::string_view endpoint) {
    return fmt::format("t1:{{e:{}}}:lease", endpoint);
}

inline std::string probes(std::string_view endpoint) {
    return fmt::format("t1:{{e:{}}}:probes", endpoint);
}

// One alert's deliveries and what happened to them.
inline std::string deliveries(std::string_view alert) {
    return fmt::format("t1:{{a:{}}}:deliveries", alert);
}
inline std::string events(std::string_view alert) {
    return fmt::format("t1:{{a:{}}}:events", alert);
}

/// What is told of all alerts together.
inline std::string all_events() { return "t1:{all}:events"; }

/// Endpoints' own state, by name.
inline std::string states() { return "t1:{ep}:states"; }

}  // namespace keys

// Audiences. A version is "<name>/<number>" (plan::Order::audience_version); group is the index in
// that audience's groups; a page is 1,000 numbers (the last one fewer), each a little-endian u64 in
// plain E.164 without "+": 8 * count bytes.
inline constexpr std::size_t audience_page_numbers = 1000;
inline std::string audience_page_key(std::string_view version_key,
                                     std::size_t group,
                                     std::size_t page) {
    return fmt::format("t1:{{aud:{}}}:{}:{}", version_key, group, page);
}

// Campaigns (bulk SMS). The campaign's name carries its shard: "<campaign>:<shard>".
inline std::string campaign_key(std::string_view campaign) {
    return fmt::format("t1:{{c:{}}}:campaign", campaign);
}
inline std::string campaign_page_key(std::string_view campaign, std::size_t page) {
    return fmt::format("t1:{{c:{}}}:page:{}", campaign, page);
}
inline std::string campaign_log_key(std::string_view campaign, std::uint64_t segment) {
    return fmt::format("t1:{{c:{}}}:log:{}", campaign, segment);
}
/// Anything else of a campaign: a list of the segments, a second half, ...
inline std::string campaign_part_key(std::string_view campaign, std::string_view part) {
    return fmt::format("t1:{{c:{}}}:{}", campaign, part);
}

}  // namespace tocsin::ledger
