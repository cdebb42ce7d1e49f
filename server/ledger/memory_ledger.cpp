#include "server/ledger/memory_ledger.hpp"

#include "server/ledger/audit_chain.hpp"
#include "server/ledger/keys.hpp"
#include "server/ledger/pages.hpp"
#include "server/ledger/stream_id.hpp"

namespace tocsin::ledger {

MemoryLedger::MemoryLedger(Post post, Clock clock, std::string node)
    : post_(std::move(post)), clock_(std::move(clock)), node_(std::move(node)) {}

void MemoryLedger::set_health(Health health) {
    health_ = std::move(health);
    for (const auto& watcher : health_watchers_) watcher(health_);
}

void MemoryLedger::on_health(std::function<void(const Health&)> tell) {
    health_watchers_.push_back(std::move(tell));
}

void MemoryLedger::on_event(std::function<void(const Event&, const std::string&)> tell) {
    event_watchers_.push_back(std::move(tell));
}

std::string MemoryLedger::next_id() {
    const auto ms = std::max(std::uint64_t(clock_().time_since_epoch().count()), last_ms_);
    last_seq_ = ms == last_ms_ ? last_seq_ + 1 : 0;
    last_ms_ = ms;
    return StreamId{last_ms_, last_seq_}.text();
}

AlertRecord MemoryLedger::shown(const Stored& stored, Instant now) const {
    auto out = stored.record;
    out.state = state_now(stored.record.state, out.expires, now);
    const auto& chain = shelves_.at(out.mode).chains.at(out.chain);
    out.head = chain.head;
    out.newest = {chain.ordinal, chain.revision};
    return out;
}

void MemoryLedger::alert(const std::string& id, Then<std::optional<AlertRecord>> then) {
    using Out = std::optional<AlertRecord>;
    answer<Out>(std::move(then), [=, this]() -> Result<Out> {
        const auto at = alerts_.find(id);
        return at == alerts_.end() ? Out() : Out(shown(at->second, clock_()));
    });
}

void MemoryLedger::alerts(std::size_t limit, const std::string& cursor, Then<AlertPage> then) {
    answer<AlertPage>(std::move(then), [=, this]() -> Result<AlertPage> {
        const auto before = read_cursor(cursor);
        if (!before) return Fault{Cause::malformed, "no cursor of ours"};
        AlertPage page;
        auto at = std::make_reverse_iterator(recent_.lower_bound(*before));
        for (; at != recent_.rend() && page.items.size() < limit; ++at) {
            page.items.push_back(shown(alerts_.at(at->second), clock_()));
            page.items.back().cap.clear();
            page.items.back().plan.clear();
            page.next = std::to_string(at->first);
        }
        if (at == recent_.rend()) page.next.clear();
        return page;
    });
}

void MemoryLedger::alert_of(OrderId order, Then<std::string> then) {
    answer<std::string>(std::move(then), [=, this]() -> Result<std::string> {
        const auto at = orders_.find(order);
        return at == orders_.end() ? "" : at->second;
    });
}

void MemoryLedger::in_force(Mode mode, Instant now, Then<std::vector<AlertRecord>> then) {
    using Out = std::vector<AlertRecord>;
    answer<Out>(std::move(then), [=, this]() -> Result<Out> {
        Out out;
        for (const auto& [number, id] : recent_) {
            const auto& stored = alerts_.at(id);
            if (stored.showing && stored.record.mode == mode && now < stored.show_until)
                out.push_back(shown(stored, now));
        }
        return out;
    });
}

void MemoryLedger::outbox(std::size_t limit, Then<std::vector<OutboxEntry>> then) {
    using Out = std::vector<OutboxEntry>;
    answer<Out>(std::move(then), [=, this]() -> Result<Out> {
        Out out;
        for (const auto& [mode, shelf] : shelves_)
            for (const auto& [id, entry] : shelf.outbox)
                if (out.size() < limit) out.push_back(entry);
        return out;
    });
}

void MemoryLedger::drained(const OutboxEntry& entry, Then<Done> then) {
    answer<Done>(std::move(then), [=, this]() -> Result<Done> {
        shelves_[entry.mode].outbox.erase(entry.entry);
        return Done{};
    });
}

void MemoryLedger::chain_head(Mode mode,
                              const std::string& chain,
                              Then<std::optional<AlertRecord>> then) {
    using Out = std::optional<AlertRecord>;
    answer<Out>(std::move(then), [=, this]() -> Result<Out> {
        auto& chains = shelves_[mode].chains;
        const auto at = chains.find(chain);
        if (at == chains.end() || at->second.head.empty()) return Out();
        return Out(shown(alerts_.at(at->second.head), clock_()));
    });
}

void MemoryLedger::deliveries(const std::string& alert, Then<std::vector<DeliveryRow>> then) {
    using Out = std::vector<DeliveryRow>;
    answer<Out>(std::move(then), [=, this]() -> Result<Out> {
        Out out;
        for (const auto& [endpoint, d] : deliveries_[alert])
            out.push_back({endpoint, d.record, d.seq});
        return out;
    });
}

Event MemoryLedger::keep(Event event) {
    event.id = next_id();
    events_[event.alert].push_back(event);
    all_events_.push_back(event);
    post_([this, event] {
        for (const auto& watcher : event_watchers_) watcher(event, event.id);
    });
    return event;
}

void MemoryLedger::grade(const std::string& alert,
                         const std::string& endpoint,
                         std::uint32_t expect_seq,
                         const std::string& record,
                         const Event& event,
                         Then<Graded> then) {
    answer<Graded>(std::move(then), [=, this]() -> Result<Graded> {
        auto& rows = deliveries_[alert];
        const auto at = rows.find(endpoint);
        const auto there = at == rows.end() ? Delivered{} : at->second;
        if (there.seq != expect_seq) return Graded{false, there.seq, there.record, {}};
        rows[endpoint] = {expect_seq + 1, record};
        auto told = event;
        told.alert = alert;
        return Graded{true, expect_seq + 1, record, keep(std::move(told)).id};
    });
}

void MemoryLedger::tell(const Event& event, Then<std::string> then) {
    answer<std::string>(std::move(then),
                        [=, this]() -> Result<std::string> { return keep(event).id; });
}

Result<std::vector<Event>> MemoryLedger::since(const std::vector<Event>& from,
                                               const std::string& after,
                                               std::size_t limit) const {
    const auto id = after.empty() ? StreamId{} : StreamId::read(after).value_or(StreamId{});
    if (!after.empty() && id == StreamId{}) return Fault{Cause::malformed, "no event's id"};
    const auto newest = from.empty() ? StreamId{} : *StreamId::read(from.back().id);
    if (id > newest) return Fault{Cause::refused, "that event never was here"};
    std::vector<Event> out;
    for (const auto& event : from)
        if (*StreamId::read(event.id) > id && out.size() < limit) out.push_back(event);
    return out;
}

void MemoryLedger::events(const std::string& alert,
                          const std::string& after,
                          std::size_t limit,
                          Then<std::vector<Event>> then) {
    answer<std::vector<Event>>(std::move(then),
                               [=, this] { return since(events_[alert], after, limit); });
}

void MemoryLedger::events_all(const std::string& after,
                              std::size_t limit,
                              Then<std::vector<Event>> then) {
    answer<std::vector<Event>>(std::move(then),
                               [=, this] { return since(all_events_, after, limit); });
}

void MemoryLedger::put_state(const std::string& endpoint,
                             const std::string& json,
                             Then<Done> then) {
    answer<Done>(std::move(then), [=, this]() -> Result<Done> {
        states_[endpoint] = json;
        return Done{};
    });
}

void MemoryLedger::states(Then<std::map<std::string, std::string>> then) {
    answer<std::map<std::string, std::string>>(
        std::move(then),
        [this]() -> Result<std::map<std::string, std::string>> { return states_; });
}

void MemoryLedger::note_probe(const std::string& endpoint,
                              const std::string& json,
                              Then<Done> then) {
    answer<Done>(std::move(then), [=, this]() -> Result<Done> {
        probes_[endpoint].push_back(json);
        return Done{};
    });
}

void MemoryLedger::probes(const std::string& endpoint, Then<std::vector<std::string>> then) {
    using Out = std::vector<std::string>;
    answer<Out>(std::move(then), [=, this]() -> Result<Out> { return probes_[endpoint]; });
}

void MemoryLedger::put_audience(const std::string& name,
                                std::vector<GroupNumbers> groups,
                                Then<plan::Audience> then) {
    answer<plan::Audience>(std::move(then), [&, this]() -> Result<plan::Audience> {
        if (const auto bad = unfit(name, groups)) return *bad;
        plan::Audience made{name, std::to_string(++versions_), {}};
        for (std::size_t g = 0; g < groups.size(); ++g) {
            made.groups.push_back(groups[g].group);
            made.groups.back().count = std::uint32_t(groups[g].numbers.size());
            for (std::size_t p = 0; p < pages_of(groups[g].numbers.size()); ++p)
                pages_[audience_page_key(name + "/" + made.version, g, p)] =
                    pack_page(groups[g].numbers, p);
        }
        return audiences_[name] = made;
    });
}

void MemoryLedger::audiences(Then<std::vector<plan::Audience>> then) {
    using Out = std::vector<plan::Audience>;
    answer<Out>(std::move(then), [this]() -> Result<Out> {
        Out out;
        for (const auto& [name, audience] : audiences_) out.push_back(audience);
        return out;
    });
}

void MemoryLedger::remove_audience(const std::string& name, Then<bool> then) {
    answer<bool>(std::move(then),
                 [=, this]() -> Result<bool> { return audiences_.erase(name) > 0; });
}

std::string MemoryLedger::page(const std::string& key) const {
    const auto at = pages_.find(key);
    return at == pages_.end() ? "" : at->second;
}

void MemoryLedger::note(std::string line) {
    const auto before = audit_.empty() ? first_hash() : audit_.back().hash;
    const auto hash = sealed_hash(before, line);
    audit_.push_back({next_id(), std::move(line), audit_.size() + 1, before, hash});
}

void MemoryLedger::audit(const std::string& line, Then<Done> then) {
    answer<Done>(std::move(then), [=, this]() -> Result<Done> {
        note(line);
        return Done{};
    });
}

void MemoryLedger::audit_lines(const std::string& after,
                               std::size_t limit,
                               Then<std::vector<AuditLine>> then) {
    using Out = std::vector<AuditLine>;
    answer<Out>(std::move(then), [=, this]() -> Result<Out> {
        const auto from = StreamId::read(after);
        if (!after.empty() && !from) return Fault{Cause::malformed, "no audit entry's id"};
        Out out;
        for (const auto& line : audit_)
            if (*StreamId::read(line.entry) > from.value_or(StreamId{}) && out.size() < limit)
                out.push_back(line);
        return out;
    });
}

void MemoryLedger::verify_audit(Then<AuditVerdict> then) {
    answer<AuditVerdict>(std::move(then), [this]() -> Result<AuditVerdict> {
        AuditCheck check;
        for (const auto& line : audit_) check.take(line);
        return check.verdict();
    });
}

}  // namespace tocsin::ledger
