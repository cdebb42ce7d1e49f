#include "server/cap/judge.hpp"

#include "server/cap/encoding.hpp"
#include "server/cap/reader.hpp"
#include "server/cap/rules.hpp"
#include "server/cap/structure.hpp"

#include <fmt/format.h>

namespace tocsin::cap {
namespace {

Judged refused(std::string_view rule, long line, std::string message) {
    Judged out;
    out.violations.push_back({std::string(rule), Weight::error, line, "", std::move(message)});
    return out;
}

Judged too_large(std::size_t bytes, std::size_t most) {
    auto out = refused("limit-bytes", 0,
                       fmt::format("{} bytes; at most {} are accepted. Simplify the outlines, or "
                                   "link to pictures and sound instead of embedding them.",
                                   bytes, most));
    out.too_large = true;
    return out;
}

Alert read_values(const Bench& bench) {
    Alert alert;
    read_header(bench, alert);
    for (auto at = bench.tree[0].first; at != no_node; at = bench.tree[at].next)
        if (bench.tree[at].tag == Tag::info) alert.infos.push_back(read_info(bench, at, alert));
    compare_languages(bench, alert);
    return alert;
}

Lines lines_of(const Tree& tree) {
    const auto line = [&](Tag tag) {
        const auto at = tree.child(0, tag);
        return at == no_node ? 0 : tree[at].line;
    };
    return {line(Tag::identifier), line(Tag::sent), line(Tag::references)};
}

}  // namespace

Judged judge(std::string_view bytes, const Limits& limits) {
    if (bytes.size() > limits.bytes) return too_large(bytes.size(), limits.bytes);
    Decoded decoded;
    decode(bytes, limits.gb18030, decoded);
    if (!decoded.fault.empty()) {
        auto out = refused("bad-encoding", decoded.line, std::move(decoded.fault));
        out.is_cap = false;
        return out;
    }
    Judged out;
    Tree tree;
    Findings findings;
    const auto reading = read_tree(decoded.text, limits, tree, findings);
    out.is_cap = reading != Reading::refused;
    if (reading == Reading::whole) {
        const Bench bench{tree, limits, findings};
        check_structure(bench);
        auto alert = read_values(bench);
        if (!findings.any_error()) out.alert = std::move(alert);
        out.lines = lines_of(tree);
    }
    out.violations = findings.take();
    return out;
}

}  // namespace tocsin::cap
