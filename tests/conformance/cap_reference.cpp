#include "tests/conformance/cap_reference.hpp"

#include <libxml/parser.h>
#include <libxml/tree.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace tocsin::reference {

std::optional<std::string> folder() {
    const char* said = std::getenv("TOCSIN_SHARED");
    const std::string path = said ? said : "../shared";
    if (std::filesystem::exists(path + "/cap/manifest.tsv")) return path;
    fmt::print("SKIPPED: no reference data at {} (set TOCSIN_SHARED)\n", path);
    return {};
}

std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + path);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> words(const std::string& list, char separator) {
    std::vector<std::string> out;
    std::istringstream in(list);
    for (std::string word; std::getline(in, word, separator);) out.push_back(word);
    return out;
}

std::vector<Row> manifest(const std::string& folder) {
    std::istringstream in(read(folder + "/cap/manifest.tsv"));
    std::string line;
    std::getline(in, line);
    const auto columns = words(line, '\t');
    std::vector<Row> rows;
    while (std::getline(in, line)) {
        const auto cells = words(line, '\t');
        Row row;
        for (std::size_t i = 0; i < columns.size(); ++i)
            row[columns[i]] = i < cells.size() ? cells[i] : "-";
        rows.push_back(std::move(row));
    }
    return rows;
}

std::string canonical(const std::string& path) {
    std::string out;
    for (const auto& step : words(path, '/')) {
        if (step.empty()) continue;
        if (!out.empty()) out += '/';
        out += step;
        if (step[0] != '@' && step.back() != ']' && step != "alert") out += "[1]";
    }
    return out;
}

namespace {

const xmlNode* child(const xmlNode* parent, const std::string& step) {
    const auto bracket = step.find('[');
    const auto name = step.substr(0, bracket);
    int left = std::stoi(step.substr(bracket + 1));
    for (auto at = parent->children; at; at = at->next) {
        if (at->type != XML_ELEMENT_NODE || name != reinterpret_cast<const char*>(at->name))
            continue;
        if (--left == 0) return at;
    }
    return nullptr;
}

}  // namespace

namespace {

void say_nothing(void*, const char*, ...) {}

}  // namespace

void silence() { xmlSetGenericErrorFunc(nullptr, say_nothing); }

long line_of(const std::string& bytes, const std::string& path) {
    silence();
    const std::unique_ptr<xmlDoc, void (*)(xmlDoc*)> doc(
        xmlReadMemory(
            bytes.data(), static_cast<int>(bytes.size()), nullptr, nullptr,
            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_BIG_LINES),
        xmlFreeDoc);
    if (!doc) return 0;
    const xmlNode* at = xmlDocGetRootElement(doc.get());
    const auto steps = words(canonical(path), '/');
    for (std::size_t i = 1; at && i < steps.size(); ++i) {
        if (steps[i][0] == '@') break;
        at = child(at, steps[i]);
    }
    return at ? xmlGetLineNo(at) : 0;
}

}  // namespace tocsin::reference
