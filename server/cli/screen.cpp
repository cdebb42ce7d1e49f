#include "server/cli/screen.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

namespace tocsin::cli {
namespace {

/// The next code point and how many bytes it took; broken bytes count as one column each.
char32_t next(std::string_view text, std::size_t& length) {
    const auto lead = static_cast<unsigned char>(text.front());
    length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (lead < 0x80) return lead;
    if (lead < 0xC2 || length > text.size()) return length = 1, U'?';
    char32_t code = lead & (0xFFU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i)
        code = (code << 6) | (static_cast<unsigned char>(text[i]) & 0x3FU);
    return code;
}

std::size_t columns_of(char32_t c) {
    if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return 0;
    const bool wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) ||
                      (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
                      (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
                      (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1FAFF) ||
                      (c >= 0x20000 && c <= 0x3FFFD);
    return wide ? 2 : 1;
}

}  // namespace

std::size_t width(std::string_view text) {
    std::size_t sum = 0;
    for (std::size_t length = 0; !text.empty(); text.remove_prefix(length))
        sum += columns_of(next(text, length));
    return sum;
}

std::string plain(std::string_view text) {
    std::string out;
    for (std::size_t length = 0; !text.empty(); text.remove_prefix(length))
        if (const auto c = next(text, length); c == U'\n')
            out += ' ';
        else if (columns_of(c) > 0)
            out += text.substr(0, length);
    return out;
}

std::string fit(std::string_view text, std::size_t columns, bool right) {
    std::string out;
    std::size_t used = 0, length = 0;
    const bool cut = width(text) > columns;
    const auto room = cut && columns > 0 ? columns - 1 : columns;
    for (; !text.empty(); text.remove_prefix(length)) {
        const auto more = columns_of(next(text, length));
        if (used + more > room) break;
        if (more > 0) out += text.substr(0, length);
        used += more;
    }
    if (cut && columns > 0) out += "…", ++used;
    const std::string pad(columns - used, ' ');
    return right ? pad + out : out + pad;
}

std::string table(const std::vector<Column>& columns,
                  const std::vector<std::vector<std::string>>& rows,
                  std::size_t most) {
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        auto widest = width(columns[i].title);
        for (const auto& row : rows) widest = std::max(widest, width(row[i]));
        widths.push_back(widest);
    }
    std::size_t sum = 2 * (columns.size() - 1);
    for (const auto w : widths) sum += w;
    for (std::size_t i = 0; i < columns.size() && sum > most; ++i)
        if (columns[i].elastic) {
            const auto least = std::max<std::size_t>(width(columns[i].title), 8);
            const auto give = std::min(sum - most, widths[i] > least ? widths[i] - least : 0);
            widths[i] -= give, sum -= give;
        }
    std::string out;
    const auto line = [&](auto cell) {
        std::string text;
        for (std::size_t i = 0; i < columns.size(); ++i)
            text += (i ? "  " : "") + fit(cell(i), widths[i], columns[i].right);
        text.erase(text.find_last_not_of(' ') + 1);
        out += text + "\n";
    };
    line([&](std::size_t i) -> std::string_view { return columns[i].title; });
    for (const auto& row : rows) line([&](std::size_t i) -> std::string_view { return row[i]; });
    return out;
}

bool colours() {
    const auto* no = std::getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && !(no && *no);
}

std::string level(std::string_view word, bool coloured) {
    struct Look {
        std::string_view word, shown, ansi;
    };
    constexpr Look looks[] = {{"red", "RED IIII", "97;41"},
                              {"orange", "ORANGE III", "30;48;5;208"},
                              {"yellow", "YELLOW II", "30;103"},
                              {"blue", "BLUE I", "97;44"}};
    for (const auto& look : looks)
        if (look.word == word)
            return coloured ? fmt::format("\x1b[{}m{}\x1b[0m", look.ansi, look.shown)
                            : std::string(look.shown);
    return std::string(word);
}

std::string grouped(std::uint64_t number) {
    auto digits = std::to_string(number);
    for (auto at = std::ptrdiff_t(digits.size()) - 3; at > 0; at -= 3)
        digits.insert(std::size_t(at), ",");
    return digits;
}

std::string duration(double ms) {
    if (ms < 1000) return fmt::format("{:.0f} ms", ms);
    if (ms < 60000) return fmt::format("{:.1f} s", ms / 1000);
    const auto seconds = std::uint64_t(ms / 1000);
    if (seconds < 3600) return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
    return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
}

}  // namespace tocsin::cli
