#include "server/cap/bounds.hpp"

namespace tocsin::cap {
namespace {

Bounds::Verdict more_than(std::string_view rule, std::size_t most, std::string_view what) {
    return Bounds::Passed{rule, fmt::format("More than {} {}. Send several messages.", most, what)};
}

std::size_t count_words(std::string_view text) {
    std::size_t words = 0;
    bool inside = false;
    for (const char c : text) {
        const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
        words += !space && !inside;
        inside = !space;
    }
    return words;
}

}  // namespace

Bounds::Verdict Bounds::open(std::size_t depth, std::size_t namespaces, std::size_t attributes) {
    namespaces_ += namespaces;
    if (depth > limits_.depth)
        return Passed{"limit-depth",
                      fmt::format("Elements are nested deeper than {}. CAP needs four levels.",
                                  limits_.depth)};
    if (namespaces_ > limits_.namespaces)
        return Passed{"limit-namespaces",
                      fmt::format("More than {} namespace declarations are in scope. Declare the "
                                  "CAP namespace once, on alert.",
                                  limits_.namespaces)};
    if (attributes > limits_.attributes)
        return Passed{"xsd", fmt::format("The element has {} attributes. CAP elements have none.",
                                         attributes)};
    return {};
}

Bounds::Verdict Bounds::count(const Node& node) {
    switch (node.tag) {
        case Tag::info:
            if (node.position <= limits_.infos) return {};
            return more_than("limit-infos", limits_.infos, "info blocks");
        case Tag::area:
            if (++areas_ <= limits_.areas) return {};
            return more_than("limit-areas", limits_.areas, "areas");
        case Tag::polygon:
        case Tag::circle:
            if (++shapes_ <= limits_.shapes) return {};
            return more_than("limit-points", limits_.shapes, "polygons and circles");
        default:
            if (node.position <= limits_.named_per_element) return {};
            return more_than("limit-named", limits_.named_per_element, name(node.tag));
    }
}

Bounds::Verdict Bounds::signature(std::size_t number) const {
    if (number <= limits_.signatures) return {};
    return Passed{"limit-signatures",
                  fmt::format("More than {} signatures. Sign once.", limits_.signatures)};
}

Bounds::Verdict Bounds::text(const Node& node, std::size_t more) const {
    if (node.tag == Tag::polygon || node.tag == Tag::deref_uri) return {};  // up to the body's size
    if (node.text.size() + more <= limits_.text_bytes) return {};
    return Passed{"limit-text",
                  fmt::format("The text is longer than {} bytes. Shorten it.", limits_.text_bytes)};
}

Bounds::Verdict Bounds::points(std::string_view polygon) {
    const auto words = count_words(polygon);
    points_ += words;
    if (words <= limits_.points_per_polygon && points_ <= limits_.points) return {};
    return Passed{"limit-points",
                  fmt::format("{} pairs here, {} so far: at most {} in a polygon and {} in all. "
                              "Simplify the outline.",
                              words, points_, limits_.points_per_polygon, limits_.points)};
}

}  // namespace tocsin::cap
