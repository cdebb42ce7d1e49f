#include "server/cap/lexical.hpp"
#include "server/cap/ring.hpp"
#include "server/cap/rules.hpp"

#include <algorithm>
#include <cmath>

namespace tocsin::cap {
namespace {

constexpr double radius_km_max = 20038;  // half the equator

bool in_range(Point p) { return std::abs(p.lat) <= 90 && std::abs(p.lon) <= 180; }
bool swapped(Point p) { return std::abs(p.lat) > 90 && in_range({p.lon, p.lat}); }

constexpr std::string_view swapped_hint =
    " It looks as if longitude were written first: latitude comes first.";

std::optional<Point> pair(std::string_view word) {
    const auto comma = word.find(',');
    if (comma == word.npos) return {};
    const auto lat = plain_decimal(word.substr(0, comma));
    const auto lon = plain_decimal(word.substr(comma + 1));
    if (!lat || !lon) return {};
    return Point{*lat, *lon};
}

/// The likely mistake in a pair that cannot be read.
std::string_view mistake(std::string_view word) {
    if (std::ranges::count(word, ',') > 1)
        return " A pair has two numbers; no height, and blanks between pairs.";
    if (word.find(',') == word.npos) return " A comma joins the two numbers, without a blank.";
    if (word.find('+') != word.npos) return " A plus sign is not written.";
    if (word.find_first_of("eE") != word.npos) return " Write plain decimals, no exponent.";
    if (word.find('<') != word.npos) return " Markup does not belong here.";
    return "";
}

class AreaRules {
public:
    AreaRules(const Bench& bench, NodeId id, MsgType type)
        : bench_(bench), tree_(bench.tree), id_(id), type_(type) {}

    Area run() {
        for (auto at = tree_[id_].first; at != no_node; at = tree_[at].next) {
            if (tree_[at].tag == Tag::polygon) polygon(at);
            if (tree_[at].tag == Tag::circle) circle(at);
        }
        flat_polygons();
        out_.geocodes = named(bench_, id_, Tag::geocode);
        height();
        name();
        return std::move(out_);
    }

private:
    void name() {
        const auto at = tree_.child(id_, Tag::area_desc);
        if (at == no_node) return;
        out_.desc = tree_[at].text;
        check_controls(bench_, at);
        if (!is_blank(out_.desc)) return;
        // What changes or ends a warning must get out (PTWC ends tsunami messages like this), as
        // long as something else says where.
        const bool placed =
            !out_.polygons.empty() || !out_.circles.empty() || !out_.geocodes.empty();
        if (type_ == MsgType::alert || !placed)
            bench_.error("empty-required", at, "The areaDesc is empty. Name the place in words.");
        else
            bench_.warn("empty-element", at, "The areaDesc is empty. Name the place in words.");
    }

    /// Pairs between white space; nothing (and a violation) if one cannot be read.
    std::optional<Ring> pairs(NodeId at) {
        const std::string_view text = tree_[at].text;
        constexpr std::string_view spaces = " \t\r\n";
        Ring ring;
        for (auto from = text.find_first_not_of(spaces); from != text.npos;) {
            const auto to = std::min(text.find_first_of(spaces, from), text.size());
            const auto word = text.substr(from, to - from);
            const auto point = pair(word);
            if (!point) {
                bench_.error("polygon-form", at,
                             "Pair {} is {}, not latitude,longitude in plain decimals such as "
                             "39.92,116.20.{}",
                             ring.size() + 1, quoted(word), mistake(word));
                return {};
            }
            ring.push_back(*point);
            from = text.find_first_not_of(spaces, to);
        }
        return ring;
    }

    void polygon(NodeId at) {
        auto ring = pairs(at);
        if (!ring) return;
        if (ring->size() < 4)
            return bench_.error(
                "polygon-min", at,
                "{} pairs; a polygon needs four at least, the last equal to the "
                "first.{}",
                ring->size(),
                ring->empty() ? " Leave the element out if there is no outline." : "");
        const bool closed = ring->front() == ring->back();
        if (!closed)
            bench_.error("polygon-closed", at,
                         "First and last pair differ: {},{} and {},{}. Repeat the first at the "
                         "end.",
                         ring->front().lat, ring->front().lon, ring->back().lat, ring->back().lon);
        if (const auto out = std::ranges::find_if_not(*ring, in_range); out != ring->end())
            return bench_.error("coordinate-range", at,
                                "Pair {} is {},{}: latitude goes from -90 to 90, longitude from "
                                "-180 to 180.{}",
                                out - ring->begin() + 1, out->lat, out->lon,
                                swapped(*out) ? swapped_hint : "");
        if (!closed) return;
        if (!has_area(*ring)) return flat_.push_back(at);
        shape(at, *ring);
        out_.polygons.push_back(std::move(*ring));
    }

    void shape(NodeId at, const Ring& ring) {
        for (std::size_t i = 1; i < ring.size(); ++i) {
            // From one side of the 180th meridian to the other: only the long way has a length.
            const bool whole = std::abs(ring[i].lon - ring[i - 1].lon) == 360;
            if (!whole && std::abs(ring[i].lon - ring[i - 1].lon) > 180) {
                bench_.warn("polygon-antimeridian", at,
                            "Between pairs {} and {} longitude runs over more than 180 degrees; it "
                            "is read the long way round, as written. Cut the area in two at 180.",
                            i, i + 1);
                break;
            }
        }
        if (crosses_itself(ring))
            bench_.warn("polygon-simple", at,
                        "The outline crosses or touches itself; what lies inside an odd number of "
                        "times counts. Draw it again.");
    }

    /// A line warns nobody: refused if the area has nothing else, else left out.
    void flat_polygons() {
        const bool only = out_.polygons.empty() && out_.circles.empty();
        for (const auto at : flat_)
            bench_.report(only ? Weight::error : Weight::warning, "polygon-area", at,
                          "All pairs lie on one line, so it encloses nothing. {}",
                          only ? "Draw the area." : "It is left out.");
    }

    void circle(NodeId at) {
        const auto text = trim(tree_[at].text);
        const auto blank = text.find(' ');
        const auto centre = pair(text.substr(0, blank));
        const auto radius =
            blank == text.npos ? std::nullopt : plain_decimal(text.substr(blank + 1));
        if (!centre || !radius)
            return bench_.error(
                "circle-form", at,
                "{} is not latitude,longitude, one blank, radius in kilometres, such "
                "as 39.92,116.20 5.",
                quoted(text));
        if (!in_range(*centre))
            return bench_.error("coordinate-range", at,
                                "The centre is {},{}: latitude goes from -90 to 90, longitude from "
                                "-180 to 180.{}",
                                centre->lat, centre->lon, swapped(*centre) ? swapped_hint : "");
        if (*radius < 0 || *radius > radius_km_max)
            return bench_.error("circle-radius", at,
                                "The radius is {} km; it goes from 0 to {}. It is in kilometres.",
                                *radius, radius_km_max);
        if (*radius == 0)
            bench_.warn("circle-zero", at,
                        "Radius 0 is a point, not an area; only the region or cell around it can "
                        "be warned. Give a radius.");
        out_.circles.push_back({*centre, *radius});
    }

    void height() {
        const auto altitude = tree_.child(id_, Tag::altitude);
        const auto ceiling = tree_.child(id_, Tag::ceiling);
        const auto feet = [&](NodeId at) -> std::optional<double> {
            if (at == no_node || !is_decimal(tree_[at].text)) return {};
            return to_double(tree_[at].text);
        };
        out_.altitude_ft = feet(altitude);
        out_.ceiling_ft = feet(ceiling);
        if (ceiling != no_node && altitude == no_node)
            bench_.error("ceiling-alone", ceiling,
                         "A ceiling is allowed only together with an altitude. Add the altitude.");
        if (out_.altitude_ft && out_.ceiling_ft && *out_.ceiling_ft < *out_.altitude_ft)
            bench_.warn("ceiling-order", ceiling,
                        "The ceiling ({} ft) is below the altitude ({} ft).", *out_.ceiling_ft,
                        *out_.altitude_ft);
    }

    const Bench& bench_;
    const Tree& tree_;
    NodeId id_;
    MsgType type_;
    Area out_;
    std::vector<NodeId> flat_;
};

}  // namespace

Area read_area(const Bench& bench, NodeId area, MsgType type) {
    return AreaRules(bench, area, type).run();
}

}  // namespace tocsin::cap
