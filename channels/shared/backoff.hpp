#pragma once
#include <algorithm>
#include <chrono>

/// When to knock again: 1, 2, 4 .. times `first`, at most `most`, each with full jitter so that a
/// thousand links that fell together do not come back together.
namespace tocsin::shared {

class Backoff {
public:
    Backoff(std::chrono::milliseconds first, std::chrono::milliseconds most)
        : first_(first), most_(most), next_(first) {}

    /// `jitter` in [0, 1). Never under a quarter of `first`: full jitter may say zero, and a peer
    /// that refuses at once would be hammered.
    std::chrono::milliseconds next(double jitter) {
        const auto ceiling = next_;
        next_ = std::min(most_, next_ * 2);
        const auto drawn =
            std::chrono::milliseconds(std::int64_t(jitter * double(ceiling.count())));
        return std::max(drawn, first_ / 4);
    }
    void reset() { next_ = first_; }

private:
    std::chrono::milliseconds first_, most_, next_;
};

}  // namespace tocsin::shared
