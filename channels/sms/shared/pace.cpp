#include "channels/sms/shared/pace.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tocsin::sms {
namespace {

using namespace std::chrono;

constexpr double unlimited = std::numeric_limits<double>::infinity();
// Peers count by the second or by 100 ms: a late tick must not make up for more than this.
constexpr double burst_seconds = 0.025;
constexpr double grow_share_a_second = 0.02;
constexpr milliseconds pause_least(250), pause_most(1000);
constexpr seconds forget_after(5);
constexpr double sporadic = 0.05, below_taken = 0.9;

double seconds_between(Instant a, Instant b) { return duration<double>(b - a).count(); }

}  // namespace

Pace::Pace(double per_second, std::uint32_t least)
    : contract_(per_second),
      least_(least),
      limit_(per_second > 0 ? per_second : unlimited),
      ceiling_(limit_) {}

double Pace::bucket_most() const { return std::max(least_, limit_ * burst_seconds); }

void Pace::refill(Instant now) {
    if (!filled_ || now < *filled_) filled_ = counted_from_ = now, sent_ = 0;
    const auto past = seconds_between(*filled_, now);
    filled_ = now;
    if (limit_ < ceiling_ || (limit_ != unlimited && contract_ <= 0)) {
        const auto base = contract_ > 0 ? contract_ : measured_;
        limit_ += std::max(1.0, base) * grow_share_a_second * past;
        if (contract_ > 0) limit_ = std::min(limit_, ceiling_);
    }
    if (limit_ != unlimited) tokens_ = std::min(bucket_most(), tokens_ + limit_ * past);
    if (const auto counted = seconds_between(counted_from_, now); counted >= 1) {
        measured_ = sent_ / counted;
        took_ = taken_ / counted;
        counted_from_ = now, sent_ = taken_ = 0;
    }
}

std::uint32_t Pace::available(Instant now) {
    refill(now);
    if (pause_ && now < *pause_) return 0;
    constexpr std::uint32_t plenty = 1'000'000;
    return limit_ == unlimited ? plenty : std::uint32_t(std::max(0.0, std::floor(tokens_)));
}

void Pace::spent(std::uint32_t segments) {
    tokens_ -= limit_ == unlimited ? 0 : segments;
    sent_ += segments;
}

void Pace::throttled(Instant now, double share, double jitter) {
    weigh(1);
    if ((pause_ && now < *pause_) || slower_ < sporadic) return;
    if (!pause_ || now - *pause_ > forget_after) pauses_in_a_row_ = 0;
    if (limit_ == unlimited) {
        const auto counted = std::max(0.05, seconds_between(counted_from_, now));
        measured_ = std::max(measured_, sent_ / counted);
        limit_ = std::max(1.0, measured_);
    }
    limit_ = std::max({1.0, limit_ * share, std::min(limit_, took_ * below_taken)});
    tokens_ = std::min(tokens_, bucket_most());
    const auto longest = std::min(pause_most, pause_least * (1 << std::min(pauses_in_a_row_, 4)));
    ++pauses_in_a_row_;
    const auto drawn = milliseconds(std::int64_t(jitter * double((longest - pause_least).count())));
    pause_ = now + pause_least + drawn;
}

std::optional<Instant> Pace::paused_until(Instant now) const {
    return pause_ && now < *pause_ ? pause_ : std::nullopt;
}

}  // namespace tocsin::sms
