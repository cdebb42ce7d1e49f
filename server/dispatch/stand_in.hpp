#pragma once
#include "server/dispatch/alerts.hpp"

/// What a backup is to carry. A plan may order it outright; else it takes what those of its own
/// kind were to carry whose backup it is: their words, their area, nothing wider (promise 13).
namespace tocsin::dispatch {

/// As far as standing in is concerned: whose backup is whose.
struct Kin {
    std::string channel, backup;
    bool configured = false;
};
using FindKin = std::function<Kin(const std::string& endpoint)>;

std::optional<plan::Order> planned_for(const Carried& alert,
                                       const std::string& endpoint,
                                       const FindKin& kin);
/// Backups of planned endpoints that the plan itself does not name.
std::vector<plan::Order> stand_ins(const Carried& alert, const FindKin& kin);

}  // namespace tocsin::dispatch
