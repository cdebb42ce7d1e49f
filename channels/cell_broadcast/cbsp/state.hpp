#pragma once
#include "channels/cell_broadcast/cbsp/holdings.hpp"
#include "server/contract/channel.hpp"

/// What must be known after our own restart: what is to be on air, what each controller may hold, and
/// which codes phones remember. As bytes with a checksum.
namespace tocsin::cbsp {

struct Standing {  // one chain
    OrderId id{};
    bool withdrawn = false, active = false;
    Instant expires{};
    std::optional<Broadcast> broadcast{};
    std::map<std::string, std::vector<std::uint64_t>> cells{};  // by controller
    std::vector<std::uint64_t> strangers{};
    std::optional<contract::Said> told{};
    std::uint32_t told_reached = 0;
    bool operator==(const Standing&) const = default;
};

struct State {
    std::vector<cell_broadcast::Codes::Entry> codes{};
    std::vector<Standing> chains{};
    std::map<std::string, std::vector<Holdings::Kept>> held{};  // by controller
    bool operator==(const State&) const = default;
};

std::string pack(const State& state);
/// Malformed: not ours, or damaged.
Result<State> unpack(std::string_view bytes);

}  // namespace tocsin::cbsp
