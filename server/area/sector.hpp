#pragma once
#include "server/area/shape.hpp"
#include "server/contract/cells_file.hpp"

/// Where one cell is heard: a disc, or a piece of it between two rays. Exact, on the plane that touches
/// the Earth at its site, so no corner of a drawn pie is missing.
namespace tocsin::area {

class Sector {
public:
    explicit Sector(const contract::CellRow& row);

    Point site() const { return site_; }
    double range_km() const { return range_km_; }
    Box box() const;
    bool contains(Point point) const;
    bool meets(const Edge& edge) const;
    /// Whatever its beam: is any of the edge within its range?
    bool reaches(const Edge& edge) const;
    /// Where the parallel of `lat` enters and leaves: none, one or two pairs, which may overlap.
    void spans_at(double lat, std::vector<double>& lons) const;

private:
    struct Spot {  // km east and north of the site
        double x, y;
    };
    enum class Form : std::uint8_t { disc, narrow, wide };  // wide: more than half a turn

    Spot spot(Point point) const {
        return {(point.lon - site_.lon) * cos_ * degree_km, (point.lat - site_.lat) * degree_km};
    }
    /// The parts of `from` + t x `along`, 0 <= t <= 1, that lie inside; how many, at most two.
    int inside(Spot from, Spot along, double (&begin)[2], double (&end)[2]) const;

    Point site_;
    double cos_, range_km_;
    Spot right_, left_;  // unit vectors of the rays; the sector lies left of `right_`
    Form form_;
};

}  // namespace tocsin::area
