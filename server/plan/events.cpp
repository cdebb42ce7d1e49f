#include "server/plan/events.hpp"

#include <fstream>

namespace tocsin::plan {
namespace {

std::vector<std::string> split_tabs(const std::string& line) {
    std::vector<std::string> cells(1);
    for (const char c : line) {
        if (c == '\t')
            cells.emplace_back();
        else if (c != '\r')
            cells.back() += c;
    }
    return cells;
}

}  // namespace

std::string lower(std::string_view text) {
    std::string out(text);
    for (auto& c : out)
        if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    return out;
}

void Events::load(const std::filesystem::path& folder,
                  const std::vector<std::string>& languages,
                  Complaints& complaints) {
    const auto file = Settings::read(folder / "events.toml", complaints);
    if (file.has_error()) return complaints.add(file.error().what);
    read_events(*file);
    for (const auto& language : languages) {
        read_table(folder / fmt::format("names.{}.tsv", language), 2, complaints,
                   [&](const auto& cells) { code_names_[language][cells[0]] = cells[1]; });
        read_table(folder / fmt::format("issuers.{}.tsv", language), 3, complaints,
                   [&](const auto& cells) {
                       const Issuer issuer{cells[1], cells[2]};
                       issuers_[language][cells[0]] = issuer;
                       issuers_[language][cells[1]] = issuer;
                   });
    }
}

void Events::read_events(const Settings& file) {
    for (const auto& table : file.tables("event")) {
        const Event event{
            table.required("key"),
            table.choice("class", "", {"", "natural", "accident", "health", "security"})};
        events_.push_back(event);
        for (const auto& code : table.texts("codes"))
            if (!codes_.try_emplace(code, event).second)
                table.complain("codes", fmt::format("{} stands twice", code));
        for (const auto& name : table.texts("names"))
            if (!names_.try_emplace(lower(name), event).second)
                table.complain("names", fmt::format("{} stands twice", name));
        table.finish();
    }
    for (const auto& table : file.tables("class")) {
        const Event event{"", table.required("key")};
        for (const auto& code : table.texts("codes")) codes_.try_emplace(code, event);
        table.finish();
    }
    file.finish();
}

void Events::read_table(const std::filesystem::path& file,
                        std::size_t columns,
                        Complaints& complaints,
                        const std::function<void(const std::vector<std::string>&)>& row) {
    std::ifstream in(file);
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
        if (line.empty() || line[0] == '#') continue;
        const auto cells = split_tabs(line);
        if (cells.size() == columns && std::ranges::none_of(cells, &std::string::empty))
            row(cells);
        else
            complaints.add(fmt::format("{}:{}: wants {} cells between tabs, none empty",
                                       file.filename().string(), number, columns));
    }
}

std::optional<Event> Events::by_code(std::string_view code) const {
    for (const auto length : {code.size(), std::size_t(3), std::size_t(2)})
        if (const auto found = codes_.find(std::string(code.substr(0, length)));
            found != codes_.end())
            return found->second;
    return std::nullopt;
}

std::optional<Event> Events::by_name(std::string_view name) const {
    const auto found = names_.find(lower(name));
    return found == names_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> Events::name_of(std::string_view code,
                                           const std::string& language) const {
    const auto table = code_names_.find(language);
    if (table == code_names_.end()) return std::nullopt;
    const auto found = table->second.find(std::string(code));
    return found == table->second.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Issuer> Events::issuer(const std::string& said, const std::string& language) const {
    const auto table = issuers_.find(language);
    if (table == issuers_.end()) return std::nullopt;
    const auto found = table->second.find(said);
    return found == table->second.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace tocsin::plan
