#include "server/ledger/redis_audit.hpp"

#include "server/base/log.hpp"
#include "server/ledger/keys.hpp"
#include "server/ledger/stream_id.hpp"

namespace tocsin::ledger {
namespace {

constexpr std::size_t lines_at_once = 1000;

std::string lines_key() { return keys::intake("audit"); }
std::string seal_key() { return keys::intake("seal"); }
std::string head_key() { return keys::intake("seal:head"); }
std::string after(const std::string& entry) { return entry.empty() ? "-" : "(" + entry; }

Reply field(Reply entry, std::string_view key) {
    const auto fields = entry[1];
    for (std::size_t i = 0; i + 1 < fields.size(); i += 2)
        if (fields[i].text() == key) return fields[i + 1];
    return {};
}

/// Lines and their seals from `from` on, side by side; a line that is gone leaves its seal.
struct Pages {
    std::vector<AuditLine> lines, seals;
    std::optional<Fault> fault;
    std::size_t missing = 2;
};

AuditLine seal_of(Reply entry) {
    return {entry[0].str(),
            {},
            std::uint64_t(field(entry, "n").number()),
            field(entry, "p").str(),
            field(entry, "h").str()};
}

void read_pages(Store& store,
                const std::string& from,
                std::size_t limit,
                std::function<void(Pages&)> then) {
    auto pages = std::make_shared<Pages>();
    const auto part = [pages, then](auto make, std::vector<AuditLine> Pages::*into) {
        return [pages, then, make, into](const Result<Reply>& reply) {
            if (reply.has_error()) pages->fault = reply.error();
            for (std::size_t i = 0; reply.has_value() && i < (*reply).size(); ++i)
                ((*pages).*into).push_back(make((*reply)[i]));
            if (--pages->missing == 0) then(*pages);
        };
    };
    const auto count = std::to_string(limit);
    store.ask(Lane::large, {"XRANGE", lines_key(), after(from), "+", "COUNT", count},
              part(audit_line_of, &Pages::lines));
    store.ask(Lane::large, {"XRANGE", seal_key(), after(from), "+", "COUNT", count},
              part(seal_of, &Pages::seals));
}

void stamp(AuditLine& line, const AuditLine& seal) {
    line.number = seal.number;
    line.before = seal.before;
    line.hash = seal.hash;
}

StreamId id_of(const AuditLine& line) { return StreamId::read(line.entry).value_or(StreamId{}); }

}  // namespace

AuditLine audit_line_of(Reply entry) {
    AuditLine out{entry[0].str(), field(entry, "line").str(), 0, {}, {}};
    const auto alert = field(entry, "alert");
    if (!alert.null())
        out.line = fmt::format(R"({{"act":{},"alert":"{}","state":"{}"}})", out.line, alert.text(),
                               field(entry, "state").text());
    return out;
}

RedisLedger::Sealer::Sealer(Store& store) : store_(store), timer_(store.loop()) {
    store_.watch().on_ready([this] { wake(); });  // what was left unsealed when we last stopped
}

void RedisLedger::Sealer::wake() { arm(store_.options().seal_after); }

void RedisLedger::Sealer::arm(std::chrono::milliseconds wait) {
    again_ = true;
    if (busy_ || std::exchange(armed_, true)) return;
    timer_.expires_after(wait);
    timer_.async_wait([this, alive = store_.alive()](boost::system::error_code error) {
        if (error || alive.expired()) return;
        armed_ = again_ = false;
        busy_ = true;
        begin();
    });
}

void RedisLedger::Sealer::end(bool more) {
    busy_ = false;
    if (more)
        arm(std::chrono::milliseconds(0));
    else if (again_)
        wake();
}

void RedisLedger::Sealer::begin() {
    store_.ask(Lane::large, {"HMGET", head_key(), "n", "entry", "hash"},
               [this](const Result<Reply>& reply) {
                   if (reply.has_error()) return end(false);  // on_ready wakes us
                   const auto r = *reply;
                   read(std::uint64_t(r[0].number()), r[1].str(),
                        r[2].null() ? first_hash() : r[2].str());
               });
}

void RedisLedger::Sealer::read(std::uint64_t sealed,
                               const std::string& entry,
                               const std::string& hash) {
    store_.ask(Lane::large,
               {"XRANGE", lines_key(), after(entry), "+", "COUNT", std::to_string(lines_at_once)},
               [this, sealed, hash](const Result<Reply>& reply) {
                   if (reply.has_error() || (*reply).size() == 0) return end(false);
                   std::vector<AuditLine> fresh;
                   for (std::size_t i = 0; i < (*reply).size(); ++i)
                       fresh.push_back(audit_line_of((*reply)[i]));
                   seal(sealed, hash, fresh);
               });
}

void RedisLedger::Sealer::seal(std::uint64_t sealed,
                               std::string hash,
                               const std::vector<AuditLine>& fresh) {
    std::vector<std::string> words{std::to_string(sealed)};
    for (const auto& line : fresh) {
        auto next = sealed_hash(hash, line.line);
        words.insert(words.end(), {line.entry, std::to_string(++sealed), std::move(hash), next});
        hash = std::move(next);
    }
    const bool more = fresh.size() == lines_at_once;
    store_.run(Lane::large, "seal", {seal_key(), head_key()}, std::move(words),
               [this, more](const Result<Reply>& reply) {
                   if (reply.has_error())
                       log::warn("audit.broken", {{"why", "not sealed: " + reply.error().what}});
                   end(more && reply.has_value());
               });
}

void RedisLedger::wake_sealer() { sealer_->wake(); }

void RedisLedger::audit(const std::string& line, Then<Done> then) {
    store_->ask(Lane::small, {"XADD", lines_key(), "*", "line", line},
                ledger::told<Done>(std::move(then), [this](Reply) -> Result<Done> {
                    sealer_->wake();
                    return Done{};
                }));
}

void RedisLedger::audit_lines(const std::string& from,
                              std::size_t limit,
                              Then<std::vector<AuditLine>> then) {
    if (!from.empty() && !StreamId::read(from))
        return store_->later([then = std::move(then)] {
            then(Fault{Cause::malformed, "no audit entry's id"});
        });
    read_pages(*store_, from, std::max<std::size_t>(limit, 1), [then](Pages& pages) {
        if (pages.fault) return then(std::move(*pages.fault));
        std::map<std::string, const AuditLine*> seals;
        for (const auto& seal : pages.seals) seals[seal.entry] = &seal;
        for (auto& line : pages.lines)
            if (const auto at = seals.find(line.entry); at != seals.end()) stamp(line, *at->second);
        then(std::move(pages.lines));
    });
}

namespace {

/// Walks lines and seals side by side to the end, then compares with the head.
struct Verification : std::enable_shared_from_this<Verification> {
    Verification(Store& store, Then<AuditVerdict> then) : store(store), then(std::move(then)) {}

    /// The head first: what is sealed while we read is not asked for.
    void begin() {
        store.ask(Lane::large, {"HMGET", head_key(), "n", "hash"},
                  [self = shared_from_this()](const Result<Reply>& reply) {
                      if (reply.has_error()) return self->then(reply.error());
                      self->check.expect(std::uint64_t((*reply)[0].number()), (*reply)[1].str());
                      self->go();
                  });
    }

    void go() {
        read_pages(store, from, lines_at_once, [self = shared_from_this()](Pages& pages) {
            if (pages.fault) return self->then(std::move(*pages.fault));
            self->walk(pages);
        });
    }

    void walk(Pages& pages) {
        const auto full = [](const auto& list) { return list.size() == lines_at_once; };
        // Only as far as both pages surely reach.
        auto until = StreamId{UINT64_MAX, UINT64_MAX};
        if (full(pages.lines)) until = std::min(until, id_of(pages.lines.back()));
        if (full(pages.seals)) until = std::min(until, id_of(pages.seals.back()));
        std::erase_if(pages.seals,
                      [&](const auto& seal) { return seal.number > check.expected(); });
        std::size_t l = 0, s = 0;
        for (;;) {
            const bool line = l < pages.lines.size() && id_of(pages.lines[l]) <= until;
            const bool seal = s < pages.seals.size() && id_of(pages.seals[s]) <= until;
            if (!line && !seal) break;
            const bool seal_first =
                seal && (!line || id_of(pages.seals[s]) < id_of(pages.lines[l]));
            if (seal_first) {
                check.gone(pages.seals[s++]);
                continue;
            }
            auto& at = pages.lines[l++];
            if (seal && pages.seals[s].entry == at.entry) stamp(at, pages.seals[s++]);
            check.take(at);
        }
        if (until.ms == UINT64_MAX) return then(check.verdict());
        from = until.text();
        go();
    }

    Store& store;
    Then<AuditVerdict> then;
    AuditCheck check;
    std::string from;
};

}  // namespace

void RedisLedger::verify_audit(Then<AuditVerdict> then) {
    std::make_shared<Verification>(*store_, std::move(then))->begin();
}

}  // namespace tocsin::ledger
