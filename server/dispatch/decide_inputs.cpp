#include "server/dispatch/decide.hpp"

#include <algorithm>

/// What each input changes. What follows from it (who goes next) is in decide.cpp.
namespace tocsin::dispatch {

struct Decider::Take {
    Decider& d;
    Instant now;
    Actions& out;

    void operator()(const Wanted& want) {
        auto at = d.items_.find(want.id.ordinal);
        if (at == d.items_.end()) {
            put(d.items_[want.id.ordinal], want, now, 0);
            return;
        }
        auto& item = at->second;
        const bool anew = want.anew && item.want.id == want.id && item.phase == Phase::done;
        if (item.want.id.revision >= want.id.revision && !anew) return;
        const bool overtakes = item.phase == Phase::intending && !item.unsure;
        const bool flies = item.phase == Phase::out && !item.want.bulk;
        const auto waits_for = flies ? item.want.id.revision : item.waits_for;
        put(item, want, replace(item, want), overtakes ? item.want.id.revision : 0);
        item.waits_for = waits_for;
    }
    void operator()(const Intended& said) {
        auto* item = d.find(said.id);
        if (!item || item->phase != Phase::intending) {
            if (said.go) overtaken(said.id);
            return;
        }
        if (!said.go || !d.open(now)) {
            item->phase = Phase::due;
            item->not_before = said.go ? now : now + milliseconds(1000);
            d.touch(*item, now);
            return;
        }
        item->phase = Phase::out;
        item->unsure = true;
        item->answer_by = now + d.limits_.answer_within;
        out.push_back(Hand{said.id});
        d.touch(*item, now);
    }
    void operator()(const Heard& heard) {
        auto* item = d.find(heard.id);
        if (!item) {
            release(heard.id);
            return;
        }
        if (item->phase == Phase::done) return;
        switch (heard.said) {
            case Said::failed:
                if (item->phase == Phase::up) return;
                if (item->lapsed) return d.finish(*item, Ended::expired, now, out);
                item->unsure = false;
                out.push_back(Settle{heard.id, Mark::due});
                d.again(*item, now, out);
                break;
            case Said::lost:
                if (!item->lapsed) forget(*item);
                break;
            case Said::refused:
                if (item->phase != Phase::up) d.finish(*item, Ended::failed, now, out);
                break;
            case Said::gone:
                d.finish(*item, item->want.withdraw ? Ended::complete : Ended::withdrawn, now, out);
                break;
            case Said::displaced: break;  // it will be back by itself
            case Said::handed:
                if (d.limits_.highest != Said::handed)
                    return;  // the peer's answer is still to come
                [[fallthrough]];
            default: raise(*item);
        }
    }
    void operator()(const Rate& rate) {
        const auto size = std::uint64_t(rate.per_second) * std::uint64_t(d.limits_.slice.count());
        d.slice_ =
            std::uint32_t(std::clamp<std::uint64_t>(size / 1000, d.slice_, d.limits_.slice_most));
    }
    void operator()(const Asked& asked) {
        d.fit_slice(asked.id, now);
        give_back(asked.id);
        auto* item = d.find(asked.id);
        if (!item || !item->want.bulk || item->lapsed) return;
        if (item->phase == Phase::up) {  // after all somebody is left: opened and carried anew
            item->phase = Phase::due;
            item->unsure = true;
            item->not_before = now;
            out.push_back(Settle{asked.id, Mark::due});
        }
        item->asks = item->phase == Phase::out;
        d.touch(*item, now);
    }
    void operator()(const Exhausted& done) {
        give_back(done.id);
        auto* item = d.find(done.id);
        if (!item || item->phase != Phase::out) return;
        item->phase = Phase::up;
        item->want.shown = done.id.revision;
        out.push_back(Settle{done.id, Mark::up});
        d.touch(*item, now);
    }
    void operator()(const Linked& link) {
        d.link_ = link.state;
        d.throttled_until_ = link.state == LinkState::throttled ? link.until : Instant{};
        if (link.state != LinkState::throttled) d.slice_until_ = now;
    }
    void operator()(const Forgot&) {
        for (auto& [_, item] : d.items_) {
            if (item.want.bulk || item.lapsed) continue;  // what people have read stays read
            if (item.phase == Phase::up && !item.want.withdraw) forget(item);
            if (item.phase != Phase::out) continue;
            item.answer_by = std::min(item.answer_by, now + d.limits_.forgot_answer);
            d.touch(item, now);
        }
    }
    void operator()(const Moved& moved) {
        auto* item = d.find(moved.id);
        if (!item || item->phase == Phase::done || item->phase == Phase::out) return;
        item->phase = moved.up ? Phase::up : Phase::done;
        d.touch(*item, now);
    }
    void operator()(const Paused& pause) { d.paused_until_ = pause.until; }
    void operator()(const Woke& woke) { d.jitter_ = woke.jitter; }

private:
    void put(Item& item, const Wanted& want, Instant not_before, std::uint16_t overtook) {
        if (item.alarm) d.drop(item);
        item = Item{};
        item.want = want;
        item.not_before = item.waits_until = not_before;
        item.overtook = overtook;
        item.unsure = want.unsure;
        // Stopped again and again, we don't hand it over each time that we start.
        if (want.unsure && want.tries > 1) item.not_before += d.pause(want.tries);
        item.backup_at = now + d.limits_.backup_after;
        item.backup = want.withdraw;
        if (want.shown == want.id.revision) item.phase = Phase::up;
        if (want.withdraw && want.shown == 0) return d.finish(item, Ended::complete, now, out);
        d.touch(item, now);
    }
    /// What is in the air is answered first, or its time runs out: an update overtakes nothing.
    /// When a revision was never handed over it ends here; the rest ends by its own evidence.
    Instant replace(Item& item, const Wanted& by) {
        const auto old = item.want.id;
        const auto how = by.withdraw ? Ended::cancelled : Ended::superseded;
        if (item.want.bulk && item.phase == Phase::out) out.push_back(Stop{old, how});
        give_back(old);
        if (item.phase == Phase::due && !item.unsure) out.push_back(End{old, how});
        if (item.phase != Phase::out || item.want.bulk) return std::max(now, item.waits_until);
        return std::min(item.answer_by, now + d.limits_.update_waits);
    }
    /// Its intent was written while its successor came: it is not handed over any more.
    void overtaken(OrderId id) {
        const auto at = d.items_.find(id.ordinal);
        if (at == d.items_.end() || at->second.overtook != id.revision) return;
        out.push_back(End{id, at->second.want.withdraw ? Ended::cancelled : Ended::superseded});
    }
    /// An answer about the revision before: its successor may go now.
    void release(OrderId id) {
        auto at = d.items_.find(id.ordinal);
        if (at == d.items_.end() || at->second.want.id.revision < id.revision) return;
        auto& item = at->second;
        if (item.phase != Phase::due || item.want.tries > 0) return;
        if (item.waits_for != id.revision) return;  // old news of one before that
        item.not_before = item.waits_until = std::min(item.not_before, now);
        d.touch(item, now);
    }
    void raise(Item& item) {
        const bool news = item.phase != Phase::up;
        item.phase = Phase::up;
        item.asks = false;
        item.want.shown = item.want.id.revision;
        if (news) out.push_back(Settle{item.want.id, Mark::up});
        d.touch(item, now);
    }
    void forget(Item& item) {
        if (item.want.bulk) return;
        item.phase = Phase::due;
        item.unsure = false;
        item.want.shown = 0;
        item.not_before = now;
        out.push_back(Settle{item.want.id, Mark::forgotten});
        d.touch(item, now);
    }
    void give_back(OrderId id) {
        if (d.slice_of_ == id) d.slice_until_ = now;
    }
};

void Decider::take(const Input& input, Instant now, Actions& out) {
    std::visit(Take{*this, now, out}, input);
}

}  // namespace tocsin::dispatch
