#include "server/contract/cell.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <tuple>
#include <vector>

namespace tocsin::contract {
namespace {

TEST_CASE("a cell's text and number name the same cell in every technology") {
    struct Row {
        const char* text;
        Cell cell;
        std::uint64_t number;
    };
    const std::vector<Row> rows{
        {"460-00-1001-101", {Radio::gsm, 460, 0, false, 0x03E90065}, 0x2E60'0000'03E9'0065},
        {"460-000-1001-101", {Radio::gsm, 460, 0, true, 0x03E90065}, 0x2E60'6400'03E9'0065},
        {"310-410-1-0", {Radio::gsm, 310, 410, true, 0x10000}, 0x29B1'FE00'0001'0000},
        {"umts:460-01-65533-65535",
         {Radio::umts, 460, 1, false, 0xFFFDFFFF},
         0x4E60'0100'FFFD'FFFF},
        {"lte:460-00-268435455", {Radio::lte, 460, 0, false, 0xFFFFFFF}, 0x6E60'0000'0FFF'FFFF},
        {"nr:460-11-68719476735",
         {Radio::nr, 460, 11, false, 0xF'FFFF'FFFF},
         0x8E60'0B0F'FFFF'FFFF},
        {"001-01-1-1", {Radio::gsm, 1, 1, false, 0x10001}, 0x2008'0100'0001'0001},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        const auto parsed = parse_cell(row.text);
        REQUIRE(parsed.has_value());
        CHECK(*parsed == row.cell);
        CHECK(to_text(row.cell) == row.text);
        CHECK(to_number(row.cell) == row.number);
        CHECK(cell_of(row.number) == row.cell);
        CHECK(cell_text(row.number) == row.text);
    }
}

TEST_CASE("what is no cell is refused and says why") {
    struct Row {
        const char *text, *why;
    };
    const std::vector<Row> rows{
        {"", "MCC-MNC-LAC-CI"},
        {"460-00-1001", "MCC-MNC-LAC-CI"},
        {"460-00-1001-101-1", "MCC-MNC-LAC-CI"},
        {"46-00-1001-101", "MCC"},
        {"4600-0-1001-101", "MCC"},
        {"460-0-1001-101", "MNC"},
        {"460-0000-1001-101", "MNC"},
        {"460-0x-1001-101", "MNC"},
        {"460-00-65536-101", "0 to 65535"},
        {"460-00-1001-65536", "0 to 65535"},
        {"460-00--101", "0 to 65535"},
        {"460-00-+1-101", "0 to 65535"},
        {"460-00-0-101", "LAC 0 "},
        {"460-00-65534-101", "LAC 65534"},
        {"460-00-99999999999999999999-1", "0 to 65535"},
        {"lte:460-00-268435456", "2^28"},
        {"nr:460-00-68719476736", "2^36"},
        {"lte:460-00-1-1", "one number"},
        {"6g:460-00-1-1", "radio"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        const auto parsed = parse_cell(row.text);
        REQUIRE(parsed.has_error());
        CHECK(parsed.error().what.find(row.why) != std::string::npos);
    }
}

TEST_CASE("a text without prefix is of the technology that is asked for, a prefix must agree") {
    CHECK(parse_cell("460-00-7", Radio::lte)->radio == Radio::lte);
    CHECK(parse_cell("lte:460-00-7", Radio::lte)->identity == 7);
    CHECK(parse_cell("lte:460-00-7", Radio::gsm).has_error());
    CHECK(parse_cell("nr:460-00-7", Radio::lte).has_error());
    CHECK(parse_cell("460-00-7").has_error());
    CHECK(parse_cell("gsm:460-00-7-8")->lac() == 7);
}

TEST_CASE("numbers of no cell are told apart") {
    const auto number = [](std::uint64_t radio, std::uint64_t mcc, std::uint64_t mnc,
                           std::uint64_t identity) {
        return radio << 61 | mcc << 51 | mnc << 40 | identity;
    };
    CHECK_FALSE(cell_of(0));
    CHECK_FALSE(cell_of(~std::uint64_t(0)));
    CHECK_FALSE(cell_of(number(5, 460, 0, 1)));
    CHECK_FALSE(cell_of(number(1, 1000, 0, 1)));
    CHECK_FALSE(cell_of(number(1, 460, 1100, 1)));
    CHECK_FALSE(cell_of(number(1, 460, 0, 1ULL << 32)));
    CHECK_FALSE(cell_of(number(3, 460, 0, 1ULL << 28)));
    CHECK_FALSE(cell_of(number(4, 460, 0, 1ULL << 36)));
    CHECK(cell_of(number(4, 460, 1099, (1ULL << 36) - 1)));
    CHECK(cell_text(7) == "cell 7");
}

TEST_CASE("random cells come back from number and text, and sort by network, area and cell") {
    std::mt19937_64 random(20120721);
    std::vector<Cell> cells;
    for (int i = 0; i < 20000; ++i) {
        Cell cell;
        cell.radio = Radio(1 + random() % 4);
        cell.mcc = std::uint16_t(random() % 1000);
        cell.long_mnc = random() % 2 == 0;
        cell.mnc = std::uint16_t(random() % (cell.long_mnc ? 1000 : 100));
        const unsigned bits = cell.radio == Radio::lte ? 28 : cell.radio == Radio::nr ? 36 : 32;
        cell.identity = random() >> (64 - bits);
        if (bits == 32 && (cell.lac() == 0 || cell.lac() == 0xFFFE)) cell.identity = 0x10000;
        REQUIRE(cell_of(to_number(cell)) == cell);
        const auto parsed = parse_cell(to_text(cell));
        REQUIRE(parsed.has_value());
        REQUIRE(*parsed == cell);
        cells.push_back(cell);
    }
    const auto key = [](const Cell& c) {
        return std::tuple(c.radio, c.mcc, c.long_mnc, c.mnc, c.identity);
    };
    std::ranges::sort(cells, {}, key);
    CHECK(std::ranges::is_sorted(cells, {}, to_number));
}

TEST_CASE("technologies are named in words and in generations") {
    for (const auto* text : {"gsm", "GSM", "2g", "2G"}) CHECK(radio_of(text) == Radio::gsm);
    for (const auto* text : {"umts", "3G"}) CHECK(radio_of(text) == Radio::umts);
    for (const auto* text : {"LTE", "4g"}) CHECK(radio_of(text) == Radio::lte);
    for (const auto* text : {"nr", "5G"}) CHECK(radio_of(text) == Radio::nr);
    for (const auto* text : {"", "6G", "gsm ", "GS"}) CHECK_FALSE(radio_of(text));
}

}  // namespace
}  // namespace tocsin::contract
