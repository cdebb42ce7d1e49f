#include "tests/conformance/cap_reference.hpp"

#include <doctest/doctest.h>
#include <libxml/parser.h>
#include <libxml/relaxng.h>

#include <cstdio>
#include <filesystem>
#include <set>

/// schemas/cap-1.2.rng, which we ship, against the OASIS schema's verdicts in the manifest: by
/// libxml2 here, and by jing where it is installed.
namespace tocsin::cap {
namespace {

constexpr const char* schema_path = "schemas/cap-1.2.rng";

/// The grammar is stricter than libxml2's reading of the schema, and right.
bool argued(const std::string& path) {
    return path.ends_with("own-sent-surrounding-space.xml") ||  // 3.3.2 has no blanks
           path.ends_with("own-signed-before-info.xml");        // the signature comes last
}

/// jing's library of types reads these otherwise: it refuses 24:00:00, takes a leap second, and
/// follows XInclude before it looks.
bool argued_of_jing(const std::string& path) {
    return path.ends_with("own-sent-24-hour.xml") || path.ends_with("own-sent-leap-second.xml") ||
           path.ends_with("own-xinclude.xml");
}

std::set<std::string> refused_by_libxml2(const std::vector<std::string>& files) {
    reference::silence();
    const std::unique_ptr<xmlRelaxNGParserCtxt, void (*)(xmlRelaxNGParserCtxt*)> parser(
        xmlRelaxNGNewParserCtxt(schema_path), xmlRelaxNGFreeParserCtxt);
    const std::unique_ptr<xmlRelaxNG, void (*)(xmlRelaxNG*)> schema(xmlRelaxNGParse(parser.get()),
                                                                    xmlRelaxNGFree);
    REQUIRE(schema);
    std::set<std::string> out;
    for (const auto& file : files) {
        const std::unique_ptr<xmlDoc, void (*)(xmlDoc*)> doc(
            xmlReadFile(file.c_str(), nullptr,
                        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING),
            xmlFreeDoc);
        REQUIRE_MESSAGE(doc, file);
        const std::unique_ptr<xmlRelaxNGValidCtxt, void (*)(xmlRelaxNGValidCtxt*)> context(
            xmlRelaxNGNewValidCtxt(schema.get()), xmlRelaxNGFreeValidCtxt);
        if (xmlRelaxNGValidateDoc(context.get(), doc.get()) != 0) out.insert(file);
    }
    return out;
}

/// jing says "FILE:LINE:COLUMN: error: ..." for each fault, all files in one run.
std::set<std::string> refused_by_jing(const std::vector<std::string>& files) {
    std::string command = fmt::format("jing {}", schema_path);
    for (const auto& file : files) command += " '" + file + "'";
    std::set<std::string> out;
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen((command + " 2>/dev/null").c_str(), "r"),
                                                     pclose);
    REQUIRE(pipe);
    char line[4096];
    while (std::fgets(line, sizeof line, pipe.get()))
        for (const auto& file : files)
            if (std::string_view(line).starts_with(file + ":")) out.insert(file);
    return out;
}

void compare(const std::string& with,
             const std::vector<reference::Row>& rows,
             const std::vector<std::string>& files,
             const std::set<std::string>& refused) {
    CHECK(refused.size() > 50);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (argued(files[i]) || (with == "jing" && argued_of_jing(files[i]))) continue;
        CHECK_MESSAGE(refused.contains(files[i]) == (rows[i].at("xsd") == "fail"), with, " ",
                      files[i], " xsd ", rows[i].at("xsd"));
    }
}

TEST_CASE("the grammar that we ship says of every message what the OASIS schema says") {
    const auto folder = reference::folder();
    if (!folder) return;
    std::vector<reference::Row> rows;
    std::vector<std::string> files;
    for (auto& row : reference::manifest(*folder)) {
        if (row.at("xsd") == "not-parsed" || row.at("rule") == "doctype") continue;
        files.push_back(std::filesystem::absolute(*folder + "/cap/" + row.at("path")));
        rows.push_back(std::move(row));
    }
    REQUIRE(rows.size() > 300);
    compare("libxml2", rows, files, refused_by_libxml2(files));
    if (std::system("command -v jing > /dev/null 2>&1") == 0)
        compare("jing", rows, files, refused_by_jing(files));
    else
        MESSAGE("jing is not installed: libxml2 only");
}

}  // namespace
}  // namespace tocsin::cap
