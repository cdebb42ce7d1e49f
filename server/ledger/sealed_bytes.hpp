#pragma once
#include "server/base/fault.hpp"

#include <string>
#include <string_view>

/// Redis' log has no check sums: a flipped bit loads silently. So our bytes carry one. Pure.
namespace tocsin::ledger {

/// Version 1, CRC-32C (big-endian), the bytes.
std::string seal_bytes(std::string_view bytes);
/// Malformed: damaged, or written by a newer server.
Result<std::string> unseal_bytes(std::string_view sealed);

/// An alert's three parts in one field: 24 hex digits.
std::string parts_check(std::string_view cap, std::string_view plan, std::string_view facts);
enum class Part { cap, plan, facts };
bool part_whole(std::string_view check, Part part, std::string_view bytes);

}  // namespace tocsin::ledger
