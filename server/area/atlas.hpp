#pragma once
#include "server/area/geometry.hpp"
#include "server/base/fault.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// The city's regions: a tree (city, district or functional area, street) with codes, names and
/// polygons, and from what a CAP area says to the regions it covers (design.md 12).
namespace tocsin::area {

enum class Tier { city, district, functional, street, community };

struct Region {
    std::string
        code;  // GB/T 2260 and its extensions, 6, 9 or 12 digits; "BJ-F01" for functional areas
    std::string parent;  // code; empty for the city
    Tier tier;
    std::string name_zh, name_en;
    std::vector<Polygon> polygons;      // streets may have none: they fall back to their district
    std::vector<std::string> overlaps;  // functional areas: the districts they lie in
    std::vector<std::string> former;    // codes no longer in use, named in hints only
};

/// What one CAP <area> says.
struct Said {
    struct Geocode {
        std::string scheme, code;
    };
    std::string desc;
    std::vector<Geocode> geocodes;
    std::vector<Ring> polygons;
    std::vector<Circle> circles;
};

struct Problem {
    std::string rule;  // "geocode-unknown", "area-outside", "area-no-geometry", "no-area", ...
    bool error;
    std::size_t area;     // index into what was given
    std::string part;     // "geocode[2]", "polygon[1]", "areaDesc"
    std::string message;  // for the sender; swapped axes are named as such (scar C4)
};

struct Resolved {
    /// Codes in code order, each once. A whole city is its own code; a district that is wholly
    /// named is its own code, not its streets.
    std::vector<std::string> regions;
    std::vector<Ring> polygons;
    std::vector<Circle> circles;
    std::vector<Problem> problems;
    /// Regions that touch a covered one and are not covered themselves (scar B9).
    std::vector<std::string> beside;
};

class Atlas {
public:
    /// A GeoJSON FeatureCollection as scripts/regions writes it. The fault names feature and member.
    static Result<Atlas> load(const std::filesystem::path& geojson);
    static Result<Atlas> parse(std::string_view geojson);

    const Region* find(std::string_view code) const;  // 6, 9 and zero-filled 12-digit forms alike
    const std::vector<Region>& regions() const { return regions_; }
    const Region& city() const;

    /// The union of all areas and of all that each says (CAP rule E19); never wider: what cannot be
    /// resolved is a problem, and an empty result means nobody and comes with an error.
    ///
    /// Geometry meets a region where it reaches more than 25 m into it, or where at least a twentieth
    /// of it lies there (for what is smaller or narrower than that). So a polygon drawn along a border
    /// does not include the neighbour, however long the border is.
    Resolved resolve(const std::vector<Said>& areas) const;

    /// A further geocode valueName whose codes are those of GB/T 2260 (by configuration).
    void accept_scheme(std::string name) { schemes_.push_back(std::move(name)); }

    /// Is `inner` the region `outer`, or below it, or a functional area wholly inside it?
    bool within(std::string_view inner, std::string_view outer) const;
    /// Do the two share people: one within the other, or a functional area overlapping a district?
    /// A street counts as its district there, as where it lies in it is not known.
    bool shares(std::string_view a, std::string_view b) const;

private:
    friend class Resolver;
    std::vector<Region> regions_;
    std::vector<std::string> schemes_{"CPEAS Geographic Code", "GB/T 2260", "adcode"};
    std::shared_ptr<const struct Index> index_;  // made from regions_ by parse()
};

}  // namespace tocsin::area
