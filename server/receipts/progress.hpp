#pragma once
#include "server/receipts/delivery.hpp"

#include <functional>
#include <map>
#include <span>

/// What all deliveries of one alert come to (design.md 7, "Progress, wherever it is shown").
namespace tocsin::receipts {

struct Progress {
    std::uint64_t orders = 0, open = 0, partial = 0, displaced = 0;
    std::map<std::string, std::uint64_t> states;  // by the one word; no zeros
    struct Recipients {
        std::uint64_t total = 0, handed = 0, accepted = 0, delivered = 0, failed = 0, expired = 0,
                      pending = 0;
    } recipients;                             // of bulk deliveries alone
    std::optional<Instant> first_handed;      // the earliest of all
    std::optional<Instant> completed;         // the last ending; none while one is open
    std::optional<std::chrono::seconds> eta;  // none without a rate to judge by
};

Progress progress(std::span<const Delivery> rows, Instant now);
Progress progress(std::span<const Delivery* const> rows, Instant now);

/// The same by whatever they are told apart by; a row may stand in several groups (regions).
using Groups = std::map<std::string, Progress>;
Groups progress_by(std::span<const Delivery> rows,
                   const std::function<std::vector<std::string>(const Delivery&)>& groups,
                   Instant now);
Groups progress_by_channel(std::span<const Delivery> rows, Instant now);

/// Exactly the object of design.md 7; times relative to `accepted`.
std::string to_json(const Progress& progress, Instant accepted);
std::string to_json(const Groups& groups, Instant accepted);

}  // namespace tocsin::receipts
