#pragma once
#include "server/audience/csv.hpp"
#include "server/audience/phone.hpp"
#include "server/base/fault.hpp"

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

/// An audience as a CSV stream (RFC 4180, UTF-8, a header line) to groups of numbers. One thread, 16
/// bytes a row, never the whole text. Owns no file, no network and no knowledge of the city.
namespace tocsin::audience {

/// What is shared by the people of one group decides together whether and how they are told.
struct Group {
    std::vector<std::string> regions;  // all that they are listed in, in code order
    std::string network;               // by the number's prefix, or "other"
    std::string language;              // BCP 47
    std::string role;                  // "public", "responsible"
    bool opted_out = false;
    std::vector<std::uint64_t> numbers;  // E.164, ascending, each once
};

/// Somebody who must acknowledge, by name.
struct Person {
    std::uint64_t number;
    std::string name;
};

enum class Flaw {
    columns,
    quotes,
    too_long,
    number_empty,
    number_form,
    number_not_mobile,
    number_country,
    number_invalid,
    number_skipped,
    region,
    language,
    role,
    opt_out,
    name,
};
inline constexpr std::size_t flaws = 14;
const char* word(Flaw flaw);      // "number-form", for machines
const char* sentence(Flaw flaw);  // for people

struct Rejected {
    std::uint64_t line;
    Flaw flaw;
    std::string number;  // masked; empty where none could be read
};

struct Counts {
    std::uint64_t rows = 0;      // records after the header; empty lines do not count
    std::uint64_t accepted = 0;  // rows
    std::uint64_t rejected = 0;
    std::array<std::uint64_t, flaws> by_flaw{};
    std::uint64_t repeated = 0;  // accepted rows that said what an earlier one had said
    std::uint64_t merged = 0;    // accepted rows that said more or else of a person
    std::uint64_t people = 0;    // accepted = people + repeated + merged
    std::uint64_t opted_out = 0, responsible = 0;  // people
};

struct Imported {
    std::vector<Group> groups;       // ordered by everything but the numbers
    std::vector<Person> people;      // named responsible people, by number
    std::vector<Rejected> rejected;  // the first hundred
    Counts counts;
};

struct Options {
    std::function<bool(std::string_view)> region_exists;
    std::vector<std::string>
        skip;  // beginnings of E.164 numbers that are machines, such as "861064"
    std::string language = "zh-CN";  // where the column is empty or missing
};

/// Columns, in any order: number and region; language, role (public), opt_out (no) and name where
/// wanted. Who is listed more than once is one person: in all the regions, in the language first
/// given, responsible or opted out if any row says so.
class Importer {
public:
    explicit Importer(Options options);

    /// A fault means that the header is none of an audience; further chunks are then ignored.
    Result<void> feed(std::string_view chunk);
    /// Once, at the end.
    Result<Imported> finish();
    const Counts& counts() const { return counts_; }

private:
    enum Column { number, region, language, role, opt_out, name, columns };
    struct Row {
        std::uint64_t number;
        std::uint32_t order;
        std::uint16_t region;
        std::uint8_t language, marks;
    };
    /// Texts that repeat in every row, as small numbers.
    struct Words {
        std::vector<std::string> all;
        std::unordered_map<std::string, std::size_t> known;  // also as they were written
        std::string last;                                    // rows often come sorted
        std::size_t last_id = 0;
        std::optional<std::size_t> find(const std::string& text);
        std::size_t add(const std::string& written, std::string text);
    };

    void take(const Record& record);
    void take_header(const Record& record);
    void take_row(const Record& record);
    std::optional<Flaw> read(std::span<const std::string_view> fields, Row& row);
    std::optional<std::size_t> region_of(std::string_view text);
    std::optional<std::size_t> language_of(std::string_view text);
    bool is_skipped(std::uint64_t number) const;
    void reject(const Record& record, Flaw flaw);
    std::string_view field(std::span<const std::string_view> fields, Column column) const;
    static constexpr std::uint8_t responsible_mark = 1, opted_out_mark = 2;
    void group(Imported& into);  // groups.cpp

    Options options_;
    Records records_;
    std::array<std::size_t, columns> at_;  // where each column stands
    std::size_t width_ = 0;                // 0: no header yet
    std::optional<Fault> fault_;
    Words regions_, languages_;
    std::string scratch_;
    std::vector<Row> rows_;
    std::unordered_map<std::uint32_t, std::string> names_;  // of responsible people, by row
    std::vector<Rejected> rejected_;
    Counts counts_;
};

}  // namespace tocsin::audience
