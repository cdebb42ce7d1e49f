#include "server/audience/language.hpp"

#include <algorithm>
#include <vector>

namespace tocsin::audience {
namespace {

constexpr std::size_t tag_max = 64, subtag_max = 8;

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool all(std::string_view text, bool (*test)(char)) { return std::ranges::all_of(text, test); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

std::vector<std::string> subtags_of(std::string_view text) {
    std::vector<std::string> subtags;
    for (std::size_t from = 0; from <= text.size();) {
        const auto to = std::min(text.find('-', from), text.size());
        auto& subtag = subtags.emplace_back(text.substr(from, to - from));
        std::ranges::transform(subtag, subtag.begin(), lower);
        from = to + 1;
    }
    return subtags;
}

bool sound(const std::string& subtag) {
    return !subtag.empty() && subtag.size() <= subtag_max &&
           all(subtag, [](char c) { return letter(c) || digit(c); });
}

bool is_variant(std::string_view subtag) {
    return subtag.size() >= 5 || (subtag.size() == 4 && digit(subtag[0]));
}

/// Single-character subtags each open a part of their own, and something must follow them.
bool extensions(const std::vector<std::string>& subtags, std::size_t at) {
    std::string seen;
    while (at < subtags.size()) {
        const auto single = subtags[at][0];
        if (subtags[at].size() != 1 || seen.find(single) != seen.npos) return false;
        if (single == 'x') return at + 1 < subtags.size();
        seen += single;
        const auto first = ++at;
        while (at < subtags.size() && subtags[at].size() > 1) ++at;
        if (at == first) return false;
    }
    return true;
}

}  // namespace

std::string language_tag(std::string_view text) {
    if (text.empty() || text.size() > tag_max) return {};
    auto subtags = subtags_of(text);
    if (!std::ranges::all_of(subtags, sound)) return {};
    const auto primary = subtags[0].size();
    if (primary < 2 || primary == 4 || !all(subtags[0], letter)) return {};
    std::size_t at = 1;
    const auto is = [&](std::size_t size, bool (*test)(char)) {
        return at < subtags.size() && subtags[at].size() == size && all(subtags[at], test);
    };
    for (int extended = 0; primary <= 3 && extended < 3 && is(3, letter); ++extended) ++at;
    if (is(4, letter)) {
        subtags[at][0] = upper(subtags[at][0]);
        ++at;
    }
    if (is(2, letter) || is(3, digit)) {
        std::ranges::transform(subtags[at], subtags[at].begin(), upper);
        ++at;
    }
    while (at < subtags.size() && is_variant(subtags[at])) ++at;
    if (!extensions(subtags, at)) return {};
    return fmt::format("{}", fmt::join(subtags, "-"));
}

}  // namespace tocsin::audience
