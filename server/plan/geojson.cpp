#include "server/plan/plan.hpp"

#include <cmath>
#include <numbers>

namespace tocsin::plan {
namespace {

using area::Point;
using area::Ring;

constexpr double earth_km = 6371.0088;
constexpr int circle_points = 64;

/// Twice the area, positive against the clock.
double turning(const Ring& ring) {
    double sum = 0;
    for (std::size_t i = 1; i < ring.size(); ++i)
        sum += ring[i - 1].lon * ring[i].lat - ring[i].lon * ring[i - 1].lat;
    return sum;
}

Ring outline(const area::Circle& circle) {
    const auto degree = 180 / std::numbers::pi;
    const auto north = circle.radius_km / earth_km * degree;
    const auto east = north / std::cos(circle.centre.lat / degree);
    Ring ring;
    for (int i = 0; i < circle_points; ++i) {
        const auto angle = 2 * std::numbers::pi * i / circle_points;
        ring.push_back({circle.centre.lat + north * std::sin(angle),
                        circle.centre.lon + east * std::cos(angle)});
    }
    ring.push_back(ring.front());
    return ring;
}

/// To a tenth of a metre.
std::string number(double degrees) { return fmt::format("{}", std::round(degrees * 1e6) / 1e6); }

std::string polygon(Ring ring) {
    if (turning(ring) < 0) std::ranges::reverse(ring);
    std::string out;
    for (const auto& p : ring)
        out += fmt::format("{}[{},{}]", out.empty() ? "" : ",", number(p.lon), number(p.lat));
    return "[[" + out + "]]";
}

}  // namespace

std::string geojson(const Plan& plan) {
    std::string all;
    const auto add = [&](Ring ring) { all += (all.empty() ? "" : ",") + polygon(std::move(ring)); };
    for (const auto& ring : plan.polygons) add(ring);
    for (const auto& circle : plan.circles) add(outline(circle));
    if (all.empty()) return {};
    return R"({"type":"MultiPolygon","coordinates":[)" + all + "]}";
}

}  // namespace tocsin::plan
