#include "server/cap/lexical.hpp"
#include "server/cap/rules.hpp"

namespace tocsin::cap {

std::string plain_text(const Bench& bench, NodeId parent, Tag tag) {
    const auto at = bench.tree.child(parent, tag);
    return at == no_node ? std::string{} : bench.tree[at].text;
}

std::string optional_text(const Bench& bench, NodeId parent, Tag tag) {
    const auto at = bench.tree.child(parent, tag);
    if (at == no_node) return {};
    // Many feeds write every element and leave half of them empty: absent, and no word about it.
    if (is_blank(bench.tree[at].text)) return {};
    check_controls(bench, at);
    return bench.tree[at].text;
}

void check_controls(const Bench& bench, NodeId node) {
    const auto& text = bench.tree[node].text;
    for (std::size_t at = 0; at < text.size();) {
        const auto c = next_character(text, at);
        // Tab and line ends are C0 and welcome; other C0 controls never get past the parser.
        if (!is_override(c) && (c < 0x7F || c > 0x9F)) continue;
        bench.warn("text-controls", node,
                   "The text holds the invisible control U+{:04X}; it is left out when the text is "
                   "shown. Remove it.",
                   static_cast<unsigned>(c));
        return;
    }
}

std::vector<Named> named(const Bench& bench, NodeId parent, Tag tag) {
    std::vector<Named> out;
    for (auto at = bench.tree[parent].first; at != no_node; at = bench.tree[at].next) {
        if (bench.tree[at].tag != tag) continue;
        const auto name = bench.tree.child(at, Tag::value_name);
        if (name != no_node && is_blank(bench.tree[name].text))
            bench.error("empty-required", name, "The name of a value is empty. Say what it is.");
        out.push_back({plain_text(bench, at, Tag::value_name), plain_text(bench, at, Tag::value)});
    }
    return out;
}

std::string carried_uri(const Bench& bench, NodeId node) {
    const auto text = std::string(trim(bench.tree[node].text));
    if (!is_any_uri(text)) return {};  // reported as xsd
    const auto found = scheme(text);
    if (!found || !is_link(text)) {
        bench.warn("uri-absolute", node,
                   "{} is not a whole URI; the link is dropped. Begin it with https://.",
                   quoted(text));
        return {};
    }
    if (*found != "https" && *found != "http" && *found != "mailto" && *found != "tel") {
        bench.warn("uri-scheme", node,
                   "No channel carries {} links; the link is dropped. Use https.", quoted(*found));
        return {};
    }
    return text;
}

}  // namespace tocsin::cap
