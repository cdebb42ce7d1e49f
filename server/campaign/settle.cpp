#include "server/base/log.hpp"
#include "server/campaign/engine.hpp"
#include "server/campaign/posting.hpp"
#include "server/campaign/store.hpp"
#include "server/ledger/keys.hpp"

/// Receipts: matched, logged, and acknowledged when they are on disk. One that names nobody is on
/// disk too, among the orphans: either its answer is still to come, then it is matched from the
/// parking or after a restart from there; or it proves the delivery of a copy we forgot.
namespace tocsin::campaign {

using contract::Receipt, contract::Ticket;

Ticket Engine::settled(std::span<const Receipt> receipts) {
    metrics_.receipts += receipts.size();
    moved_ += receipts.size();
    ticket_used_ = true;
    const auto now = settings_.clock();
    if (!recovery_done_)
        waiting_receipts_.insert(waiting_receipts_.end(), receipts.begin(), receipts.end());
    else
        settle_all(receipts, now);
    return Ticket(next_ticket_);
}

/// Three times over the batch, so that memory is asked for all slots, then for all cells, before the
/// first is looked at.
void Engine::settle_all(std::span<const Receipt> receipts, Instant now) {
    constexpr std::size_t at_once = 256;
    for (; receipts.size() > at_once; receipts = receipts.subspan(at_once))
        settle_all(receipts.first(at_once), now);
    std::array<std::pair<Campaign*, std::optional<Match>>, at_once> found;
    std::array<std::uint64_t, at_once> hashes;
    for (std::size_t i = 0; i < receipts.size(); ++i) {
        hashes[i] = hash_of(receipts[i].id);
        for (const auto& entry : campaigns_) entry.second.campaign->expect(hashes[i]);
    }
    for (std::size_t i = 0; i < receipts.size(); ++i) {
        found[i] = find_id(receipts[i].id, hashes[i]);
        if (found[i].second) found[i].first->expect(*found[i].second);
    }
    for (std::size_t i = 0; i < receipts.size(); ++i) {
        const auto& receipt = receipts[i];
        if (found[i].second)
            count(found[i].first->settle(*found[i].second, receipt.said, receipt.code, now));
        else
            set_aside(receipt, now);
    }
}

void Engine::set_aside(const Receipt& receipt, Instant now) {
    ++metrics_.parked;
    if (!parking_.park(receipt.id, {receipt.said, receipt.code, now})) ++metrics_.orphans;
    orphan_records_.push_back(
        {receipt.id, receipt.said, receipt.code, now.time_since_epoch().count()});
}

/// Newest campaign first.
std::pair<Campaign*, std::optional<Match>> Engine::find_id(const contract::MessageId& id,
                                                           std::uint64_t hash) {
    for (auto at = campaigns_.rbegin(); at != campaigns_.rend(); ++at) {
        if (at->second.closing) continue;
        auto& campaign = *at->second.campaign;
        if (const auto match = campaign.find(hash, id)) return {&campaign, match};
    }
    return {};
}

void Engine::count(Settled settled) {
    switch (settled) {
        case Settled::fresh: ++metrics_.matched; break;
        case Settled::repeat: ++metrics_.repeats; break;
        case Settled::conflict: ++metrics_.conflicts; break;
        case Settled::noted: ++metrics_.noted; break;
    }
}

/// The answer that a receipt was ahead of (scar F11).
void Engine::unpark(const contract::Answer& answer, Instant now) {
    for (const auto& parked : parking_.claim(answer.id)) {
        ++metrics_.unparked;
        if (const auto [campaign, match] = find_id(answer.id, hash_of(answer.id)); match)
            count(campaign->settle(*match, parked.said, parked.code, now));
    }
}

void Engine::heard(std::string from, std::string words) {
    constexpr std::size_t words_most = 2000;
    if (words.size() > words_most) words.resize(words_most);
    ticket_used_ = true;
    heard_.push_back({"XADD", heard_key(settings_.endpoint), "*", "from", std::move(from), "words",
                      std::move(words)});
}

/// What came since the last time becomes one batch: its ticket is that of the write, not of the
/// question (a receipt is acknowledged when the tick that wrote it is on disk).
void Engine::seal_batch() {
    if (!recovery_done_) return;
    Batch batch{next_ticket_, {}};
    for (auto& entry : campaigns_) {
        auto& held = entry.second;
        if (held.closing) continue;
        const auto add = [&](const char* stream, std::string segment) {
            if (segment.empty()) return;
            held.last_ticket = next_ticket_;
            batch.commands.push_back({"XADD", ledger::campaign_part_key(held.name, stream), "*",
                                      "s", std::move(segment)});
            ++metrics_.segments;
        };
        add("parts", held.campaign->take_parts());
        add("log", held.campaign->take_log());
    }
    if (!orphan_records_.empty())
        batch.commands.push_back({"XADD", orphans_key(settings_.endpoint), "MAXLEN", "~",
                                  std::to_string(settings_.orphans_kept), "*", "s",
                                  pack(std::exchange(orphan_records_, {}))});
    batch.replies = !heard_.empty();
    std::ranges::move(std::exchange(heard_, {}), std::back_inserter(batch.commands));
    if (batch.commands.empty() && !ticket_used_) return;
    batch.stored = batch.commands.empty();
    batches_.push_back(std::move(batch));
    ++next_ticket_;
    ticket_used_ = false;
}

/// In order, and after a broken connection all again in order: a segment twice says nothing new.
void Engine::send_batches(Instant now) {
    if (batches_.empty()) return;
    if (writer_.up() && now >= batches_after_)
        for (auto& batch : batches_) {
            if (batch.sent || batch.stored) continue;
            batch.sent = true;
            batch.failed = false;
            batch.unanswered = batch.commands.size();
            for (const auto& words : batch.commands)
                writer_.ask(words,
                            [this, ticket = batch.ticket](const Result<ledger::Reply>& reply) {
                                batch_answered(ticket, reply.has_value());
                            });
        }
    acknowledge();
}

void Engine::batch_answered(std::uint64_t ticket, bool well) {
    const auto at = std::ranges::find(batches_, ticket, &Batch::ticket);
    if (at == batches_.end() || !at->sent) return;
    at->failed = at->failed || !well;
    if (--at->unanswered > 0) return;
    if (at->failed) {
        at->sent = false;
        ++metrics_.failed_writes;
        batches_after_ = settings_.clock() + milliseconds(20);
        return;
    }
    at->stored = true;
    if (at->replies) tell([](auto& e) { e.replies(); });
    acknowledge();
}

void Engine::acknowledge() {
    std::uint64_t up_to = 0;
    while (!batches_.empty() && batches_.front().stored) {
        up_to = batches_.front().ticket;
        batches_.pop_front();
    }
    if (up_to != 0 && channel_ && !halted_) channel_->durable(Ticket(up_to));
}

}  // namespace tocsin::campaign
