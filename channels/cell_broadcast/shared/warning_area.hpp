#pragma once
#include "server/base/fault.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Warning Area Coordinates (ATIS-0700041, 5): where a phone of 4G or 5G shows a warning, so that it
/// overshoots by metres instead of cells. 2G has no place for them.
namespace tocsin::cell_broadcast {

struct Coordinate {
    double lat = 0, lon = 0;
    bool operator==(const Coordinate&) const = default;
};
using Outline = std::vector<Coordinate>;
struct Disc {
    Coordinate centre;
    double radius_km = 0;
    bool operator==(const Disc&) const = default;
};
struct WarningArea {
    std::optional<std::uint8_t> wait_seconds{};  // for a fix; 255: as the phone likes
    std::vector<Outline> outlines{};
    std::vector<Disc> discs{};
    bool operator==(const WarningArea&) const = default;
};

inline constexpr std::size_t warning_area_octets = 1024;

/// Over limit: more than 1,024 octets (185 points of one outline): thin it outward first. Malformed:
/// no area, an outline of less than three points, or a place that is not on the Earth.
Result<std::string> encode(const WarningArea& area);
/// A phone drops all of it for one broken part: so do we.
Result<WarningArea> decode_area(std::string_view octets);

}  // namespace tocsin::cell_broadcast
