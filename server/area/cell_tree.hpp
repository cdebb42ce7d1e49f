#pragma once
#include "server/area/cell_map.hpp"
#include "server/area/sector.hpp"

#include <functional>

/// Sectors in packs of neighbours, and an R-tree over the packs. Internal to the folder: it keeps
/// Boost.Geometry in one .cpp.
namespace tocsin::area {

struct Pack {
    Box box;
    std::uint32_t begin, end;  // in CellMap::Tree::sectors
};

struct CellMap::Tree {
    explicit Tree(const std::vector<contract::CellRow>& rows);
    ~Tree();
    /// Packs whose box meets the given one.
    void each_pack(const Box& box, const std::function<void(const Pack&)>& visit) const;

    std::vector<Sector> sectors;         // by packs
    std::vector<std::uint32_t> cell_of;  // of a sector: its number in a CellSet
    std::vector<std::uint32_t> sector_of;
    struct Band {
        double south, north;
    };
    std::vector<Band> bands;  // of a cell: the latitudes of its disc
    std::vector<Pack> packs;
    struct Boxes;
    std::unique_ptr<const Boxes> boxes;
};

}  // namespace tocsin::area
