#include "server/dispatch/closer.hpp"

#include "server/base/log.hpp"

namespace tocsin::dispatch {

using contract::Action;

void Closer::start() {
    running_ = true;
    walk({});
}

/// Newest first; as far back as something could be open.
void Closer::walk(const std::string& cursor) {
    floor_.ledger.alerts(200, cursor, alive_.guard([this, cursor](Result<ledger::AlertPage> page) {
        if (!running_) return;
        const auto again = [this](milliseconds pause, const std::string& from) {
            floor_.timers.after(pause, alive_.guard([this, from] { walk(from); }));
        };
        if (page.has_error()) return again(floor_.tuning.retry_longest, cursor);
        for (const auto& record : page->items) watch(record);
        const auto oldest = floor_.clock.now() - floor_.tuning.walk_back;
        if (!page->next.empty() && !page->items.empty() && page->items.back().accepted_at > oldest)
            again(milliseconds(20), page->next);
    }));
}

void Closer::watch(const ledger::AlertRecord& record) {
    if (record.expires > floor_.clock.now()) expiries_.insert({record.expires, record.id});
    deadlines_.insert({record.expires + grace_, record.id});
    arm();
}

void Closer::arm() {
    std::optional<Instant> next;
    for (const auto* list : {&expiries_, &deadlines_})
        if (!list->empty() && (!next || list->begin()->first < *next)) next = list->begin()->first;
    if (!next || (armed_ && *armed_ <= *next)) return;
    armed_ = next;
    const auto pause = std::max(*next - floor_.clock.now(), milliseconds(1));
    floor_.timers.after(pause, alive_.guard([this, at = *next] {
        if (!armed_ || *armed_ != at) return;
        armed_.reset();
        wake();
    }));
}

void Closer::wake() {
    if (!running_) return;
    const auto now = floor_.clock.now();
    for (; !expiries_.empty() && expiries_.begin()->first <= now;
         expiries_.erase(expiries_.begin()))
        expire(expiries_.begin()->second);
    int some = 50;  // a start may find thousands: not all in one turn
    for (; !deadlines_.empty() && deadlines_.begin()->first <= now && some > 0; --some) {
        const auto alert = deadlines_.extract(deadlines_.begin()).value().second;
        close(alert);
    }
    arm();
}

void Closer::expire(const std::string& alert) {
    floor_.ledger.alert(
        alert, alive_.guard([this](Result<std::optional<ledger::AlertRecord>> found) {
            if (found.has_error() || !*found || (*found)->state != "expired") return;
            log::info("alert.expired", {{"alert", (*found)->id}});
            floor_.ledger.tell({{}, (*found)->id, "state", R"({"state":"expired"})"}, [](auto) {});
        }));
}

void Closer::close(const std::string& alert) {
    const auto later = [this, alert] {
        deadlines_.insert({floor_.clock.now() + floor_.tuning.retry_longest, alert});
        arm();
    };
    floor_.alerts.get(alert, alive_.guard([this, later](Result<Shared> found) {
        if (found.has_error()) {
            if (worth_retrying(found.error().cause)) later();
            return;
        }
        using Rows = std::vector<ledger::DeliveryRow>;
        floor_.ledger.deliveries((*found)->record.id,
                                 alive_.guard([this, later, alert = *found](Result<Rows> rows) {
                                     if (rows.has_error()) return later();
                                     close_rows(alert, *rows);
                                 }));
    }));
}

void Closer::close_rows(const Shared& alert, const std::vector<ledger::DeliveryRow>& rows) {
    const auto now = floor_.clock.now();
    const auto& record = alert->record;
    const auto last = std::max(record.expires, record.accepted_at) + Limits{}.withdraw_for + grace_;
    bool waits = false;
    for (const auto& row : rows) {
        const auto there = receipts::unpack(row.record);
        if (there.has_error() || terminal(*there)) continue;
        if (there->action == Action::withdraw && now < last) {
            waits = true;
            continue;
        }
        floor_.book.change(
            {record.id, row.endpoint}, *there, [now](const receipts::Delivery& d, bool) {
                const bool tried = d.tries > 0 || d.grade > receipts::Grade::queued;
                const auto short_of = d.action == Action::withdraw ? Ended::failed : Ended::expired;
                return receipts::end(d, tried ? Ended::timed_out : short_of, now, {});
            });
    }
    if (waits) deadlines_.insert({last, record.id});
    arm();
}

}  // namespace tocsin::dispatch
