#pragma once
#include "server/base/time.hpp"

#include <map>
#include <mutex>
#include <string>

/// Token buckets (reliability.md 6). Bucket is pure; Rates holds one a name and is thread safe.
namespace tocsin::api {

class Bucket {
public:
    explicit Bucket(double per_minute) : per_minute_(per_minute), tokens_(per_minute) {}
    /// Full at first: a minute's worth at once is fine. False: none left.
    bool take(Instant now);
    /// Seconds until the next one, at least 1.
    int wait_s(Instant now) const;

private:
    double per_minute_, tokens_;
    Instant at_{};
};

class Rates {
public:
    /// 0: without limit.
    explicit Rates(int per_minute) : per_minute_(per_minute) {}
    /// 0: go on; else come back after so many seconds.
    int take(const std::string& name, Instant now);

private:
    const int per_minute_;
    std::mutex mutex_;
    std::map<std::string, Bucket> buckets_;
};

}  // namespace tocsin::api
