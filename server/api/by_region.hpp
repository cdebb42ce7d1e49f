#pragma once
#include "server/ledger/ledger.hpp"
#include "server/plan/plan.hpp"
#include "server/receipts/delivery.hpp"

#include <boost/json/value.hpp>

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

/// What an alert came to in each of its regions, as far as that is known. A bulk delivery counts its
/// people as a whole; how many of them are in a region its plan tells, what became of those only
/// where the whole says it for each. Pure.
namespace tocsin::api {

/// Lent by app; either may be empty (tests).
struct Ground {
    /// Whose alerts is somebody told of who is listed in this region? Its own, those of what it lies
    /// in, and of a functional area those of its districts.
    std::function<std::vector<std::string>(const std::string& listed)> told_of;
    struct Kin {
        std::string channel, backup;  // channel empty: no such endpoint
    };
    std::function<Kin(const std::string& endpoint)> kin;
};

/// What one endpoint's order is to reach.
struct Served {
    std::vector<std::string> regions;
    std::map<std::string, std::uint64_t> people;  // of a bulk order, by region
    std::uint64_t all = 0;                        // of them, each once
    bool counted = false;                         // the plan knows its people
};

/// By endpoint: those that the plan names, and backups among `rows` that stand in for them.
std::map<std::string, Served> served_by(const plan::Plan& plan,
                                        std::span<const receipts::Delivery> rows,
                                        const Ground& ground);

/// `by_region` of GET /v1/alerts/{id}: each region of the plan, also where nothing serves it.
boost::json::value by_region(const plan::Plan& plan,
                             std::span<const receipts::Delivery> rows,
                             const Ground& ground,
                             Instant accepted,
                             Instant now);

}  // namespace tocsin::api
