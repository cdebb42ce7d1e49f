#include "server/ledger/memory_ledger.hpp"

/// An endpoint's queue in memory: what lua/{lease,want,intend,settle,sweep}.lua do.
namespace tocsin::ledger {

void MemoryLedger::lease(const std::string& endpoint,
                         std::chrono::milliseconds keep,
                         Then<Lease> then) {
    answer<Lease>(std::move(then), [=, this]() -> Result<Lease> {
        auto& l = leases_[endpoint];
        const auto now = clock_();
        if (!l.node.empty() && l.node != node_ && l.until > now) return Lease{false, 0, l.node};
        if (l.node != node_ || l.boot != boot_) ++l.fence;
        l.node = node_, l.boot = boot_, l.until = now + keep;
        return Lease{true, l.fence, node_};
    });
}

void MemoryLedger::want(const std::string& endpoint, Mode mode, const Want& w, Then<Wanted> then) {
    answer<Wanted>(std::move(then), [=, this]() -> Result<Wanted> {
        auto& rows = wants_[{endpoint, mode}];
        Row row{{w, 0, 0, Phase::due}, {}};
        const bool withdraw = w.action == contract::Action::withdraw;
        if (const auto at = rows.find(w.order.ordinal); at != rows.end()) {
            const auto& old = at->second;
            const auto revision = old.record.want.order.revision;
            if (revision > w.order.revision) return Wanted{false, w.alert};
            if (revision == w.order.revision)
                return Wanted{!(old.record.phase == Phase::ended && withdraw), old.ended};
            row.record.shown = old.record.phase == Phase::sent ? revision : old.record.shown;
            if (old.record.phase == Phase::due) row.ended = old.record.want.alert;
        }
        if (withdraw && row.record.shown == 0) row.record.phase = Phase::ended;
        rows[w.order.ordinal] = row;
        return Wanted{row.record.phase != Phase::ended, row.ended};
    });
}

void MemoryLedger::wants(const std::string& endpoint,
                         Mode mode,
                         Then<std::vector<WantRecord>> then) {
    answer<std::vector<WantRecord>>(std::move(then),
                                    [=, this]() -> Result<std::vector<WantRecord>> {
                                        std::vector<WantRecord> out;
                                        for (const auto& [ordinal, row] : wants_[{endpoint, mode}])
                                            out.push_back(row.record);
                                        return out;
                                    });
}

void MemoryLedger::intend(
    const std::string& endpoint, Mode mode, std::uint64_t fence, OrderId order, Then<Intent> then) {
    answer<Intent>(std::move(then), [=, this]() -> Result<Intent> {
        if (leases_[endpoint].fence != fence) return Intent{Intent::Answer::fenced, 0, 0};
        auto& rows = wants_[{endpoint, mode}];
        const auto at = rows.find(order.ordinal);
        if (at == rows.end()) return Intent{Intent::Answer::moved, 0, 0};
        auto& r = at->second.record;
        if (r.want.order != order || r.phase == Phase::up || r.phase == Phase::ended)
            return Intent{Intent::Answer::moved, 0, 0};
        r.phase = Phase::sent;
        if (r.tries < UINT16_MAX) ++r.tries;
        return Intent{Intent::Answer::go, r.tries, r.shown};
    });
}

void MemoryLedger::settle(
    const std::string& endpoint, Mode mode, OrderId order, Phase phase, Then<Done> then) {
    answer<Done>(std::move(then), [=, this]() -> Result<Done> {
        auto& rows = wants_[{endpoint, mode}];
        const auto at = rows.find(order.ordinal);
        if (at == rows.end()) return Done{};
        auto& r = at->second.record;
        if (order == r.want.order) {
            r.phase = phase;
            if (phase == Phase::up)
                r.shown = order.revision;
            else if (phase != Phase::due)
                r.shown = 0;
            if (phase == Phase::forgotten)
                r.phase = r.want.action == contract::Action::withdraw ? Phase::ended : Phase::due;
        } else if (phase == Phase::up && order.revision > r.shown &&
                   order.revision < r.want.order.revision) {
            r.shown = order.revision;  // the one before the newest came up after all
        }
        return Done{};
    });
}

void MemoryLedger::sweep(const std::string& endpoint, Mode mode, Instant before, Then<Done> then) {
    answer<Done>(std::move(then), [=, this]() -> Result<Done> {
        std::erase_if(wants_[{endpoint, mode}], [&](const auto& row) {
            return row.second.record.phase == Phase::ended &&
                   row.second.record.want.expires < before;
        });
        return Done{};
    });
}

}  // namespace tocsin::ledger
