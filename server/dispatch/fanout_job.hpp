#pragma once
#include "server/dispatch/fanout.hpp"

/// One entry of the outbox on its way; private to the fan-out's sources.
namespace tocsin::dispatch {

struct Fanout::Job {
    ledger::OutboxEntry entry;
    Shared alert;
    std::vector<plan::Order> stand_ins;  // what backups carry that the plan does not name
    std::string state;                   // as it is now
    std::size_t left = 0;                // steps that are not stored yet
    bool failed = false, stuck = false, running = false;
    bool detached = false;  // a backup's: there is no entry to drain
    Rank rank = Rank::drill;
    Instant accepted{};
};

/// A fault fails the entry, which is read and done again; the other steps go on.
template <class T> auto Fanout::answered(const Held& job, std::function<void(T)> then) {
    return alive_.guard([this, job, then = std::move(then)](Result<T> answer) {
        if (answer.has_error())
            fault(job, answer.error());
        else
            then(std::move(*answer));
        done(job);
    });
}

}  // namespace tocsin::dispatch
