#pragma once
#include "server/dispatch/station.hpp"

#include <set>

/// Tells who watches an alert how far it got: after a change of any of its deliveries, at most
/// five times a second, less often for an alert with thousands of them.
namespace tocsin::dispatch {

class Herald {
public:
    explicit Herald(Floor& floor) : floor_(floor) {}
    void changed(const std::string& alert);

private:
    void tell(const std::string& alert);
    void say(const Shared& alert, const std::vector<ledger::DeliveryRow>& rows);

    Floor& floor_;
    Alive alive_;
    struct Turn {
        bool armed = false, dirty = false;
        milliseconds pause{};
    };
    std::map<std::string, Turn> turns_;
};

}  // namespace tocsin::dispatch
