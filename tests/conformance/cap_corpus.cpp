#include "server/base/digest.hpp"
#include "server/cap/known.hpp"
#include "tests/conformance/cap_reference.hpp"

#include <doctest/doctest.h>

#include <set>

/// Every row of the reference manifest: verdict, rule, place. Rows whose rule needs the signature
/// verified are the signature tests' business.
namespace tocsin::cap {
namespace {

using reference::Row;

/// Cells where the manifest contradicts the table of rules or the file itself, and why.
struct Argued {
    const char *path, *column, *value, *why;
};
constexpr Argued argued[] = {
    {"corpus/invalid/real-ca-pelmorex-atom-bad-encoding.xml", "rule", "bad-encoding",
     "the table of rules names this very file under bad-encoding (A3), the row not-well-formed"},
    {"corpus/valid/generated-test-polygon-circle.xml", "rule", "polygon-area",
     "its polygon is a line (23.5,90.5 23.6,90.6 23.7,90.7); E7 warns, as there is a circle too"},
    {"corpus/invalid/own-doctype-only.xml", "where", "2", "the DOCTYPE stands in line 2"},
};

std::vector<Row> argued_manifest(const std::string& folder) {
    auto rows = reference::manifest(folder);
    for (auto& row : rows)
        for (const auto& one : argued)
            if (row.at("path") == one.path) row[one.column] = one.value;
    return rows;
}

/// The manifest's row says info[17]: it was made with a limit of 16, the default is 64.
Limits limits_for(const Row& row) {
    Limits limits;
    if (row.at("path").ends_with("own-infos-300.xml")) limits.infos = 16;
    return limits;
}

bool by_signature(std::string_view rule) {
    return rule.starts_with("signature-") && rule != "signature-position";
}

std::vector<Known> known_before(const std::vector<Row>& rows,
                                const std::string& folder,
                                const std::string& path) {
    std::vector<Known> known;
    for (auto at = path; at != "-";) {
        const auto bytes = reference::read(folder + "/cap/" + at);
        const auto judged = judge(bytes);
        REQUIRE(judged.valid());
        known.push_back({*judged.alert, sha256_hex(bytes)});
        std::string next = "-";
        for (const auto& row : rows)
            if (row.at("path") == at) next = row.at("after");
        at = next;
    }
    return known;
}

std::vector<Violation> all_violations(const std::vector<Row>& rows,
                                      const std::string& folder,
                                      const Row& row,
                                      const std::string& bytes) {
    auto judged = judge(bytes, limits_for(row));
    const bool stateful = row.at("basis") == "state" || row.at("after") != "-";
    if (stateful && judged.valid()) {
        const auto known = known_before(rows, folder, row.at("after"));
        for (auto& found : judge_known(*judged.alert, known, judged.lines, sha256_hex(bytes)))
            judged.violations.push_back(std::move(found));
    }
    return judged.violations;
}

std::string show(const std::vector<Violation>& all) {
    std::string out;
    for (const auto& v : all)
        out += fmt::format("\n    {} {} {} {}: {}", v.line,
                           v.severity == Weight::error ? "error" : "warning", v.rule, v.element,
                           v.message);
    return out;
}

std::set<std::string> expected_warnings(const Row& row) {
    std::set<std::string> out;
    for (const auto* column : {"rule", "other_warnings"})
        for (const auto& rule : reference::words(row.at(column)))
            if (rule != "-" && !by_signature(rule)) out.insert(rule);
    return out;
}

/// A place in the manifest is a path, a line, or words about it; only paths and lines are compared.
/// In files of others it may name the block around the fault.
bool place_agrees(const Row& row, const std::string& bytes, const Violation& found) {
    auto where = row.at("where");
    where = where.substr(0, where.find(' '));
    if (where.empty() || where == "-") return true;
    if (where.find_first_not_of("0123456789") == where.npos) return found.line == std::stol(where);
    if (where == "line") {  // "line 17: Element ..."
        return found.line == std::stol(row.at("where").substr(5));
    }
    if (where[0] != '/') return true;
    const auto want = reference::canonical(where), have = reference::canonical(found.element);
    const bool real = row.at("path").find("/real-") != std::string::npos;
    const bool attribute = have.starts_with(want + "/@");
    if (row.at("rule") == "root") return want == have;
    if (want != have && !attribute && !(real && have.starts_with(want + "/"))) return false;
    // The line is that of the element; where it is missing, that of what stands in its place.
    if (const auto line = reference::line_of(bytes, have); line > 0)
        return found.line == line || std::to_string(found.line) == row.at("xsd_line");
    return row.at("xsd_line") == "-" || found.line == std::stol(row.at("xsd_line"));
}

void check_valid(const Row& row, const std::vector<Violation>& all, const std::string& bytes) {
    std::set<std::string> warnings;
    for (const auto& found : all) {
        CHECK_MESSAGE(found.severity == Weight::warning, row.at("path"), show(all));
        warnings.insert(found.rule);
        if (found.rule == row.at("rule"))
            CHECK_MESSAGE(place_agrees(row, bytes, found), row.at("path"), show(all));
    }
    const auto wanted = expected_warnings(row);
    CHECK_MESSAGE(warnings == wanted, row.at("path"), " wants ",
                  fmt::format("{}", fmt::join(wanted, " ")), show(all));
    if (row.at("rule") == "-") CHECK_MESSAGE(all.empty(), row.at("path"), show(all));
}

void check_invalid(const Row& row, const std::vector<Violation>& all, const std::string& bytes) {
    const auto rule = row.at("rule");
    const Violation* best = nullptr;
    bool placed = false;
    for (const auto& found : all) {
        if (found.severity != Weight::error) continue;
        if (row.at("path").find("/own-") != std::string::npos)
            CHECK_MESSAGE(found.rule == rule, row.at("path"), " breaks one rule only", show(all));
        if (found.rule != rule) continue;
        best = &found;
        placed = placed || place_agrees(row, bytes, found);
    }
    CHECK_MESSAGE(best != nullptr, row.at("path"), " wants ", rule, show(all));
    if (best)
        CHECK_MESSAGE(placed, row.at("path"), " wants ", row.at("where"), " line ",
                      row.at("xsd_line"), show(all));
}

TEST_CASE("every row of the reference manifest is judged as it says") {
    const auto folder = reference::folder();
    if (!folder) return;
    const auto rows = argued_manifest(*folder);
    REQUIRE(rows.size() > 300);
    std::size_t judged = 0, later = 0;
    for (const auto& row : rows) {
        if (row.at("basis") == "signature" && by_signature(row.at("rule"))) {
            ++later;
            continue;
        }
        const auto bytes = reference::read(*folder + "/cap/" + row.at("path"));
        const auto all = all_violations(rows, *folder, row, bytes);
        row.at("verdict") == "invalid" ? check_invalid(row, all, bytes)
                                       : check_valid(row, all, bytes);
        ++judged;
    }
    CHECK(judged + later == rows.size());
    MESSAGE(judged, " rows judged, ", later, " left to the signature tests");
}

TEST_CASE("what a valid message says is the same after writing and reading again") {
    const auto folder = reference::folder();
    if (!folder) return;
    for (const auto& row : reference::manifest(*folder)) {
        if (row.at("verdict") == "invalid") continue;
        const auto first = judge(reference::read(*folder + "/cap/" + row.at("path")));
        REQUIRE_MESSAGE(first.valid(), row.at("path"));
        const auto written = write(*first.alert);
        const auto second = judge(written);
        CHECK_MESSAGE(second.valid(), row.at("path"), show(second.violations));
        CHECK_MESSAGE((second.alert == first.alert), row.at("path"));
        if (second.valid()) CHECK_MESSAGE(write(*second.alert) == written, row.at("path"));
    }
}

TEST_CASE("a message cut off anywhere is refused as not XML") {
    const auto folder = reference::folder();
    if (!folder) return;
    for (const auto& row : reference::manifest(*folder)) {
        if (row.at("verdict") == "invalid") continue;
        const auto bytes = reference::read(*folder + "/cap/" + row.at("path"));
        const auto whole = bytes.find_last_not_of(std::string_view("\r\n\t \0", 5));
        // The largest messages are cut more coarsely: each cut reads all that is before it.
        const std::size_t step = 97 * (1 + bytes.size() / 50000);
        for (std::size_t cut = 0; cut < bytes.size(); cut += step) {
            const auto part = judge(std::string_view(bytes).substr(0, cut));
            if (cut > whole) continue;
            if (part.valid() || part.is_cap || part.violations.size() != 1)
                FAIL_CHECK(row.at("path"), " cut at ", cut, show(part.violations));
        }
    }
}

}  // namespace
}  // namespace tocsin::cap
