#include "server/replies/meaning.hpp"

#include <algorithm>

namespace tocsin::replies {
namespace {

/// One UTF-8 sequence; damage counts as itself.
std::string_view first_of(std::string_view text) {
    const auto byte = static_cast<unsigned char>(text.front());
    const std::size_t length = byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    return text.substr(0, length);
}

/// U+FF01..U+FF5E are the ASCII letters, digits and marks, full-width.
char narrow(std::string_view one) {
    if (one.size() != 3 || one[0] != '\xEF') return 0;
    const auto middle = static_cast<unsigned char>(one[1]),
               last = static_cast<unsigned char>(one[2]);
    if (middle == 0xBC && last >= 0x81 && last <= 0xBF) return char(last - 0x60);
    if (middle == 0xBD && last >= 0x80 && last <= 0x9E) return char(last - 0x20);
    return 0;
}

bool is_mark(char c) {
    return c <= ' ' || std::string_view(".,;:!?'\"()[]<>-_/*#~").find(c) != std::string_view::npos;
}

/// Chinese blanks, full stops and quotes.
bool is_mark(std::string_view one) {
    static constexpr std::string_view marks[] = {
        "　", "。", "、", "“", "”", "‘", "’", "「", "」", "【", "】", "\xC2\xA0", "\xEF\xBB\xBF"};
    return std::ranges::find(marks, one) != std::end(marks);
}

bool among(const std::vector<std::string>& words, const std::string& reply) {
    return std::ranges::any_of(words, [&](const auto& word) { return plain(word) == reply; });
}

}  // namespace

std::string plain(std::string_view words) {
    std::string out;
    std::size_t good = 0;  // up to the last that is no mark
    while (!words.empty()) {
        const auto one = first_of(words);
        words.remove_prefix(one.size());
        char c = one.size() == 1 ? one[0] : narrow(one);
        const bool mark = c != 0 ? is_mark(c) : is_mark(one);
        if (mark && out.empty()) continue;
        if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
        if (c != 0)
            out += c;
        else
            out += one;
        if (!mark) good = out.size();
    }
    out.resize(good);
    return out;
}

Meaning meaning_of(std::string_view reply, const Words& words) {
    const auto said = plain(reply);
    if (said.empty()) return Meaning::other;
    if (among(words.stop, said)) return Meaning::stop;
    if (among(words.start, said)) return Meaning::start;
    if (among(words.acknowledge, said)) return Meaning::acknowledge;
    return Meaning::other;
}

}  // namespace tocsin::replies
