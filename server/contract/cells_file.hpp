#pragma once
#include "server/contract/cell.hpp"

#include <filesystem>
#include <vector>

/// cells.csv: what the operators say of their cells. One line each, WGS 84 degrees:
///   cgi,lon,lat,azimuth,beam,range_m,technology,bsc
///   460-00-1001-101,116.397128,39.916527,30,65,450,gsm,bsc-1
/// Columns in any order; beam 360 is a cell all around (its azimuth may be empty). `bsc` is who
/// broadcasts for the cell: the name that a cell broadcast endpoint has for that peer.
namespace tocsin::contract {

struct CellRow {
    std::uint64_t cgi = 0;  // cell.hpp
    double lon = 0, lat = 0;
    double azimuth = 0, beam = 360;  // degrees: clockwise from north, and how wide
    double range_m = 0;
    std::uint32_t bsc = 0;   // in CellsFile::bscs
    std::uint32_t line = 0;  // in the file, from 1
    bool operator==(const CellRow&) const = default;
};

struct CellFault {
    std::size_t line, column;  // from 1; where the wrong value begins
    std::string what;          // "range_m: 0 is not between 1 and 120000"
};

struct CellsFile {
    std::vector<CellRow> rows;      // as they stand in the file
    std::vector<std::string> bscs;  // by first use
    std::vector<CellFault> faults;  // rows with one are not in `rows`; the first hundred
    std::size_t faulty = 0;         // lines with a fault, all of them
};

/// Refused, with line and column: unknown or repeated columns, too few or too many fields, numbers out
/// of range, unknown technologies, a cell that is no cell of its technology, a cell said twice, and
/// sectors that reach across 180 degrees or beyond 85 degrees of latitude.
CellsFile parse_cells(std::string_view csv);

/// Malformed: the file cannot be read, has no cell, or has faults: one line each,
/// "cells.csv:12:3: what", as the configuration's are.
Result<CellsFile> load_cells(const std::filesystem::path& csv);

/// As load_cells reads it.
std::string cells_csv(const CellsFile& cells);

}  // namespace tocsin::contract
