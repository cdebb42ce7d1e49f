#include "server/base/log.hpp"
#include "server/base/time.hpp"
#include "server/ledger/keys.hpp"
#include "server/ledger/names.hpp"
#include "server/ledger/sealed_bytes.hpp"
#include "server/ledger/store.hpp"
#include "server/ledger/stream_id.hpp"

#include <charconv>

/// Reading alerts back.
namespace tocsin::ledger {
namespace {

std::string base() { return keys::intake(""); }

Instant instant(Reply milliseconds) {
    return Instant(std::chrono::milliseconds(milliseconds.number()));
}

struct Read {
    AlertRecord record;
    std::uint64_t number = 0;
    bool whole = false;
};

/// The order of lua/record.lua.
Read read(Reply row, bool full, Instant now) {
    const auto r = row[1], chain = row[2], body = row[3];
    Read out;
    auto& a = out.record;
    a.id = row[0].str();
    a.mode = mode_of_id(a.id).value_or(Mode{});
    a.kind = kind_of(r[1].text()).value_or(Kind::alert);
    a.chain = r[2].str();
    a.order = {std::uint32_t(r[3].number()), std::uint16_t(r[4].number())};
    a.accepted_at = instant(r[5]);
    a.expires = instant(r[6]);
    a.sent = instant(r[7]);
    a.withdrawn_by = r[8].str();
    out.number = std::uint64_t(r[9].number());
    a.triple = {r[10].str(), r[11].str(), r[12].str()};
    a.facts = r[13].str();
    const auto check = r[14].text();
    a.cap = body[0].str();
    a.plan = body[1].str();
    a.head = chain[0].str();
    a.newest = {std::uint32_t(chain[1].number()), std::uint16_t(chain[2].number())};
    out.whole =
        r[15].text() == "1" && a.mode != Mode{} && kind_of(r[1].text()) &&
        part_whole(check, Part::facts, a.facts) &&
        (!full || (part_whole(check, Part::cap, a.cap) && part_whole(check, Part::plan, a.plan)));
    a.state = out.whole ? state_now(r[0].text(), a.expires, now) : "damaged";
    if (!out.whole) log::error("ledger.degraded", {{"alert", a.id}, {"why", "damaged record"}});
    return out;
}

Result<std::optional<AlertRecord>> one(Reply reply) {
    if (reply[0].null()) return std::optional<AlertRecord>();
    auto got = read(reply[0], true, now());
    if (!got.whole)
        return Fault{Cause::internal,
                     fmt::format("alert {}: its record is damaged", got.record.id)};
    return std::optional(std::move(got.record));
}

}  // namespace

void RedisLedger::alert(const std::string& id, Then<std::optional<AlertRecord>> then) {
    if (!mode_of_id(id))
        return store_->later([then = std::move(then)] { then(std::optional<AlertRecord>()); });
    store_->run(Lane::large, "alert", {base()}, {id},
                ledger::told<std::optional<AlertRecord>>(std::move(then), one));
}

void RedisLedger::chain_head(Mode mode,
                             const std::string& chain,
                             Then<std::optional<AlertRecord>> then) {
    store_->run(Lane::large, "head", {base(), keys::intake(mode, "")}, {chain},
                ledger::told<std::optional<AlertRecord>>(std::move(then), one));
}

void RedisLedger::alerts(std::size_t limit, const std::string& cursor, Then<AlertPage> then) {
    const auto below = read_cursor(cursor);
    if (!below)
        return store_->later([then = std::move(then)] {
            then(Fault{Cause::malformed, "no cursor of ours"});
        });
    limit = std::clamp<std::size_t>(limit, 1, 1000);
    // One more than asked: so the last page knows that it is the last.
    store_->run(Lane::large, "list", {base(), keys::intake("recent")},
                {std::to_string(*below), std::to_string(limit + 1)},
                ledger::told<AlertPage>(std::move(then), [limit](Reply rows) -> Result<AlertPage> {
                    AlertPage page;
                    const auto at = now();
                    for (std::size_t i = 0; i < std::min(rows.size(), limit); ++i) {
                        auto got = read(rows[i], false, at);
                        page.items.push_back(std::move(got.record));
                        if (rows.size() > limit) page.next = std::to_string(got.number);
                    }
                    return page;
                }));
}

void RedisLedger::alert_of(OrderId order, Then<std::string> then) {
    const auto field = fmt::format("{}.{}", order.ordinal, order.revision);
    store_->ask(Lane::small, {"HGET", keys::intake("orders"), field},
                ledger::told<std::string>(std::move(then),
                                          [](Reply r) -> Result<std::string> { return r.str(); }));
}

void RedisLedger::in_force(Mode mode, Instant now, Then<std::vector<AlertRecord>> then) {
    using Out = std::vector<AlertRecord>;
    store_->run(Lane::large, "force", {base(), keys::intake(mode, "")},
                {std::to_string(now.time_since_epoch().count())},
                ledger::told<Out>(std::move(then), [now](Reply rows) -> Result<Out> {
                    std::vector<Read> all;
                    for (std::size_t i = 0; i < rows.size(); ++i)
                        all.push_back(read(rows[i], true, now));
                    std::ranges::sort(all, {}, &Read::number);
                    Out out;
                    for (auto& got : all)  // a damaged one was logged; it hides no other (A10)
                        if (got.whole) out.push_back(std::move(got.record));
                    return out;
                }));
}

}  // namespace tocsin::ledger
