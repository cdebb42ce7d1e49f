#pragma once
#include "server/base/fault.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Cells as bytes: how far each is from the one before it, seven bits a byte, low bits first. Cells of
/// one area follow one another, so that a city's 300,000 take some 300 KB.
namespace tocsin::plan {

/// Of any order; only ascending ones become short.
std::string cell_bytes(std::span<const std::uint64_t> cells);
Result<std::vector<std::uint64_t>> cells_in(std::string_view bytes);

/// RFC 4648, with padding: for JSON.
std::string base64(std::string_view bytes);
Result<std::string> from_base64(std::string_view text);

}  // namespace tocsin::plan
