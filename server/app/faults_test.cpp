#include "server/app/faults.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace tocsin;
using namespace tocsin::app;

namespace {

struct Row {
    std::string complaint, file;
    long line, column;
    std::string key, rule, message;
};

void check(const ConfigFault& fault, const Row& row) {
    CAPTURE(row.complaint);
    CHECK(fault.file == row.file);
    CHECK(fault.line == row.line);
    CHECK(fault.column == row.column);
    CHECK(fault.key == row.key);
    CHECK(fault.rule == row.rule);
    CHECK(fault.message == row.message);
}

/// A file of regions that is gone with the test.
struct Regions {
    explicit Regions(std::string_view text)
        : path(std::filesystem::temp_directory_path() /
               ("tocsin-faults-" + std::to_string(::getpid()) + ".geojson")) {
        std::ofstream(path) << text;
    }
    ~Regions() { std::filesystem::remove(path); }
    std::filesystem::path path;
};

}  // namespace

TEST_CASE("a complaint is taken apart into place, key, rule and message") {
    const Row rows[] = {
        {"t.toml:12:3: limits.rate: unknown key; did you mean 'rates'?", "t.toml", 12, 3,
         "limits.rate", "unknown-key", "unknown key; did you mean 'rates'?"},
        {"t.toml:1:1: endpoint[2].areas: is missing or empty: there is no default area", "t.toml",
         1, 1, "endpoint[2].areas", "missing", "is missing or empty: there is no default area"},
        {"t.toml:0:0: tls.key: is missing", "t.toml", 0, 0, "tls.key", "missing", "is missing"},
        {"t.toml:7:1: Error while parsing table: no ']'", "t.toml", 7, 1, "", "syntax",
         "Error while parsing table: no ']'"},
        {"t.toml:3:1: limits.a b: unknown key", "t.toml", 3, 1, "", "unknown-key",
         "limits.a b: unknown key"},
        {"a:b.toml:3:1: x: must be a text in quotes", "a:b.toml", 3, 1, "x", "wrong-type",
         "must be a text in quotes"},
        {"t.toml:3:1: tls.key: no such file: /a:1:/k: x", "t.toml", 3, 1, "tls.key", "no-such-file",
         "no such file: /a:1:/k: x"},
        {"t.toml:3:1: endpoint[2].web.state: s is already the state of endpoint 'web'", "t.toml", 3,
         1, "endpoint[2].web.state", "repeated", "s is already the state of endpoint 'web'"},
        {"cannot read /etc/t.toml", "t.toml", 0, 0, "", "unreadable", "cannot read /etc/t.toml"},
        {"", "t.toml", 0, 0, "", "unreadable", ""},
        {":1:", "", 1, 0, "", "syntax", ""},
    };
    for (const auto& row : rows) check(read_complaint(row.complaint, "t.toml"), row);
}

TEST_CASE("faults of templates stand in their files, one each") {
    const Fault fault{Cause::malformed,
                      "rain/sms.zh-CN.mustache:4: {{sgnature}} is no known name\n"
                      "rain/sms.en-US.mustache:2: x is never closed\n"
                      "rain/sms.mustache: wants <form>[.<kind>].<language>.mustache\n"
                      "rain/words.zh-CN.toml:1:2: red.advce: unknown key\n"
                      "names.zh-CN.tsv:3: wants 2 cells between tabs, none empty\n"
                      "default: no sms for publish in zh-CN; reading the templates"};
    const Row rows[] = {
        {"", "words/rain/sms.zh-CN.mustache", 4, 0, "sgnature", "template", "is no known name"},
        {"", "words/rain/sms.en-US.mustache", 2, 0, "", "template", "x is never closed"},
        {"", "words/rain/sms.mustache", 1, 0, "", "template",
         "wants <form>[.<kind>].<language>.mustache"},
        {"", "words/rain/words.zh-CN.toml", 1, 2, "red.advce", "unknown-key", "unknown key"},
        {"", "words/names.zh-CN.tsv", 3, 0, "", "template",
         "wants 2 cells between tabs, none empty"},
        {"", "words/default", 0, 0, "", "template", "no sms for publish in zh-CN"},
    };
    const auto found = template_faults(fault, "words");
    REQUIRE(found.size() == std::size(rows));
    for (std::size_t i = 0; i < found.size(); ++i) check(found[i], rows[i]);
}

TEST_CASE("a fault of the regions names the line of its feature, its code, or the break") {
    const Regions regions(
        "{\"type\":\"FeatureCollection\",\n\"features\":[\n"
        "{\"type\":\"Feature\",\"code\":\"1\"},\n"
        "{\"type\":\"Feature\",\"code\":\"2\"}]}\n");
    const auto line = [&](std::string what) {
        return region_fault({Cause::malformed, std::move(what)}, regions.path, "r").line;
    };
    CHECK(line("code is no text; region \"\"; feature 1; reading /x/r.geojson") == 4);
    CHECK(line("has no properties; feature 0") == 3);
    CHECK(line("region 2 is there twice") == 4);
    CHECK(line("region 9 is there twice") == 1);
    CHECK(line("2 cities, not one") == 1);
    CHECK(line("no JSON: incomplete; feature 99") == 1);
    const Regions cut("{\"type\":\n\"Feature");
    CHECK(region_fault({Cause::malformed, "no JSON: incomplete"}, cut.path, "r").line == 2);
    CHECK(region_fault({Cause::malformed, "x; reading /p"}, "/nonexistent", "r").message == "x");
}

TEST_CASE("a fault for people is one line, with as much of its place as is known") {
    CHECK(to_text({"t.toml", 3, 7, "a.b", "r", "what"}) == "t.toml:3:7: a.b: what");
    CHECK(to_text({"t.toml", 3, 0, "", "r", "what"}) == "t.toml:3: what");
    CHECK(to_text({"t.toml", 0, 0, "a", "r", "what"}) == "t.toml: a: what");
    CHECK(to_text({"t.toml", 1, 0, "a\nb", "r", "\x1b[31m"}) == "t.toml:1: a?b: ?[31m");
}
