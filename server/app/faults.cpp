#include "server/app/faults.hpp"

#include <boost/json/stream_parser.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>

namespace tocsin::app {
namespace {

/// By words of Settings and of what is built on it; the first that fits.
constexpr std::pair<std::string_view, std::string_view> rules[] = {
    {"unknown key", "unknown-key"},
    {"is missing", "missing"},
    {"is empty", "empty"},
    {"white space", "white-space"},
    {"must be a ", "wrong-type"},
    {"must be true", "wrong-type"},
    {"is not within", "out-of-range"},
    {"is none of", "wrong-choice"},
    {"no region has", "region-unknown"},
    {"no such file", "no-such-file"},
    {"no such folder", "no-such-file"},
    {"twice", "repeated"},
    {"two are named", "repeated"},
    {"is already", "repeated"},
};

std::string rule_of(std::string_view message, std::string_view otherwise) {
    for (const auto& [words, rule] : rules)
        if (message.find(words) != message.npos) return std::string(rule);
    return std::string(otherwise);
}

/// ":12" at the beginning, taken off.
std::optional<long> take_number(std::string_view& text) {
    long number = 0;
    if (text.size() < 2 || text[0] != ':') return std::nullopt;
    const auto* end = text.data() + text.size();
    const auto [rest, bad] = std::from_chars(text.data() + 1, end, number);
    if (bad != std::errc() || rest == end || *rest != ':' || number < 0) return std::nullopt;
    text.remove_prefix(std::size_t(rest - text.data()));
    return number;
}

/// "file:12:3" at the beginning; then `text` goes on behind the colon and the blank.
bool take_place(std::string_view& text, ConfigFault& out) {
    for (auto at = text.find(':'); at != text.npos; at = text.find(':', at + 1)) {
        auto rest = text.substr(at);
        const auto line = take_number(rest);
        if (!line) continue;
        out.file = text.substr(0, at);
        out.line = *line;
        out.column = take_number(rest).value_or(0);
        rest.remove_prefix(1);
        text = rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
        return true;
    }
    return false;
}

bool is_key(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.' || c == '[' || c == ']';
    });
}

/// "endpoint[1].areas: " or "{{name}} " at the beginning.
void take_key(std::string_view& text, ConfigFault& out) {
    if (text.starts_with("{{")) {
        const auto end = text.find("}} ");
        if (end == text.npos) return;
        out.key = text.substr(2, end - 2);
        text.remove_prefix(end + 3);
    } else if (const auto colon = text.find(": "); is_key(text.substr(0, colon))) {
        out.key = text.substr(0, colon);
        text.remove_prefix(colon == text.npos ? text.size() : colon + 2);
    }
}

long line_at(std::string_view text, std::size_t offset) {
    return 1 + std::ranges::count(text.substr(0, offset), '\n');
}

/// Where a JSON document breaks off or goes wrong; nothing: it is whole.
std::optional<std::size_t> json_break(std::string_view text) {
    boost::json::stream_parser parser;
    boost::system::error_code bad;
    const auto read = parser.write_some(text.data(), text.size(), bad);
    if (!bad && !parser.done()) parser.finish(bad);
    return bad ? std::optional(read) : std::nullopt;
}

/// The number behind `word`, in a message.
std::optional<std::size_t> number_after(std::string_view message, std::string_view word) {
    const auto at = message.rfind(word);
    std::size_t number = 0;
    if (at == message.npos) return std::nullopt;
    const auto [_, bad] =
        std::from_chars(message.data() + at + word.size(), message.data() + message.size(), number);
    return bad == std::errc() ? std::optional(number) : std::nullopt;
}

/// Of the feature with this number, or of the last that has this code.
std::size_t offset_of(std::string_view text, std::string_view message) {
    if (const auto feature = number_after(message, "feature ")) {
        constexpr std::string_view mark = "\"Feature\"";
        auto at = text.find(mark);
        for (std::size_t i = 0; i < *feature && at != text.npos; ++i) at = text.find(mark, at + 1);
        if (at != text.npos) return at;
    }
    constexpr std::string_view region = "region ";
    if (!message.starts_with(region)) return 0;
    message.remove_prefix(region.size());
    const auto at = text.rfind(fmt::format("\"{}\"", message.substr(0, message.find(' '))));
    return at == text.npos ? 0 : at;
}

}  // namespace

std::string to_text(const ConfigFault& fault) {
    auto out = fault.file;
    if (fault.line > 0) out += fmt::format(":{}", fault.line);
    if (fault.column > 0) out += fmt::format(":{}", fault.column);
    if (!fault.key.empty()) out += ": " + fault.key;
    out += ": " + fault.message;
    for (char& c : out)  // one line, whatever a file holds
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    return out;
}

ConfigFault read_complaint(std::string_view complaint, const std::string& file) {
    ConfigFault out;
    out.file = file;
    const bool placed = take_place(complaint, out);
    if (placed) take_key(complaint, out);
    out.message = complaint;
    out.rule =
        placed ? rule_of(complaint, out.key.empty() ? "syntax" : "wrong-value") : "unreadable";
    return out;
}

std::vector<ConfigFault> template_faults(const Fault& fault, const std::string& folder) {
    std::vector<ConfigFault> out;
    std::string_view text = fault.what;
    if (const auto during = text.rfind("; reading the templates"); during != text.npos)
        text = text.substr(0, during);
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        auto one = read_complaint(line, "");
        if (one.line == 0) {  // "file: what", of the file as a whole
            const auto colon = line.find(": ");
            one = {};
            one.file = colon == line.npos ? "" : line.substr(0, colon);
            one.message = line.substr(colon == line.npos ? 0 : colon + 2);
            one.line = one.file.find('.') == one.file.npos ? 0 : 1;  // a folder has no lines
        }
        one.file = one.file.empty() ? folder : folder + "/" + one.file;
        if (!one.file.ends_with(".toml") || one.rule.empty() || one.key.empty())
            one.rule = "template";
        out.push_back(std::move(one));
    }
    return out;
}

ConfigFault region_fault(const Fault& fault,
                         const std::filesystem::path& path,
                         const std::string& name) {
    ConfigFault out{name, 0, 0, "", "regions", fault.what};
    if (const auto during = out.message.rfind("; reading "); during != out.message.npos)
        out.message.resize(during);
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (text.empty()) return out;
    const auto broken = json_break(text);
    out.line = line_at(text, broken ? *broken : offset_of(text, out.message));
    return out;
}

}  // namespace tocsin::app
