#include "server/cap/plain.hpp"

#include "server/cap/encoding.hpp"
#include "server/cap/lexical.hpp"
#include "server/cap/root.hpp"
#include "server/cap/sax.hpp"
#include "server/cap/scan.hpp"

#include <fmt/format.h>

#include <optional>

namespace tocsin::cap {
namespace {

constexpr std::size_t bytes_max = 1048576, depth_max = 16, elements_max = 20000;

class PlainReader final : SaxEvents {
public:
    PlainReader() : sax_(*this) {}

    Result<Plain> run(std::string_view text) {
        const bool well_formed = sax_.parse(text);
        if (fault_) return std::move(*fault_);
        if (!well_formed || !open_.empty())
            return Fault{Cause::malformed, "the message is not well-formed XML"};
        return std::move(root_);
    }

private:
    void start(const SaxStart& tag) override {
        if (fault_) return;
        if (open_.size() >= depth_max || ++elements_ > elements_max)
            return stop("too many elements, or nested too deep");
        // A parent does not move while its child is open: only the last child grows.
        auto& node = open_.empty() ? root_ : open_.back()->children.emplace_back();
        node.name = tag.local;
        node.line = sax_.line();
        open_.push_back(&node);
    }

    void end() override {
        if (!open_.empty()) open_.pop_back();
    }

    void text(std::string_view text) override {
        if (!open_.empty()) open_.back()->text += text;
    }

    void doctype() override { stop("a DOCTYPE is not accepted"); }

    void failed(int code, bool of_namespaces, long, std::string_view words) override {
        if (!of_namespaces) stop(explain(code, words));
    }

    void stop(const std::string& why) {
        if (fault_) return;
        fault_ = Fault{Cause::malformed, fmt::format("line {}: {}", sax_.line(), why)};
        sax_.stop();
    }

    Sax sax_;
    Plain root_;
    std::vector<Plain*> open_;
    std::size_t elements_ = 0;
    std::optional<Fault> fault_;
};

}  // namespace

const Plain* Plain::child(std::string_view wanted) const {
    for (const auto& one : children)
        if (same_letters(one.name, wanted)) return &one;
    return nullptr;
}

std::string_view Plain::at(std::string_view wanted) const {
    const auto one = child(wanted);
    return one ? trim(one->text) : std::string_view{};
}

Result<Plain> read_plain(std::string_view bytes) {
    if (bytes.size() > bytes_max)
        return Fault{Cause::over_limit,
                     fmt::format("{} bytes, at most {}", bytes.size(), bytes_max)};
    Decoded decoded;
    decode(bytes, true, decoded);
    if (!decoded.fault.empty()) return Fault{Cause::malformed, std::move(decoded.fault)};
    if (decoded.text.empty()) return Fault{Cause::malformed, "the message is empty"};
    if (const auto cut = scan(decoded.text).cut)
        return Fault{Cause::malformed, fmt::format("line {}: {}", cut->line, cut->message)};
    return PlainReader().run(decoded.text);
}

}  // namespace tocsin::cap
