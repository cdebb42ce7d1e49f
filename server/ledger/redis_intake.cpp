#include "server/base/time.hpp"
#include "server/ledger/keys.hpp"
#include "server/ledger/names.hpp"
#include "server/ledger/sealed_bytes.hpp"
#include "server/ledger/store.hpp"

/// look and accept: lua/resolve.lua decides, so that both decide alike.
namespace tocsin::ledger {
namespace {

std::string prefix(Mode mode) { return keys::intake(mode, ""); }

std::string millis(Instant at) {
    return std::to_string(std::max<std::int64_t>(at.time_since_epoch().count(), 0));
}

void append_names(std::vector<std::string>& words, const std::vector<Triple>& triples) {
    for (const auto& triple : triples) {
        auto named = name_of(triple);
        words.push_back(std::move(named.digest));
        words.push_back(std::move(named.name));
        words.push_back(std::to_string(named.sent));
    }
}

Result<View> view_of(Reply r, const std::vector<Triple>& references) {
    View view;
    if (r[0].text() == "already") {
        view.already = r[1].str();
        view.already_digest = r[2].str();
        view.chain = r[3].str();
        return view;
    }
    view.seen = r[1].str();
    view.chain = r[2].str();
    view.closed = r[3].number() != 0;
    view.late = r[4].number() != 0;
    view.head = r[5].str();
    view.head_plan = r[6].str();
    if (!view.head.empty() && !part_whole(r[7].text(), Part::plan, view.head_plan))
        return Fault{Cause::internal, fmt::format("the plan of alert {} is damaged", view.head)};
    for (std::size_t i = 0; i < r[8].size(); ++i) view.other_chains.push_back(r[8][i].str());
    for (std::size_t i = 0; i < references.size(); ++i) {
        const auto how = r[9][i * 2].text();
        if (how == "u") view.unknown.push_back(i);
        if (how == "n") view.by_name.push_back(i);
        auto matched = references[i];
        if (how != "u") matched.sent = r[9][i * 2 + 1].str();
        view.matched.push_back(std::move(matched));
    }
    return view;
}

Result<Accepted> accepted_of(Reply r) {
    Accepted out;
    using Outcome = Accepted::Outcome;
    const auto word = r[0].text();
    if (word == "full") return Fault{Cause::refused, "the chain has no revision left"};
    if (word == "moved") return Accepted{Outcome::moved, {}, {}, {}, {}};
    out.outcome = word == "accepted" ? Outcome::accepted
                  : word == "same"   ? Outcome::same
                                     : Outcome::conflict;
    out.alert = r[1].str();
    out.state = r[2].str();
    out.order = {std::uint32_t(r[3].number()), std::uint16_t(r[4].number())};
    out.chain = r[5].str();
    return out;
}

}  // namespace

void RedisLedger::look(Mode mode,
                       const Triple& own,
                       const std::vector<Triple>& references,
                       Then<View> then) {
    std::vector<std::string> arguments;
    append_names(arguments, {own});
    append_names(arguments, references);
    store_->run(Lane::small, "look", {prefix(mode)}, std::move(arguments),
                ledger::told<View>(std::move(then),
                                   [references](Reply r) { return view_of(r, references); }));
}

void RedisLedger::accept(Acceptance a, Then<Accepted> then) {
    const auto own = name_of(a.triple);
    const auto at = now();
    const auto until = std::max(a.expires, at) + dedupe_after_expiry;
    auto check = parts_check(a.cap, a.plan, a.facts);
    const auto lane = a.cap.size() + a.plan.size() > 8192 ? Lane::large : Lane::small;
    std::vector<std::string> arguments{own.digest,
                                       own.name,
                                       std::to_string(own.sent),
                                       std::move(a.digest),
                                       std::move(a.id),
                                       word(a.kind),
                                       std::move(a.view.seen),
                                       millis(a.expires),
                                       std::move(a.cap),
                                       std::move(a.plan),
                                       std::move(a.facts),
                                       std::move(check),
                                       a.audit.empty() ? "{}" : std::move(a.audit),
                                       millis(at),
                                       a.triple.sender,
                                       a.triple.identifier,
                                       a.triple.sent,
                                       millis(a.sent),
                                       millis(until)};
    if (a.kind != Kind::alert) append_names(arguments, a.references);
    store_->run(
        lane, "accept",
        {prefix(a.mode), keys::intake("ordinal"), keys::intake("audit"), keys::intake("recent"),
         keys::intake("orders"), keys::intake("accepted"), keys::intake("ends")},
        std::move(arguments), ledger::told<Accepted>(std::move(then), [this](Reply r) {
            if (r[0].text() == "accepted") {
                store_->watch().remember(std::uint64_t(r[6].number()));
                wake_sealer();
            }
            return accepted_of(r);
        }));
}

}  // namespace tocsin::ledger
