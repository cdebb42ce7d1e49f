#include "server/contract/cells_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <numbers>
#include <sstream>
#include <unordered_map>

namespace tocsin::contract {
namespace {

enum Column : std::size_t { cgi, lon, lat, azimuth, beam, range_m, technology, bsc, columns };
constexpr std::array<std::string_view, columns> names{"cgi",  "lon",     "lat",        "azimuth",
                                                      "beam", "range_m", "technology", "bsc"};
constexpr std::size_t faults_max = 100, bsc_name_max = 64, bscs_max = 65535;
constexpr double lat_max = 85, range_max_m = 120000;  // GSM's extended range
constexpr double degree_m = 111195;

struct Field {
    std::string_view text;
    std::size_t column = 1;
};

/// A field may stand in quotes, as spreadsheets write them; none of ours can hold a comma or a line.
Field trimmed(Field field) {
    auto& text = field.text;
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1), ++field.column;
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
        text = text.substr(1, text.size() - 2), ++field.column;
    return field;
}

void split(std::string_view line, std::vector<Field>& out) {
    out.clear();
    std::size_t from = 0;
    for (;;) {
        const auto comma = line.find(',', from);
        out.push_back(trimmed({line.substr(from, comma - from), from + 1}));
        if (comma == line.npos) return;
        from = comma + 1;
    }
}

class Reader {
public:
    CellsFile read(std::string_view csv) {
        if (csv.starts_with("\xEF\xBB\xBF")) csv.remove_prefix(3);
        for (line_ = 1; !csv.empty(); ++line_) {
            const auto end = csv.find('\n');
            auto line = csv.substr(0, end);
            csv.remove_prefix(end == csv.npos ? csv.size() : end + 1);
            if (line.ends_with('\r')) line.remove_suffix(1);
            if (line.empty()) continue;
            split(line, fields_);
            if (!headed_ ? !take_header() : !take_row()) ++out_.faulty;
            if (!headed_) break;  // nothing below could be understood
        }
        if (!headed_ && out_.faulty == 0) fault(1, "the file is empty: no header"), ++out_.faulty;
        return std::move(out_);
    }

private:
    void fault(std::size_t column, std::string what) {
        if (out_.faults.size() < faults_max)
            out_.faults.push_back({line_, column, std::move(what)});
    }
    bool wrong(Column which, std::string_view why) {
        const auto& field = at(which);
        fault(field.column, fmt::format("{}: '{}' {}", names[which], field.text, why));
        return false;
    }
    const Field& at(Column which) const { return fields_[place_[which]]; }

    bool take_header() {
        place_.fill(columns);
        bool good = true;
        for (std::size_t i = 0; i < fields_.size(); ++i) {
            const auto& [text, column] = fields_[i];
            const auto found = std::size_t(
                std::distance(names.begin(), std::find(names.begin(), names.end(), text)));
            if (found == columns)
                good = false, fault(column, fmt::format("no column is named '{}'", text));
            else if (place_[found] != columns)
                good = false, fault(column, fmt::format("column {} is named twice", text));
            else
                place_[found] = i;
        }
        for (std::size_t i = 0; i < columns; ++i)
            if (place_[i] == columns)
                good = false, fault(1, fmt::format("column {} is missing", names[i]));
        return headed_ = good;
    }

    bool take_row() {
        if (fields_.size() != columns) {
            fault(1, fmt::format("{} fields, not {}", fields_.size(), std::size_t(columns)));
            return false;
        }
        CellRow row;
        row.line = std::uint32_t(line_);
        // All of them, so that a line is put right at once.
        const bool placed = take_place(row), beamed = take_beam(row), named = take_name(row);
        const bool owned = take_bsc(row);
        if (!placed || !beamed || !named || !owned || !take_reach(row)) return false;
        const auto [first, fresh] = seen_.try_emplace(row.cgi, row.line);
        if (!fresh) return wrong(cgi, fmt::format("stands in line {} already", first->second));
        out_.rows.push_back(row);
        return true;
    }

    bool number(Column which, double least, double most, double& to) {
        const auto text = at(which).text;
        const auto* end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, to);
        if (text.empty() || error != std::errc() || stop != end || !std::isfinite(to))
            return wrong(which, "is no number");
        return (to >= least && to <= most) ||
               wrong(which, fmt::format("is not between {} and {}", least, most));
    }
    bool take_place(CellRow& row) {
        const bool east = number(lon, -180, 180, row.lon);
        return number(lat, -lat_max, lat_max, row.lat) && east;
    }
    bool take_beam(CellRow& row) {
        const bool wide = number(beam, 1, 360, row.beam);
        const bool far = number(range_m, 1, range_max_m, row.range_m);
        const bool turned = (at(azimuth).text.empty() && wide && row.beam == 360) ||
                            number(azimuth, 0, 360, row.azimuth);
        return wide && far && turned;
    }
    bool take_name(CellRow& row) {
        const auto radio = radio_of(at(technology).text);
        if (!radio) return wrong(technology, "is none of gsm, umts, lte, nr (2G, 3G, 4G, 5G)");
        const auto cell = parse_cell(at(cgi).text, *radio);
        if (!cell) {
            fault(at(cgi).column, "cgi: " + cell.error().what);
            return false;
        }
        row.cgi = to_number(*cell);
        return true;
    }
    bool take_bsc(CellRow& row) {
        const auto name = at(bsc).text;
        const auto readable = [](char c) {
            return std::uint8_t(c) > 0x20 && c != '"' && c != 0x7F;
        };
        if (name.empty() || name.size() > bsc_name_max ||
            !std::all_of(name.begin(), name.end(), readable))
            return wrong(bsc, "is no name: 1 to 64 characters without blanks");
        const auto found = bscs_.find(std::string(name));
        if (found != bscs_.end()) return row.bsc = found->second, true;
        if (out_.bscs.size() >= bscs_max) return wrong(bsc, "is one BSC too many");
        row.bsc = std::uint32_t(out_.bscs.size());
        bscs_.emplace(name, row.bsc);
        out_.bscs.emplace_back(name);
        return true;
    }
    /// Plane geometry in degrees ends where degrees jump.
    bool take_reach(const CellRow& row) {
        const auto north = row.range_m / degree_m;
        if (std::abs(row.lat) + north > lat_max)
            return wrong(lat, fmt::format("with its range lies beyond {} degrees", lat_max));
        const auto east = north / std::cos((std::abs(row.lat) + north) * std::numbers::pi / 180);
        return std::abs(row.lon) + east < 180 || wrong(lon, "with its range crosses 180 degrees");
    }

    CellsFile out_;
    bool headed_ = false;
    std::size_t line_ = 1;
    std::vector<Field> fields_;
    std::array<std::size_t, columns> place_{};
    std::unordered_map<std::uint64_t, std::uint32_t> seen_;
    std::unordered_map<std::string, std::uint32_t> bscs_;
};

}  // namespace

CellsFile parse_cells(std::string_view csv) { return Reader().read(csv); }

Result<CellsFile> load_cells(const std::filesystem::path& csv) {
    std::ifstream in(csv, std::ios::binary);
    std::ostringstream bytes;
    if (!in || !(bytes << in.rdbuf()))
        return Fault{Cause::malformed, fmt::format("{}: cannot be read", csv.string())};
    auto cells = parse_cells(std::move(bytes).str());
    const auto file = csv.filename().string();
    if (cells.faulty == 0 && cells.rows.empty())
        return Fault{Cause::malformed, fmt::format("{}:1:1: no cell", file)};
    if (cells.faulty == 0) return cells;
    std::string all;
    for (const auto& one : cells.faults)
        all += fmt::format("{}{}:{}:{}: {}", all.empty() ? "" : "\n", file, one.line, one.column,
                           one.what);
    if (cells.faults.size() == faults_max)
        all += fmt::format("\n{}: {} lines are faulty in all", file, cells.faulty);
    return Fault{Cause::malformed, std::move(all)};
}

std::string cells_csv(const CellsFile& cells) {
    std::string out = "cgi,lon,lat,azimuth,beam,range_m,technology,bsc\n";
    for (const auto& row : cells.rows) {
        const auto cell = cell_of(row.cgi);
        if (!cell) continue;
        auto name = to_text(*cell);
        name.erase(0, name.find(':') + 1);  // the technology stands in its own column
        fmt::format_to(std::back_inserter(out), "{},{},{},{},{},{},{},{}\n", name, row.lon, row.lat,
                       row.azimuth, row.beam, row.range_m, word(cell->radio),
                       cells.bscs.at(row.bsc));
    }
    return out;
}

}  // namespace tocsin::contract
