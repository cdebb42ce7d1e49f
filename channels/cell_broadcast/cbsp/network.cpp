#include "channels/cell_broadcast/cbsp/network.hpp"

#include <algorithm>

namespace tocsin::cbsp {
namespace {

constexpr std::size_t of_others = SIZE_MAX;

bool is_gsm(std::uint64_t number) {
    const auto cell = contract::cell_of(number);
    return cell && cell->radio == contract::Radio::gsm;
}

void sort_once(std::vector<std::uint64_t>& cells) {
    std::ranges::sort(cells);
    cells.erase(std::unique(cells.begin(), cells.end()), cells.end());
}

}  // namespace

Network::Network(const contract::CellsFile& file, std::span<const std::string> controllers)
    : cells_(controllers.size()) {
    std::vector<std::size_t> ours;
    for (const auto& name : file.bscs) {
        const auto at = std::ranges::find(controllers, name);
        ours.push_back(at == controllers.end() ? of_others : std::size_t(at - controllers.begin()));
    }
    for (const auto& row : file.rows) {
        const auto owner = is_gsm(row.cgi) ? ours[row.bsc] : of_others;
        if (owner == of_others) continue;
        owner_.emplace(row.cgi, owner);
        cells_[owner].push_back(row.cgi);
    }
    for (auto& cells : cells_) sort_once(cells);
}

Network::Split Network::split(std::span<const std::uint64_t> cells) const {
    Split out;
    std::vector<std::vector<std::uint64_t>> shares(cells_.size());
    for (const auto cell : cells) {
        const auto at = owner_.find(cell);
        if (at == owner_.end()) {
            if (is_gsm(cell)) out.strangers.push_back(cell);
        } else {
            shares[at->second].push_back(cell);
        }
    }
    for (std::size_t i = 0; i < shares.size(); ++i) {
        if (shares[i].empty()) continue;
        sort_once(shares[i]);
        out.shares.push_back({i, std::move(shares[i])});
    }
    sort_once(out.strangers);
    return out;
}

Network::Split Network::everything() const {
    Split out;
    for (std::size_t i = 0; i < cells_.size(); ++i)
        if (!cells_[i].empty()) out.shares.push_back({i, cells_[i]});
    return out;
}

}  // namespace tocsin::cbsp
