#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// RFC 4180 as it arrives: chunks in, records out, one line in memory. Damage stays in its line:
/// where a quote is never closed, only the line that opened it is lost.
namespace tocsin::audience {

inline constexpr std::size_t record_bytes_max = 64 * 1024;

enum class Broken { no, quotes, too_long };

struct Record {
    std::uint64_t line;  // where it begins, from 1
    Broken broken;       // then fields holds the line's beginning, as it stands
    std::span<const std::string_view> fields;  // valid during the visit
};

class Records {
public:
    using Visit = std::function<void(const Record&)>;
    explicit Records(Visit visit) : visit_(std::move(visit)) {}

    /// With this many columns a line inside quotes that has as many is a record of its own: better to
    /// lose a strange name than to swallow people.
    void expect_columns(std::size_t columns) { columns_ = columns; }
    void feed(std::string_view chunk);
    void finish();

private:
    void take_line(std::string_view line);
    void take_alone(std::string_view line, std::uint64_t number);
    void go_on(std::string_view line);
    void give_up();
    void emit(std::string_view text, std::uint64_t line);
    void reject(std::string_view text, std::uint64_t line, Broken why);

    Visit visit_;
    std::size_t columns_ = 0;
    std::string tail_;       // of the last chunk: a line without its end
    bool dropping_ = false;  // the rest of a line that was too long
    std::uint64_t line_ = 0, opened_at_ = 0;
    std::string open_;  // a record whose quotes are open at the end of the line
    std::vector<std::string_view> fields_;
    std::string unquoted_;
};

}  // namespace tocsin::audience
