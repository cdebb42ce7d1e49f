#include "server/cap/lexical.hpp"
#include "server/cap/rules.hpp"

#include <algorithm>

namespace tocsin::cap {
namespace {

class Header {
public:
    Header(const Bench& bench, Alert& alert) : bench_(bench), alert_(alert) {}

    void run() {
        alert_.identifier = name(Tag::identifier, "identifier-empty", "identifier-chars");
        alert_.sender = name(Tag::sender, "sender-empty", "sender-chars");
        if (const auto at = child(Tag::sent); at != no_node)
            if (const auto read = read_time(bench_.tree[at].text); read.form == TimeForm::right)
                alert_.sent = read.time;
        alert_.status = enumerated<Status>(bench_, root, Tag::status);
        alert_.msg_type = enumerated<MsgType>(bench_, root, Tag::msg_type);
        alert_.scope = enumerated<Scope>(bench_, root, Tag::scope);
        known_type_ = is_word(Tag::msg_type);
        alert_.source = optional_text(bench_, root, Tag::source);
        alert_.incidents = optional_text(bench_, root, Tag::incidents);
        quotes(Tag::incidents);
        codes();
        scope();
        note();
        references();
        if (known_type_ && (is(MsgType::alert) || is(MsgType::update)) &&
            child(Tag::info) == no_node)
            bench_.missing(Weight::error, "no-info", root, Tag::info, child(Tag::msg_type),
                           "There is nothing to tell: an {} needs at least one info.",
                           word(alert_.msg_type));
    }

private:
    static constexpr NodeId root = 0;
    NodeId child(Tag tag) const { return bench_.tree.child(root, tag); }
    bool is(MsgType type) const { return alert_.msg_type == type; }

    bool is_word(Tag tag) const {
        const auto at = child(tag);
        return at != no_node && std::ranges::find(element(tag).words, bench_.tree[at].text) !=
                                    element(tag).words.end();
    }

    std::string name(Tag tag, const char* rule_empty, const char* rule_chars) {
        const auto at = child(tag);
        if (at == no_node) return {};
        const auto& text = bench_.tree[at].text;
        if (text.empty())
            bench_.error(rule_empty, at, "The {} is empty. Give every message one.",
                         cap::name(tag));
        if (characters(text) > bench_.limits.identifier_chars)
            bench_.error("limit-identifier", at, "{} characters; at most {} are accepted.",
                         characters(text), bench_.limits.identifier_chars);
        for (std::size_t i = 0; i < text.size();) {
            const auto c = next_character(text, i);
            if (is_white(c) || c == ',' || c == '<' || c == '&') {
                bench_.error(rule_chars, at,
                             "{} holds white space, a comma, '<' or '&' (U+{:04X}). They separate "
                             "the parts of references: use none of them.",
                             quoted(text), static_cast<unsigned>(c));
                break;
            }
            if (is_control(c) || is_format(c)) {
                bench_.error("identifier-visible", at,
                             "{} holds the invisible character U+{:04X}. Operators compare it by "
                             "eye: use visible characters only.",
                             quoted(text), static_cast<unsigned>(c));
                break;
            }
        }
        return text;
    }

    void quotes(Tag tag) {
        const auto at = child(tag);
        if (at == no_node || std::ranges::count(bench_.tree[at].text, '"') % 2 == 0) return;
        bench_.error("quotes", at,
                     "A double quote has no partner. Put items with blanks between two quotes.");
    }

    void codes() {
        for (auto at = bench_.tree[root].first; at != no_node; at = bench_.tree[at].next) {
            if (bench_.tree[at].tag != Tag::code) continue;
            if (!is_blank(bench_.tree[at].text)) alert_.codes.push_back(bench_.tree[at].text);
        }
    }

    /// The child that a scope demands; its absence and its blankness are one fault.
    std::string demanded(Tag tag, bool demand, const char* rule) {
        const auto at = child(tag);
        if (!demand) return optional_text(bench_, root, tag);
        if (at != no_node && !is_blank(bench_.tree[at].text)) return bench_.tree[at].text;
        bench_.missing(Weight::error, rule, root, tag, at == no_node ? child(Tag::scope) : at,
                       "Scope {} needs {}: say whom it is for.", word(alert_.scope),
                       cap::name(tag));
        return {};
    }

    void scope() {
        const bool known = is_word(Tag::scope);
        const bool restricted = known && alert_.scope == Scope::restricted;
        const bool personal = known && alert_.scope == Scope::private_;
        alert_.restriction = demanded(Tag::restriction, restricted, "scope-restriction");
        alert_.addresses = demanded(Tag::addresses, personal, "scope-addresses");
        if (known && !restricted && !alert_.restriction.empty())
            bench_.warn("restriction-unused", child(Tag::restriction),
                        "A restriction counts only with scope Restricted; this message is {}. "
                        "Correct the scope if it was meant.",
                        word(alert_.scope));
        quotes(Tag::addresses);
    }

    void note() {
        alert_.note = optional_text(bench_, root, Tag::note);
        if (!alert_.note.empty()) return;
        if (is_word(Tag::status) && alert_.status == Status::exercise)
            bench_.missing(Weight::warning, "exercise-note", root, Tag::note, child(Tag::status),
                           "An Exercise should name itself: write the exercise's name in note.");
        if (known_type_ && is(MsgType::error))
            bench_.missing(Weight::warning, "error-note", root, Tag::note, child(Tag::msg_type),
                           "An Error should say why: write the reason in note.");
    }

    void references() {
        const auto at = child(Tag::references);
        const bool blank = at == no_node || is_blank(bench_.tree[at].text);
        const bool demanded = known_type_ && !is(MsgType::alert);
        if (demanded && blank)
            bench_.missing(Weight::error, "references-missing", root, Tag::references,
                           at == no_node ? child(Tag::msg_type) : at,
                           "An {} must name the message it is about: sender,identifier,sent.",
                           word(alert_.msg_type));
        if (blank) {
            if (!demanded && at != no_node)
                bench_.warn("empty-element", at,
                            "The references are empty and are read as absent. Leave them out.");
            return;
        }
        read_references(at);
        if (known_type_ && is(MsgType::alert))
            bench_.warn("references-on-alert", at,
                        "An Alert with references replaces nothing; they are kept as a link. If it "
                        "replaces, send an Update.");
        compare_with_self(at);
    }

    void read_references(NodeId at) {
        const auto all = collapse(bench_.tree[at].text);
        std::size_t bad = 0;
        for (std::size_t from = 0; from < all.size();) {
            const auto to = std::min(all.find(' ', from), all.size());
            const std::string_view item(all.data() + from, to - from);
            if (auto read = reference(item))
                alert_.references.push_back(std::move(*read));
            else if (++bad == 1)
                bench_.error("references-form", at,
                             "{} is not sender,identifier,sent with a time such as "
                             "2026-07-21T14:05:00+08:00. Separate several with a blank.",
                             quoted(item));
            from = to + 1;
        }
        if (alert_.references.size() > bench_.limits.references)
            bench_.error("limit-references", at, "{} references; at most {} are accepted.",
                         alert_.references.size(), bench_.limits.references);
    }

    static std::optional<Reference> reference(std::string_view item) {
        const auto first = item.find(','), last = item.rfind(',');
        if (first == item.npos || first == 0 || last <= first + 1) return {};
        const auto identifier = item.substr(first + 1, last - first - 1);
        const auto read = read_time(item.substr(last + 1));
        if (identifier.find(',') != identifier.npos || read.form != TimeForm::right) return {};
        return Reference{std::string(item.substr(0, first)), std::string(identifier), read.time};
    }

    void compare_with_self(NodeId at) {
        bool reused = false;
        for (const auto& earlier : alert_.references) {
            if (earlier.sender != alert_.sender || earlier.identifier != alert_.identifier)
                continue;
            // By the letter, as the triple is a name: the British Environment Agency names the same
            // instant with another offset and means the message before.
            if (earlier.sent == alert_.sent) {
                bench_.error("references-self", at,
                             "The message names itself. Name the earlier message instead.");
                return;
            }
            reused = true;
        }
        if (reused)
            bench_.warn("identifier-reused", at,
                        "The identifier is that of the earlier message. Accepted, as sent differs; "
                        "give each message its own.");
    }

    const Bench& bench_;
    Alert& alert_;
    bool known_type_ = false;
};

}  // namespace

void read_header(const Bench& bench, Alert& alert) { Header(bench, alert).run(); }

}  // namespace tocsin::cap
