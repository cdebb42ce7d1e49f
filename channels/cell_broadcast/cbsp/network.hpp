#pragma once
#include "server/contract/cells_file.hpp"

#include <span>
#include <unordered_map>

/// Which base station controller broadcasts for which cell.
namespace tocsin::cbsp {

class Network {
public:
    Network(const contract::CellsFile& file, std::span<const std::string> controllers);

    /// Of one controller, sorted.
    const std::vector<std::uint64_t>& cells(std::size_t controller) const {
        return cells_[controller];
    }
    struct Share {
        std::size_t controller;
        std::vector<std::uint64_t> cells;  // sorted
    };
    struct Split {
        std::vector<Share> shares;
        std::vector<std::uint64_t> strangers;  // 2G cells of no controller here, or not in the file
    };
    /// An order names only what this endpoint is to reach: a 2G cell that none of its controllers
    /// broadcasts for is missed, not somebody else's.
    Split split(std::span<const std::uint64_t> cells) const;
    Split everything() const;

private:
    std::vector<std::vector<std::uint64_t>> cells_;
    std::unordered_map<std::uint64_t, std::size_t> owner_;
};

}  // namespace tocsin::cbsp
