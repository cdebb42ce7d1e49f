#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::ledger {

/// "<milliseconds>-<number>", as Redis names a stream's entries. Pure.
struct StreamId {
    std::uint64_t ms = 0, seq = 0;
    auto operator<=>(const StreamId&) const = default;
    std::string text() const { return std::to_string(ms) + "-" + std::to_string(seq); }
    /// Exactly that form; nothing else is an id.
    static std::optional<StreamId> read(std::string_view text);
};

/// Cursor of a list by number of acceptance: the list goes on below it. "" is the beginning;
/// nothing: not one of ours.
std::optional<std::uint64_t> read_cursor(std::string_view cursor);

}  // namespace tocsin::ledger
