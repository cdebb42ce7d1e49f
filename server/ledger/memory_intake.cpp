#include "server/ledger/memory_ledger.hpp"

/// Intake in memory: what lua/resolve.lua and lua/accept.lua do, in the same order.
namespace tocsin::ledger {

struct MemoryLedger::Found {
    std::string early, early_by, chain, seen;
    const Known* own = nullptr;  // accepted already
    const Chain* primary = nullptr;
    bool closed = false, late = false;
    std::vector<std::string> others;
    struct Reference {
        bool exact = false, by_name = false;
        Triple triple;
    };
    std::vector<Reference> references;
};

std::string MemoryLedger::follow(Shelf& shelf, std::string chain) const {
    for (auto at = shelf.chains.find(chain); at != shelf.chains.end() && !at->second.into.empty();
         at = shelf.chains.find(chain))
        chain = at->second.into;
    return chain;
}

MemoryLedger::Found MemoryLedger::resolve(Shelf& shelf,
                                          const Named& own,
                                          const std::vector<Triple>& references,
                                          const std::vector<Named>& named) const {
    const auto find = [](auto& in, const std::string& key) -> const Known* {
        const auto at = in.find(key);
        return at == in.end() ? nullptr : &at->second;
    };
    Found out;
    const auto* mine = find(shelf.ids, own.digest);
    if (mine && !mine->alert.empty()) {
        out.own = mine;
        return out;
    }
    std::string first;
    if (mine) out.early = mine->early, out.early_by = mine->early_by, first = mine->chain;
    if (const auto* name = find(shelf.names, own.name);
        out.early.empty() && name && !name->early.empty() && own.sent <= name->sent &&
        name->latest.empty())
        out.early = name->early, out.early_by = name->early_by, first = name->chain;
    if (!first.empty()) first = follow(shelf, first);
    out.seen = out.early + "/" + first;
    std::set<std::string> candidates;
    for (std::size_t i = 0; i < references.size(); ++i) {
        Found::Reference reference{false, false, references[i]};
        std::string chain;
        const auto* there = find(shelf.ids, named[i].digest);
        const auto* name = find(shelf.names, named[i].name);
        if (there && !there->alert.empty()) {
            reference.exact = true;
            reference.triple = there->triple;
            chain = there->chain;
        } else if (name && !name->latest.empty() && name->latest != own.digest) {
            reference.by_name = true;
            reference.triple = name->triple;
            chain = name->chain;
        } else if (there) {
            chain = there->chain;
        } else if (name && !name->early.empty()) {
            chain = name->chain;
        }
        if (!chain.empty()) candidates.insert(chain = follow(shelf, chain));
        out.seen += fmt::format("|{}{}{}", reference.exact, reference.by_name, chain);
        out.references.push_back(std::move(reference));
    }
    if (!first.empty()) candidates.insert(first);
    std::vector<std::pair<std::uint32_t, std::string>> open, shut;
    for (const auto& chain : candidates) {
        const auto& c = shelf.chains[chain];
        out.seen += fmt::format("|{}/{}/{}", chain, c.revision, c.closed);
        (c.closed.empty() ? open : shut).emplace_back(c.ordinal, chain);
    }
    std::ranges::sort(open);
    std::ranges::sort(shut);
    const auto newest = std::ranges::max_element(
        open, {}, [&](const auto& one) { return shelf.chains[one.second].sent; });
    // Only the newest of what a message joins may stay up (E4): a late one takes over nothing newer.
    out.late = out.early == "update" ||
               (newest != open.end() && own.sent < shelf.chains[newest->second].sent);
    if (!first.empty() && (out.early == "cancel" || !shelf.chains[first].closed.empty()))
        out.chain = first;
    else if (!open.empty())
        out.chain = out.late ? newest->second : open.front().second;
    else
        out.chain = shut.empty() ? own.digest : shut.front().second;
    for (const auto& [ordinal, chain] : open)
        if (chain != out.chain) out.others.push_back(chain);
    const auto at = shelf.chains.find(out.chain);
    if (at != shelf.chains.end()) out.primary = &at->second;
    out.closed = out.early == "cancel" || (out.primary && !out.primary->closed.empty());
    out.late = out.late || (out.primary && own.sent < out.primary->sent);
    return out;
}

View MemoryLedger::view_of(Found& found) const {
    View view;
    view.seen = found.seen;
    view.chain = found.chain;
    if (found.own) {
        view.already = found.own->alert;
        view.already_digest = found.own->digest;
        view.chain = found.own->chain;
        return view;
    }
    view.closed = found.closed;
    view.late = found.late;
    view.other_chains = found.others;
    if (found.primary && !found.primary->head.empty()) {
        view.head = found.primary->head;
        view.head_plan = alerts_.at(view.head).record.plan;
    }
    for (std::size_t i = 0; i < found.references.size(); ++i) {
        const auto& reference = found.references[i];
        if (reference.by_name) view.by_name.push_back(i);
        if (!reference.exact && !reference.by_name) view.unknown.push_back(i);
        view.matched.push_back(reference.triple);
    }
    return view;
}

namespace {

std::vector<Named> names_of(const std::vector<Triple>& triples) {
    std::vector<Named> out;
    for (const auto& triple : triples) out.push_back(name_of(triple));
    return out;
}

}  // namespace

void MemoryLedger::look(Mode mode,
                        const Triple& own,
                        const std::vector<Triple>& references,
                        Then<View> then) {
    answer<View>(std::move(then), [=, this]() -> Result<View> {
        auto found = resolve(shelves_[mode], name_of(own), references, names_of(references));
        return view_of(found);
    });
}

void MemoryLedger::replace_head(Shelf&,
                                const std::string& head,
                                const Acceptance& by,
                                bool cancelled) {
    if (head.empty()) return;
    auto& old = alerts_.at(head);
    if (old.record.kind == Kind::cancel || old.record.state != "accepted") return;
    old.record.state = cancelled ? "cancelled" : "superseded";
    old.record.withdrawn_by = by.id;
    old.showing = false;
}

void MemoryLedger::take_over(Shelf& shelf,
                             const std::string& other,
                             const Acceptance& by,
                             const Found& found,
                             const std::string& state) {
    auto& chain = shelf.chains[other];
    const bool cancels = by.kind == Kind::cancel || state == "cancelled";
    if (cancels)
        chain.closed = by.id;
    else
        chain.into = found.chain;
    replace_head(shelf, chain.head, by, cancels);
    orders_[{chain.ordinal, ++chain.revision}] = by.id;
}

void MemoryLedger::leave_tombstones(Shelf& shelf,
                                    const Acceptance& acceptance,
                                    const Found& found) {
    const auto own = name_of(acceptance.triple);
    const auto early =
        acceptance.kind == Kind::cancel || found.early == "cancel" ? "cancel" : "update";
    for (std::size_t i = 0; i < acceptance.references.size(); ++i) {
        if (found.references[i].exact) continue;
        const auto named = name_of(acceptance.references[i]);
        const auto mark = [&](Known& at) {
            if (at.early == "cancel") return;
            at.early = early, at.early_by = acceptance.id, at.chain = found.chain;
        };
        mark(shelf.ids[named.digest]);
        // A reference that claims to be no older than what refers to it carries a wrong time
        // (B17a): only its name can be waited for.
        if (found.references[i].by_name || named.sent < own.sent) continue;
        auto& name = shelf.names[named.name];
        if (!name.latest.empty()) continue;
        mark(name);
        name.sent = std::max(name.sent, own.sent);
    }
}

Result<Accepted> MemoryLedger::take(Acceptance& a) {
    auto& shelf = shelves_[a.mode];
    const auto own = name_of(a.triple);
    if (a.kind == Kind::alert) a.references.clear();
    const auto found = resolve(shelf, own, a.references, names_of(a.references));
    using Outcome = Accepted::Outcome;
    if (found.own) {
        const auto& there = alerts_.at(found.own->alert).record;
        return Accepted{found.own->digest == a.digest ? Outcome::same : Outcome::conflict, there.id,
                        there.state, there.order, there.chain};
    }
    if (found.seen != a.view.seen) return Accepted{Outcome::moved, {}, {}, {}, {}};

    auto& chain = shelf.chains[found.chain];
    if (chain.revision == UINT16_MAX)
        return Fault{Cause::refused, "the chain has no revision left"};
    if (!chain.ordinal) chain.ordinal = ++ordinal_;
    const OrderId order{chain.ordinal, ++chain.revision};
    const std::string state = a.kind == Kind::cancel ? "accepted"
                              : found.closed         ? "cancelled"
                              : found.late           ? "superseded"
                                                     : "accepted";
    auto show_until = a.expires;
    std::string by;
    if (state == "cancelled") by = chain.closed.empty() ? found.early_by : chain.closed;
    if (state == "superseded") by = chain.head.empty() ? found.early_by : chain.head;
    if (state == "accepted") {
        if (a.kind == Kind::cancel && !chain.head.empty())
            show_until = std::max(show_until, alerts_.at(chain.head).record.expires);
        replace_head(shelf, chain.head, a, a.kind == Kind::cancel);
        chain.head = a.id;
        chain.sent = std::max(chain.sent, own.sent);
    }
    if (chain.closed.empty()) {
        if (a.kind == Kind::cancel)
            chain.closed = a.id;
        else if (found.early == "cancel")
            chain.closed = found.early_by;
    }
    for (const auto& other : found.others) take_over(shelf, other, a, found, state);

    AlertRecord record{a.id,   found.chain, state,     a.cap, a.plan, a.facts, a.mode,   order,
                       a.kind, clock_(),    a.expires, {},    by,     {},      a.triple, a.sent};
    alerts_[a.id] = {record, a.digest, ++accepted_, state == "accepted", show_until};
    recent_[accepted_] = a.id;
    orders_[order] = a.id;
    shelf.ids[own.digest] = {a.digest, a.id, found.chain, {}, {}, a.triple, own.sent, {}};
    auto& name = shelf.names[own.name];
    if (name.latest.empty() || name.sent <= own.sent)
        name = {{}, a.id, found.chain, {}, {}, a.triple, own.sent, own.digest};
    leave_tombstones(shelf, a, found);
    note(fmt::format(R"({{"act":{},"alert":"{}","state":"{}"}})", a.audit.empty() ? "{}" : a.audit,
                     a.id, state));
    auto entry = next_id();
    shelf.outbox[entry] = {entry, a.mode, a.id, found.others};
    return Accepted{Outcome::accepted, a.id, state, order, found.chain};
}

void MemoryLedger::accept(Acceptance acceptance, Then<Accepted> then) {
    answer<Accepted>(std::move(then),
                     [this, a = std::move(acceptance)]() mutable { return take(a); });
}

}  // namespace tocsin::ledger
