#pragma once
#include "server/dispatch/runtime.hpp"

#include <boost/asio/io_context.hpp>

/// Time and timers of a real event loop; the only file of dispatch that knows Asio. Only app
/// includes it.
namespace tocsin::dispatch {

struct WallClock final : Clock {
    Instant now() const override { return tocsin::now(); }
};

class AsioTimers final : public Timers {
public:
    explicit AsioTimers(boost::asio::io_context& loop) : loop_(loop) {}
    void after(milliseconds pause, std::function<void()> then) override;

private:
    boost::asio::io_context& loop_;
};

}  // namespace tocsin::dispatch
