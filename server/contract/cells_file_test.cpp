#include "server/contract/cells_file.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>

namespace tocsin::contract {
namespace {

const std::string head = "cgi,lon,lat,azimuth,beam,range_m,technology,bsc\n";

TEST_CASE("a cells file gives its rows with number, place, sector and BSC") {
    const auto cells = parse_cells(head +
                                   "460-00-1001-101,116.4,39.9,30,65,450,gsm,bsc-1\n"
                                   "460-00-1001-102,116.4,39.9,,360,2000,2G,bsc-2\r\n"
                                   "\n"
                                   "460-00-26542081,116.5,39.8,270,120,300.5,4G,\"bsc-1\"");
    CHECK(cells.faults.empty());
    CHECK(cells.bscs == std::vector<std::string>{"bsc-1", "bsc-2"});
    REQUIRE(cells.rows.size() == 3);
    const auto number = [](const char* text) { return to_number(*parse_cell(text)); };
    CHECK(cells.rows[0] == CellRow{number("460-00-1001-101"), 116.4, 39.9, 30, 65, 450, 0, 2});
    CHECK(cells.rows[1] == CellRow{number("460-00-1001-102"), 116.4, 39.9, 0, 360, 2000, 1, 3});
    CHECK(cells.rows[2] ==
          CellRow{number("lte:460-00-26542081"), 116.5, 39.8, 270, 120, 300.5, 0, 5});
}

TEST_CASE("columns may stand in any order, behind a byte order mark") {
    const auto cells = parse_cells(
        "\xEF\xBB\xBF"
        "bsc, technology,range_m,beam,azimuth,lat,lon,cgi\r\n"
        "b, nr ,500,360,,39.9,116.4,460-00-7\r\n");
    REQUIRE(cells.rows.size() == 1);
    CHECK(cell_text(cells.rows[0].cgi) == "nr:460-00-7");
    CHECK(cells.rows[0].lon == 116.4);
}

TEST_CASE("each fault names line and column and leaves the other lines alone") {
    struct Row {
        const char *line, *what;
        std::size_t column;
    };
    const std::vector<Row> rows{
        {"460-00-1-1,116.4,39.9,30,65,450,gsm", "7 fields, not 8", 1},
        {"460-00-1-1,116.4,39.9,30,65,450,gsm,b,x", "9 fields, not 8", 1},
        {"460-00-1,116.4,39.9,30,65,450,gsm,b", "cgi: '460-00-1' is no cell", 1},
        {"460-00-0-1,116.4,39.9,30,65,450,gsm,b", "LAC 0 names no area", 1},
        {"lte:460-00-1,116.4,39.9,30,65,450,nr,b", "said to be of nr", 1},
        {"460-00-1-1,180.1,39.9,30,65,450,gsm,b", "lon: '180.1' is not between -180 and 180", 12},
        {"460-00-1-1,east,39.9,30,65,450,gsm,b", "lon: 'east' is no number", 12},
        {"460-00-1-1,nan,39.9,30,65,450,gsm,b", "lon: 'nan' is no number", 12},
        {"460-00-1-1,,39.9,30,65,450,gsm,b", "lon: '' is no number", 12},
        {"460-00-1-1,39.9,116.4,30,65,450,gsm,b", "lat: '116.4' is not between -85 and 85", 17},
        {"460-00-1-1,116.4,39.9,-1,65,450,gsm,b", "azimuth: '-1' is not between 0 and 360", 23},
        {"460-00-1-1,116.4,39.9,,65,450,gsm,b", "azimuth: '' is no number", 23},
        {"460-00-1-1,116.4,39.9,30,0,450,gsm,b", "beam: '0' is not between 1 and 360", 26},
        {"460-00-1-1,116.4,39.9,30,361,450,gsm,b", "beam: '361' is not between 1 and 360", 26},
        {"460-00-1-1,116.4,39.9,30,65,0,gsm,b", "range_m: '0' is not between 1 and 120000", 29},
        {"460-00-1-1,116.4,39.9,30,65,4e9,gsm,b", "range_m: '4e9' is not between", 29},
        {"460-00-1-1,116.4,39.9,30,65,450,6G,b", "technology: '6G' is none of", 33},
        {"460-00-1-1,116.4,39.9,30,65,450,gsm,", "bsc: '' is no name", 37},
        {"460-00-1-1,116.4,39.9,30,65,450,gsm,b 1", "bsc: 'b 1' is no name", 37},
        {"460-00-1-1,179.99,39.9,30,65,4500,gsm,b", "lon: '179.99' with its range crosses 180", 12},
        {"460-00-1-1,-180,39.9,30,65,450,gsm,b", "lon: '-180' with its range crosses 180", 12},
        {"460-00-1-1,10,84.999,30,65,450,gsm,b", "lat: '84.999' with its range lies beyond", 15},
        {"460-00-9-9,116.4,39.9,30,65,450,gsm,b", "cgi: '460-00-9-9' stands in line 2 already", 1},
    };
    for (const auto& row : rows) {
        CAPTURE(row.line);
        const auto cells = parse_cells(head + "460-00-9-9,116.4,39.9,30,65,450,gsm,b\n" + row.line +
                                       "\n460-00-9-8,116.4,39.9,30,65,450,gsm,b\n");
        CHECK(cells.rows.size() == 2);
        CHECK(cells.faulty == 1);
        REQUIRE(cells.faults.size() == 1);
        CHECK(cells.faults[0].line == 3);
        CHECK(cells.faults[0].column == row.column);
        CHECK_MESSAGE(cells.faults[0].what.find(row.what) != std::string::npos,
                      cells.faults[0].what);
    }
}

TEST_CASE("a line with several faults tells them all") {
    const auto cells = parse_cells(head + "460-00-1,200,100,400,0,0,7G,\n");
    CHECK(cells.faulty == 1);
    CHECK(cells.faults.size() == 7);
}

TEST_CASE("a wrong header is told and nothing below is read") {
    struct Row {
        std::string text;
        const char* what;
    };
    const std::vector<Row> rows{
        {"", "the file is empty"},
        {"\n\r\n", "the file is empty"},
        {"cgi,lon,lat,azimuth,beam,range_m,technology\n460-00-1-1,1,1,1,1,1,gsm\n",
         "column bsc is missing"},
        {"cgi,lon,lat,azimuth,beam,range_m,technology,bsc,lac\n", "no column is named 'lac'"},
        {"cgi,lon,lat,azimuth,beam,range_m,technology,bsc,lon\n", "column lon is named twice"},
    };
    for (const auto& row : rows) {
        const auto cells = parse_cells(row.text);
        CHECK(cells.rows.empty());
        CHECK(cells.faulty == 1);
        REQUIRE_FALSE(cells.faults.empty());
        CHECK(cells.faults[0].what.find(row.what) != std::string::npos);
    }
}

TEST_CASE("no more than a hundred faults are told, and how many there are") {
    std::string text = head;
    for (int i = 0; i < 250; ++i) text += "x,1,1,1,1,1,gsm,b\n";
    const auto cells = parse_cells(text);
    CHECK(cells.faults.size() == 100);
    CHECK(cells.faulty == 250);
}

TEST_CASE("a file that is missing, empty of cells or faulty is refused as a configuration is") {
    const auto file = std::filesystem::temp_directory_path() / "tocsin_cells_file_test.csv";
    const auto load = [&](const std::string& text) {
        std::ofstream(file) << text;
        return load_cells(file);
    };
    CHECK(load_cells("/nowhere/cells.csv").error().what == "/nowhere/cells.csv: cannot be read");
    CHECK(load(head).error().what == "tocsin_cells_file_test.csv:1:1: no cell");
    CHECK(load(head + "460-00-1-1,1,1,1,1,x,gsm,b\n").error().what ==
          "tocsin_cells_file_test.csv:2:20: range_m: 'x' is no number");
    const auto good = load(head + "460-00-1-1,1,2,3,4,5,gsm,b\n");
    REQUIRE(good.has_value());
    CHECK(good->rows.size() == 1);
    CHECK(cells_csv(*good) == head + "460-00-1-1,1,2,3,4,5,gsm,b\n");
    std::filesystem::remove(file);
}

}  // namespace
}  // namespace tocsin::contract
