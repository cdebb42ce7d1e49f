#include "channels/cell_broadcast/cbsp/holdings.hpp"

#include "server/contract/cell.hpp"

#include <algorithm>

/// What is held, and what is told of it. What to do next is in reconcile.cpp, what answers mean in
/// answers.cpp.
namespace tocsin::cbsp {
namespace {

Place place_of(std::uint64_t number) {
    const auto cell = contract::cell_of(number);
    if (!cell) return {};
    return {plmn(cell->mcc, cell->mnc, cell->long_mnc), cell->lac(), cell->ci()};
}

std::uint32_t lac_ci(const Place& place) { return std::uint32_t(place.lac) << 16 | place.ci; }

}  // namespace

bool is_alarm(std::uint16_t identifier) { return identifier >= 0x1100 && identifier <= 0x1107; }

Holdings::Holdings(std::vector<std::uint64_t> cells, const Limits& limits)
    : cells_(std::move(cells)), limits_(limits), dark_(cells_.size()) {
    for (std::size_t i = 0; i < cells_.size(); ++i) {
        places_.push_back(place_of(cells_[i]));
        by_lac_ci_.emplace(lac_ci(places_[i]), std::uint16_t(i));
    }
}

std::optional<std::uint16_t> Holdings::index_of(std::uint64_t cell) const {
    const auto at = std::ranges::lower_bound(cells_, cell);
    if (at == cells_.end() || *at != cell) return std::nullopt;
    return std::uint16_t(at - cells_.begin());
}

std::vector<std::uint16_t> Holdings::resolve(Naming naming, const Place& place) const {
    std::vector<std::uint16_t> out;
    if (naming == Naming::cgi || naming == Naming::lac_ci) {
        const auto [from, to] = by_lac_ci_.equal_range(lac_ci(place));
        for (auto at = from; at != to; ++at)
            if (naming == Naming::lac_ci || places_[at->second].plmn == place.plmn)
                out.push_back(at->second);
        return out;
    }
    for (std::size_t i = 0; i < places_.size(); ++i) {
        const auto& own = places_[i];
        const bool same = naming == Naming::all || (naming == Naming::ci && own.ci == place.ci) ||
                          (naming == Naming::lac && own.lac == place.lac) ||
                          (naming == Naming::lai && own.lac == place.lac && own.plmn == place.plmn);
        if (same) out.push_back(std::uint16_t(i));
    }
    return out;
}

Places Holdings::all_cells() const { return {Naming::all, {}}; }

/// Copies that the new broadcast has as well stay; the others are to go.
void Holdings::want(Shared broadcast, std::vector<std::uint16_t> cells, Instant now) {
    auto& line = lines_[broadcast->id.ordinal];
    line.wanted = broadcast;
    line.wants.assign(cells_.size(), 0);
    for (const auto cell : cells) line.wants[cell] = 1;
    for (auto& copy : line.copies) copy.notice = -1;
    for (std::size_t i = 0; i < broadcast->notices.size(); ++i) {
        const auto& notice = broadcast->notices[i];
        auto* own = copy(broadcast->id.ordinal, notice.identifier, notice.serial);
        if (!own) {
            own = &line.copies.emplace_back(
                Copy{.identifier = notice.identifier, .serial = notice.serial});
            own->spots.resize(cells_.size());
        }
        own->notice = int(i);
        own->pages = std::uint8_t(notice.pages.pages.size());
        own->retry_wait = {};
        for (auto& spot : own->spots) spot.bar = Bar::none;
        if (own->status_at == Instant::max() && !is_alarm(own->identifier))
            own->status_at = now + limits_.status_first;
    }
    touch(line, broadcast->id.ordinal);
}

void Holdings::drop(std::uint32_t ordinal, Instant) {
    const auto at = lines_.find(ordinal);
    if (at == lines_.end()) return;
    auto& line = at->second;
    line.wanted = nullptr;
    for (auto& copy : line.copies) {
        copy.notice = -1;
        for (auto& spot : copy.spots) spot.bar = Bar::none;
    }
    touch(line, ordinal);
    forget_empty(ordinal);
}

void Holdings::suspect(std::uint32_t ordinal,
                       std::span<const std::uint16_t> identifiers,
                       std::uint16_t serial,
                       Instant) {
    auto& line = lines_[ordinal];
    line.wants.resize(cells_.size());
    for (const auto identifier : identifiers) {
        if (copy(ordinal, identifier, serial)) continue;
        auto& made = line.copies.emplace_back(Copy{.identifier = identifier, .serial = serial});
        made.spots.assign(cells_.size(), Spot{.stand = Stand::unsure});
    }
    touch(line, ordinal);
}

Copy* Holdings::copy(std::uint32_t ordinal, std::uint16_t identifier, std::uint16_t serial) {
    const auto at = lines_.find(ordinal);
    if (at == lines_.end()) return nullptr;
    for (auto& copy : at->second.copies)
        if (copy.identifier == identifier && copy.serial == serial) return &copy;
    return nullptr;
}

void Holdings::touch(Line& line, std::uint32_t ordinal) {
    line.look_at = {};
    if (!std::exchange(line.changed, true)) changed_.push_back(ordinal);
}

void Holdings::touch_all() {
    for (auto& [ordinal, line] : lines_) touch(line, ordinal);
}

std::vector<std::uint32_t> Holdings::take_changed() {
    for (const auto ordinal : changed_)
        if (const auto at = lines_.find(ordinal); at != lines_.end()) at->second.changed = false;
    return std::exchange(changed_, {});
}

void Holdings::forget_empty(std::uint32_t ordinal) {
    const auto at = lines_.find(ordinal);
    auto& copies = at->second.copies;
    std::erase_if(copies, [](const Copy& copy) {
        return copy.notice < 0 && !copy.busy && std::ranges::all_of(copy.spots, [](const Spot& s) {
                   return s.stand == Stand::absent;
               });
    });
    if (copies.empty() && !at->second.wanted) lines_.erase(at);
}

/// Of the words. Nobody counts alarms, and a cell that has the words but could not alarm is not silent.
Got Holdings::got_in(const Line& line, std::size_t cell) const {
    auto least = Got::heard;
    for (const auto& copy : line.copies)
        if (copy.notice >= 0 && !is_alarm(copy.identifier))
            least = std::min(least, copy.spots[cell].got);
    return dark_[cell] ? std::min(least, Got::accepted) : least;
}

bool Holdings::open_in(const Line& line, std::size_t cell) const {
    return std::ranges::any_of(line.copies, [&](const Copy& copy) {
        const auto& spot = copy.spots[cell];
        return copy.notice >= 0 && !is_alarm(copy.identifier) && spot.stand != Stand::there &&
               spot.bar == Bar::none;
    });
}

Tally Holdings::tally(std::uint32_t ordinal) const {
    Tally out;
    const auto at = lines_.find(ordinal);
    if (at == lines_.end()) return out;
    const auto& line = at->second;
    for (std::size_t cell = 0; cell < cells_.size(); ++cell) {
        bool never = false, left = false, displaced = false;
        for (const auto& copy : line.copies) {
            const auto& spot = copy.spots[cell];
            const bool own = copy.notice >= 0 && line.wants[cell];
            if (own && is_alarm(copy.identifier)) {
                out.no_alarm += spot.bar != Bar::none;
                continue;
            }
            if (own && spot.bar != Bar::none) out.cause = spot.cause;
            never = never || (own && spot.bar == Bar::never);
            displaced = displaced || (own && spot.displaced);
            const bool silent = dark_[cell] || spot.cause == cause::not_operational;
            left = left || (!own && spot.stand != Stand::absent && !silent);
        }
        out.left += left;
        if (!line.wanted || !line.wants[cell]) continue;
        ++out.of;
        out.never += never;
        out.open += !never && open_in(line, cell);
        out.dark += dark_[cell];
        out.displaced += displaced;
        const auto got = std::size_t(got_in(line, cell));
        for (std::size_t i = 1; i <= got; ++i) ++out.reached[i];
    }
    return out;
}

void Holdings::missed(std::uint32_t ordinal,
                      Got got,
                      std::size_t most,
                      std::vector<std::string>& out) const {
    const auto at = lines_.find(ordinal);
    if (at == lines_.end() || !at->second.wanted) return;
    for (std::size_t cell = 0; cell < cells_.size() && out.size() < most; ++cell)
        if (at->second.wants[cell] && got_in(at->second, cell) < got)
            out.push_back(contract::cell_text(cells_[cell]));
}

std::optional<Instant> Holdings::due() const {
    std::optional<Instant> first;
    for (const auto& [_, line] : lines_)
        if (line.look_at != Instant::max() && (!first || line.look_at < *first))
            first = line.look_at;
    return first;
}

std::vector<Holdings::Kept> Holdings::kept() const {
    std::vector<Kept> out;
    for (const auto& [ordinal, line] : lines_)
        for (const auto& copy : line.copies) {
            Kept one{ordinal, copy.identifier, copy.serial, 0, copy.pages, {}};
            for (std::size_t cell = 0; cell < cells_.size(); ++cell) {
                if (copy.spots[cell].stand == Stand::absent) continue;
                one.period = std::max(one.period, copy.spots[cell].period);
                one.cells.push_back(cells_[cell]);
            }
            if (!one.cells.empty()) out.push_back(std::move(one));
        }
    return out;
}

void Holdings::restore(const Kept& kept) {
    auto& line = lines_[kept.ordinal];
    line.wants.resize(cells_.size());
    auto* own = copy(kept.ordinal, kept.identifier, kept.serial);
    if (!own) {
        own = &line.copies.emplace_back(
            Copy{.identifier = kept.identifier, .serial = kept.serial, .pages = kept.pages});
        own->spots.resize(cells_.size());
    }
    for (const auto cell : kept.cells)
        if (const auto index = index_of(cell))
            own->spots[*index] = {.stand = Stand::unsure, .period = kept.period};
    touch(line, kept.ordinal);
}

}  // namespace tocsin::cbsp
