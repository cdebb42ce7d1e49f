#pragma once
#include "server/dispatch/runtime.hpp"

#include <deque>
#include <unordered_map>

/// Alerts with their plans unpacked, shared by all stations: ten thousand boards load one alert
/// once. Only what never changes of an alert may be read from here; not its state.
namespace tocsin::dispatch {

struct Carried {
    ledger::AlertRecord record;  // without its CAP bytes and packed plan
    plan::Plan plan;
    const plan::Order* order_for(std::string_view endpoint) const;
};
using Shared = std::shared_ptr<const Carried>;

class Alerts {
public:
    Alerts(ledger::Ledger& ledger, Unpack unpack, std::size_t keep = 512)
        : ledger_(ledger), unpack_(std::move(unpack)), keep_(keep) {}

    /// Faults: unreachable (ask again), refused (no such alert), malformed (its plan is damaged).
    void get(const std::string& id, ledger::Then<Shared> then);
    /// What was just read is kept, too.
    Result<Shared> put(ledger::AlertRecord record);

private:
    void answer(const std::string& id, const Result<Shared>& found);

    ledger::Ledger& ledger_;
    Unpack unpack_;
    std::size_t keep_;
    Alive alive_;
    std::unordered_map<std::string, Shared> kept_;
    std::deque<std::string> order_;  // oldest first
    std::unordered_map<std::string, std::vector<ledger::Then<Shared>>> waiting_;
};

}  // namespace tocsin::dispatch
