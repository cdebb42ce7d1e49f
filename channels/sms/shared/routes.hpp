#pragma once
#include "channels/sms/shared/networks.hpp"
#include "server/contract/bulk.hpp"

#include <bit>
#include <string>

/// Which lanes may take a number. A lane without a filter takes what no filter names, and stands in
/// for lanes that are down.
namespace tocsin::sms {

/// Empty lists admit everything; of several all must admit.
struct Filter {
    std::vector<Network> networks;
    std::vector<std::string> prefixes;  // digits: "139", "1391", "86139", "+852"
    std::vector<std::string> regions;   // codes; 110000 admits 110105 too
    bool any() const { return !networks.empty() || !prefixes.empty() || !regions.empty(); }
};
/// Digits only, with the country: "+852" and "852" both 852, "139" 86139. Nothing: no prefix.
std::optional<std::string> whole_prefix(std::string_view prefix);

inline constexpr std::size_t lanes_most = 64;
using Lanes = std::uint64_t;  // a bit each

struct Route {
    Lanes first, spare;  // spare: when none of the first is up
    bool served() const { return (first | spare) != 0; }
};
using RouteId = std::uint16_t;

class Router {
public:
    Router(const std::vector<Filter>& lanes, std::shared_ptr<const Portability> ported);

    /// Every number of the slice goes the same way, whatever it is.
    bool alike() const { return alike_; }
    /// Before route() of a slice's numbers. An empty network is found by prefix, an empty region
    /// passes every filter. `region`: codes with blanks between; one that fits is enough.
    void slice(std::string_view network, std::string_view region);
    RouteId route(std::uint64_t number) { return alike_ ? RouteId(0) : intern(match(number)); }
    void prefetch(std::uint64_t number) const {
        if (ported_) ported_->prefetch(number);
    }
    const Route& operator[](RouteId id) const { return routes_[id]; }
    std::size_t size() const { return routes_.size(); }

private:
    struct Prefix {
        std::uint64_t value;
        std::uint8_t digits, lane;
    };
    Lanes match(std::uint64_t number) const;
    RouteId intern(Lanes matched) { return matched == last_ ? last_id_ : find(matched); }
    RouteId find(Lanes matched);

    std::vector<Filter> filters_;
    std::shared_ptr<const Portability> ported_;
    bool alike_ = true;
    Lanes open_ = 0, by_prefix_ = 0;  // without a filter; with prefixes
    std::vector<Prefix> prefixes_;
    std::optional<Network> network_;  // of the slice
    std::string network_name_, region_;
    std::array<Lanes, networks_count> admit_{};  // of the slice, prefixes aside
    std::vector<Lanes> matches_;                 // by route
    std::vector<Route> routes_;
    Lanes last_ = 0;
    RouteId last_id_ = 0;
};

}  // namespace tocsin::sms
