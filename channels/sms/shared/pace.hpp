#pragma once
#include "server/base/time.hpp"

#include <optional>

/// How many segments may leave now: a token bucket that a throttling peer shrinks at once and that
/// grows back slowly. Time comes in; a clock that steps back gives nothing and breaks nothing.
namespace tocsin::sms {

class Pace {
public:
    /// `per_second` 0: no limit until the peer throttles. `least`: so many always fit, or a message
    /// of several segments would never leave.
    Pace(double per_second, std::uint32_t least);

    std::uint32_t available(Instant now);
    void spent(std::uint32_t segments);
    /// The peer answered, and not with "slower".
    void answered() {
        weigh(0);
        ++taken_;
    }
    /// The peer said "slower": down to `share` of the rate, but not below what it took in the last
    /// second; silent for 250 ms .. 1 s, longer each time it says so again soon. Once for all answers
    /// that come while it is silent. One in a hundred is no sign of its limit, and slows nothing: by
    /// the rule of protocols for single losses (down 30 %, up 2 % a second) it would end at a tenth.
    void throttled(Instant now, double share, double jitter);
    std::optional<Instant> paused_until(Instant now) const;
    double rate() const { return limit_; }  // infinity: none

private:
    void refill(Instant now);
    double bucket_most() const;
    void weigh(double slower) {
        if (weight_ < 64) ++weight_;
        slower_ += (slower - slower_) / weight_;
    }

    double contract_, least_;
    double limit_, ceiling_, tokens_ = 0;
    std::optional<Instant> filled_, pause_;
    Instant counted_from_{};
    double sent_ = 0, measured_ = 0;  // what we really did a second: the base when none is agreed
    double taken_ = 0, took_ = 0;     // by the peer: since counted_from_, in the second before
    double slower_ = 0, weight_ = 0;  // share of "slower" among its last answers, how many
    int pauses_in_a_row_ = 0;
};

}  // namespace tocsin::sms
