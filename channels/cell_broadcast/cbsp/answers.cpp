#include "channels/cell_broadcast/cbsp/holdings.hpp"

#include <algorithm>

/// What an answer means, cell by cell: a FAILURE is partial, and a COMPLETE counts for the cells that
/// it names.
namespace tocsin::cbsp {
namespace {

/// Of a write: whether the cell may change its mind.
bool for_good(std::uint8_t cause) {
    switch (cause) {
        case cause::not_recognised:  // osmo-bsc: a cell that it does not have
        case cause::value_invalid:
        case cause::cell_not_valid:
        case cause::unrecognised_message:
        case cause::missing_element:
        case cause::not_supported:
        case cause::no_extended_channel:
        case cause::lai_or_lac_not_valid: return true;
        default: return false;
    }
}

/// Of a kill: there is nothing of it there.
bool nothing_there(std::uint8_t cause) {
    return cause == cause::not_identified || cause == cause::not_recognised ||
           cause == cause::cell_not_valid || cause == cause::not_supported ||
           cause == cause::lai_or_lac_not_valid;
}

}  // namespace

struct Answering {
    Holdings& h;
    const Op& op;
    Instant now;
    Copy *fresh = nullptr, *old = nullptr;

    Answering(Holdings& holdings, const Op& about, Instant at) : h(holdings), op(about), now(at) {
        auto* own = h.copy(op.ordinal, op.identifier, op.serial);
        if (op.type == Type::kill)
            old = own;
        else
            fresh = own;
        if (op.old) old = h.copy(op.ordinal, op.identifier, *op.old);
    }

    void worked(std::uint16_t cell) {
        if (op.type == Type::status_query) return;  // its counts say it
        if (old) old->spots[cell] = {};
        if (!fresh) return;
        auto& spot = fresh->spots[cell];
        spot.stand = Stand::there;
        spot.doubted = false;
        spot.bar = Bar::none;
        spot.cause = 0xFF;
        spot.got = std::max(spot.got, Got::accepted);
    }

    void counted(std::uint16_t cell, const Count& count) {
        if (op.type != Type::status_query || !fresh || count.info == Reached::unknown) return;
        auto& spot = fresh->spots[cell];
        if (spot.stand != Stand::there) return;
        spot.count = count.info == Reached::overflow ? UINT16_MAX : count.broadcasts;
        if (spot.count > 0) spot.got = std::max(spot.got, Got::on_air);
    }

    void failed(std::uint16_t cell, std::uint8_t why) {
        switch (op.type) {
            case Type::kill: return kill_failed(cell, why);
            case Type::status_query: return query_failed(cell, why);
            default: return write_failed(cell, why);
        }
    }

    /// Neither among what worked nor among what failed, or no answer at all.
    void untold(std::uint16_t cell) {
        if (op.type == Type::status_query) return;
        if (old) doubt(*old, cell);
        if (fresh) doubt(*fresh, cell);
    }

private:
    void bar(Copy& copy, std::uint16_t cell, Bar how, std::uint8_t why) {
        copy.spots[cell].bar = how;
        copy.spots[cell].cause = why;
        if (how == Bar::waits) h.wait_later(copy, now);
    }
    void doubt(Copy& copy, std::uint16_t cell) {
        copy.spots[cell].stand = Stand::unsure;
        bar(copy, cell, Bar::waits, copy.spots[cell].cause);
    }
    void write_failed(std::uint16_t cell, std::uint8_t why) {
        if (!fresh) return;
        if (why == cause::already_used) {
            if (old) old->spots[cell].stand = Stand::unsure;
            auto* before = std::exchange(old, nullptr);
            worked(cell);
            old = before;
            return;
        }
        auto& spot = fresh->spots[cell];
        // No room for a second copy does not say that there is no first.
        spot.stand = std::exchange(spot.doubted, false) ? Stand::unsure : Stand::absent;
        spot.got = Got::nothing;
        if (old && why == cause::not_identified) {  // nothing to replace: it is written plainly
            old->spots[cell] = {};
            return;
        }
        // What it was to replace may or may not be there still: it is killed, then written.
        if (old) old->spots[cell].stand = Stand::unsure;
        bar(*fresh, cell, for_good(why) ? Bar::never : Bar::waits, why);
    }
    void kill_failed(std::uint16_t cell, std::uint8_t why) {
        if (!old) return;
        if (nothing_there(why)) {
            old->spots[cell] = {};
            return;
        }
        old->spots[cell].stand = Stand::unsure;
        bar(*old, cell, Bar::waits, why);
    }
    /// Gone by itself or by somebody else: written again, after a pause.
    void query_failed(std::uint16_t cell, std::uint8_t why) {
        if (!fresh || why != cause::not_identified) return;
        auto& spot = fresh->spots[cell];
        spot.stand = Stand::absent;
        spot.got = Got::nothing;
        spot.count = 0;
        bar(*fresh, cell, Bar::waits, why);
    }
};

void Holdings::wait_later(Copy& copy, Instant now) {
    if (copy.retry_at == Instant::max()) wait(copy, now);
}

void Holdings::done_with(const Op& op, Instant now) {
    auto* own = copy(op.ordinal, op.identifier, op.serial);
    if (own) {
        own->busy = false;
        if (op.type == Type::status_query || own->status_at == Instant::max())
            plan_status(*own, now);
    }
    if (op.old)
        if (auto* old = copy(op.ordinal, op.identifier, *op.old)) old->busy = false;
    const auto at = lines_.find(op.ordinal);
    if (at == lines_.end()) return;
    if (op.type == Type::kill)
        touch_all();  // there is room now
    else
        touch(at->second, op.ordinal);
    forget_empty(op.ordinal);
}

/// Often until each cell was seen to send it, then now and then.
void Holdings::plan_status(Copy& copy, Instant now) {
    if (is_alarm(copy.identifier) || copy.notice < 0) return;
    const bool all = std::ranges::all_of(copy.spots, [](const Spot& spot) {
        return spot.stand != Stand::there || spot.got >= Got::on_air;
    });
    copy.status_wait = all ? limits_.watch
                       : copy.status_wait.count() == 0
                           ? limits_.status_first
                           : std::min(limits_.status_most, 2 * copy.status_wait);
    copy.status_at = copy.status_wait.count() == 0 ? Instant::max() : now + copy.status_wait;
    if (all) copy.status_wait = {};
}

void Holdings::answered(const Op& op, const Pdu& answer, Instant now) {
    Answering answering(*this, op, now);
    std::vector<std::uint8_t> told(cells_.size());
    const auto each = [&](Naming naming, const Place& place, auto act) {
        for (const auto cell : resolve(naming, place)) {
            if (!std::ranges::binary_search(op.cells, cell)) continue;
            told[cell] = 1;
            act(cell);
        }
    };
    if (answer.failures)
        for (const auto& one : *answer.failures)
            each(one.naming, one.place,
                 [&](std::uint16_t cell) { answering.failed(cell, one.cause); });
    const auto worked = [&](std::uint16_t cell) { answering.worked(cell); };
    if (answer.cells) {
        for (const auto& place : answer.cells->entries) each(answer.cells->naming, place, worked);
        if (answer.cells->naming == Naming::all) each(Naming::all, {}, worked);
    }
    if (answer.counts)
        for (const auto& one : answer.counts->entries)
            each(answer.counts->naming, one.place, [&](std::uint16_t cell) {
                answering.worked(cell);
                answering.counted(cell, one);
            });
    const bool names_none = !answer.failures && (!answer.cells || answer.cells->entries.empty()) &&
                            (!answer.counts || answer.counts->entries.empty());
    for (const auto cell : op.cells) {
        if (told[cell]) continue;
        if (names_none)
            answering.worked(cell);
        else
            answering.untold(cell);
    }
    done_with(op, now);
}

void Holdings::refused(const Op& op, std::uint8_t cause, Instant now) {
    Answering answering(*this, op, now);
    for (const auto cell : op.cells) answering.failed(cell, cause);
    done_with(op, now);
}

void Holdings::unanswered(const Op& op, Instant now) {
    Answering answering(*this, op, now);
    for (const auto cell : op.cells) answering.untold(cell);
    done_with(op, now);
}

void Holdings::doubt(Instant now) {
    for (auto& [_, line] : lines_)
        for (auto& copy : line.copies) {
            copy.busy = false;
            copy.retry_at = Instant::max();
            copy.retry_wait = {};
            if (copy.notice >= 0 && !is_alarm(copy.identifier))
                copy.status_at = now + limits_.status_first;
            for (auto& spot : copy.spots) {
                if (spot.stand != Stand::absent) spot.stand = Stand::unsure;
                spot.bar = Bar::none;
                spot.displaced = false;
            }
        }
    std::ranges::fill(dark_, 0);
    touch_all();
}

void Holdings::emptied(Instant) {
    std::vector<std::uint32_t> all;
    for (auto& [ordinal, line] : lines_) {
        all.push_back(ordinal);
        for (auto& copy : line.copies)
            for (auto& spot : copy.spots) spot = {};
    }
    touch_all();
    for (const auto ordinal : all) forget_empty(ordinal);
}

void Holdings::restarted(const Pdu& restart, Instant now) {
    const bool lost = restart.recovery != 0, alarms = restart.broadcast == 1;
    std::vector<std::uint16_t> cells;
    const auto add = [&](const Place& place) {
        const auto more = resolve(restart.cells->naming, place);
        cells.insert(cells.end(), more.begin(), more.end());
    };
    if (restart.cells->naming == Naming::all) add({});
    for (const auto& place : restart.cells->entries) add(place);
    for (auto& [_, line] : lines_)
        for (auto& copy : line.copies) {
            if (is_alarm(copy.identifier) != alarms) continue;
            for (const auto cell : cells) {
                auto& spot = copy.spots[cell];
                spot.bar = Bar::none;
                if (!lost || spot.stand != Stand::there) continue;
                spot.stand = Stand::unsure;
                spot.got = std::min(spot.got, Got::handed);
                spot.count = 0;
            }
            if (copy.notice >= 0 && !alarms) {
                copy.status_wait = {};
                copy.status_at = now + limits_.status_first;
            }
        }
    if (!alarms)
        for (const auto cell : cells) dark_[cell] = 0;
    touch_all();
}

void Holdings::failed(const Pdu& failure) {
    if (failure.broadcast == 1) return;
    for (const auto& one : *failure.failures)
        for (const auto cell : resolve(one.naming, one.place)) dark_[cell] = 1;
    touch_all();
}

bool Holdings::heard(std::uint16_t cell, std::uint16_t identifier, std::uint16_t serial) {
    for (auto& [ordinal, line] : lines_)
        for (auto& copy : line.copies) {
            if (copy.identifier != identifier || copy.serial != serial || copy.notice < 0) continue;
            auto& spot = copy.spots[cell];
            if (!line.wants[cell] || spot.got == Got::heard) return false;
            spot.got = Got::heard;
            dark_[cell] = 0;
            touch(line, ordinal);
            return true;
        }
    return false;
}

}  // namespace tocsin::cbsp
