#include "server/base/log.hpp"
#include "server/base/time.hpp"
#include "server/ledger/keys.hpp"
#include "server/ledger/sealed_bytes.hpp"
#include "server/ledger/store.hpp"
#include "server/ledger/stream_id.hpp"

/// Receipts and what is told of them; endpoints' own state.
namespace tocsin::ledger {
namespace {

constexpr auto probes_kept = std::chrono::hours(30 * 24);

std::uint32_t seq_of(std::string_view bytes) {
    std::uint32_t out = 0;
    for (std::size_t i = 0; i < 4; ++i) out = out << 8 | std::uint8_t(bytes[i]);
    return out;
}

Result<std::vector<DeliveryRow>> rows_of(Reply all, const std::string& alert) {
    std::vector<DeliveryRow> out;
    for (std::size_t i = 0; i + 1 < all.size(); i += 2) {
        const auto bytes = all[i + 1].text();
        auto record = unseal_bytes(bytes.size() < 4 ? bytes : bytes.substr(4));
        if (record.has_error()) {
            // One damaged row is told and hides no other: with an empty record it reads as unknown.
            log::error(
                "ledger.degraded",
                {{"alert", alert}, {"endpoint", all[i].str()}, {"why", record.error().what}});
            record = std::string();
        }
        out.push_back({all[i].str(), *record, bytes.size() < 4 ? 0 : seq_of(bytes)});
    }
    return out;
}

Event event_of(Reply entry, std::string alert) {
    Event out;
    out.id = entry[0].str();
    out.alert = std::move(alert);
    const auto fields = entry[1];
    for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
        if (fields[i].text() == "n") out.name = fields[i + 1].str();
        if (fields[i].text() == "d") out.data = fields[i + 1].str();
        if (fields[i].text() == "a") out.alert = fields[i + 1].str();
    }
    return out;
}

/// The order of lua/since.lua: last id, first id kept, was anything dropped, entries.
Result<std::vector<Event>> events_since(Reply r,
                                        const std::string& after,
                                        const std::string& alert) {
    if (!after.empty()) {
        const auto from = StreamId::read(after);
        const auto last = StreamId::read(r[0].text()).value_or(StreamId{});
        const auto first = StreamId::read(r[1].text());
        if (*from > last) return Fault{Cause::refused, "that event never was here"};
        if (r[2].number() != 0 && (!first || *from < *first))
            return Fault{Cause::refused, "too old to resume from"};
    }
    std::vector<Event> out;
    for (std::size_t i = 0; i < r[3].size(); ++i) out.push_back(event_of(r[3][i], alert));
    return out;
}

}  // namespace

void RedisLedger::on_event(std::function<void(const Event&, const std::string&)> tell) {
    event_watchers_.push_back(std::move(tell));
}

void RedisLedger::announce(const Event& event, const std::string& global_id) {
    for (const auto& tell : event_watchers_) tell(event, global_id);
}

void RedisLedger::deliveries(const std::string& alert, Then<std::vector<DeliveryRow>> then) {
    store_->ask(Lane::large, {"HGETALL", keys::deliveries(alert)},
                ledger::told<std::vector<DeliveryRow>>(
                    std::move(then), [alert](Reply r) { return rows_of(r, alert); }));
}

void RedisLedger::grade(const std::string& alert,
                        const std::string& endpoint,
                        std::uint32_t expect_seq,
                        const std::string& record,
                        const Event& event,
                        Then<Graded> then) {
    const auto read = [this, alert, event, record](Reply r) -> Result<Graded> {
        const auto seq = std::uint32_t(r[1].number());
        if (r[0].text() != "stored") {
            if (seq == 0) return Graded{false, 0, {}, {}};
            auto there = unseal_bytes(r[2].text());
            if (there.has_error()) return there.error();
            return Graded{false, seq, std::move(*there), {}};
        }
        auto told = event;
        told.alert = alert;
        told.id = r[2].str();
        announce(told, r[3].str());
        return Graded{true, seq, record, told.id};
    };
    store_->run(Lane::small, "grade",
                {keys::deliveries(alert), keys::events(alert), keys::all_events()},
                {endpoint, std::to_string(expect_seq), seal_bytes(record), event.name, event.data,
                 alert, std::to_string(store_->options().events_kept)},
                ledger::told<Graded>(std::move(then), read));
}

void RedisLedger::tell(const Event& event, Then<std::string> then) {
    store_->run(
        Lane::small, "tell", {keys::events(event.alert), keys::all_events()},
        {event.name, event.data, event.alert, std::to_string(store_->options().events_kept)},
        ledger::told<std::string>(std::move(then), [this, event](Reply r) -> Result<std::string> {
            auto told = event;
            told.id = r[0].str();
            announce(told, r[1].str());
            return told.id;
        }));
}

namespace {

void read_events(Store& store,
                 const std::string& stream,
                 const std::string& alert,
                 const std::string& after,
                 std::size_t limit,
                 Then<std::vector<Event>> then) {
    if (!after.empty() && !StreamId::read(after))
        return store.later([then = std::move(then)] {
            then(Fault{Cause::malformed, "no event's id"});
        });
    store.run(
        Lane::large, "since", {stream}, {after, std::to_string(std::max<std::size_t>(limit, 1))},
        told<std::vector<Event>>(
            std::move(then), [after, alert](Reply r) { return events_since(r, after, alert); }));
}

}  // namespace

void RedisLedger::events(const std::string& alert,
                         const std::string& after,
                         std::size_t limit,
                         Then<std::vector<Event>> then) {
    read_events(*store_, keys::events(alert), alert, after, limit, std::move(then));
}

void RedisLedger::events_all(const std::string& after,
                             std::size_t limit,
                             Then<std::vector<Event>> then) {
    read_events(*store_, keys::all_events(), {}, after, limit, std::move(then));
}

void RedisLedger::put_state(const std::string& endpoint, const std::string& json, Then<Done> then) {
    store_->ask(Lane::small, {"HSET", keys::states(), endpoint, json}, told_done(std::move(then)));
}

void RedisLedger::states(Then<std::map<std::string, std::string>> then) {
    using Out = std::map<std::string, std::string>;
    store_->ask(Lane::small, {"HGETALL", keys::states()},
                ledger::told<Out>(std::move(then), [](Reply r) -> Result<Out> {
                    Out out;
                    for (std::size_t i = 0; i + 1 < r.size(); i += 2)
                        out[r[i].str()] = r[i + 1].str();
                    return out;
                }));
}

void RedisLedger::note_probe(const std::string& endpoint,
                             const std::string& json,
                             Then<Done> then) {
    const auto oldest = std::to_string((now() - probes_kept).time_since_epoch().count());
    store_->ask(Lane::small,
                {"XADD", keys::probes(endpoint), "MINID", "~", oldest, "*", "probe", json},
                told_done(std::move(then)));
}

void RedisLedger::probes(const std::string& endpoint, Then<std::vector<std::string>> then) {
    using Out = std::vector<std::string>;
    const auto oldest = std::to_string((now() - probes_kept).time_since_epoch().count());
    store_->ask(Lane::large, {"XRANGE", keys::probes(endpoint), oldest, "+"},
                ledger::told<Out>(std::move(then), [](Reply r) -> Result<Out> {
                    Out out;
                    for (std::size_t i = 0; i < r.size(); ++i) out.push_back(r[i][1][1].str());
                    return out;
                }));
}

}  // namespace tocsin::ledger
