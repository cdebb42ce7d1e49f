#pragma once
#include "server/dispatch/runtime.hpp"

#include <deque>

/// The delivery rows: whoever learns something about one says how it changes, and the book gets
/// that into the ledger by compare-and-set, in order, until it is there. What came in while a
/// write was on its way goes in one further write.
namespace tocsin::dispatch {

struct RowKey {
    std::string alert, row;
    auto operator<=>(const RowKey&) const = default;
};

/// Rows are named by endpoint. An alert that takes back another chain's has a second order there,
/// and so a second row.
std::string row_of(const std::string& endpoint, OrderId order, OrderId of_alert);

class Book {
public:
    using Delivery = receipts::Delivery;
    /// `fresh`: there is none yet, and the one given is the blank. Nothing: no change.
    using Change = std::function<std::optional<Delivery>(const Delivery& now, bool fresh)>;
    using Done = std::function<void()>;
    using Watch = std::function<void(const RowKey&, const Delivery& before, const Delivery& after)>;

    Book(ledger::Ledger& ledger, Timers& timers, const Tuning& tuning)
        : ledger_(ledger), timers_(timers), tuning_(tuning) {}
    void watch(Watch watch) { watch_ = std::move(watch); }

    /// `done` once it is stored, or once it is sure that it changes nothing.
    void change(const RowKey& key, const Delivery& blank, Change change, Done done = {});
    /// When all that was asked before is stored.
    void flushed(const RowKey& key, Done done);

private:
    struct Wish {
        Change change;
        Done done;
    };
    struct Row {
        Delivery stored, blank;
        std::uint32_t seq = 0;
        bool known = false, busy = false;
        std::deque<Wish> wishes;
    };
    void pump(const RowKey& key);
    void write(const RowKey& key, Row& row, Delivery next, std::size_t wishes);
    void read(const RowKey& key);
    void adopt(const RowKey& key, Row& row, std::uint32_t seq, std::string_view record);
    void done(const RowKey& key, std::size_t wishes);
    void retry(const RowKey& key);
    void trim();

    ledger::Ledger& ledger_;
    Timers& timers_;
    const Tuning& tuning_;
    Watch watch_;
    Alive alive_;
    std::map<RowKey, Row> rows_;
    std::map<std::string, std::vector<RowKey>> reading_;  // alert -> rows that wait for it
    std::size_t trim_at_ = 4096;
};

}  // namespace tocsin::dispatch
