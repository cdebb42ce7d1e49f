#pragma once
#include "server/area/atlas.hpp"
#include "server/area/shape.hpp"

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

/// What the atlas looks things up in, made once from its regions. Internal to the folder.
namespace tocsin::area {

inline constexpr double depth_km = 0.025;  // geometry meets a region from this depth on ...
inline constexpr double share = 0.05;      // ... or with this part of itself
inline constexpr double margin_km = 1.0;   // our outlines are no better: so near is not "outside"

/// A region with an outline.
struct Placed {
    std::size_t region;  // in Atlas::regions()
    Shape shape;
    std::vector<Point> inner;           // for each part, its point farthest from any border
    std::vector<std::size_t> touching;  // places of the districts and functional areas beside it
};

struct Index {
    std::unordered_map<std::string, std::size_t> by_code;
    std::unordered_map<std::string, std::vector<std::size_t>> by_name;
    std::unordered_map<std::string, std::size_t> by_former;
    std::unordered_map<std::string, std::size_t> streets;  // how many a district has
    std::vector<Placed> placed;                            // districts and functional areas
    std::size_t city = 0, districts = 0;
    Shape outline;  // the city's

    /// Places in `placed`, ascending.
    std::vector<std::size_t> met_by(const Shape& said) const;
    std::vector<std::size_t> met_by(const Circle& said) const;
    std::vector<std::size_t> met_by(Point said) const;
    double km_outside(const Shape& said) const;  // 0 where the two meet
};

/// A zero-filled code without its zeros: 110101000000 and 110101000 become 110101.
std::string_view trimmed(std::string_view code);

std::shared_ptr<const Index> make_index(const std::vector<Region>& regions);

/// Regions as scripts/regions writes them; outlines checked, links between regions not yet.
Result<std::vector<Region>> parse_regions(std::string_view geojson);

}  // namespace tocsin::area
