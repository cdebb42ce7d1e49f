#pragma once
#include "server/ledger/ledger.hpp"

/// An audience's bytes: pages of 1,000 numbers, eight bytes each, little-endian. Pure.
namespace tocsin::ledger {

std::size_t pages_of(std::size_t numbers);
std::string pack_page(std::span<const std::uint64_t> all, std::size_t page);
/// Malformed: not a multiple of eight bytes.
Result<std::vector<std::uint64_t>> unpack_page(std::string_view bytes);

/// Why this audience cannot be kept; nothing if it can.
std::optional<Fault> unfit(std::string_view name, const std::vector<Ledger::GroupNumbers>& groups);

/// The index: names, counts and what the groups share.
std::string pack_audience(const plan::Audience& audience);
Result<plan::Audience> unpack_audience(std::string_view json);

}  // namespace tocsin::ledger
