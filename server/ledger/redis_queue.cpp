#include "server/ledger/keys.hpp"
#include "server/ledger/names.hpp"
#include "server/ledger/store.hpp"
#include "server/ledger/stream_id.hpp"

#include <charconv>

/// Outbox, and each endpoint's queue.
namespace tocsin::ledger {
namespace {

constexpr Mode modes[] = {Mode::live, Mode::exercise, Mode::test, Mode::replay};

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        if (end > 0) out.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

/// The value of `key` among a stream entry's fields.
Reply field(Reply entry, std::string_view key) {
    const auto fields = entry[1];
    for (std::size_t i = 0; i + 1 < fields.size(); i += 2)
        if (fields[i].text() == key) return fields[i + 1];
    return {};
}

std::uint64_t big_endian(std::string_view bytes) {
    std::uint64_t out = 0;
    for (const unsigned char byte : bytes) out = out << 8 | byte;
    return out;
}

/// The bytes of lua/want.lua.
std::optional<WantRecord> read_want(std::uint32_t ordinal, std::string_view bytes) {
    if (bytes.size() < 22) return std::nullopt;
    const auto action = action_of(bytes[5]);
    const auto level = std::uint8_t(bytes[6]);
    const auto slash = bytes.rfind('/');
    constexpr std::string_view phases = "dsuxf";
    if (!action || level < 1 || level > 4 || slash < 21 || slash == bytes.npos ||
        phases.find(bytes[4]) == phases.npos)
        return std::nullopt;
    WantRecord out;
    out.want.order = {ordinal, std::uint16_t(big_endian(bytes.substr(0, 2)))};
    out.shown = std::uint16_t(big_endian(bytes.substr(2, 2)));
    out.phase = Phase(bytes[4]);
    out.want.action = *action;
    out.want.level = contract::Level(level);
    out.tries = std::uint16_t(big_endian(bytes.substr(7, 2)));
    out.want.expires =
        Instant(std::chrono::milliseconds(std::int64_t(big_endian(bytes.substr(13, 8)))));
    out.want.alert = bytes.substr(21, slash - 21);
    return out;
}

Result<std::vector<WantRecord>> read_wants(Reply all) {
    std::vector<WantRecord> out;
    for (std::size_t i = 0; i + 1 < all.size(); i += 2) {
        auto record = read_want(std::uint32_t(all[i].number()), all[i + 1].text());
        if (!record)
            return Fault{Cause::internal,
                         fmt::format("what is wanted of chain {} is damaged", all[i].number())};
        out.push_back(std::move(*record));
    }
    return out;
}

}  // namespace

void RedisLedger::outbox(std::size_t limit, Then<std::vector<OutboxEntry>> then) {
    struct Gathered {
        std::vector<OutboxEntry> all;
        std::optional<Fault> fault;
        std::size_t missing = std::size(modes);
    };
    auto gathered = std::make_shared<Gathered>();
    for (const auto mode : modes)
        store_->ask(
            Lane::small,
            {"XRANGE", keys::intake(mode, "outbox"), "-", "+", "COUNT", std::to_string(limit)},
            [gathered, mode, limit, then](const Result<Reply>& reply) {
                if (reply.has_error()) gathered->fault = reply.error();
                if (reply.has_value())
                    for (std::size_t i = 0; i < (*reply).size(); ++i) {
                        const auto entry = (*reply)[i];
                        gathered->all.push_back({entry[0].str(), mode, field(entry, "alert").str(),
                                                 words_of(field(entry, "others").text())});
                    }
                if (--gathered->missing > 0) return;
                if (gathered->fault) return then(std::move(*gathered->fault));
                if (gathered->all.size() > limit) gathered->all.resize(limit);  // live comes first
                then(std::move(gathered->all));
            });
}

void RedisLedger::drained(const OutboxEntry& entry, Then<Done> then) {
    store_->ask(Lane::small, {"XDEL", keys::intake(entry.mode, "outbox"), entry.entry},
                told_done(std::move(then)));
}

void RedisLedger::lease(const std::string& endpoint,
                        std::chrono::milliseconds keep,
                        Then<Lease> then) {
    const auto& own = store_->options();
    store_->run(Lane::small, "lease", {keys::lease(endpoint)},
                {own.node, own.boot, std::to_string(keep.count())},
                ledger::told<Lease>(std::move(then), [](Reply r) -> Result<Lease> {
                    return Lease{r[0].text() == "mine", std::uint64_t(r[1].number()), r[2].str()};
                }));
}

void RedisLedger::want(const std::string& endpoint, Mode mode, const Want& w, Then<Wanted> then) {
    const auto expires = std::max<std::int64_t>(w.expires.time_since_epoch().count(), 0);
    store_->run(Lane::small, "want", {keys::wants(endpoint, mode)},
                {std::to_string(w.order.ordinal), std::to_string(w.order.revision),
                 std::string(1, letter(w.action)), std::to_string(expires),
                 std::to_string(int(w.level)), w.alert},
                ledger::told<Wanted>(std::move(then), [](Reply r) -> Result<Wanted> {
                    return Wanted{r[0].text() == "due", r[1].str()};
                }));
}

void RedisLedger::wants(const std::string& endpoint,
                        Mode mode,
                        Then<std::vector<WantRecord>> then) {
    store_->ask(Lane::small, {"HGETALL", keys::wants(endpoint, mode)},
                ledger::told<std::vector<WantRecord>>(std::move(then), read_wants));
}

void RedisLedger::intend(
    const std::string& endpoint, Mode mode, std::uint64_t fence, OrderId order, Then<Intent> then) {
    store_->run(
        Lane::small, "intend", {keys::wants(endpoint, mode), keys::lease(endpoint)},
        {std::to_string(fence), std::to_string(order.ordinal), std::to_string(order.revision)},
        ledger::told<Intent>(std::move(then), [](Reply r) -> Result<Intent> {
            const auto word = r[0].text();
            const auto answer = word == "go"       ? Intent::Answer::go
                                : word == "fenced" ? Intent::Answer::fenced
                                                   : Intent::Answer::moved;
            return Intent{answer, std::uint16_t(r[1].number()), std::uint16_t(r[2].number())};
        }));
}

void RedisLedger::settle(
    const std::string& endpoint, Mode mode, OrderId order, Phase phase, Then<Done> then) {
    store_->run(Lane::small, "settle", {keys::wants(endpoint, mode)},
                {std::to_string(order.ordinal), std::to_string(order.revision),
                 std::string(1, char(phase))},
                told_done(std::move(then)));
}

void RedisLedger::sweep(const std::string& endpoint, Mode mode, Instant before, Then<Done> then) {
    store_->run(Lane::small, "sweep", {keys::wants(endpoint, mode)},
                {std::to_string(before.time_since_epoch().count())}, told_done(std::move(then)));
}

}  // namespace tocsin::ledger
