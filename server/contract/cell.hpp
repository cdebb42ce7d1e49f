#pragma once
#include "server/base/fault.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// One cell's worldwide name, and the number that Cells::cgi carries for it.
namespace tocsin::contract {

enum class Radio : std::uint8_t { gsm = 1, umts, lte, nr };  // 0: a zeroed record is no cell

/// CGI (2G; 3G's service area looks the same), ECGI (4G), NCGI (5G): TS 23.003. The tracking area of
/// 4G and 5G is no part of the name.
///
/// As a number, highest bits first, so that sorted numbers are grouped by network and area:
///   radio 3 | MCC 10 | MNC 11 | identity 40
/// MNC as said, + 100 if it has three digits: 00..99 -> 0..99, 000..999 -> 100..1099.
/// Identity: LAC 16 and CI 16 bits (gsm, umts), ECI 28 bits (lte), NCI 36 bits (nr).
struct Cell {
    Radio radio = Radio::gsm;
    std::uint16_t mcc = 0, mnc = 0;
    bool long_mnc = false;  // three digits: 460-00 and 460-000 are two networks
    std::uint64_t identity = 0;

    std::uint16_t lac() const { return std::uint16_t(identity >> 16); }  // gsm, umts
    std::uint16_t ci() const { return std::uint16_t(identity); }
    auto operator<=>(const Cell&) const = default;
};

std::uint64_t to_number(const Cell& cell);
/// Nothing if the number is that of no cell.
std::optional<Cell> cell_of(std::uint64_t number);

/// "460-00-1001-101" (MCC, MNC, LAC, CI in decimal); other radios say which: "umts:460-00-1001-101",
/// "lte:460-00-26542081" (ECI), "nr:460-00-4294967297" (NCI).
std::string to_text(const Cell& cell);
std::string cell_text(std::uint64_t number);  // "cell 7" if it is that of no cell

/// As to_text writes it. A text without prefix is of `radio`, or gsm; a prefix that says another one
/// than `radio` is a fault. LAC 0 and 65534 name no area (TS 23.003, 4.4.3).
Result<Cell> parse_cell(std::string_view text, std::optional<Radio> radio = std::nullopt);

const char* word(Radio radio);  // "gsm"
/// "gsm", "umts", "lte", "nr", and "2G" to "5G", in either case.
std::optional<Radio> radio_of(std::string_view word);

}  // namespace tocsin::contract
