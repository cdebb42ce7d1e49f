#include "channels/cell_broadcast/cbsp/air.hpp"

#include <algorithm>

namespace tocsin::cbsp {
namespace {

// GSMTAP version 2: a header of 16 octets, then the block.
constexpr std::size_t header_octets = 16, block_octets = 22, head_octets = 6;
constexpr char version = 2, um = 1;
constexpr std::uint8_t bcch = 0x01, cbch_on_sdcch8 = 0x0C, cbch_on_sdcch4 = 0x0F;
constexpr std::size_t messages_most = 256;  // half-heard ones; nobody sends so many

constexpr std::uint8_t sequence_mask = 0x0F, last_block = 0x10, null_sequence = 0x0F;

std::uint8_t octet(std::string_view bytes, std::size_t at) { return std::uint8_t(bytes[at]); }
std::uint16_t pair(std::string_view bytes, std::size_t at) {
    return std::uint16_t(octet(bytes, at) << 8 | octet(bytes, at + 1));
}

}  // namespace

std::optional<Caught> Ear::datagram(std::string_view bytes) {
    if (bytes.size() < header_octets || bytes[0] != version || bytes[2] != um) return std::nullopt;
    const auto head = std::size_t(octet(bytes, 1)) * 4;
    if (head < header_octets || bytes.size() <= head) return std::nullopt;
    const auto channel = std::uint16_t(pair(bytes, 4) & 0x3FFF);
    const auto frame = std::uint32_t(pair(bytes, 8)) << 16 | pair(bytes, 10);
    const auto kind = octet(bytes, 12);
    const auto content = bytes.substr(head);
    if (kind == bcch) return learn_cell(channel, content), std::nullopt;
    if (kind != cbch_on_sdcch8 && kind != cbch_on_sdcch4) return std::nullopt;
    const bool extended = frame / 51 % 8 >= 4;
    const auto whole = block(std::uint32_t(channel) << 1 | extended, content);
    return whole ? page(channel, *whole) : std::nullopt;
}

/// SYSTEM INFORMATION 3: cell identity, then location area (TS 44.018, 9.1.35).
void Ear::learn_cell(std::uint16_t channel, std::string_view block) {
    if (block.size() < 10 || octet(block, 1) != 0x06 || octet(block, 2) != 0x1B) return;
    const auto plmn = std::uint32_t(octet(block, 5)) << 16 | pair(block, 6);
    cells_[channel] = {plmn, pair(block, 8), pair(block, 3)};
}

/// A header octet and 22 of the page; sequence from 0, the last one says so (TS 44.012, 3.3).
std::optional<std::string> Ear::block(std::uint32_t stream, std::string_view block) {
    if (block.size() < 1 + block_octets || (octet(block, 0) >> 5 & 3) != 1) return std::nullopt;
    const auto sequence = octet(block, 0) & sequence_mask;
    if (sequence == null_sequence) return std::nullopt;
    auto& so_far = streams_[stream];
    if (sequence == 0) so_far.clear();
    if (so_far.size() != std::size_t(sequence) * block_octets) return std::nullopt;
    so_far += block.substr(1, block_octets);
    if (!(octet(block, 0) & last_block)) return std::nullopt;
    return std::exchange(so_far, {});
}

std::optional<Caught> Ear::page(std::uint16_t channel, std::string_view page) {
    const auto serial = pair(page, 0), identifier = pair(page, 2);
    const auto number = std::uint8_t(octet(page, 5) >> 4),
               total = std::uint8_t(octet(page, 5) & 15);
    if (number == 0 || number > total) return std::nullopt;
    if (messages_.size() >= messages_most) messages_.clear();
    const Key key{channel, identifier, serial};
    auto& partial = messages_[key];
    if (partial.total != total) partial = {total, {}};
    const auto content = page.substr(head_octets);
    partial.pages[number] =
        content.substr(0, std::min(content.size(), cell_broadcast::page_octets));
    if (partial.pages.size() < total) return std::nullopt;
    Caught out;
    if (const auto at = cells_.find(channel); at != cells_.end()) out.cell = at->second;
    out.channel = channel;
    out.identifier = identifier;
    out.serial = serial;
    out.dcs = octet(page, 4);
    for (auto& [_, octets] : partial.pages) out.pages.push_back(std::move(octets));
    messages_.erase(key);
    return out;
}

}  // namespace tocsin::cbsp
