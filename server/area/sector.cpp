#include "server/area/sector.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tocsin::area {
namespace {

constexpr double radian = std::numbers::pi / 180;

/// Keeps of [begin, end] what has a + t b >= 0.
bool keep(double a, double b, double& begin, double& end) {
    if (b == 0) return a >= 0;
    const auto zero = -a / b;
    if (b > 0)
        begin = std::max(begin, zero);
    else
        end = std::min(end, zero);
    return begin <= end;
}

}  // namespace

Sector::Sector(const contract::CellRow& row)
    : site_{row.lat, row.lon},
      cos_(std::cos(row.lat * radian)),
      range_km_(row.range_m / 1000),
      right_{},
      left_{},
      form_(row.beam >= 360  ? Form::disc
            : row.beam > 180 ? Form::wide
                             : Form::narrow) {
    const auto right = (row.azimuth + row.beam / 2) * radian;  // clockwise from north
    const auto left = (row.azimuth - row.beam / 2) * radian;
    right_ = {std::sin(right), std::cos(right)};
    left_ = {std::sin(left), std::cos(left)};
}

bool Sector::contains(Point point) const {
    const auto p = spot(point);
    if (p.x * p.x + p.y * p.y > range_km_ * range_km_) return false;
    const bool left_of_right = right_.x * p.y - right_.y * p.x >= 0;
    const bool right_of_left = left_.x * p.y - left_.y * p.x <= 0;
    return form_ == Form::disc || (form_ == Form::narrow ? left_of_right && right_of_left
                                                         : left_of_right || right_of_left);
}

Box Sector::box() const {
    Box box;
    const auto add = [&](double x, double y) {
        box.stretch({site_.lat + y * range_km_ / degree_km,
                     site_.lon + x * range_km_ / (degree_km * cos_)});
    };
    add(0, 0);
    if (form_ != Form::disc) add(right_.x, right_.y), add(left_.x, left_.y);
    for (const auto& [x, y] : {Spot{0, 1}, Spot{1, 0}, Spot{0, -1}, Spot{-1, 0}}) {
        const bool left_of_right = right_.x * y - right_.y * x >= 0;
        const bool right_of_left = left_.x * y - left_.y * x <= 0;
        if (form_ == Form::disc || (form_ == Form::narrow ? left_of_right && right_of_left
                                                          : left_of_right || right_of_left))
            add(x, y);
    }
    return box;
}

int Sector::inside(Spot from, Spot along, double (&begin)[2], double (&end)[2]) const {
    begin[0] = 0, end[0] = 1;
    const auto squared = along.x * along.x + along.y * along.y;
    const auto half = from.x * along.x + from.y * along.y;
    const auto rest = from.x * from.x + from.y * from.y - range_km_ * range_km_;
    if (squared == 0) {
        if (rest > 0) return 0;
    } else {
        const auto under = half * half - squared * rest;
        if (under < 0) return 0;
        const auto root = std::sqrt(under);
        begin[0] = std::max(0.0, (-half - root) / squared);
        end[0] = std::min(1.0, (-half + root) / squared);
        if (begin[0] > end[0]) return 0;
    }
    if (form_ == Form::disc) return 1;
    const auto right = [&](Spot s) { return right_.x * s.y - right_.y * s.x; };
    const auto left = [&](Spot s) { return left_.y * s.x - left_.x * s.y; };
    if (form_ == Form::narrow)
        return keep(right(from), right(along), begin[0], end[0]) &&
               keep(left(from), left(along), begin[0], end[0]);
    begin[1] = begin[0], end[1] = end[0];
    const bool one = keep(right(from), right(along), begin[0], end[0]);
    const bool other = keep(left(from), left(along), begin[1], end[1]);
    if (!one) begin[0] = begin[1], end[0] = end[1];
    return int(one) + int(other);
}

bool Sector::reaches(const Edge& edge) const {
    const auto a = spot(edge.low), b = spot(edge.high);
    const auto r = range_km_;
    if (a.y > r || b.y < -r || std::min(a.x, b.x) > r || std::max(a.x, b.x) < -r) return false;
    const Spot along{b.x - a.x, b.y - a.y};
    const auto squared = along.x * along.x + along.y * along.y;
    const auto half = a.x * along.x + a.y * along.y;
    const auto nearest = squared > 0 ? std::clamp(-half / squared, 0.0, 1.0) : 0.0;
    const auto x = a.x + nearest * along.x, y = a.y + nearest * along.y;
    return x * x + y * y <= r * r * (1 + 1e-12);  // never less than meets() takes
}

bool Sector::meets(const Edge& edge) const {
    const auto a = spot(edge.low), b = spot(edge.high);
    const auto r = range_km_;
    if (a.y > r || b.y < -r || std::min(a.x, b.x) > r || std::max(a.x, b.x) < -r) return false;
    double begin[2], end[2];
    return inside(a, {b.x - a.x, b.y - a.y}, begin, end) > 0;
}

void Sector::spans_at(double lat, std::vector<double>& lons) const {
    lons.clear();
    const auto y = (lat - site_.lat) * degree_km;
    if (std::abs(y) > range_km_) return;
    double begin[2], end[2];
    const auto count = inside({-range_km_, y}, {2 * range_km_, 0}, begin, end);
    const auto lon = [&](double t) {
        return site_.lon + (2 * t - 1) * range_km_ / (degree_km * cos_);
    };
    for (int i = 0; i < count; ++i) lons.push_back(lon(begin[i])), lons.push_back(lon(end[i]));
}

}  // namespace tocsin::area
