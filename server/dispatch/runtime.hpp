#pragma once
#include "server/contract/gate.hpp"
#include "server/dispatch/bulk_port.hpp"
#include "server/dispatch/decide.hpp"
#include "server/ledger/ledger.hpp"
#include "server/plan/plan.hpp"

#include <functional>
#include <memory>

/// What dispatch stands on: time, timers and the way to a channel, all handed in, so that tests
/// and the crash walk run without an event loop. Everything here lives on the core loop.
namespace tocsin::dispatch {

struct Clock {
    virtual ~Clock() = default;
    virtual Instant now() const = 0;
};

/// Never calls from inside `after`. There is no cancelling: who sleeps checks when he wakes.
struct Timers {
    virtual ~Timers() = default;
    virtual void after(milliseconds pause, std::function<void()> then) = 0;
};

/// The way to one channel; app posts each call to the channel's own loop, in order.
class Port {
public:
    virtual ~Port() = default;
    virtual void carry(contract::Cleared order) = 0;
    virtual void probe() = 0;
    virtual void stop() = 0;
};

/// One endpoint, as configured.
struct Definition {
    plan::Endpoint endpoint;
    contract::Outlet outlet;
    Limits limits;  // `highest` is taken from the endpoint
    milliseconds probe_every{180'000};
    std::shared_ptr<Port> port;
    std::shared_ptr<BulkPort> bulk;  // of a bulk endpoint
};

struct Tuning {
    milliseconds lease_keep{5'000}, look_every{1'000}, outbox_every{5'000};
    milliseconds probe_within{30'000}, progress_every{200}, retry_first{100}, retry_longest{5'000};
    std::chrono::hours keep_shown{24 * 7};  // so long a correction finds what was shown (scar A3)
    std::chrono::hours walk_back{24 * 31};  // so far back a start looks for what never ended
    std::size_t outbox_batch = 1000, entries_at_once = 64;
};

using Unpack = std::function<Result<plan::Plan>(std::string_view)>;

/// Lets a callback find out that its owner is gone.
class Alive {
public:
    template <class F> auto guard(F f) const {
        return [mark = std::weak_ptr<int>(mark_), f = std::move(f)](auto&&... args) mutable {
            if (!mark.expired()) f(std::forward<decltype(args)>(args)...);
        };
    }

private:
    std::shared_ptr<int> mark_ = std::make_shared<int>();
};

/// Repeats a write until the ledger has said that it is done: each of them may be repeated.
template <class T>
void insist(Timers& timers,
            const Tuning& tuning,
            std::function<void(ledger::Then<T>)> write,
            std::function<void(T)> done,
            milliseconds pause = {}) {
    const auto next = std::clamp(2 * pause, tuning.retry_first, tuning.retry_longest);
    write([&timers, tuning, write, done, next](Result<T> answer) {
        if (answer.has_value()) return done(std::move(*answer));
        timers.after(next, [&timers, tuning, write, done, next] {
            insist<T>(timers, tuning, write, done, next);
        });
    });
}

}  // namespace tocsin::dispatch
