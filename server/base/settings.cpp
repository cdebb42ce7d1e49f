#include "server/base/settings.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <fstream>
#include <set>
#include <sstream>

namespace tocsin {

struct Settings::Node {
    std::shared_ptr<const toml::table> root;  // keeps `table` alive
    const toml::table* table;
    std::string file, path;
    std::filesystem::path folder;
    Complaints* complaints;
    std::set<std::string, std::less<>> known;
};

namespace {

std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        auto diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const auto changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
        }
    }
    return row[b.size()];
}

template <class Names> std::string nearest(std::string_view name, const Names& names) {
    std::string_view best;
    for (const std::string_view candidate : names)
        if (best.empty() || distance(name, candidate) < distance(name, best)) best = candidate;
    if (best.empty() || distance(name, best) > std::max<std::size_t>(2, name.size() / 3)) return "";
    return fmt::format("; did you mean '{}'?", best);
}

bool padded(std::string_view text) {
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
    return !text.empty() && (blank(text.front()) || blank(text.back()));
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    std::size_t digits = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
    if (digits == 0 || digits > 9) return std::nullopt;
    const std::int64_t count = std::stoll(std::string(text.substr(0, digits)));
    using namespace std::chrono;
    const auto unit = text.substr(digits);
    if (unit == "ms") return milliseconds(count);
    if (unit == "s") return seconds(count);
    if (unit == "m") return minutes(count);
    if (unit == "h") return hours(count);
    if (unit == "d") return hours(24 * count);
    return std::nullopt;
}

}  // namespace

Result<Settings> Settings::parse(std::string_view text,
                                 std::string_view name,
                                 Complaints& complaints) {
    try {
        auto root = std::make_shared<const toml::table>(toml::parse(text, name));
        auto node = std::make_shared<Node>();
        node->table = root.get();
        node->root = std::move(root);
        node->file = name;
        node->complaints = &complaints;
        return Settings(std::move(node));
    } catch (const toml::parse_error& error) {
        const auto at = error.source().begin;
        return Fault{Cause::malformed,
                     fmt::format("{}:{}:{}: {}", name, at.line, at.column, error.description())};
    }
}

Result<Settings> Settings::read(const std::filesystem::path& file, Complaints& complaints) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    if (!in || !(text << in.rdbuf()))
        return Fault{Cause::malformed, "cannot read " + file.string()};
    auto settings = parse(text.str(), file.filename().string(), complaints);
    if (settings) settings->node_->folder = file.parent_path();
    return settings;
}

namespace {

template <class Node> const toml::node* look(Node& node, std::string_view key) {
    node.known.emplace(key);
    return node.table ? node.table->get(key) : nullptr;
}

}  // namespace

bool Settings::has(std::string_view key) const { return look(*node_, key) != nullptr; }

void Settings::complain(std::string_view key, std::string_view what) const {
    const auto* found = node_->table ? node_->table->get(key) : nullptr;
    const auto at = found          ? found->source().begin
                    : node_->table ? node_->table->source().begin
                                   : toml::source_position{};
    node_->complaints->add(
        fmt::format("{}:{}:{}: {}{}: {}", node_->file, at.line, at.column, node_->path, key, what));
}

std::string Settings::text(std::string_view key, std::string_view fallback) const {
    const auto* found = look(*node_, key);
    if (!found) return std::string(fallback);
    const auto value = found->value_exact<std::string>();
    if (!value) return complain(key, "must be a text in quotes"), std::string(fallback);
    if (padded(*value)) return complain(key, "has white space at its ends"), std::string(fallback);
    return *value;
}

std::string Settings::required(std::string_view key) const {
    if (!look(*node_, key)) return complain(key, "is missing"), "";
    auto value = text(key);
    if (value.empty()) complain(key, "is empty");
    return value;
}

std::int64_t Settings::number(std::string_view key,
                              std::int64_t fallback,
                              std::int64_t least,
                              std::int64_t most) const {
    const auto* found = look(*node_, key);
    if (!found) return fallback;
    const auto value = found->value_exact<std::int64_t>();
    if (!value) return complain(key, "must be a whole number"), fallback;
    if (*value < least || *value > most)
        return complain(key, fmt::format("{} is not within {} and {}", *value, least, most)),
               fallback;
    return *value;
}

double Settings::real(std::string_view key, double fallback, double least, double most) const {
    const auto* found = look(*node_, key);
    if (!found) return fallback;
    const auto value = found->value<double>();
    if (!value) return complain(key, "must be a number"), fallback;
    if (!(*value >= least && *value <= most))
        return complain(key, fmt::format("{} is not within {} and {}", *value, least, most)),
               fallback;
    return *value;
}

bool Settings::flag(std::string_view key, bool fallback) const {
    const auto* found = look(*node_, key);
    if (!found) return fallback;
    const auto value = found->value_exact<bool>();
    if (!value) return complain(key, "must be true or false"), fallback;
    return *value;
}

std::chrono::milliseconds Settings::duration(std::string_view key,
                                             std::chrono::milliseconds fallback) const {
    if (!look(*node_, key)) return fallback;
    const auto value = parse_duration(text(key));
    if (!value)
        return complain(key, R"(must be a duration such as "250ms", "30s", "3m", "4h" or "30d")"),
               fallback;
    return *value;
}

std::vector<std::string> Settings::texts(std::string_view key,
                                         std::vector<std::string> fallback) const {
    const auto* found = look(*node_, key);
    if (!found) return fallback;
    const auto* array = found->as_array();
    if (!array) return complain(key, "must be a list of texts"), fallback;
    std::vector<std::string> out;
    for (const auto& item : *array) {
        const auto value = item.value_exact<std::string>();
        if (!value) return complain(key, "must be a list of texts"), fallback;
        if (value->empty() || padded(*value))
            return complain(key,
                            fmt::format("'{}' is empty or has white space at its ends", *value)),
                   fallback;
        out.push_back(*value);
    }
    return out;
}

std::string Settings::choice(std::string_view key,
                             std::string_view fallback,
                             const std::vector<std::string_view>& choices) const {
    auto value = text(key, fallback);
    if (std::ranges::find(choices, value) != choices.end()) return value;
    complain(key, fmt::format("'{}' is none of {}{}", value, fmt::join(choices, ", "),
                              nearest(value, choices)));
    return std::string(fallback);
}

std::filesystem::path Settings::file(std::string_view key) const {
    const auto name = text(key);
    return name.empty() ? std::filesystem::path() : node_->folder / name;
}

Settings Settings::table(std::string_view key) const {
    const auto* found = look(*node_, key);
    auto child = std::make_shared<Node>(*node_);
    child->known.clear();
    child->path += fmt::format("{}.", key);
    child->table = found ? found->as_table() : nullptr;
    if (found && !child->table) complain(key, "must be a table");
    return Settings(std::move(child));
}

std::vector<Settings> Settings::tables(std::string_view key) const {
    const auto* found = look(*node_, key);
    std::vector<Settings> out;
    if (!found) return out;
    const auto* array = found->as_array();
    if (!array)
        return complain(key, "must be a list of tables, each headed [[" + std::string(key) + "]]"),
               out;
    for (const auto& item : *array) {
        auto child = std::make_shared<Node>(*node_);
        child->known.clear();
        child->path += fmt::format("{}[{}].", key, out.size() + 1);
        child->table = item.as_table();
        if (!child->table) complain(key, "must be a list of tables");
        out.push_back(Settings(std::move(child)));
    }
    return out;
}

std::string Settings::print() const {
    std::ostringstream out;
    if (node_->table) out << *node_->table;
    return out.str();
}

void Settings::finish() const {
    if (!node_->table) return;
    for (const auto& [key, value] : *node_->table)
        if (!node_->known.contains(key.str()))
            complain(key.str(), "unknown key" + nearest(key.str(), node_->known));
}

}  // namespace tocsin
