#include "server/plan/cell_list.hpp"

#include <array>

namespace tocsin::plan {
namespace {

constexpr std::string_view letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr auto values = [] {
    std::array<std::int8_t, 256> out{};
    out.fill(-1);
    for (std::size_t i = 0; i < letters.size(); ++i)
        out[static_cast<unsigned char>(letters[i])] = std::int8_t(i);
    return out;
}();

Fault damaged() { return {Cause::malformed, "a list of cells is damaged"}; }

}  // namespace

std::string cell_bytes(std::span<const std::uint64_t> cells) {
    std::string out;
    out.reserve(cells.size() * 2 + 16);
    std::uint64_t before = 0;
    for (const auto cell : cells) {
        auto step = cell - before;  // wraps where cells fall, and back again
        for (; step >= 0x80; step >>= 7) out += char(step | 0x80);
        out += char(step);
        before = cell;
    }
    return out;
}

Result<std::vector<std::uint64_t>> cells_in(std::string_view bytes) {
    std::vector<std::uint64_t> cells;
    cells.reserve(bytes.size());
    std::uint64_t step = 0, before = 0;
    unsigned shift = 0;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (shift == 63 && byte > 1) return damaged();
        step |= std::uint64_t(byte & 0x7F) << shift;
        if (byte & 0x80) {
            shift += 7;
            continue;
        }
        cells.push_back(before += step);
        step = 0, shift = 0;
    }
    if (shift != 0) return damaged();
    return cells;
}

std::string base64(std::string_view bytes) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const auto left = bytes.size() - i;
        const auto at = [&](std::size_t k) {
            return k < left ? std::uint32_t(static_cast<unsigned char>(bytes[i + k])) : 0;
        };
        const auto three = at(0) << 16 | at(1) << 8 | at(2);
        out += letters[three >> 18];
        out += letters[three >> 12 & 63];
        out += left > 1 ? letters[three >> 6 & 63] : '=';
        out += left > 2 ? letters[three & 63] : '=';
    }
    return out;
}

Result<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return damaged();
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    std::string out;
    out.reserve(text.size() / 4 * 3);
    for (std::size_t i = 0; i < text.size(); i += 4) {
        const bool last = i + 4 == text.size();
        std::uint32_t three = 0;
        for (std::size_t k = 0; k < 4; ++k) {
            const bool pad = last && k >= 4 - padding;
            const auto value = pad ? 0 : values[static_cast<unsigned char>(text[i + k])];
            if (value < 0) return damaged();
            three = three << 6 | std::uint32_t(value);
        }
        out += char(three >> 16);
        if (!last || padding < 2) out += char(three >> 8);
        if (!last || padding < 1) out += char(three);
    }
    return out;
}

}  // namespace tocsin::plan
