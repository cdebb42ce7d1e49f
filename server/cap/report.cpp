#include "server/cap/report.hpp"

#include "server/cap/lexical.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace tocsin::cap {
namespace {

const char* word(Weight weight) { return weight == Weight::error ? "error" : "warning"; }

/// Valid UTF-8 without controls: nothing from a message or a file name steers a terminal.
std::string inert(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const auto c = next_character(text, at);
        append_utf8(out, is_control(c) || is_format(c) ? U'?' : c);
    }
    return out;
}

}  // namespace

std::string validate_json(std::string_view file, const Judged& judged) {
    boost::json::array violations;
    for (const auto& found : judged.violations)
        violations.push_back({{"rule", found.rule},
                              {"severity", word(found.severity)},
                              {"line", found.line},
                              {"element", inert(found.element)},
                              {"message", inert(found.message)}});
    return boost::json::serialize(
        boost::json::object{{"file", inert(file)},
                            {"verdict", judged.valid() ? "valid" : "invalid"},
                            {"violations", std::move(violations)}});
}

std::string validate_text(std::string_view file, const Judged& judged) {
    std::string out;
    for (const auto& found : judged.violations) {
        const auto place =
            found.line > 0 ? fmt::format("{}:{}", inert(file), found.line) : inert(file);
        out += fmt::format("{} {:<5}  {}", place, word(found.severity), found.rule);
        if (!found.element.empty()) out += "  " + inert(found.element);
        out += fmt::format("\n            {}\n", inert(found.message));
    }
    return out;
}

}  // namespace tocsin::cap
