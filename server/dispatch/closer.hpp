#pragma once
#include "server/dispatch/station.hpp"

#include <set>

/// Nothing stays open (promise 2): past its deadline whatever delivery of an alert has no ending
/// gets one, also what nobody has in hand any more after a crash. Stations end what they know of;
/// this is the net below them.
namespace tocsin::dispatch {

class Closer {
public:
    explicit Closer(Floor& floor, milliseconds grace) : floor_(floor), grace_(grace) {}
    /// Looks through the alerts that are stored, then watches.
    void start();
    void stop() { running_ = false; }
    void watch(const ledger::AlertRecord& record);

private:
    void walk(const std::string& cursor);
    void arm();
    void wake();
    void expire(const std::string& alert);
    void close(const std::string& alert);
    void close_rows(const Shared& alert, const std::vector<ledger::DeliveryRow>& rows);

    Floor& floor_;
    milliseconds grace_;
    Alive alive_;
    bool running_ = false;
    std::set<std::pair<Instant, std::string>> expiries_, deadlines_;
    std::optional<Instant> armed_;
};

}  // namespace tocsin::dispatch
