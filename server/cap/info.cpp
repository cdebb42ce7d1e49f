#include "server/cap/lexical.hpp"
#include "server/cap/rules.hpp"

#include <algorithm>

namespace tocsin::cap {
namespace {

constexpr std::size_t headline_characters = 160;

class InfoRules {
public:
    InfoRules(const Bench& bench, NodeId info, const Alert& alert)
        : bench_(bench), tree_(bench.tree), id_(info), alert_(alert) {}

    Info run() {
        language();
        words();
        times();
        links();
        info_.event_codes = named(bench_, id_, Tag::event_code);
        info_.parameters = named(bench_, id_, Tag::parameter);
        for (auto at = tree_[id_].first; at != no_node; at = tree_[at].next) {
            switch (tree_[at].tag) {
                case Tag::category: info_.categories.push_back(tree_[at].text); break;
                case Tag::response_type: info_.response_types.push_back(tree_[at].text); break;
                case Tag::area:
                    info_.areas.push_back(read_area(bench_, at, alert_.msg_type));
                    break;
                case Tag::resource:
                    if (auto kept = read_resource(bench_, at))
                        info_.resources.push_back(std::move(*kept));
                    break;
                default: break;
            }
        }
        place();
        return std::move(info_);
    }

private:
    NodeId child(Tag tag) const { return tree_.child(id_, tag); }

    void language() {
        const auto at = child(Tag::language);
        const auto tag = at == no_node ? std::string_view{} : trim(tree_[at].text);
        info_.language_given = !tag.empty();
        if (info_.language_given) info_.language = tag;
    }

    void words() {
        info_.urgency = enumerated<Urgency>(bench_, id_, Tag::urgency);
        info_.severity = enumerated<Severity>(bench_, id_, Tag::severity);
        info_.certainty = enumerated<Certainty>(bench_, id_, Tag::certainty);
        if (const auto at = child(Tag::event); at != no_node) {
            info_.event = tree_[at].text;
            if (is_blank(info_.event))
                bench_.error("empty-required", at, "The event is empty. Name the hazard.");
            check_controls(bench_, at);
        }
        info_.audience = optional_text(bench_, id_, Tag::audience);
        info_.sender_name = optional_text(bench_, id_, Tag::sender_name);
        info_.headline = optional_text(bench_, id_, Tag::headline);
        info_.description = optional_text(bench_, id_, Tag::description);
        info_.instruction = optional_text(bench_, id_, Tag::instruction);
        info_.contact = optional_text(bench_, id_, Tag::contact);
        if (const auto length = characters(info_.headline); length > headline_characters)
            bench_.warn("headline-long", child(Tag::headline),
                        "The headline has {} characters, more than {}; channels will cut it. Say "
                        "the rest in description.",
                        length, headline_characters);
        if (!info_.language_given && foreign())
            bench_.missing(Weight::warning, "language", id_, Tag::language, id_,
                           "Without language a text counts as en-US, and this is plainly not "
                           "English. Name its language.");
    }

    /// Most of the letters are of no Latin script.
    bool foreign() const {
        std::size_t latin = 0, other = 0;
        for (const auto* text : {&info_.event, &info_.headline, &info_.description})
            for (std::size_t at = 0; at < text->size();) {
                const auto c = next_character(*text, at);
                if (c >= 0x370 && !is_white(c) && (c < 0x2000 || c >= 0x2E80))
                    ++other;
                else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
                    ++latin;
            }
        return other > latin;
    }

    std::optional<Time> time(Tag tag) const {
        const auto at = child(tag);
        if (at == no_node) return {};
        const auto read = read_time(tree_[at].text);
        if (read.form != TimeForm::right) return {};
        return read.time;
    }

    void times() {
        info_.effective = time(Tag::effective);
        info_.onset = time(Tag::onset);
        info_.expires = time(Tag::expires);
        const auto at = child(Tag::expires);
        if (at == no_node)
            return bench_.missing(Weight::warning, "no-expires", id_, Tag::expires, id_,
                                  "There is no expires: a default life is set for it. Say until "
                                  "when it holds.");
        if (info_.expires) compare_times(at);
    }

    void compare_times(NodeId at) {
        const auto end = info_.expires->at;
        const bool sent_known = alert_.sent != Time{};
        if (sent_known && end <= alert_.sent.at)
            bench_.report(
                alert_.msg_type == MsgType::alert ? Weight::error : Weight::warning,
                "expires-before-sent", at, "It expires at {}, not after it was sent ({}). {}",
                to_text(*info_.expires), to_text(alert_.sent),
                alert_.msg_type == MsgType::alert ? "Nothing can be carried in time: correct it."
                                                  : "Read as: ended.");
        else if (info_.effective && end <= info_.effective->at)
            bench_.error("expires-before-effective", at,
                         "It expires at {}, not after it takes effect ({}). Correct one of them.",
                         to_text(*info_.expires), to_text(*info_.effective));
        if (info_.onset && end < info_.onset->at)
            bench_.warn("expires-before-onset", at,
                        "The message expires before the event begins ({}). If expires was meant as "
                        "the end of the event, move it.",
                        to_text(*info_.onset));
    }

    void links() {
        const auto at = child(Tag::web);
        if (at != no_node && !optional_text(bench_, id_, Tag::web).empty())
            info_.web = carried_uri(bench_, at);
    }

    void place() {
        const bool carried = alert_.scope == Scope::public_ && (alert_.msg_type == MsgType::alert ||
                                                                alert_.msg_type == MsgType::update);
        if (!carried || !info_.areas.empty()) return;
        bench_.missing(bench_.limits.area_required ? Weight::error : Weight::warning, "no-area",
                       id_, Tag::area, id_,
                       "There is no area, so nobody would be warned: nothing is made wider than it "
                       "was said. Say where.");
    }

    const Bench& bench_;
    const Tree& tree_;
    NodeId id_;
    const Alert& alert_;
    Info info_;
};

std::string lower_tag(std::string tag) {
    for (char& c : tag) c = c >= 'A' && c <= 'Z' ? char(c + 32) : c;
    return tag;
}

std::optional<Instant> at(const std::optional<Time>& time) {
    return time ? std::optional(time->at) : std::nullopt;
}

/// What two blocks say differently, or "".
const char* difference(const Info& a, const Info& b) {
    if (a.severity != b.severity) return "severity";
    if (a.urgency != b.urgency) return "urgency";
    if (a.certainty != b.certainty) return "certainty";
    if (at(a.effective) != at(b.effective)) return "effective";
    if (at(a.onset) != at(b.onset)) return "onset";
    if (at(a.expires) != at(b.expires)) return "expires";
    return "";
}

}  // namespace

Info read_info(const Bench& bench, NodeId info, const Alert& alert) {
    return InfoRules(bench, info, alert).run();
}

void compare_languages(const Bench& bench, const Alert& alert) {
    // A block that names no language may be anything: en-US is only what it is read as.
    // The n-th block of one language is the translation of the n-th of another, as long as all
    // languages have as many; otherwise who translates whom is anybody's guess.
    std::map<std::string, std::vector<std::size_t>> blocks;
    for (std::size_t i = 0; i < alert.infos.size(); ++i)
        if (alert.infos[i].language_given) blocks[lower_tag(alert.infos[i].language)].push_back(i);
    if (blocks.size() < 2) return;
    std::vector<NodeId> nodes;
    for (auto at = bench.tree[0].first; at != no_node; at = bench.tree[at].next)
        if (bench.tree[at].tag == Tag::info) nodes.push_back(at);
    const auto& first = std::ranges::min_element(blocks, {}, [](const auto& entry) {
                            return entry.second.front();
                        })->second;
    for (const auto& [language, own] : blocks) {
        if (own.size() != first.size()) continue;
        for (std::size_t i = 0; i < own.size(); ++i) {
            const std::string_view what = difference(alert.infos[first[i]], alert.infos[own[i]]);
            if (!what.empty())
                bench.warn("info-language-set", nodes[own[i]],
                           "This block ({}) says another {} than the {} one. A translation must "
                           "tell the same facts: correct one of them.",
                           language, what, alert.infos[first[i]].language);
        }
    }
}

}  // namespace tocsin::cap
