#include "server/cap/scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace tocsin::cap {
namespace {

// Beyond this the quadratic comparison takes longer than 20 ms.
constexpr std::size_t declarations_max = 6000;

class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    Scanned run() {
        const auto zero = text_.find('\0');
        const auto end = std::min(zero, text_.size());
        for (at_ = 0; (at_ = text_.find('<', at_)) < end;) {
            const auto tag = at_;
            if (skip("<!--", "-->") || skip("<![CDATA[", "]]>") || skip("<?", "?>")) continue;
            if (text_.substr(at_).starts_with("<!")) return {{}, line(at_)};  // read no further
            const auto [all, spaces] = declarations();
            if (all > declarations_max) return {flood(tag, all, spaces)};
        }
        if (zero == text_.npos) return {};
        return {Cut{zero, line(zero), "not-well-formed",
                    "A zero byte is no character of XML. Remove it.", ""}};
    }

private:
    bool skip(std::string_view from, std::string_view to) {
        if (!text_.substr(at_).starts_with(from)) return false;
        at_ = std::min(text_.find(to, at_ + from.size()), text_.size());
        return true;
    }

    /// Attributes of the tag at at_, and how many of them declare namespaces; moves to its end.
    std::pair<std::size_t, std::size_t> declarations() {
        std::size_t all = 0, spaces = 0;
        for (++at_; at_ < text_.size() && text_[at_] != '>' && text_[at_] != '<'; ++at_) {
            if (text_[at_] != '"' && text_[at_] != '\'') {
                spaces += text_[at_] == 'x' && text_.substr(at_).starts_with("xmlns");
                continue;
            }
            ++all;
            at_ = text_.find(text_[at_], at_ + 1);
            if (at_ == text_.npos) break;
        }
        return {all, spaces};
    }

    Cut flood(std::size_t tag, std::size_t all, std::size_t spaces) const {
        const auto name = text_.substr(
            tag + 1, std::min<std::size_t>(64, text_.find_first_of(" \t\r\n", tag) - tag - 1));
        const bool namespaces = spaces > all / 2;
        return {tag, line(tag), namespaces ? "limit-namespaces" : "xsd",
                fmt::format("One start tag has {} attributes. CAP elements have none; declare the "
                            "namespace once, on alert.",
                            all),
                std::string(name)};
    }

    long line(std::size_t at) const { return 1 + std::ranges::count(text_.substr(0, at), '\n'); }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

Scanned scan(std::string_view text) { return Scanner(text).run(); }

}  // namespace tocsin::cap
