#pragma once
#include "server/plan/plan.hpp"

/// Which endpoints carry an alert, and whom the bulk ones reach.
namespace tocsin::plan {

/// One endpoint that gets an order, and the part of the covered area that is its own.
struct Reach {
    const Endpoint* endpoint;
    std::vector<std::string> codes;
};

/// Live: every live endpoint that shares people with a covered region. Other modes: the sandbox twin
/// of each of those (or itself, for an exercise to the end that it allows), and sandboxes that are
/// nobody's twin; never another live one. By name. Backups that stand by are left out.
std::vector<Reach> reach(const City& city,
                         const Request& request,
                         const std::vector<std::string>& regions,
                         std::vector<Note>& notes);

/// Live endpoints that would carry a live alert for the region.
std::vector<const Endpoint*> carriers(const City& city, const std::string& region);

struct People {
    const Audience* audience = nullptr;
    std::vector<std::uint32_t> groups;
    std::uint64_t recipients = 0;
};

/// The groups of each bulk endpoint; a group goes to one endpoint of a bearer only.
std::vector<People> people(const City& city,
                           const Census& census,
                           const std::vector<Reach>& reached,
                           bool opt_out_may_be_overridden,
                           std::vector<Note>& notes);

}  // namespace tocsin::plan
