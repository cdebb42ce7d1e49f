#pragma once
#include <string>
#include <string_view>
#include <vector>

/// How answers look on a terminal: at most 80 columns, Han counted as two, colours of the four
/// levels unless NO_COLOR or no terminal (experience.md 4, 6).
namespace tocsin::cli {

/// Columns that a terminal needs; controls count none.
std::size_t width(std::string_view utf8);
/// Cut or padded to exactly `columns`; what was cut ends in "…".
std::string fit(std::string_view utf8, std::size_t columns, bool right = false);

struct Column {
    std::string title;
    bool right = false;
    bool elastic = false;  // gives way first when 80 columns are not enough
};
std::string table(const std::vector<Column>& columns,
                  const std::vector<std::vector<std::string>>& rows,
                  std::size_t most = 80);

/// "red" -> "RED IIII" in its colours, if `colours`.
std::string level(std::string_view word, bool colours);
/// 2189300 -> "2,189,300"
std::string grouped(std::uint64_t number);
/// 84 -> "84 ms", 2100 -> "2.1 s", 212000 -> "3:32"
std::string duration(double ms);
bool colours();
/// Removes control characters: text of alerts must not drive the terminal.
std::string plain(std::string_view utf8);

}  // namespace tocsin::cli
