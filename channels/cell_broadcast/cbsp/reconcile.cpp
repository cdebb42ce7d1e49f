#include "channels/cell_broadcast/cbsp/holdings.hpp"

#include <algorithm>

/// What to ask next: first what is to go is replaced or taken away, then what is missing is written,
/// then what is there is counted. A message is asked about by one operation at a time.
namespace tocsin::cbsp {
namespace {

constexpr int levels = 5, ranks = 6;

/// Withdrawals first, then the gravest, drills last.
int rank_of(const Shared& wanted) {
    if (!wanted) return 0;
    return wanted->drill ? ranks - 1 : levels - int(wanted->level);
}

bool may_be_there(const Spot& spot) {
    return spot.stand == Stand::there || spot.stand == Stand::unsure;
}

bool same_alert(std::uint16_t one, std::uint16_t other) { return (one ^ other) >> 4 == 0; }

}  // namespace

std::optional<Op> Holdings::next(Instant now) {
    for (int rank = 0; rank < ranks; ++rank)
        for (auto& [ordinal, line] : lines_) {
            if (rank_of(line.wanted) != rank || now < line.look_at) continue;
            if (auto op = next_of(ordinal, line, now)) return op;
        }
    return std::nullopt;
}

std::optional<Op> Holdings::next_of(std::uint32_t ordinal, Line& line, Instant now) {
    for (auto& copy : line.copies) {
        if (copy.retry_at > now) continue;
        copy.retry_at = Instant::max();
        for (auto& spot : copy.spots)
            if (spot.bar == Bar::waits) spot.bar = Bar::none;
    }
    if (auto op = take_away(ordinal, line)) return op;
    if (auto op = write(ordinal, line, now)) return op;
    if (auto op = ask(ordinal, line, now)) return op;
    settle(line, now);
    return std::nullopt;
}

void Holdings::settle(Line& line, Instant now) {
    line.look_at = Instant::max();
    for (const auto& copy : line.copies) {
        line.look_at = std::min(line.look_at, copy.retry_at);
        if (copy.notice >= 0 && !copy.busy)
            line.look_at = std::min(line.look_at, std::max(copy.status_at, now));
    }
}

std::optional<Op> Holdings::take_away(std::uint32_t ordinal, Line& line) {
    for (auto& old : line.copies) {
        if (old.busy) continue;
        if (old.notice < 0)
            if (auto op = replace(ordinal, line, old)) return op;
        Op op{.type = Type::kill,
              .ordinal = ordinal,
              .identifier = old.identifier,
              .serial = old.serial};
        for (std::size_t cell = 0; cell < cells_.size(); ++cell) {
            auto& spot = old.spots[cell];
            const bool kept = old.notice >= 0 && line.wants[cell] && !spot.displaced;
            if (kept || !may_be_there(spot) || spot.bar != Bar::none) continue;
            if (op.cells.size() == limits_.cells_most) break;
            spot.stand = Stand::asked;
            op.cells.push_back(std::uint16_t(cell));
        }
        if (op.cells.empty()) continue;
        old.busy = true;
        return op;
    }
    return std::nullopt;
}

/// Only what cannot fail for want of room or for a mixture of periods: a replacement that fails so
/// is what osmo-bsc dies of.
std::optional<Op> Holdings::replace(std::uint32_t ordinal, Line& line, Copy& old) {
    for (auto& fresh : line.copies) {
        const bool after = fresh.notice >= 0 && !fresh.busy && fresh.identifier == old.identifier &&
                           same_alert(fresh.serial, old.serial);
        if (!after) continue;
        Op op{.type = Type::write_replace,
              .ordinal = ordinal,
              .identifier = fresh.identifier,
              .serial = fresh.serial,
              .old = old.serial};
        for (std::size_t cell = 0; cell < cells_.size(); ++cell) {
            auto &was = old.spots[cell], &is = fresh.spots[cell];
            if (was.stand != Stand::there || was.bar != Bar::none || was.displaced) continue;
            if (!line.wants[cell] || is.stand != Stand::absent || is.bar != Bar::none) continue;
            const bool room = pages_in(cell) + fresh.pages <= std::uint32_t(old.pages) + was.period;
            const bool alarm = is_alarm(old.identifier);
            if (!alarm && (!room || (op.period != 0 && was.period != op.period))) continue;
            if (op.cells.size() == limits_.cells_most) break;
            op.period = was.period;
            was.stand = is.stand = Stand::asked;
            is.period = was.period;
            is.got = std::max(is.got, Got::handed);
            op.cells.push_back(std::uint16_t(cell));
        }
        if (op.cells.empty()) continue;
        old.busy = fresh.busy = true;
        return op;
    }
    return std::nullopt;
}

/// An older notice that still may be there goes first, so that nobody reads both; one that will not
/// go does not hold up the new words.
bool Holdings::in_the_way(const Line& line, const Copy& fresh, std::size_t cell) const {
    return std::ranges::any_of(line.copies, [&](const Copy& copy) {
        const auto& spot = copy.spots[cell];
        return &copy != &fresh && copy.notice < 0 && spot.stand != Stand::absent &&
               spot.bar == Bar::none;
    });
}

std::uint16_t Holdings::period_in(std::size_t cell) const {
    for (const auto& [_, line] : lines_)
        for (const auto& copy : line.copies)
            if (copy.spots[cell].stand != Stand::absent && copy.spots[cell].period != 0 &&
                !is_alarm(copy.identifier))
                return copy.spots[cell].period;
    return 0;
}

std::uint32_t Holdings::pages_in(std::size_t cell) const {
    std::uint32_t pages = 0;
    for (const auto& [_, line] : lines_)
        for (const auto& copy : line.copies)
            if (copy.spots[cell].stand != Stand::absent) pages += copy.pages;
    return pages;
}

/// What graver ones still have to put there.
std::uint32_t Holdings::pages_before(const Line& line, std::size_t cell) const {
    std::uint32_t pages = 0;
    for (const auto& [_, other] : lines_) {
        if (!other.wanted || !other.wants[cell] || rank_of(other.wanted) >= rank_of(line.wanted))
            continue;
        for (const auto& copy : other.copies) {
            const auto& spot = copy.spots[cell];
            if (copy.notice >= 0 && spot.stand == Stand::absent && spot.bar == Bar::none)
                pages += copy.pages;
        }
    }
    return pages;
}

/// False: nothing that is on its way out, and nothing less grave, takes that much.
bool Holdings::make_room(const Line& line, std::size_t cell, std::uint32_t pages) {
    const auto rank = rank_of(line.wanted);
    std::uint32_t coming = 0;
    std::vector<std::tuple<int, std::uint32_t, Spot*, std::uint8_t>> lesser;
    for (auto& [ordinal, other] : lines_)
        for (auto& copy : other.copies) {
            auto& spot = copy.spots[cell];
            if (spot.stand == Stand::absent || copy.pages == 0) continue;
            const bool kept = copy.notice >= 0 && other.wants[cell];
            if ((!kept && spot.bar == Bar::none) || spot.displaced)
                coming += copy.pages;
            else if (kept && rank_of(other.wanted) > rank)
                lesser.emplace_back(-rank_of(other.wanted), ordinal, &spot, copy.pages);
        }
    std::ranges::sort(lesser);  // the least grave first
    std::uint32_t possible = coming;
    for (const auto& one : lesser) possible += std::get<3>(one);
    if (possible < pages) return false;
    for (const auto& [_, ordinal, spot, taken] : lesser) {
        if (coming >= pages) break;
        spot->displaced = true;
        coming += taken;
        touch(lines_.at(ordinal), ordinal);
    }
    return true;
}

std::optional<Op> Holdings::write(std::uint32_t ordinal, Line& line, Instant now) {
    for (auto& copy : line.copies) {
        if (copy.notice < 0 || copy.busy) continue;
        Op op{.type = Type::write_replace,
              .ordinal = ordinal,
              .identifier = copy.identifier,
              .serial = copy.serial};
        bool no_room = false;
        const bool alarm = is_alarm(copy.identifier);
        if (alarm && now >= line.wanted->alarm_until) continue;
        for (std::size_t cell = 0; cell < cells_.size(); ++cell) {
            auto& spot = copy.spots[cell];
            const bool missing = spot.stand == Stand::absent || spot.stand == Stand::unsure;
            if (!line.wants[cell] || !missing || spot.bar != Bar::none || spot.displaced) continue;
            if (in_the_way(line, copy, cell)) continue;
            const std::uint16_t in_use = limits_.manner.one_period ? period_in(cell) : 0;
            const std::uint16_t period = in_use != 0 ? in_use : line.wanted->period;
            const std::uint32_t own = spot.stand == Stand::absent ? 0 : copy.pages;
            const auto others = pages_in(cell) - own + pages_before(line, cell);
            if (!alarm && others + copy.pages > period) {
                if (make_room(line, cell, others + copy.pages - period)) continue;
                spot.bar = Bar::waits;
                spot.cause = cause::cell_memory;
                no_room = true;
                continue;
            }
            if (!alarm && op.period != 0 && op.period != period) continue;
            if (op.cells.size() == limits_.cells_most) break;
            op.period = period;
            spot.period = period;
            spot.doubted = spot.stand == Stand::unsure;
            spot.stand = Stand::asked;
            spot.got = std::max(spot.got, Got::handed);
            op.cells.push_back(std::uint16_t(cell));
        }
        if (no_room) wait(copy, now), touch(line, ordinal);
        if (op.cells.empty()) continue;
        copy.busy = true;
        touch(line, ordinal);
        return op;
    }
    return std::nullopt;
}

std::optional<Op> Holdings::ask(std::uint32_t ordinal, Line& line, Instant now) {
    for (auto& copy : line.copies) {
        if (copy.notice < 0 || copy.busy || copy.status_at > now) continue;
        Op op{.type = Type::status_query,
              .ordinal = ordinal,
              .identifier = copy.identifier,
              .serial = copy.serial};
        for (const bool counted : {false, true}) {  // first those that nobody has counted
            for (std::size_t cell = 0; cell < cells_.size(); ++cell) {
                const auto& spot = copy.spots[cell];
                if (spot.stand != Stand::there || (spot.got >= Got::on_air) != counted) continue;
                if (op.cells.size() == limits_.cells_most) break;
                op.cells.push_back(std::uint16_t(cell));
            }
        }
        std::ranges::sort(op.cells);
        copy.status_at = Instant::max();
        if (op.cells.empty()) continue;
        copy.busy = true;
        return op;
    }
    return std::nullopt;
}

void Holdings::wait(Copy& copy, Instant now) {
    copy.retry_wait = copy.retry_wait.count() == 0
                          ? limits_.retry_first
                          : std::min(limits_.retry_most, 2 * copy.retry_wait);
    copy.retry_at = std::min(copy.retry_at, now + copy.retry_wait);
}

Pdu Holdings::pdu_of(const Op& op, Instant now) const {
    Pdu out;
    out.type = op.type;
    out.identifier = op.identifier;
    Places places{limits_.naming, {}};
    for (const auto cell : op.cells) {
        auto place = places_[cell];
        if (limits_.naming != Naming::cgi) place.plmn = 0;
        if (limits_.naming == Naming::ci) place.lac = 0;
        places.entries.push_back(place);
    }
    out.cells = std::move(places);
    const bool alarm = is_alarm(op.identifier);
    if (!alarm) out.channel = 0;
    if (op.type != Type::write_replace) {
        out.old = op.serial;
        return out;
    }
    out.fresh = op.serial;
    out.old = op.old;
    const auto& wanted = *lines_.at(op.ordinal).wanted;
    const auto& notice = *std::ranges::find_if(wanted.notices, [&](const Notice& n) {
        return n.identifier == op.identifier && n.serial == op.serial;
    });
    if (alarm) {
        out.emergency = 1;
        out.warning_type = notice.warning_type.value_or(0);
        out.security = std::string(security_octets, '\0');
        const auto left =
            std::chrono::duration_cast<std::chrono::seconds>(wanted.alarm_until - now);
        out.warning_period = std::max<std::uint8_t>(1, period_code(left));  // 0 would be for ever
        return out;
    }
    out.category = wanted.category;
    out.period = op.period;
    out.times = broadcasts(wanted.until - now, op.period);
    out.pages = std::uint8_t(notice.pages.pages.size());
    out.dcs = notice.pages.dcs;
    out.contents = notice.pages.pages;
    return out;
}

}  // namespace tocsin::cbsp
