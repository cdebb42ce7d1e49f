#include "server/cap/structure.hpp"

#include "server/cap/lexical.hpp"

#include <algorithm>

namespace tocsin::cap {
namespace {

struct Placed {
    NodeId id;
    int place;
};

std::string list(std::span<const std::string_view> words) {
    return fmt::format("{}", fmt::join(words, ", "));
}

/// Marks what has to move so that the rest stands in order: everything outside the heaviest
/// non-decreasing subsequence. Among equals a required element stays; of two required ones the
/// later stays, of two optional ones the earlier: the one to move is the one a reader of the
/// schema stumbles over.
class Order {
public:
    Order(std::span<const Placed> children, std::span<const Child> rows)
        : children_(children), rows_(rows) {}

    std::vector<NodeId> misplaced() const {
        if (std::ranges::is_sorted(children_, {}, &Placed::place)) return {};
        constexpr int none = -1;
        std::vector<std::int64_t> best(rows_.size(), 0);  // weight of the best chain ending there
        std::vector<int> tail(rows_.size(), none);        // and its last child
        std::vector<int> before(children_.size(), none);
        for (std::size_t i = 0; i < children_.size(); ++i) {
            const auto at = static_cast<std::size_t>(children_[i].place);
            const auto from = static_cast<std::size_t>(
                std::max_element(best.begin(), best.begin() + long(at) + 1) - best.begin());
            before[i] = tail[from];
            best[at] = best[from] + weight(i);
            tail[at] = static_cast<int>(i);
        }
        std::vector<bool> kept(children_.size());
        const auto top = std::ranges::max_element(best) - best.begin();
        for (int i = tail[std::size_t(top)]; i != none; i = before[std::size_t(i)])
            kept[std::size_t(i)] = true;
        std::vector<NodeId> out;
        for (std::size_t i = 0; i < children_.size(); ++i)
            if (!kept[i]) out.push_back(children_[i].id);
        return out;
    }

private:
    std::int64_t weight(std::size_t i) const {
        const bool required = rows_[std::size_t(children_[i].place)].required;
        const auto index = static_cast<std::int64_t>(std::min<std::size_t>(i, 1 << 14));
        constexpr std::int64_t one = std::int64_t{1} << 36, bonus = std::int64_t{1} << 18;
        return required ? one + bonus + index : one - index;
    }

    std::span<const Placed> children_;
    std::span<const Child> rows_;
};

class Structure {
public:
    explicit Structure(const Bench& bench) : bench_(bench), tree_(bench.tree) {}

    void run() {
        for (NodeId id = 0; id < tree_.size(); ++id) {
            if (element(tree_[id].tag).type == Type::children)
                container(id);
            else
                value(id);
        }
    }

private:
    void container(NodeId id) {
        const auto rows = element(tree_[id].tag).children;
        children_.clear();
        for (auto at = tree_[id].first; at != no_node; at = tree_[at].next) {
            const int where = place(tree_[id].tag, name(tree_[at].tag));
            const auto& row = rows[std::size_t(where)];
            if (!row.many && tree_[at].position > 1)
                bench_.error("xsd", at, "The element {} may stand only once in {}. Remove one.",
                             name(row.tag), name(tree_[id].tag));
            else
                children_.push_back({at, where});
        }
        order(id);
        for (std::size_t i = 0; i < rows.size(); ++i)
            if (rows[i].required && tree_.child(id, rows[i].tag) == no_node) missing(id, int(i));
    }

    void order(NodeId id) {
        const auto rows = element(tree_[id].tag).children;
        for (const auto wrong : Order(children_, rows).misplaced()) {
            const int where = place(tree_[id].tag, name(tree_[wrong].tag));
            std::string_view before = "the end";
            for (const auto& other : children_)
                if (other.place > where) {
                    before = name(rows[std::size_t(other.place)].tag);
                    break;
                }
            bench_.error("xsd", wrong,
                         "The element {} stands in the wrong place: in {} it comes "
                         "before {}. Move it; nothing else needs to change.",
                         name(tree_[wrong].tag), name(tree_[id].tag), before);
        }
    }

    void missing(NodeId id, int place) {
        const auto what = element(tree_[id].tag).children[std::size_t(place)].tag;
        NodeId near = no_node;
        for (const auto& child : children_)
            if (child.place > place) {
                near = child.id;
                break;
            }
        // Of a pair the pair is named: half of one has no place of its own.
        if (what == Tag::value_name || what == Tag::value) {
            if (!bench_.findings.room(Weight::error)) return;
            bench_.findings.add({"xsd", Weight::error, tree_[near == no_node ? id : near].line,
                                 tree_.path(id),
                                 fmt::format("The {} is missing here. Add it.", name(what))});
            return;
        }
        bench_.missing(Weight::error, "xsd", id, what, near,
                       "The element {} is missing in {}. Add it{}.", name(what),
                       name(tree_[id].tag),
                       near == no_node ? "" : fmt::format(" before {}", name(tree_[near].tag)));
    }

    void value(NodeId id) {
        const auto& node = tree_[id];
        const auto& row = element(node.tag);
        switch (row.type) {
            case Type::children:
            case Type::text: return;
            case Type::word: return word(id, row);
            case Type::time: return time(id);
            case Type::language:
                // Empty takes the schema's default (3.2.2: en-US).
                if (!node.text.empty() && !is_language(node.text))
                    bench_.error("xsd", id,
                                 "{} is no language tag. Write one of RFC 5646, such as "
                                 "zh-CN or en-US.",
                                 quoted(node.text));
                return;
            case Type::uri:
                if (!is_any_uri(node.text))
                    bench_.error("xsd", id, "{} is no URI. Write one, or leave the element out.",
                                 quoted(node.text));
                return;
            case Type::integer:
                if (!is_integer(node.text))
                    bench_.error("xsd", id,
                                 "{} is no whole number. Write the size in bytes, "
                                 "digits only.",
                                 quoted(node.text));
                return;
            case Type::decimal:
                if (!is_decimal(node.text))
                    bench_.error("xsd", id,
                                 "{} is no decimal number. Write feet above sea level, "
                                 "without a unit.",
                                 quoted(node.text));
                return;
        }
    }

    void word(NodeId id, const Element& row) {
        const auto& text = tree_[id].text;
        if (std::ranges::find(row.words, text) != row.words.end()) return;
        const auto like = std::ranges::find_if(
            row.words, [&](std::string_view word) { return same_letters(word, trim(text)); });
        if (like != row.words.end())
            bench_.error("xsd", id, "{} is not a value of {}. Write {} exactly so, without blanks.",
                         quoted(text), row.name, *like);
        else if (row.tag == Tag::certainty && text == "Very Likely")
            bench_.error("xsd", id, "'Very Likely' is of CAP 1.0. Write Likely.");
        else
            bench_.error("xsd", id, "{} is not a value of {}. Write one of: {}.", quoted(text),
                         row.name, list(row.words));
    }

    void time(NodeId id) {
        constexpr std::string_view cure =
            "Write it as 2026-07-21T14:05:00+08:00: a real day, no fraction, no Z, UTC as -00:00.";
        const auto read = read_time(tree_[id].text);
        if (read.form == TimeForm::wrong)
            bench_.error("xsd", id, "{} is no time of CAP. {}", quoted(tree_[id].text), cure);
        else if (read.form == TimeForm::schema_only)
            bench_.error("datetime-form", id, "{} has blanks around it or says 24:00:00. {}",
                         quoted(tree_[id].text), cure);
        else if (read.plus_zero)
            bench_.warn("datetime-utc", id,
                        "UTC is written -00:00 in CAP, not +00:00. Read as UTC.");
    }

    const Bench& bench_;
    const Tree& tree_;
    std::vector<Placed> children_;
};

}  // namespace

void check_structure(const Bench& bench) { Structure(bench).run(); }

}  // namespace tocsin::cap
