#include "server/audience/importer.hpp"

#include "server/audience/sample.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <random>
#include <set>

namespace tocsin::audience {
namespace {

using Numbers = std::vector<std::uint64_t>;
using Codes = std::vector<std::string>;

Options options() {
    return {[](std::string_view code) {
                static const std::set<std::string_view> known{
                    "110101", "110102", "110105", "110101000000", "110101001", "BJ-F01"};
                return known.contains(code);
            },
            {},
            "zh-CN"};
}

Result<Imported> import(std::string_view text,
                        std::size_t chunk = 1 << 16,
                        Options how = options()) {
    Importer importer(std::move(how));
    for (std::size_t at = 0; at < text.size(); at += chunk)
        if (auto fed = importer.feed(text.substr(at, chunk)); fed.has_error()) return fed.error();
    return importer.finish();
}

Imported good(std::string_view text) {
    auto imported = import(text);
    REQUIRE_MESSAGE(imported.has_value(), (imported.has_error() ? imported.error().what : ""));
    return *imported;
}

/// "3 number-form 1***": line, flaw, number.
Codes told(const Imported& imported) {
    Codes all;
    for (const auto& rejected : imported.rejected)
        all.push_back(fmt::format("{} {} {}", rejected.line, word(rejected.flaw), rejected.number));
    return all;
}

TEST_CASE("rows become groups of those who share everything that decides about them") {
    const auto imported = good(
        "number,region,language,role,opt_out,name\n"
        "13800138001,110101,zh-CN,public,false,\n"
        "13800138000,110101,zh-CN,public,false,\n"
        "13000000000,110101,zh-CN,public,false,\n"
        "+447400123456,110101,en-GB,public,false,\n"
        "13800138002,110102,zh-CN,public,true,\n"
        "13800138003,110102,zh-CN,responsible,false,张三\n");
    REQUIRE(imported.groups.size() == 5);
    const auto& first = imported.groups.front();
    CHECK(first.regions == Codes{"110101"});
    CHECK(first.network == "cmcc");
    CHECK(first.language == "zh-CN");
    CHECK(first.role == "public");
    CHECK_FALSE(first.opted_out);
    CHECK(first.numbers == Numbers{8613800138000, 8613800138001});
    CHECK(imported.groups[1].network == "cucc");
    CHECK(imported.groups[2].network == "other");
    CHECK(imported.groups[2].language == "en-GB");
    CHECK(imported.groups[3].opted_out);
    CHECK(imported.groups[4].role == "responsible");
    REQUIRE(imported.people.size() == 1);
    CHECK(imported.people[0].name == "张三");
    CHECK(imported.people[0].number == 8613800138003);
    CHECK(imported.counts.people == 6);
    CHECK(imported.counts.opted_out == 1);
    CHECK(imported.counts.responsible == 1);
}

TEST_CASE("columns stand in any order, all but number and region may be missing") {
    const auto imported = good("Region, NUMBER\n110105,13800138000\nBJ-F01,13800138001\n");
    REQUIRE(imported.groups.size() == 2);
    CHECK(imported.groups[0].regions == Codes{"110105"});
    CHECK(imported.groups[0].language == "zh-CN");
    CHECK(imported.groups[0].role == "public");
    CHECK(good("opt_out,number,region\n yes ,13800138000,110101\n").groups[0].opted_out);
}

TEST_CASE("a header that is none is refused with its line, before any row") {
    struct Row {
        std::string_view text, what;
    };
    const Row rows[] = {
        {"", "the file is empty"},
        {"\n\n", "the file is empty"},
        {"13800138000,110101\n", "line 1: no column is called \"13800138000\""},
        {"number,region,phone\n", "line 1: no column is called \"phone\""},
        {"number;region\n", "line 1: no column is called \"number;region\""},
        {"number,region,\n", "line 1: no column is called \"\""},
        {"\nnumber,region,number\n", "line 2: the column number is there twice"},
        {"number,language\n", "line 1: the column region is missing"},
        {"region\n", "line 1: the column number is missing"},
        {"\"number,region\n13800138000,110101\n", "line 1: the header line is broken"},
        {std::string_view("\xff\xfen\0u\0", 6), "not UTF-8"},
        {std::string_view("n\0u\0", 4), "not UTF-8"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.what);
        const auto imported = import(row.text);
        REQUIRE(imported.has_error());
        CHECK_MESSAGE(imported.error().what.find(row.what) != std::string::npos,
                      imported.error().what);
    }
}

TEST_CASE("broken lines are told by number and reason, masked, and the others go on") {
    const auto imported = good(
        "number,region,language,role,opt_out,name\n"          // 1
        "13800138000,110101,zh-CN,public,false,\n"            // 2
        "13800138001,110101\n"                                // 3
        "13800138002,999999,zh-CN,public,false,\n"            // 4
        "13800138003,110101,chinese!,public,false,\n"         // 5
        "13800138004,110101,zh-CN,mayor,false,\n"             // 6
        "13800138005,110101,zh-CN,public,maybe,\n"            // 7
        ",110101,zh-CN,public,false,\n"                       // 8
        "1380013,110101,zh-CN,public,false,\n"                // 9
        "hello,110101,zh-CN,public,false,\n"                  // 10
        "\n"                                                  // 11
        "+8613800138006,110101,zh-CN,responsible,no,\xff\n"   // 12
        "13800138007,110101,zh-CN,public,false,\"a\"b\n"      // 13
        "13800138008,110101,zh-CN,public,false,a\"b\"\n"      // 14
        "13800138009,110102,zh-CN,public,false,\xd5\xc5\n");  // 15: a name in GBK, not kept
    CHECK(told(imported) == Codes{"3 columns 1380***8001", "4 region-unknown 1380***8002",
                                  "5 language-form 1380***8003", "6 role-unknown 1380***8004",
                                  "7 opt-out-form 1380***8005", "8 number-empty ***",
                                  "9 number-not-mobile 13***3", "10 number-form ***",
                                  "12 name-form 861380***8006", "13 quotes ", "14 quotes "});
    CHECK(imported.counts.people == 2);
    CHECK(imported.counts.rows == 13);
    CHECK(imported.counts.accepted == 2);
    CHECK(imported.counts.rejected == 11);
    CHECK(imported.counts.by_flaw[static_cast<std::size_t>(Flaw::quotes)] == 2);
}

TEST_CASE("the first hundred rejected lines are kept, all are counted") {
    std::string text = "number,region\n";
    for (int i = 0; i < 1000; ++i) text += "x,110101\n";
    const auto imported = good(text);
    CHECK(imported.rejected.size() == 100);
    CHECK(imported.rejected.back().line == 101);
    CHECK(imported.counts.rejected == 1000);
    CHECK(imported.counts.by_flaw[static_cast<std::size_t>(Flaw::number_form)] == 1000);
}

TEST_CASE(
    "quotes, line ends, a BOM and a missing last line end change nothing, wherever chunks are "
    "cut") {
    const std::string plain =
        "number,region,role,name\n13800138000,110101,responsible,\"Zhang, \"\"the\"\" San\"\n"
        "13800138001,110102,public,x\n13800138002,110102,responsible,\"two\nlines\"\n13800138003,"
        "110105,,\n";
    std::string returns;
    for (const char c : plain) returns += c == '\n' ? "\r\n" : std::string(1, c);
    const auto quoted =
        "\"number\",\"region\",\"role\",\"name\"\n\"13800138000\",\"110101\",\"responsible\","
        "\"Zhang, \"\"the\"\" San\"\n"
        "\"13800138001\",\"110102\",\"public\",\"\"\n\"13800138002\",110102,responsible,"
        "\"two\nlines\"\n13800138003,110105,\"\",\"\"";
    const std::string texts[] = {plain,
                                 returns,
                                 "\xef\xbb\xbf" + plain,
                                 "\xef\xbb\xbf" + returns,
                                 plain.substr(0, plain.size() - 1),
                                 quoted};
    for (const auto& text : texts)
        for (std::size_t chunk = 1; chunk <= text.size(); ++chunk) {
            CAPTURE(text);
            CAPTURE(chunk);
            const auto imported = import(text, chunk);
            REQUIRE(imported.has_value());
            CHECK(imported->counts.rejected == 0);
            CHECK(imported->counts.people == 4);
            REQUIRE(imported->people.size() == 2);
            CHECK(imported->people[0].name == "Zhang, \"the\" San");
            CHECK(imported->people[1].name.starts_with("two"));
            CHECK(imported->groups.size() == 4);
        }
}

TEST_CASE("a quote that is never closed costs its own line, nobody else") {
    std::string text = "number,region,name\n13800138000,110101,\"Zhang\n";
    for (int i = 1; i <= 5000; ++i) text += fmt::format("138001{:05},110101,x\n", i);
    auto imported = good(text);
    CHECK(imported.counts.people == 5000);
    CHECK(told(imported) == Codes{"2 quotes "});
    // The next quote would close it, and all between would be one name.
    imported = good(
        "number,region,name\n13800138000,110101,\"Zhang\n13800138001,110101,Li\n13800138002,110101,"
        "Wang\"\n"
        "13800138003,110101,\"Zhao\"\n");
    CHECK(imported.counts.people == 2);
    CHECK(told(imported) == Codes{"2 quotes ", "4 quotes "});
    imported = good("number,region,name\n13800138000,110101,\"Zhang\n\n\n");
    CHECK(told(imported) == Codes{"2 quotes "});
}

TEST_CASE("a line over 64 KiB is told and dropped, also one without an end") {
    const std::string head = "number,region,name\n", huge(200000, 'x');
    for (const std::size_t chunk : {std::size_t{1000}, std::size_t{65536}, std::size_t{1} << 20}) {
        auto imported =
            import(head + "13800138000,110101," + huge + "\n13800138001,110101,\n", chunk);
        REQUIRE(imported.has_value());
        CHECK(imported->counts.people == 1);
        CHECK(told(*imported) == Codes{"2 too-long "});
        imported = import(head + "13800138001,110101,\n" + huge, chunk);
        CHECK(told(*imported) == Codes{"3 too-long "});
        imported = import(head + "13800138001,110101,\"" + huge + "\n13800138002,110101,\n", chunk);
        CHECK(told(*imported) == Codes{"2 too-long "});
        CHECK(imported->counts.people == 1);
    }
    CHECK(good(head + "13800138001,110101," + std::string(65000, 'x') + "\n").counts.people == 1);
    CHECK(import(huge + huge).has_error());
}

TEST_CASE("who is listed in several regions is one person of all of them") {
    const auto imported = good(
        "number,region,language,opt_out\n"
        "13800138000,110102,zh-CN,false\n"
        "13800138001,110101,zh-CN,false\n"
        "+86 138 0013 8000,110101,en-US,false\n"
        "8613800138000,110102,zh-CN,false\n"
        "13800138002,110101,zh-CN,false\n"
        "13800138002,110101000000,zh-CN,false\n"
        "13800138003,110101001,zh-CN,false\n");
    REQUIRE(imported.groups.size() == 3);
    CHECK(imported.groups[0].regions == Codes{"110101"});
    CHECK(imported.groups[0].numbers == Numbers{8613800138001, 8613800138002});
    CHECK(imported.groups[1].regions == Codes{"110101", "110102"});
    CHECK(imported.groups[1].numbers == Numbers{8613800138000});
    CHECK(imported.groups[1].language == "zh-CN");  // the first that was given
    CHECK(imported.groups[2].regions == Codes{"110101001"});
    CHECK(imported.counts.people == 4);
    CHECK(imported.counts.merged == 1);
    CHECK(imported.counts.repeated == 2);
    CHECK(imported.counts.accepted == 7);
}

TEST_CASE("one row that opts out or is responsible decides for the person") {
    const auto imported = good(
        "number,region,role,opt_out,name\n"
        "13800138000,110101,public,false,\n13800138000,110102,public,TRUE,\n"
        "13800138001,110101,public,0,\n13800138001,110101,responsible,no,李四\n");
    REQUIRE(imported.groups.size() == 2);
    CHECK(imported.groups[0].role == "responsible");
    CHECK(imported.groups[1].opted_out);
    CHECK(imported.groups[1].regions == Codes{"110101", "110102"});
    CHECK(imported.people.front().name == "李四");
    CHECK(imported.counts.merged == 2);
}

TEST_CASE("numbers of machines are left out where the configuration says so") {
    auto how = options();
    how.skip = {"86148", "861064"};
    const auto imported =
        import("number,region\n14800000000,110101\n13800138000,110101\n", 100, how);
    CHECK(told(*imported) == Codes{"2 number-skipped 1480***0000"});
    CHECK(imported->counts.people == 1);
}

TEST_CASE("a sample is the same for a seed, has nobody twice, and is taken without a loss") {
    const std::vector<std::string> regions{"110101", "110102", "110105"};
    const auto text = make_sample(20000, 7, regions);
    CHECK(text == make_sample(20000, 7, regions));
    CHECK(text != make_sample(20000, 8, regions));
    const auto imported = good(text);
    CHECK(imported.counts.rejected == 0);
    CHECK(imported.counts.people == 20000);
    CHECK(imported.counts.repeated == 0);
    CHECK(imported.counts.merged > 200);
    CHECK(imported.counts.responsible > 5);
    CHECK(imported.people.size() == imported.counts.responsible);
    CHECK(imported.counts.opted_out > 100);
    std::uint64_t numbers = 0;
    std::set<std::uint64_t> all;
    for (const auto& group : imported.groups) {
        CHECK(group.network == "other");  // nobody's prefix
        CHECK(std::ranges::is_sorted(group.numbers));
        numbers += group.numbers.size();
        all.insert(group.numbers.begin(), group.numbers.end());
    }
    CHECK(numbers == 20000);
    CHECK(all.size() == 20000);
    CHECK(good(make_sample(3, 1, {"110101"})).counts.people == 3);
    CHECK(good(make_sample(0, 1, {"110101"})).groups.empty());
    CHECK(good(make_sample(5, 1, {})).groups.empty());
}

TEST_CASE("whatever the bytes and wherever they are cut, every row is counted once") {
    std::mt19937_64 random(12379);
    const std::string_view pieces[] = {"13800138000", "+447400123456", "110101", ",",     ",", "\n",
                                       "\n",          "\r\n",          "\"",     "\"\"",  "x", "",
                                       "true",        "responsible",   "\xff",   "110102"};
    for (int round = 0; round < 3000; ++round) {
        std::string text = "number,region,role,name\n";
        for (auto i = random() % 60; i > 0; --i) {
            if (random() % 3 == 0)
                text += fmt::format("1380013{:04},110101,,\n", random() % 100);
            else
                text += pieces[random() % std::size(pieces)];
        }
        CAPTURE(text);
        const auto whole = import(text), cut = import(text, 1 + random() % 7);
        REQUIRE(whole.has_value());
        REQUIRE(cut.has_value());
        const auto& counts = whole->counts;
        CHECK(counts.rows == counts.accepted + counts.rejected);
        CHECK(counts.accepted == counts.people + counts.repeated + counts.merged);
        std::uint64_t numbers = 0;
        for (const auto& group : whole->groups) numbers += group.numbers.size();
        CHECK(numbers == counts.people);
        CHECK(cut->counts.people == counts.people);
        CHECK(told(*cut) == told(*whole));
    }
}

// Bound for debug and sanitizer builds; the figure that counts (1,000,000 lines in a release build)
// is printed by the same test when TOCSIN_AUDIENCE_LINES says so.
TEST_CASE("an audience is imported in seconds") {
    const auto* wanted = std::getenv("TOCSIN_AUDIENCE_LINES");
    const auto people = wanted ? std::stoull(wanted) : 100000;
    const auto text = make_sample(people, 3, {"110101", "110102", "110105", "110101001", "BJ-F01"});
    const auto from = std::chrono::steady_clock::now();
    const auto imported = good(text);
    const auto seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
    MESSAGE(imported.counts.rows, " rows in ", seconds, " s");
    CHECK(imported.counts.people == people);
    CHECK(seconds < 10);
}

}  // namespace
}  // namespace tocsin::audience
