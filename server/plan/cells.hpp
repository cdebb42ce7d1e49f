#pragma once
#include "server/area/cell_map.hpp"
#include "server/plan/plan.hpp"
#include "server/plan/where.hpp"

#include <map>

/// Which cells an alert's endpoints broadcast to, and how well these fit what is warned.
namespace tocsin::plan {

/// What does not change from alert to alert: each endpoint's own cells, and the districts in which
/// people may hear what was not meant for them. Made once.
class CellGround {
public:
    explicit CellGround(const City& city);

    struct District {
        std::string code;
        area::Shape shape;
        double km2;
    };
    /// Null: it does not broadcast to cells, or there is no map of them.
    const area::CellSet* own(const std::string& endpoint) const;
    const std::vector<District>& districts() const { return districts_; }

private:
    std::map<std::string, area::CellSet> own_;
    std::vector<District> districts_;
};

/// One alert's. Looks at the map when it is asked first, so that alerts without cells don't pay.
class CellChoice {
public:
    CellChoice(const City& city, const CellGround& ground, const Where& where, const Census& census)
        : city_(city), ground_(ground), where_(where), census_(census) {}

    struct Chosen {
        contract::Cells cells;  // ascending; empty: nobody is reached, and `why` says so
        CellReach reach;
        std::string why;
    };
    Chosen choose(const Endpoint& endpoint);
    /// Regions named by the alert that have no outline: no cell could be chosen for them.
    std::vector<std::string> without_outline() const;

private:
    void look();
    std::optional<std::uint64_t> people_outside(const area::Fit& fit) const;

    const City& city_;
    const CellGround& ground_;
    const Where& where_;
    const Census& census_;
    bool looked_ = false;
    std::string refused_;
    area::Place place_;
    area::CellSet met_;
};

}  // namespace tocsin::plan
