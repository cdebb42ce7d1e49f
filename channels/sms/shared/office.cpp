#include "channels/sms/shared/office.hpp"

#include "server/base/log.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::sms {
namespace {

using namespace std::chrono_literals;
using contract::LinkState;

constexpr std::uint64_t receiptless_least = 10;  // a few handsets may well be switched off

SubmitterSetup submitting(const OfficeSetup& setup) {
    SubmitterSetup out{{}, setup.ported, setup.parts_most, setup.validity_most};
    for (const auto& link : setup.links) out.lanes.push_back(link.lane);
    return out;
}

}  // namespace

Office::Office(OfficeSetup setup, contract::BulkDesk& desk, const Protocol& protocol, Jitter jitter)
    : desk_(desk),
      protocol_(protocol),
      receipts_within_(setup.receipts_within),
      submitter_(submitting(setup), desk, protocol, jitter),
      replies_(desk) {
    const Session::Around around{submitter_, replies_, desk,
                                 *this,      jitter,   std::string(protocol.name())};
    for (auto& link : setup.links) {
        const auto& name = link.lane.name;
        auto& lane = submitter_.lane(account_of_.size());
        const bool pair = link.pair && link.receiving;
        sessions_.push_back(
            std::make_unique<Session>(around, name, link.times, std::move(link.speech),
                                      pair ? Role::transmitter : Role::transceiver, &lane));
        // Where there are no pairs, nothing ever wakes the second.
        sessions_.push_back(std::make_unique<Session>(around, name + " (receiver)", link.times,
                                                      std::move(link.receiving), Role::receiver,
                                                      nullptr));
        if (pair) sessions_.back()->activate();
        account_of_.push_back(link.account);
        accounts_.resize(std::max(accounts_.size(), link.account + 1));
    }
}

void Office::carry(const contract::Message& message, bool drill) {
    auto campaign = protocol_.encode(message, drill);
    if (campaign) return submitter_.carry(std::move(*campaign));
    const std::string source(protocol_.name());
    log::error(source + ".order_refused", {{"why", campaign.error().what}});
    refused_.push_back(
        {message.id, contract::Said::refused, {}, source, {}, campaign.error().what, {}, 0, 1, {}});
}

void Office::stop() {
    stopping_ = true;
    for (auto& session : sessions_) session->stop();
}

bool Office::ended() const {
    return stopping_ && std::ranges::all_of(sessions_, [](const auto& s) { return s->ended(); });
}

void Office::durable(contract::Ticket up_to) {
    for (auto& session : sessions_) session->durable(up_to);
}

void Office::tick(Instant now) {
    for (auto& evidence : std::exchange(refused_, {})) {
        evidence.at = now;
        desk_.report(std::move(evidence));
    }
    submitter_.report();
    for (auto& session : sessions_) session->settle();
    replies_.tick(now);
    watch_receipts(now);
    for (auto& session : sessions_) session->tick(now);
    answer_probe(now);
    submitter_.report();
    if (stopping_)
        submitter_.give_back();
    else if (submitter_.any_open())
        submitter_.fill(now);
    else
        submitter_.expire(now);
    submitter_.report();
    tell_state(now);
    tell_rates(now);
    if (submitter_.hurried() ||
        std::ranges::any_of(sessions_, [](const auto& s) { return s->held_back(); }))
        desk_.hurry();
}

// --- the links together ---

void Office::changed(Session& session, Instant now) {
    (void)session;
    tell_state(now);
}

void Office::only_pairs(Session& session, Instant now) {
    (void)now;
    for (std::size_t i = 0; i + 1 < sessions_.size(); i += 2) {
        if (sessions_[i].get() != &session) continue;
        session.become(Role::transmitter);
        sessions_[i + 1]->activate();
        log::warn(fmt::format("{}.no_transceiver", protocol_.name()),
                  {{"link", session.name()}, {"meaning", "transmitter and receiver instead"}});
    }
}

/// Receivers say nothing of the endpoint: without one, messages go all the same, and who waits for
/// receipts is watch_receipts().
void Office::tell_state(Instant now) {
    auto state = LinkState::down;
    std::optional<Instant> until, retry;
    bool free = false;
    for (std::size_t i = 0; i < sessions_.size(); i += 2) {
        const auto& session = *sessions_[i];
        if (!session.up()) {
            const auto at = session.retry_at();
            if (at && (!retry || *at < *retry)) retry = at;
            continue;
        }
        const auto paused = sessions_[i]->lane()->paused_until(now);
        state = LinkState::up;
        free |= !paused;
        if (paused && (!until || *paused < *until)) until = paused;
    }
    if (state == LinkState::up && !free) state = LinkState::throttled;
    if (state == LinkState::up) until.reset();
    if (state == LinkState::down) {
        until = stopping_ ? std::nullopt : retry;
        if (!told_ && !retry) return;  // the channel said so when it was made
    }
    if (told_ == state && told_until_ == until) return;
    told_ = state;
    told_until_ = until;
    desk_.link(state, until);
}

/// What a forecast by link goes by; the endpoint's own rate is measured where it is granted.
void Office::tell_rates(Instant now) {
    constexpr auto each = 30s;
    if (rates_told_ && now - *rates_told_ < each) return;
    rates_told_ = now;
    for (std::size_t i = 0; i < submitter_.lanes(); ++i) {
        const auto& lane = submitter_.lane(i);
        if (lane.in_flight() == 0) continue;
        log::info(fmt::format("{}.link_rate", protocol_.name()),
                  {{"link", lane.name()},
                   {"per_second", fmt::format("{:.0f}", lane.rate())},
                   {"in_flight", std::to_string(lane.in_flight())},
                   {"throttled", std::to_string(lane.counters().throttled)}});
    }
}

std::string Office::down() const {
    std::string out;
    for (const auto& session : sessions_)
        if (session->active() && !session->up())
            out +=
                fmt::format("{}{}: {}", out.empty() ? "" : "; ", session->name(), session->why());
    return out;
}

// --- are they well? ---

void Office::answer_probe(Instant now) {
    if (!std::exchange(probe_asked_, false)) return;
    probing_.clear();
    for (auto& session : sessions_)
        if (session->active() && session->enquire(now)) probing_.push_back(session.get());
    probed_at_ = now;
    if (probing_.empty()) desk_.probed({false, 0ms, "not bound: " + down()});
}

/// Well when the first answers, unwell when the last does not.
void Office::enquired(Session& session, bool well, std::string what, Instant now) {
    const auto found = std::ranges::find(probing_, &session);
    if (found == probing_.end()) return;
    probing_.erase(found);
    if (!well && !probing_.empty()) return;
    probing_.clear();
    if (!well) return desk_.probed({false, now - probed_at_, std::move(what)});
    const auto others = down();
    what = receiptless()    ? "the link answered, but no receipts come"
           : others.empty() ? "the link answered"
                            : "a link answered; down: " + others;
    desk_.probed({!receiptless(), now - probed_at_, std::move(what)});
}

bool Office::receiptless() const { return std::ranges::any_of(accounts_, &Account::receiptless); }

void Office::watch_receipts(Instant now) {
    for (std::size_t account = 0; account < accounts_.size(); ++account)
        watch_receipts(account, now);
}

/// Scar F3: a network that takes everything and says nothing about handsets may reach none.
void Office::watch_receipts(std::size_t account, Instant now) {
    auto& watched = accounts_[account];
    std::uint64_t accepted = 0, seen = 0;
    std::string link;
    for (std::size_t i = 0; i < sessions_.size(); ++i) {
        if (account_of_[i / 2] != account) continue;
        seen += sessions_[i]->brought().receipts;
        if (i % 2) continue;
        accepted += sessions_[i]->lane()->counters().accepted;
        if (link.empty()) link = sessions_[i]->name();
    }
    if (std::exchange(watched.receipts_seen, seen) != seen) {
        watched.accepted_before = accepted;
        watched.receiptless_since.reset();
        watched.receiptless = false;
    }
    if (accepted - watched.accepted_before < receiptless_least) return;
    if (!watched.receiptless_since) watched.receiptless_since = now;
    if (watched.receiptless || now - *watched.receiptless_since < receipts_within_) return;
    watched.receiptless = true;
    const auto what =
        fmt::format("{} accepted since the last receipt", accepted - watched.accepted_before);
    log::error(fmt::format("{}.no_receipts", protocol_.name()), {{"link", link}, {"what", what}});
    desk_.probed({false, now - *watched.receiptless_since, "no receipts: " + what});
}

}  // namespace tocsin::sms
