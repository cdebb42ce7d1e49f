#include "server/cap/china_places.hpp"

#include "server/cap/china.hpp"
#include "server/cap/china_words.hpp"
#include "server/cap/lexical.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tocsin::cap::china {
namespace {

using Maybe = std::optional<Fault>;

/// The order of the two numbers is nowhere stated; over China they cannot be mistaken, as no
/// latitude there reaches 60 and no longitude falls below 70.
std::optional<Point> point(std::string_view word) {
    const auto comma = word.find(',');
    if (comma == word.npos) return {};
    const auto a = plain_decimal(word.substr(0, comma));
    const auto b = plain_decimal(word.substr(comma + 1));
    if (!a || !b) return {};
    const Point p = *a > 70 && *b < 60 ? Point{*b, *a} : Point{*a, *b};
    if (std::abs(p.lat) > 90 || std::abs(p.lon) > 180) return {};
    return p;
}

Maybe polygon(const Plain& node, Area& area, std::vector<std::string>& left_out) {
    const auto all = collapse(node.text);
    const std::string_view words = all;
    Ring ring;
    for (std::size_t from = 0; from < words.size();) {
        const auto to = std::min(words.find(' ', from), words.size());
        const auto at = point(words.substr(from, to - from));
        if (!at) return bad(node, "not pairs with a comma, separated by blanks");
        ring.push_back(*at);
        from = to + 1;
    }
    if (ring.size() >= 4 && ring.front() == ring.back())
        area.polygons.push_back(std::move(ring));
    else  // The profile's way to draw a line, such as a river: CAP has none.
        left_out.push_back(fmt::format("a line of {} points", ring.size()));
    return {};
}

Maybe circle(const Plain& node, Area& area) {
    const auto all = collapse(node.text);
    const std::string_view words = all;
    const auto blank = words.find(' ');
    if (blank == words.npos) return bad(node, "no radius in metres after the centre");
    const auto centre = point(words.substr(0, blank));
    const auto metres = plain_decimal(words.substr(blank + 1));
    if (!centre || !metres || *metres < 0) return bad(node, "not centre, blank, radius in metres");
    area.circles.push_back({*centre, *metres / 1000});
    return {};
}

Maybe shapes(const Plain& node, Area& area, std::vector<std::string>& left_out) {
    for (const auto& one : node.children) {
        if (trim(one.text).empty()) continue;
        Maybe fault;
        if (same_letters(one.name, "polygon")) fault = polygon(one, area, left_out);
        if (same_letters(one.name, "circle")) fault = circle(one, area);
        if (fault) return fault;
    }
    return {};
}

/// An area for each name and code that stand at the same place of their lists.
std::vector<Area> pair_up(const std::vector<std::string>& names,
                          const std::vector<std::string>& codes) {
    std::vector<Area> out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const bool seen = std::ranges::any_of(out, [&](const Area& area) {
            return area.desc == names[i] && area.geocodes[0].value == codes[i];
        });
        if (seen) continue;
        out.emplace_back().desc = names[i];
        out.back().geocodes = {{std::string(geocode), codes[i]}};
    }
    return out;
}

Area join(const std::vector<std::string>& names, const std::vector<std::string>& codes) {
    Area out;
    std::vector<std::string> once;
    for (const auto& name : names)
        if (std::ranges::find(once, name) == once.end()) once.push_back(name);
    out.desc = fmt::format("{}", fmt::join(once, "、"));
    for (const auto& code : codes)
        if (std::ranges::find(out.geocodes, code, &Named::value) == out.geocodes.end())
            out.geocodes.push_back({std::string(geocode), code});
    return out;
}

}  // namespace

Fault bad(const Plain& node, std::string_view why) {
    return {Cause::malformed, fmt::format("line {}: {}: {}", node.line, node.name, why)};
}

std::optional<Fault> read_national_area(const Plain& node,
                                        std::vector<Area>& out,
                                        std::vector<std::string>& left_out) {
    const auto names = split_list(node.at("areaDesc")), codes = split_list(node.at("geocode"));
    if (names.empty()) return bad(node, "areaDesc is empty");
    const bool outlined = !node.at("polygon").empty() || !node.at("circle").empty();
    if (names.size() == codes.size() && !outlined) {
        for (auto& area : pair_up(names, codes)) out.push_back(std::move(area));
        return {};
    }
    auto whole = join(names, codes);
    if (auto fault = shapes(node, whole, left_out)) return fault;
    if (whole.geocodes.empty() && whole.polygons.empty() && whole.circles.empty())
        return bad(node, "neither a code nor an outline says where");
    out.push_back(std::move(whole));
    return {};
}

}  // namespace tocsin::cap::china
