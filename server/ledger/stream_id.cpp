#include "server/ledger/stream_id.hpp"

#include <charconv>

namespace tocsin::ledger {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty())
        return std::nullopt;
    return out;
}

}  // namespace

std::optional<StreamId> StreamId::read(std::string_view text) {
    const auto dash = text.find('-');
    if (dash == text.npos) return std::nullopt;
    const auto ms = number(text.substr(0, dash)), seq = number(text.substr(dash + 1));
    if (!ms || !seq) return std::nullopt;
    return StreamId{*ms, *seq};
}

std::optional<std::uint64_t> read_cursor(std::string_view cursor) {
    if (cursor.empty()) return std::uint64_t(1) << 53;  // scores are doubles; no count gets there
    return number(cursor);
}

}  // namespace tocsin::ledger
