#include "channels/cell_broadcast/cbsp/centre.hpp"

#include "channels/cell_broadcast/cbsp/air.hpp"
#include "server/base/log.hpp"

#include <fmt/format.h>

#include <algorithm>

/// Orders in, controllers told. What is told of them is in tell.cpp.
namespace tocsin::cbsp {
namespace {

using namespace cell_broadcast;
using contract::Action, contract::Desk, contract::Drill, contract::Live, contract::Message,
    contract::Order, contract::Said;

// A second alarm finds no place while the first is on air.
constexpr auto alarm_for = std::chrono::minutes(2);
constexpr auto tombstones_for = std::chrono::hours(24);
// A large state costs milliseconds to write down: less often then.
constexpr auto save_every = std::chrono::milliseconds(50);
constexpr std::size_t save_octets = 200'000;

// The two sides of what a phone takes for real: chosen by the order's type, never by a flag.
std::optional<Identity> identity_for(const Profile& profile, const Order<Live>& order) {
    const auto words = live_identifier(profile, order->level, order->facts);
    if (!words) return std::nullopt;
    return Identity{*words, live_primary(profile, order->facts), false};
}
Identity identity_for(const Profile& profile, const Order<Drill>& order) {
    return {drill_identifier(profile, order->mode), drill_primary(profile, order->facts), true};
}

std::vector<std::uint64_t> with(std::vector<std::uint64_t> cells,
                                const std::vector<Holdings::Kept>& held) {
    for (const auto& kept : held) cells.insert(cells.end(), kept.cells.begin(), kept.cells.end());
    std::ranges::sort(cells);
    cells.erase(std::unique(cells.begin(), cells.end()), cells.end());
    return cells;
}

std::vector<std::string> names_of(const std::vector<Controller>& controllers) {
    std::vector<std::string> out;
    for (const auto& one : controllers) out.push_back(one.name);
    return out;
}

}  // namespace

Centre::Centre(const Setup& setup,
               const contract::CellsFile& file,
               std::optional<State> state,
               Desk& desk,
               Jitter jitter)
    : setup_(setup),
      network_(file, names_of(setup.controllers)),
      desk_(desk),
      remembers_(state.has_value()) {
    const State known = state ? std::move(*state) : State{};
    for (std::size_t i = 0; i < setup.controllers.size(); ++i) {
        const auto& own = setup.controllers[i];
        const auto at = known.held.find(own.name);
        const auto held = at == known.held.end() ? std::vector<Holdings::Kept>{} : at->second;
        // What was taken out of the file meanwhile may still be on air there.
        sessions_.push_back(std::make_unique<Session>(own.name, with(network_.cells(i), held),
                                                      setup.limits, setup.times, own.listen.empty(),
                                                      jitter));
        for (const auto& kept : held) sessions_[i]->holdings().restore(kept);
        if (at != known.held.end()) sessions_[i]->remembers();
    }
    due_.resize(sessions_.size());
    stirs_.resize(sessions_.size());
    codes_.restore(known.codes);
    for (const auto& own : known.chains) {
        Chain chain;
        chain.id = own.id;
        chain.withdrawn = own.withdrawn;
        chain.active = own.active;
        chain.expires = own.expires;
        if (own.broadcast) chain.broadcast = std::make_shared<const Broadcast>(*own.broadcast);
        for (std::size_t i = 0; i < sessions_.size(); ++i)
            if (const auto at = own.cells.find(sessions_[i]->name()); at != own.cells.end())
                chain.shares.push_back({i, at->second});
        chain.strangers = own.strangers;
        chain.told = own.told;
        chain.told_reached = own.told_reached;
        chain.told_gone = own.told == Said::gone;
        chains_.emplace(own.id.ordinal, std::move(chain));
    }
}

void Centre::begin(Instant now) {
    tell_link(now);
    if (!remembers_) desk_.forgot();  // promise 14: unknown is not none
    for (auto& [_, chain] : chains_) {
        if (chain.active && chain.broadcast)
            put_on_air(chain, Broadcast(*chain.broadcast), now);
        else
            take_off_air(chain, now);
    }
}

void Centre::carry(const Order<Live>& order, Instant now) {
    auto identity = identity_for(*setup_.profile, order);
    if (!identity && order->action == Action::withdraw) identity = Identity{{}, {}, false};
    if (!identity)
        return refuse(*order,
                      fmt::format("{} carries no alert of severity {}, urgency {}, certainty {}",
                                  setup_.profile->name, order->facts.severity, order->facts.urgency,
                                  order->facts.certainty),
                      now);
    take(*order, *identity, now);
}

void Centre::carry(const Order<Drill>& order, Instant now) {
    take(*order, identity_for(*setup_.profile, order), now);
}

void Centre::refuse(const Message& order, std::string why, Instant now) {
    desk_.report({order.id, Said::refused, now, "tocsin", "", std::move(why), "", 1, 1, {}});
}

void Centre::take(const Message& order, Identity identity, Instant now) {
    const auto at = chains_.find(order.id.ordinal);
    const bool fresh = at == chains_.end();
    if (!fresh && at->second.id.revision > order.id.revision) {
        desk_.report({order.id, Said::gone, now, "tocsin", "newer", "", "", 1, 1, {}});
        return;
    }
    auto& chain = fresh ? chains_[order.id.ordinal] : at->second;
    if (fresh) chain.id = order.id;
    if (fresh && order.shown > 0) suspect(order.id.ordinal, order.shown, identity.drill, now);
    if (order.action == Action::withdraw)
        withdraw(chain, order, identity.drill, now);
    else
        publish(chain, order, identity, now);
    dirty_ = true;
    fold(now);
}

/// What is on air by the ledger, and nobody here remembers how: taken off under every identifier
/// that it may have.
void Centre::suspect(std::uint32_t ordinal, std::uint16_t revision, bool drill, Instant now) {
    const auto identifiers =
        drill ? drill_identifiers(*setup_.profile) : live_identifiers(*setup_.profile);
    const Serial serial{setup_.limits.manner.scope, codes_.of(ordinal),
                        std::uint8_t(revision % updates)};
    for (auto& session : sessions_)
        session->holdings().suspect(ordinal, identifiers, to_number(serial), now);
}

/// Nothing: the footprint is of a kind, or in a place, that cell broadcast here knows nothing of.
std::optional<Network::Split> Centre::split(const Message& order) const {
    if (const auto* cells = std::get_if<contract::Cells>(&order.footprint))
        return network_.split(cells->cgi);
    const auto* regions = std::get_if<contract::Regions>(&order.footprint);
    if (!regions) return std::nullopt;
    // Never wider than approved: only what is said to be exactly all cells together.
    for (const auto& code : regions->codes)
        if (std::ranges::find(setup_.covers, code) == setup_.covers.end()) return std::nullopt;
    return network_.everything();
}

void Centre::publish(Chain& chain, const Message& order, const Identity& identity, Instant now) {
    const bool again = chain.id == order.id && chain.active && chain.broadcast;
    chain.told_trouble.reset();
    if (again) return put_on_air(chain, Broadcast(*chain.broadcast), now);
    auto where = split(order);
    if (!where || where->shares.empty())
        return refuse(order,
                      where ? "none of its cells is of a controller of this endpoint"
                            : "its footprint is no list of cells",
                      now);
    const auto until = std::min(order.expires, now + setup_.validity_most);
    const auto code = codes_.take(order.id.ordinal, order.id.revision, now, until);
    auto broadcast = compose(order, identity, setup_.limits.manner, code, until);
    if (!broadcast) return refuse(order, broadcast.error().what, now);
    broadcast->alarm_until = std::min(until, now + alarm_for);
    chain.id = order.id;
    chain.withdrawn = false;
    chain.expires = order.expires;
    chain.shares = std::move(where->shares);
    chain.strangers = std::move(where->strangers);
    chain.told.reset();
    chain.told_reached = 0;
    chain.told_gone = chain.was_on_air = chain.displaced = false;
    chain.off_air_since.reset();
    chain.differed.clear();
    put_on_air(chain, std::move(*broadcast), now);
}

void Centre::put_on_air(Chain& chain, Broadcast broadcast, Instant now) {
    chain.active = true;
    chain.broadcast = std::make_shared<const Broadcast>(std::move(broadcast));
    std::vector<std::vector<std::uint16_t>> cells(sessions_.size());
    for (const auto& share : chain.shares)
        for (const auto cell : share.cells)
            if (const auto index = sessions_[share.controller]->holdings().index_of(cell))
                cells[share.controller].push_back(*index);
    for (std::size_t i = 0; i < sessions_.size(); ++i) {
        auto& holdings = sessions_[i]->holdings();
        if (!cells[i].empty())
            holdings.want(chain.broadcast, std::move(cells[i]), now);
        else if (holdings.knows(chain.id.ordinal))
            holdings.drop(chain.id.ordinal, now);
        else
            continue;
        sessions_[i]->tick(now);
        collect(i);
    }
    pending_.insert(chain.id.ordinal);
    dirty_ = true;
}

void Centre::take_off_air(Chain& chain, Instant now) {
    chain.active = false;
    for (std::size_t i = 0; i < sessions_.size(); ++i) {
        if (!sessions_[i]->holdings().knows(chain.id.ordinal)) continue;
        sessions_[i]->holdings().drop(chain.id.ordinal, now);
        sessions_[i]->tick(now);
        collect(i);
    }
    pending_.insert(chain.id.ordinal);
    dirty_ = true;
}

void Centre::withdraw(Chain& chain, const Message& order, bool drill, Instant now) {
    chain.told_trouble.reset();
    const bool again = chain.id == order.id && chain.withdrawn;
    if (again) {
        chain.told_gone = false;
        chain.told.reset();
        if (!chain.active) take_off_air(chain, now);  // a new try in each cell
        pending_.insert(chain.id.ordinal);
        return;
    }
    chain.id = order.id;
    chain.withdrawn = true;
    chain.told.reset();
    chain.told_reached = 0;
    chain.told_gone = false;
    chain.expires = std::max(order.expires, now);
    if (chain.shares.empty())
        if (auto where = split(order)) chain.shares = std::move(where->shares);
    const bool words = std::ranges::any_of(order.texts, [](const contract::Text& text) {
        return text.form == contract::Form::cb && !text.words.empty();
    });
    if (words && order.shown > 0 && setup_.all_clear.count() > 0)
        return say_all_clear(chain, order, drill, now);
    chain.broadcast.reset();
    take_off_air(chain, now);
}

/// Phones keep what they showed: that it is over has to be told to the same cells.
void Centre::say_all_clear(Chain& chain, const Message& order, bool drill, Instant now) {
    const auto& profile = *setup_.profile;
    const Identity identity{drill ? drill_identifier(profile, order.mode) : profile.all_clear,
                            std::nullopt, drill};
    const auto until = now + setup_.all_clear;
    const auto code = codes_.take(order.id.ordinal, order.id.revision, now, until);
    auto note = compose(order, identity, setup_.limits.manner, code, until);
    if (!note) {
        log::warn("cbsp.no_all_clear", {{"why", note.error().what}});
        chain.broadcast.reset();
        return take_off_air(chain, now);
    }
    put_on_air(chain, std::move(*note), now);
}

void Centre::expire(Instant now) {
    for (auto at = chains_.begin(); at != chains_.end();) {
        auto& [ordinal, chain] = *at;
        if (chain.active && chain.broadcast && now >= chain.broadcast->until) {
            const bool early = !chain.withdrawn && chain.broadcast->until < chain.expires;
            take_off_air(chain, now);
            if (early) {
                chain.told_gone = true;
                desk_.report({chain.id,
                              Said::gone,
                              now,
                              "tocsin",
                              "validity",
                              "a phone would alarm again after a day: say it anew on purpose",
                              "",
                              1,
                              1,
                              {}});
            }
        }
        const bool over = !chain.active && now >= chain.expires + tombstones_for &&
                          std::ranges::none_of(sessions_, [&, ordinal = ordinal](auto& session) {
                              return session->holdings().knows(ordinal);
                          });
        at = over ? chains_.erase(at) : std::next(at);
    }
}

void Centre::connected(std::size_t i, Instant now) {
    sessions_[i]->connected(now);
    collect(i);
}

void Centre::received(std::size_t i, std::string_view bytes, Instant now) {
    sessions_[i]->received(bytes, now);
    collect(i);
    tell_link(now);
    answer_probe();
    fold(now);
}

void Centre::broke(std::size_t i, std::string_view why, Instant now) {
    sessions_[i]->broke(why, now);
    collect(i);
    tell_link(now);
    answer_probe();
    for (const auto& [ordinal, _] : chains_) pending_.insert(ordinal);
    fold(now);
}

void Centre::tick(Instant now) {
    expire(now);
    for (std::size_t i = 0; i < sessions_.size(); ++i) {
        if (now < due_[i]) continue;
        sessions_[i]->tick(now);
        collect(i);
    }
    answer_probe();
    tell_link(now);
    fold(now);
}

/// After each call to a session: what it wants, and what it learnt.
void Centre::collect(std::size_t i) {
    auto& session = *sessions_[i];
    due_[i] = session.due().value_or(Instant::max());
    for (const auto ordinal : session.holdings().take_changed()) {
        count(ordinal, i);
        pending_.insert(ordinal);
        dirty_ = true;
    }
    if (!stirs_[i]) stirred_.push_back(i);
    stirs_[i] = 1;
}

std::vector<std::size_t> Centre::take_stirred() {
    for (const auto i : stirred_) stirs_[i] = 0;
    return std::exchange(stirred_, {});
}

void Centre::stop() {
    for (auto& session : sessions_) session->stop();
}

std::optional<std::string> Centre::take_state(Instant now) {
    const auto pause = save_every * (1 + std::int64_t(saved_.size() / save_octets));
    if (!dirty_ || now < saved_at_ + pause) return std::nullopt;
    dirty_ = false;
    saved_at_ = now;
    State state;
    state.codes = codes_.entries();
    for (const auto& [_, chain] : chains_) {
        Standing own;
        own.id = chain.id;
        own.withdrawn = chain.withdrawn;
        own.active = chain.active;
        own.expires = chain.expires;
        if (chain.broadcast) own.broadcast = *chain.broadcast;
        for (const auto& share : chain.shares)
            own.cells[sessions_[share.controller]->name()] = share.cells;
        own.strangers = chain.strangers;
        own.told = chain.told;
        own.told_reached = chain.told_reached;
        state.chains.push_back(std::move(own));
    }
    for (const auto& session : sessions_) state.held[session->name()] = session->holdings().kept();
    auto bytes = pack(state);
    if (bytes == saved_) return std::nullopt;
    saved_ = bytes;
    return bytes;
}

}  // namespace tocsin::cbsp
