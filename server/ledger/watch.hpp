#pragma once
#include "server/ledger/ledger.hpp"
#include "server/ledger/redis.hpp"
#include "server/ledger/settings_check.hpp"

namespace tocsin::ledger {

struct WatchOptions {
    bool own = false;  // our child: wrong settings are put right, not only told
    int replicas_required = 0;
    std::chrono::milliseconds probe_every{1'000}, probe_within{1'000}, check_every{10'000};
    std::function<std::string()> why_down;  // what the supervisor knows; may be empty
};

/// Says whether 202 may be given: the connection is there, settings are right, a real write was
/// answered lately, and Redis has not forgotten what it acknowledged. Unknown counts as no.
class Watch {
public:
    Watch(boost::asio::io_context& loop, Redis& link, WatchOptions options);

    const Health& health() const { return health_; }
    void on_health(std::function<void(const Health&)> tell) {
        watchers_.push_back(std::move(tell));
    }
    /// Called once after each connection that turned out durable.
    void on_ready(std::function<void()> tell) { ready_.push_back(std::move(tell)); }

    void linked(bool up);
    /// Somebody was answered in a way that says: look again now.
    void doubt();
    /// From here on Redis ends because we do: that is no fault.
    void stopping() { stopping_ = true; }
    /// An accept was acknowledged: Redis' count is at least this from now on.
    void remember(std::uint64_t accepted) { accepted_ = std::max(accepted_, accepted); }
    std::uint64_t restarts() const { return restarts_; }

private:
    void beat();
    void look(std::chrono::steady_clock::time_point now);
    void load_scripts();
    void check();
    void checked();
    void repair();
    void compare(std::uint64_t accepted);
    void probe();
    void judge();
    Health judged() const;
    template <class F> Redis::Answer guarded(F then);

    Redis& link_;
    WatchOptions options_;
    boost::asio::steady_timer timer_;
    std::vector<std::function<void(const Health&)>> watchers_;
    std::vector<std::function<void()>> ready_;
    Health health_{false, false, "not connected to Redis yet"};
    std::uint64_t connection_ = 0;  // answers of an older one are not heard
    std::chrono::steady_clock::time_point probed_at_, checked_at_;
    bool probing_ = false, probed_ = false, late_ = false, checking_ = false, known_ = false;
    bool announced_ = false, stalled_ = false, stopping_ = false;
    std::string probe_trouble_, forgot_, run_id_;
    std::uint64_t accepted_ = 0, restarts_ = 0, probes_ = 0;
    RedisFacts facts_;
    std::vector<std::string> objections_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tocsin::ledger
