#include "server/api/places.hpp"

#include <map>

namespace tocsin::api {
namespace {

/// "alert/info[2]/areaDesc" -> "alert/info[2]/areaDesc[1]": one spelling for each place.
std::string spelled_out(std::string_view element) {
    std::string out;
    while (!element.empty()) {
        const auto part = element.substr(0, element.find('/'));
        element.remove_prefix(std::min(part.size() + 1, element.size()));
        if (!out.empty()) out += '/';
        out += part;
        if (out.size() != part.size() && !part.ends_with(']')) out += "[1]";
    }
    return out;
}

std::string_view local_name(std::string_view tag) {
    const auto name = tag.substr(0, tag.find_first_of(" \t\r\n/>"));
    return name.substr(name.find(':') + 1);  // npos + 1 is 0
}

/// Goes through the tags of a well-formed document, each with its place and line.
class Walk {
public:
    explicit Walk(std::string_view document) : rest_(document) {}

    /// The next start tag; false: there is none.
    bool next() {
        for (;;) {
            if (std::exchange(empty_, false)) leave();
            const auto open = rest_.find('<');
            if (open == rest_.npos) return false;
            skip(open);
            if (rest_.starts_with("<!--"))
                skip_past("-->");
            else if (rest_.starts_with("<![CDATA["))
                skip_past("]]>");
            else if (rest_.starts_with("<?"))
                skip_past("?>");
            else if (rest_.starts_with("</"))
                leave(), skip_past(">");
            else
                return enter(), true;
        }
    }
    const std::string& place() const { return place_; }
    long line() const { return line_; }

private:
    struct Open {
        std::size_t length;  // of the place without it
        std::map<std::string_view, int> children;
    };

    void enter() {
        const auto name = local_name(rest_.substr(1));
        line_ = lines_;
        const auto length = place_.size();
        if (open_.empty())
            place_ = name;
        else
            place_ += fmt::format("/{}[{}]", name, ++open_.back().children[name]);
        open_.push_back({length, {}});
        char quote = 0;
        std::size_t end = 1;
        for (; end < rest_.size() && (quote != 0 || rest_[end] != '>'); ++end)
            if (quote != 0)
                quote = rest_[end] == quote ? '\0' : quote;
            else if (rest_[end] == '"' || rest_[end] == '\'')
                quote = rest_[end];
        empty_ = end < rest_.size() && rest_[end - 1] == '/';
        skip(std::min(end + 1, rest_.size()));
    }
    void leave() {
        if (open_.empty()) return;
        place_.resize(open_.back().length);
        open_.pop_back();
    }
    void skip(std::size_t bytes) {
        lines_ += std::count(rest_.begin(), rest_.begin() + std::ptrdiff_t(bytes), '\n');
        rest_.remove_prefix(bytes);
    }
    void skip_past(std::string_view end) {
        const auto at = rest_.find(end);
        skip(at == rest_.npos ? rest_.size() : at + end.size());
    }

    std::string_view rest_;
    std::string place_;
    std::vector<Open> open_;
    long lines_ = 1, line_ = 0;
    bool empty_ = false;  // <like/>
};

}  // namespace

void find_lines(std::string_view document, std::vector<cap::Violation>& violations) {
    std::map<std::string, long> lines;  // each wanted place and those around it
    for (const auto& one : violations)
        for (auto place = spelled_out(one.line == 0 ? one.element : ""); !place.empty();
             place.resize(place.find('/') == place.npos ? 0 : place.rfind('/')))
            if (!lines.emplace(place, 0).second) break;
    if (lines.empty() || document.find('\0') != document.npos) return;
    auto unknown = lines.size();
    for (Walk walk(document); unknown > 0 && walk.next();)
        if (const auto found = lines.find(walk.place()); found != lines.end() && found->second == 0)
            found->second = walk.line(), --unknown;
    for (auto& one : violations) {
        if (one.line != 0) continue;
        for (auto place = spelled_out(one.element); !place.empty() && one.line == 0;
             place.resize(place.find('/') == place.npos ? 0 : place.rfind('/')))
            one.line = lines[place];
    }
}

}  // namespace tocsin::api
