#include "channels/cell_broadcast/shared/warning_area.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tocsin::cell_broadcast {
namespace {

enum class Kind : std::uint8_t { wait = 1, outline = 2, disc = 3 };

constexpr unsigned kind_bits = 4, length_bits = 10, spare_bits = 2, coordinate_bits = 22,
                   radius_bits = 20;
constexpr std::size_t head_octets = 2;
constexpr double steps = 1 << coordinate_bits, radius_steps = 64;
constexpr double rounding = 1e-7;  // what a step loses on its way through degrees

class Bits {
public:
    void put(std::uint64_t value, unsigned count) {
        while (count-- > 0) {
            if (used_ % 8 == 0) out_ += '\0';
            out_.back() = char(out_.back() | (value >> count & 1) << (7 - used_ % 8));
            ++used_;
        }
    }
    std::string take() { return std::move(out_); }

private:
    std::string out_;
    std::size_t used_ = 0;
};

class BitsIn {
public:
    explicit BitsIn(std::string_view octets) : octets_(octets) {}
    std::size_t left() const { return octets_.size() * 8 - used_; }
    std::uint64_t get(unsigned count) {
        std::uint64_t out = 0;
        for (; count > 0; --count, ++used_)
            out = out << 1 | (std::uint8_t(octets_[used_ / 8]) >> (7 - used_ % 8) & 1);
        return out;
    }

private:
    std::string_view octets_;
    std::size_t used_ = 0;
};

bool on_earth(const Coordinate& c) {
    return c.lat >= -90 && c.lat <= 90 && c.lon >= -180 && c.lon <= 180;
}

std::uint64_t step_of(double part) {
    return std::uint64_t(std::clamp(std::floor(part * steps + rounding), 0.0, steps - 1));
}
void put(Bits& bits, const Coordinate& c) {
    bits.put(step_of((c.lat + 90) / 180), coordinate_bits);
    bits.put(step_of((c.lon + 180) / 360), coordinate_bits);
}
Coordinate get(BitsIn& bits) {
    const auto lat = double(bits.get(coordinate_bits)), lon = double(bits.get(coordinate_bits));
    return {lat / steps * 180 - 90, lon / steps * 360 - 180};
}

std::string part(Kind kind, std::string body) {
    Bits head;
    head.put(unsigned(kind), kind_bits);
    head.put(head_octets + body.size(), length_bits);
    head.put(0, spare_bits);
    return head.take() + body;
}

std::string part_of(const Outline& outline) {
    Bits body;
    for (const auto& point : outline) put(body, point);
    return part(Kind::outline, body.take());
}
std::string part_of(const Disc& disc) {
    Bits body;
    put(body, disc.centre);
    const double most = (1 << radius_bits) - 1;
    const auto radius = std::clamp(std::ceil(disc.radius_km * radius_steps - rounding), 0.0, most);
    body.put(std::uint64_t(radius), radius_bits);
    return part(Kind::disc, body.take());
}

const char* objection(const WarningArea& area) {
    if (area.outlines.empty() && area.discs.empty()) return "no area";
    for (const auto& outline : area.outlines) {
        if (outline.size() < 3) return "an outline of less than three points";
        if (!std::ranges::all_of(outline, on_earth)) return "a point that is not on the Earth";
    }
    for (const auto& disc : area.discs)
        if (!on_earth(disc.centre) || !(disc.radius_km >= 0)) return "a circle that is none";
    return nullptr;
}

bool take(Kind kind, std::string_view body, WarningArea& out) {
    BitsIn bits(body);
    switch (kind) {
        case Kind::wait:
            if (body.size() != 1) return false;
            out.wait_seconds = std::uint8_t(body[0]);
            return true;
        case Kind::outline: {
            Outline outline;
            while (bits.left() >= 2 * coordinate_bits) outline.push_back(get(bits));
            out.outlines.push_back(std::move(outline));
            return out.outlines.back().size() >= 3;
        }
        case Kind::disc: {
            if (bits.left() < 2 * coordinate_bits + radius_bits) return false;
            const auto centre = get(bits);
            out.discs.push_back({centre, double(bits.get(radius_bits)) / radius_steps});
            return true;
        }
    }
    return false;
}

}  // namespace

Result<std::string> encode(const WarningArea& area) {
    if (const auto* why = objection(area)) return Fault{Cause::malformed, why};
    std::string out;
    if (area.wait_seconds) out += part(Kind::wait, std::string(1, char(*area.wait_seconds)));
    for (const auto& outline : area.outlines) out += part_of(outline);
    for (const auto& disc : area.discs) out += part_of(disc);
    if (out.size() > warning_area_octets)
        return Fault{Cause::over_limit, fmt::format("{} octets of coordinates, {} at most",
                                                    out.size(), warning_area_octets)};
    return out;
}

Result<WarningArea> decode_area(std::string_view octets) {
    WarningArea out;
    while (!octets.empty()) {
        if (octets.size() < head_octets) return Fault{Cause::malformed, "a part cut short"};
        BitsIn head(octets.substr(0, head_octets));
        const auto kind = Kind(head.get(kind_bits));
        const auto length = std::size_t(head.get(length_bits));
        if (length < head_octets || length > octets.size())
            return Fault{Cause::malformed, fmt::format("a part of {} octets", length)};
        if (!take(kind, octets.substr(head_octets, length - head_octets), out))
            return Fault{Cause::malformed, fmt::format("part {} is broken", unsigned(kind))};
        octets.remove_prefix(length);
    }
    return out;
}

}  // namespace tocsin::cell_broadcast
