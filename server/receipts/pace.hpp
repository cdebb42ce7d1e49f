#pragma once
#include "server/receipts/delivery.hpp"

#include <chrono>
#include <optional>

/// How fast a bulk delivery goes, and so how long it still takes. Pure: counts and times in.
///
/// At a steady pace receipts come as fast as texts go out, only later: whatever the delay, what is
/// still to become final takes as long as that many texts take to go out. So texts set the pace while
/// they go out, receipts when all are out; over the last ten seconds or more, as the beginning, a
/// pause or another campaign's turn say nothing about now.
namespace tocsin::receipts {

/// After new totals.
Pace paced(const std::optional<Pace>& before, const Counts& counts, Instant at);

/// Until everybody's end is known; nothing without a pace to judge by.
std::optional<std::chrono::duration<double>> remaining(const Delivery& delivery, Instant now);

}  // namespace tocsin::receipts
