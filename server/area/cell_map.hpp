#pragma once
#include "server/area/atlas.hpp"
#include "server/area/shape.hpp"
#include "server/contract/cells_file.hpp"

#include <bit>
#include <memory>
#include <span>

/// The city's cells and where they are heard; from an area to the cells that reach into it, and how
/// far they reach beyond it (design.md 12).
namespace tocsin::area {

/// Some of a map's cells.
class CellSet {
public:
    explicit CellSet(std::size_t cells = 0) : words_((cells + 63) / 64) {}
    void add(std::size_t cell) { words_[cell / 64] |= std::uint64_t(1) << cell % 64; }
    bool has(std::size_t cell) const { return words_[cell / 64] >> cell % 64 & 1; }
    std::size_t count() const;
    bool empty() const { return count() == 0; }
    CellSet& operator|=(const CellSet& other);
    CellSet& operator&=(const CellSet& other);
    bool operator==(const CellSet&) const = default;
    template <class Visit> void each(Visit visit) const {  // ascending
        for (std::size_t i = 0; i < words_.size(); ++i)
            for (auto word = words_[i]; word; word &= word - 1)
                visit(i * 64 + std::size_t(std::countr_zero(word)));
    }

private:
    std::vector<std::uint64_t> words_;
};

/// What is warned, as outlines to be taken together.
using Place = std::vector<Shape>;
/// Regions without an outline (streets) give nothing: nothing larger stands in for them. Refused:
/// rings and circles that cross 180 degrees or come near a pole.
Result<Place> place_of(std::span<const Ring> polygons,
                       std::span<const Circle> circles,
                       std::span<const Region* const> regions);

/// How well some cells fit a place. By rows of sampled latitudes: good to about a percent.
struct Fit {
    double place_km2 = 0;            // what is warned
    double covered_km2 = 0;          // of that, where one of the cells is heard
    double outside_km2 = 0;          // beyond it, where one is heard too
    std::vector<double> outside_in;  // of that, in each of the shapes asked for
    /// Of all that hears it, the share that was not meant.
    double overshoot() const {
        const auto all = covered_km2 + outside_km2;
        return all > 0 ? outside_km2 / all : 0;
    }
};

class CellMap {
public:
    explicit CellMap(const contract::CellsFile& file);
    ~CellMap();
    CellMap(const CellMap&) = delete;
    CellMap& operator=(const CellMap&) = delete;

    std::size_t size() const { return numbers_.size(); }
    /// Their names (contract/cell.hpp), ascending; a cell's place in here is its number in a CellSet.
    const std::vector<std::uint64_t>& numbers() const { return numbers_; }
    const std::vector<std::string>& bscs() const { return bscs_; }

    /// Cells whose sector shares any point with the place.
    CellSet meeting(const Place& place) const;
    CellSet of_radio(std::span<const contract::Radio> radios) const;
    CellSet of_bscs(std::span<const std::string> names) const;

    std::vector<std::uint64_t> names(const CellSet& cells) const;  // ascending
    std::size_t bscs(const CellSet& cells) const;                  // how many
    Fit fit(const CellSet& cells, const Place& place, std::span<const Shape* const> within) const;

private:
    struct Tree;
    void mark(const Shape& shape, CellSet& out) const;

    std::vector<std::uint64_t> numbers_;
    std::vector<std::uint32_t> bsc_;
    std::vector<std::string> bscs_;
    std::unique_ptr<const Tree> tree_;
};

}  // namespace tocsin::area
