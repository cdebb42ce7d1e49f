#include "server/dispatch/book.hpp"

#include "server/base/log.hpp"

namespace tocsin::dispatch {

std::string row_of(const std::string& endpoint, OrderId order, OrderId of_alert) {
    return order.ordinal == of_alert.ordinal ? endpoint
                                             : fmt::format("{}#{}", endpoint, order.ordinal);
}

void Book::change(const RowKey& key, const Delivery& blank, Change change, Done done) {
    trim();
    auto& row = rows_[key];
    if (!row.known) row.blank = blank;
    row.wishes.push_back({std::move(change), std::move(done)});
    pump(key);
}

void Book::flushed(const RowKey& key, Done done) {
    const auto at = rows_.find(key);
    if (at == rows_.end() || at->second.wishes.empty()) return done();
    at->second.wishes.push_back(
        {[](const Delivery&, bool) { return std::optional<Delivery>(); }, std::move(done)});
}

void Book::pump(const RowKey& key) {
    const auto at = rows_.find(key);
    if (at == rows_.end() || at->second.busy || at->second.wishes.empty()) return;
    auto& row = at->second;
    auto next = row.known ? row.stored : row.blank;
    bool fresh = row.seq == 0, changed = false;
    for (const auto& wish : row.wishes)
        if (auto made = wish.change(next, fresh)) {
            next = std::move(*made);
            fresh = false;
            changed = true;
        }
    row.busy = true;
    const auto wishes = row.wishes.size();
    if (changed) return write(key, row, std::move(next), wishes);
    if (!row.known) return read(key);  // "no change" of what? Look before saying so.
    row.busy = false;
    done(key, wishes);
}

void Book::write(const RowKey& key, Row& row, Delivery next, std::size_t wishes) {
    const auto record = receipts::pack(next);
    const ledger::Event event{{}, key.alert, "delivery", receipts::to_json(next, false)};
    auto stored = [this, key, next = std::move(next),
                   wishes](Result<ledger::Graded> answer) mutable {
        auto& row = rows_.at(key);
        if (answer.has_error()) return retry(key);
        row.busy = false;
        if (!answer->stored) {  // somebody was faster: fold again into what is there
            adopt(key, row, answer->seq, answer->now);
            return pump(key);
        }
        const auto before = std::exchange(row.stored, std::move(next));
        row.seq = answer->seq;
        const auto shown = row.known ? before : row.blank;
        row.known = true;
        if (watch_) watch_(key, shown, row.stored);
        done(key, wishes);
    };
    ledger_.grade(key.alert, key.row, row.seq, record, event, alive_.guard(std::move(stored)));
}

/// One reading serves all rows of an alert that wait: ten thousand boards end at the same instant.
void Book::read(const RowKey& key) {
    auto& waiting = reading_[key.alert];
    waiting.push_back(key);
    if (waiting.size() > 1) return;
    using Rows = std::vector<ledger::DeliveryRow>;
    ledger_.deliveries(key.alert, alive_.guard([this, alert = key.alert](Result<Rows> answer) {
        const auto keys = std::move(reading_.extract(alert).mapped());
        std::map<std::string_view, const ledger::DeliveryRow*> found;
        if (answer.has_value())
            for (const auto& row : *answer) found[row.endpoint] = &row;
        for (const auto& key : keys) {
            if (answer.has_error()) {
                retry(key);
                continue;
            }
            auto& row = rows_.at(key);
            row.busy = false;
            if (const auto at = found.find(key.row); at != found.end())
                adopt(key, row, at->second->seq, at->second->record);
            else
                row.stored = row.blank, row.known = true;
            pump(key);
        }
    }));
}

void Book::adopt(const RowKey& key, Row& row, std::uint32_t seq, std::string_view record) {
    row.seq = seq;
    row.known = true;
    auto there = receipts::unpack(record);
    if (there.has_value()) {
        row.stored = std::move(*there);
        return;
    }
    // What was known is lost, what is proved from now on is not: begin anew, loudly.
    log::error("delivery.damaged",
               {{"alert", key.alert}, {"endpoint", key.row}, {"why", there.error().what}});
    row.stored = row.blank;
}

void Book::done(const RowKey& key, std::size_t wishes) {
    std::vector<Done> tell;
    auto& row = rows_.at(key);
    for (; wishes > 0; --wishes) {
        if (row.wishes.front().done) tell.push_back(std::move(row.wishes.front().done));
        row.wishes.pop_front();
    }
    for (const auto& then : tell) then();  // may ask for more, or even for this row
    pump(key);
}

void Book::retry(const RowKey& key) {
    timers_.after(tuning_.retry_first * 2, alive_.guard([this, key] {
        rows_.at(key).busy = false;
        pump(key);
    }));
}

void Book::trim() {
    if (rows_.size() < trim_at_) return;
    std::erase_if(
        rows_, [](const auto& entry) { return !entry.second.busy && entry.second.wishes.empty(); });
    trim_at_ = std::max<std::size_t>(4096, 2 * rows_.size());
}

}  // namespace tocsin::dispatch
