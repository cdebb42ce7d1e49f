#include "server/cap/reader.hpp"

#include "server/cap/bounds.hpp"
#include "server/cap/lexical.hpp"
#include "server/cap/root.hpp"
#include "server/cap/sax.hpp"
#include "server/cap/scan.hpp"

#include <array>
#include <optional>

namespace tocsin::cap {
namespace {

struct Frame {
    NodeId node = no_node;  // of the element, or of the nearest known one above it
    bool opaque = false;    // unknown, a signature, or below one: read over
    bool stray_text = false;
    std::size_t namespaces = 0;
    std::array<std::uint32_t, 64> counts{};  // by tag
    std::vector<std::pair<std::string, std::uint32_t>> unknown;
};

class Reader final : SaxEvents {
public:
    Reader(const Limits& limits, Tree& tree, Findings& findings)
        : tree_(tree), findings_(findings), bounds_(limits), sax_(*this) {}

    Reading run(std::string_view text);

private:
    void start(const SaxStart& tag) override;
    void end() override;
    void text(std::string_view text) override;
    void doctype() override;
    void failed(int code, bool, long line, std::string_view words) override;

    void start_root(const SaxStart& tag);
    void start_child(const SaxStart& tag);
    void start_known(const SaxStart& tag, int place);
    void start_signature(const SaxStart& tag);
    void start_unknown(const SaxStart& tag);

    bool in_bounds(const SaxStart& tag);
    void attributes(const SaxStart& tag, NodeId id);
    void push(NodeId node, bool opaque, const SaxStart& tag);

    long line() const { return sax_.line(); }
    std::string here() const { return stack_.empty() ? "" : tree_.path(stack_.back().node); }
    void error(std::string_view rule, long line, std::string element, std::string message) {
        findings_.add(
            {std::string(rule), Weight::error, line, std::move(element), std::move(message)});
    }
    void refuse(std::string_view rule, long line, std::string element, std::string message);
    /// True, and reading stops, if a limit was passed.
    bool passed(const Bounds::Verdict& verdict, const std::string& element);
    void halt(Reading why) {
        state_ = why;
        sax_.stop();
    }

    Tree& tree_;
    Findings& findings_;
    Bounds bounds_;
    Sax sax_;
    std::optional<Cut> cut_;
    Reading state_ = Reading::whole;
    std::vector<Frame> stack_;
    std::uint32_t signatures_ = 0;
    long signature_line_ = 0, doctype_line_ = 0;
    bool misplaced_ = false;
};

Reading Reader::run(std::string_view text) {
    const auto scanned = scan(text);
    cut_ = scanned.cut;
    doctype_line_ = scanned.doctype_line;
    const bool well_formed = sax_.parse(cut_ ? text.substr(0, cut_->offset) : text);
    if (cut_ && state_ == Reading::whole)  // a zero byte after the end of the root
        refuse(cut_->rule, cut_->line, "", cut_->message);
    else if (!well_formed && state_ == Reading::whole)
        refuse("not-well-formed", 1, here(), "The parser refused the message.");
    return state_;
}

void Reader::refuse(std::string_view rule, long line, std::string element, std::string message) {
    findings_ = {};  // what was found in half a message would only mislead
    error(rule, line, std::move(element), std::move(message));
    halt(Reading::refused);
}

bool Reader::passed(const Bounds::Verdict& verdict, const std::string& element) {
    if (!verdict) return false;
    // Nested that deep it is no message with small faults.
    if (verdict->rule == "limit-depth") findings_ = {};
    error(verdict->rule, line(), element, verdict->message);
    halt(Reading::stopped);
    return true;
}

void Reader::doctype() {
    refuse("doctype", doctype_line_ ? doctype_line_ : line(), "",
           "A DOCTYPE is not accepted, nor are entities of one's own. Remove it.");
}

void Reader::failed(int code, bool, long line, std::string_view words) {
    if (state_ != Reading::whole) return;
    if (!cut_ || !sax_.at_end())
        return refuse("not-well-formed", line, here(), explain(code, words));
    if (cut_->rule == "not-well-formed")
        return refuse(cut_->rule, cut_->line, here(), cut_->message);
    const auto element = stack_.empty() ? cut_->name : here() + "/" + cut_->name;
    error(cut_->rule, cut_->line, element, cut_->message);
    halt(Reading::stopped);
}

void Reader::push(NodeId node, bool opaque, const SaxStart& tag) {
    stack_.push_back({});
    stack_.back().node = node;
    stack_.back().opaque = opaque;
    stack_.back().namespaces = tag.namespaces;
}

bool Reader::in_bounds(const SaxStart& tag) {
    const auto verdict = bounds_.open(stack_.size() + 1, tag.namespaces, tag.attributes.size());
    if (!verdict) return true;
    const bool deep = verdict->rule == "limit-depth";
    passed(verdict, stack_.empty() ? std::string(tag.local)
                    : deep         ? here()
                                   : fmt::format("{}/{}", here(), tag.local.substr(0, 64)));
    return false;
}

void Reader::start(const SaxStart& tag) {
    if (state_ != Reading::whole) return;
    if (stack_.empty()) return start_root(tag);
    if (!in_bounds(tag)) return;
    auto& above = stack_.back();
    if (above.opaque) return push(above.node, true, tag);
    const auto parent = above.node;
    if (element(tree_[parent].tag).type == Type::children) return start_child(tag);
    if (findings_.room(Weight::error))
        error("xsd", tree_[parent].line, tree_.path(parent),
              fmt::format("The element {} stands inside text. Write the text without markup.",
                          quoted(tag.local)));
    push(parent, true, tag);
}

void Reader::start_root(const SaxStart& tag) {
    if (tag.local != "alert" || tag.uri != cap_namespace)
        return refuse("root", line(), std::string(tag.local.substr(0, 64)),
                      explain_root(tag.local, tag.uri));
    if (!in_bounds(tag)) return;
    const auto id = tree_.add(no_node, Tag::alert, line());
    attributes(tag, id);
    push(id, false, tag);
}

void Reader::start_child(const SaxStart& tag) {
    const auto parent = tree_[stack_.back().node].tag;
    if (tag.uri == signature_namespace && parent == Tag::alert) return start_signature(tag);
    const int at = place(parent, tag.local);
    if (at < 0) return start_unknown(tag);
    start_known(tag, at);
}

void Reader::start_known(const SaxStart& tag, int place) {
    const auto parent = stack_.back().node;
    const auto what = element(tree_[parent].tag).children[static_cast<std::size_t>(place)].tag;
    const auto id = tree_.add(parent, what, line());
    tree_[id].position = ++stack_.back().counts[static_cast<std::size_t>(what)];
    if (tag.uri != cap_namespace && findings_.room(Weight::error))
        error("xsd", line(), tree_.path(id),
              fmt::format("The element is in {}, not in the CAP namespace. Use {}.",
                          tag.uri.empty() ? "no namespace" : "namespace " + quoted(tag.uri),
                          cap_namespace));
    if (signatures_ > 0 && !std::exchange(misplaced_, true))
        error("signature-position", signature_line_, "alert/Signature",
              "The signature must come last in alert, after every info.");
    attributes(tag, id);
    push(id, false, tag);
    if (const auto verdict = bounds_.count(tree_[id])) passed(verdict, tree_.path(id));
}

void Reader::start_signature(const SaxStart& tag) {
    if (tag.local == "Signature") {
        if (++signatures_ == 1) signature_line_ = line();
        if (passed(bounds_.signature(signatures_), fmt::format("alert/Signature[{}]", signatures_)))
            return;
    }
    push(stack_.back().node, true, tag);
}

void Reader::start_unknown(const SaxStart& tag) {
    auto& above = stack_.back();
    if (findings_.room(Weight::error)) {
        const std::string name(tag.local.substr(0, 64));
        auto seen =
            std::ranges::find(above.unknown, name, &std::pair<std::string, unsigned>::first);
        if (seen == above.unknown.end()) seen = above.unknown.insert(seen, {name, 0});
        auto path = fmt::format("{}/{}", here(), name);
        if (++seen->second > 1) path += fmt::format("[{}]", seen->second);
        error("xsd", line(), path, explain_unknown(tree_[above.node].tag, tag.local, tag.uri));
    }
    push(above.node, true, tag);
}

void Reader::attributes(const SaxStart& tag, NodeId id) {
    constexpr std::string_view instance = "http://www.w3.org/2001/XMLSchema-instance";
    for (const auto& [local, uri] : tag.attributes) {
        const bool hint = local == "schemaLocation" || local == "noNamespaceSchemaLocation";
        if ((uri == instance && hint) || !findings_.room(Weight::error)) continue;
        error("xsd", tree_[id].line, fmt::format("{}/@{}", tree_.path(id), local.substr(0, 64)),
              fmt::format("The attribute {} is not allowed: CAP elements have none. Remove it.",
                          quoted(local)));
    }
}

void Reader::end() {
    if (state_ != Reading::whole || stack_.empty()) return;
    const auto& top = stack_.back();
    if (!top.opaque && tree_[top.node].tag == Tag::polygon)
        if (const auto verdict = bounds_.points(tree_[top.node].text))
            passed(verdict, tree_.path(top.node));
    bounds_.close(top.namespaces);
    stack_.pop_back();
}

void Reader::text(std::string_view text) {
    if (state_ != Reading::whole || stack_.empty() || stack_.back().opaque) return;
    auto& top = stack_.back();
    auto& node = tree_[top.node];
    if (element(node.tag).type == Type::children) {
        if (top.stray_text || trim(text).empty()) return;
        top.stray_text = true;
        error("xsd", node.line, tree_.path(top.node),
              fmt::format("The text {} (to line {}) stands between elements. Put it into one of "
                          "them, or remove it.",
                          quoted(trim(text)), line()));
        return;
    }
    if (const auto verdict = bounds_.text(node, text.size())) {
        passed(verdict, tree_.path(top.node));
        return;
    }
    node.text += text;
}

}  // namespace

Reading read_tree(std::string_view text, const Limits& limits, Tree& tree, Findings& findings) {
    return Reader(limits, tree, findings).run(text);
}

}  // namespace tocsin::cap
