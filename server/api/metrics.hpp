#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace prometheus {
class Registry;
}

/// The server's own counters (experience.md 9) in the registry that everybody shares. Thread safe.
/// Labels only from configuration and code, never ids or texts.
namespace tocsin::api {

class Metrics {
public:
    explicit Metrics(std::shared_ptr<prometheus::Registry> registry);
    ~Metrics();
    void request(std::string_view listener,
                 std::string_view route,
                 int status,
                 std::chrono::microseconds took);
    void received(std::string_view result);  // "accepted", "same", "refused", ...
    void violation(std::string_view rule);
    void accepted(std::chrono::microseconds took);
    void unauthorized();
    void turned_away();
    void watchers(int change);
    void ready(bool is);
    void certificate_expiry(std::int64_t seconds);
    /// Everything in the registry, in Prometheus' text format.
    std::string text() const;

private:
    struct Families;
    std::unique_ptr<Families> families_;
};

}  // namespace tocsin::api
