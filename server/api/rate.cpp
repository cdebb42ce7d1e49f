#include "server/api/rate.hpp"

#include <cmath>

namespace tocsin::api {
namespace {
constexpr std::size_t names_max = 10000;
constexpr double minute_ms = 60000;
}  // namespace

bool Bucket::take(Instant now) {
    if (at_ != Instant{} && now > at_)
        tokens_ =
            std::min(per_minute_, tokens_ + double((now - at_).count()) * per_minute_ / minute_ms);
    at_ = now;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
}

int Bucket::wait_s(Instant) const {
    if (tokens_ >= 1 || per_minute_ <= 0) return 1;
    return std::max(1, int(std::ceil((1 - tokens_) * 60 / per_minute_)));
}

int Rates::take(const std::string& name, Instant now) {
    if (per_minute_ <= 0) return 0;
    const std::lock_guard lock(mutex_);
    // Names come from configuration or are peers' addresses; forgetting all at once is rare and
    // costs one burst.
    if (buckets_.size() > names_max) buckets_.clear();
    auto& bucket = buckets_.try_emplace(name, double(per_minute_)).first->second;
    return bucket.take(now) ? 0 : bucket.wait_s(now);
}

}  // namespace tocsin::api
