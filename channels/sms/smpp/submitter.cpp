#include "channels/sms/smpp/submitter.hpp"

#include "server/base/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace tocsin::smpp {
namespace {

using namespace std::chrono_literals;
using contract::Answer;

constexpr std::uint64_t number_max = 999'999'999'999'999;  // E.164: 15 digits
constexpr std::uint32_t dead_after_unanswered = 3;
constexpr std::uint32_t constant_after = 16;  // answers with one and the same id
constexpr std::chrono::milliseconds retry_waits[] = {1s, 5s, 15s};
constexpr int quick_tries = 2;
constexpr auto keep_over = 10min;  // ended campaigns wait for late answers
constexpr double throttle_share = 0.7, congestion_share = 0.5;

auto rank(const Campaign& campaign) {
    return std::tuple(!campaign.retraction, -int(campaign.level), campaign.id);
}

}  // namespace

Submitter::Submitter(const Setup& setup,
                     contract::BulkDesk& desk,
                     Learner& learner,
                     Jitter jitter,
                     std::uint32_t first_sequence)
    : setup_(setup),
      desk_(desk),
      learner_(learner),
      jitter_(std::move(jitter)),
      window_(setup.window, first_sequence),
      pace_(setup.rate, setup.parts_most) {}

Campaign* Submitter::find(std::uint32_t serial) {
    for (auto& campaign : campaigns_)
        if (campaign->serial == serial) return campaign.get();
    return nullptr;
}

void Submitter::carry(Campaign campaign) {
    for (auto& known : campaigns_) {
        if (known->id == campaign.id) {
            known->stopped = false;  // carried anew after the fault was mended
            return;
        }
        if (known->id.ordinal != campaign.id.ordinal) continue;
        auto& older = known->id.revision < campaign.id.revision ? *known : campaign;
        older.superseded = true;
    }
    campaign.serial = ++serials_;
    campaigns_.push_back(std::make_unique<Campaign>(std::move(campaign)));
    std::ranges::stable_sort(campaigns_, {}, [](const auto& held) { return rank(*held); });
}

void Submitter::fill(Instant now, std::string& out, std::size_t bytes_most) {
    forget_old(now);
    for (; !later_.empty() && later_.begin()->first <= now; later_.erase(later_.begin()))
        ready_.push_back(later_.begin()->second);
    auto room = std::min(window_.free(), pace_.available(now));
    send_again(now, room, out, bytes_most);
    // What failed holds up what is new, or a sick peer would make us hoard recipients.
    if (ready_.size() + later_.size() >= 4 * setup_.window) return;
    for (auto& campaign : campaigns_) {
        begin(*campaign, now);
        if (!campaign->in_force(now)) continue;
        prepare(*campaign, now);
        while (out.size() < bytes_most) {
            // Its turn is kept for it: a less grave one must not eat the room as it trickles in.
            if (room < campaign->parts_most) return;
            const auto before = window_.in_use();
            const auto slice = desk_.take(campaign->id, room / campaign->parts_most);
            if (slice.numbers.empty()) break;
            send_slice(*campaign, slice, now, out);
            room -= std::min(room, window_.in_use() - before);
        }
    }
}

/// Scar A3: words that take something back go out after its expiry too.
void Submitter::begin(Campaign& campaign, Instant now) {
    if (std::exchange(campaign.begun, true) || !campaign.retraction) return;
    campaign.expires = std::max(campaign.expires, now + setup_.validity_most);
}

void Submitter::prepare(Campaign& campaign, Instant now) {
    const auto left = std::min(campaign.expires - now, setup_.validity_most);
    for (auto& text : campaign.texts)
        for (auto& part : text.parts)
            part.validity(std::chrono::duration_cast<std::chrono::seconds>(left));
}

/// Scar D5: looked at before each attempt.
bool Submitter::dropped(Campaign& campaign, const Job& job, Instant now) {
    if (campaign.in_force(now)) return false;
    const bool over = now >= campaign.expires;
    finish(campaign, job,
           over ? std::uint32_t(status::expired) : job.status | contract::worth_another_try);
    return true;
}

void Submitter::expire(Instant now) {
    std::erase_if(ready_, [&](const Job& job) { return dropped(*find(job.campaign), job, now); });
    std::erase_if(later_, [&](const auto& entry) {
        return dropped(*find(entry.second.campaign), entry.second, now);
    });
}

void Submitter::send_again(Instant now,
                           std::uint32_t& room,
                           std::string& out,
                           std::size_t bytes_most) {
    while (!ready_.empty()) {
        const auto job = ready_.front();
        auto* campaign = find(job.campaign);
        if (dropped(*campaign, job, now)) {
            ready_.pop_front();
            continue;
        }
        if (room == 0 || out.size() >= bytes_most) return;
        ready_.pop_front();
        campaign->texts[job.text].parts[job.part].validity(
            std::chrono::duration_cast<std::chrono::seconds>(
                std::min(campaign->expires - now, setup_.validity_most)));
        send(*campaign, job, now, out);
        ++counters_.retried;
        --room;
    }
}

void Submitter::send(Campaign& campaign, const Job& job, Instant now, std::string& out) {
    const auto sequence = window_.next_sequence();
    campaign.texts[job.text].parts[job.part].append(out, job.number, sequence);
    window_.sent(sequence, job, now);
    pace_.spent(1);
    ++counters_.submitted;
}

void Submitter::send_slice(Campaign& campaign,
                           const contract::Slice& slice,
                           Instant now,
                           std::string& out) {
    const auto text = campaign.text_for(slice.language);
    const auto parts = std::uint8_t(campaign.texts[text].parts.size());
    auto recipient = slice.first;
    for (const auto number : slice.numbers) {
        Job job{number, recipient++, campaign.serial, 0, text, 0, 0};
        if (number == 0) continue;
        if (number > number_max) {
            answer(campaign, job, status::invalid_destination);
            continue;
        }
        campaign.jobs += parts;
        for (; job.part < parts; ++job.part) send(campaign, job, now, out);
    }
}

Submitter::Wants Submitter::answered(std::uint32_t sequence,
                                     std::uint32_t status,
                                     std::string_view id,
                                     Instant now) {
    unanswered_in_a_row_ = 0;
    const auto [found, job] = window_.answered(sequence);
    auto* campaign = found == Window::Found::nothing ? nullptr : find(job.campaign);
    if (!campaign) return ++counters_.stray, Wants::nothing;
    const bool late = found == Window::Found::late;
    if (late) ++counters_.late;
    const auto meaning = meaning_of(status, setup_.statuses);
    if (meaning == Meaning::accepted) {
        if (late) ++campaign->jobs;  // overdue() had let go of it
        return accept(*campaign, job, id), Wants::nothing;
    }
    if (late) return Wants::nothing;  // it goes again already
    switch (meaning) {
        case Meaning::throttle:
        case Meaning::congestion: {
            ++counters_.throttled;
            const bool mild = meaning == Meaning::throttle;
            pace_.throttled(now, mild ? throttle_share : congestion_share, jitter_());
            ready_.push_front(job);
            ready_.front().status = status;
            return Wants::nothing;
        }
        case Meaning::rebind:
            ready_.push_front(job);
            ready_.front().status = status;
            return Wants::rebind;
        case Meaning::retry: try_later(*campaign, job, status, false, now); break;
        case Meaning::retry_slow: try_later(*campaign, job, status, true, now); break;
        case Meaning::campaign: refuse_campaign(*campaign, status, now); [[fallthrough]];
        default: finish(*campaign, job, status);
    }
    return Wants::nothing;
}

void Submitter::accept(Campaign& campaign, const Job& job, std::string_view id) {
    ++counters_.accepted;
    auto key = key_of_answer(id);
    learner_.answered(key);
    same_id_in_a_row_ = key == last_id_ && key.length > 0 ? same_id_in_a_row_ + 1 : 0;
    last_id_ = key;
    if (same_id_in_a_row_ == constant_after)
        log::error("smpp.ids_constant", {{"meaning", "receipts cannot be matched on this bind"}});
    if (same_id_in_a_row_ >= constant_after) key = {};
    --campaign.jobs;
    answer(campaign, job, status::ok, key);
}

void Submitter::answer(Campaign& campaign, const Job& job, std::uint32_t code, MessageId id) {
    const auto parts = std::uint8_t(campaign.texts[job.text].parts.size());
    campaign.answers.push_back(Answer{job.recipient, code, id, std::uint8_t(job.part + 1), parts});
}

void Submitter::finish(Campaign& campaign, const Job& job, std::uint32_t code) {
    ++counters_.refused;
    --campaign.jobs;
    answer(campaign, job, code);
}

void Submitter::refuse_campaign(Campaign& campaign, std::uint32_t status, Instant now) {
    if (std::exchange(campaign.stopped, true)) return;
    const auto code = fmt::format("0x{:02X}", status);
    log::error("smpp.campaign_refused",
               {{"order", std::to_string(campaign.id.ordinal)}, {"status", code}});
    desk_.report({campaign.id,
                  contract::Said::refused,
                  now,
                  "smsc",
                  code,
                  "the peer refuses every recipient alike",
                  {},
                  0,
                  1,
                  {}});
}

void Submitter::try_later(
    Campaign& campaign, Job job, std::uint32_t status, bool slow, Instant now) {
    const auto tries_most = slow ? int(std::size(retry_waits)) : quick_tries;
    if (job.tries >= tries_most) return finish(campaign, job, status | contract::worth_another_try);
    const auto wait = slow ? retry_waits[job.tries] : retry_waits[0];
    ++job.tries;
    job.status = status;
    later_.emplace(now + wait, job);
}

bool Submitter::overdue(Instant now) {
    const auto count = window_.overdue(now, setup_.response_within, [&](const Job& job) {
        auto* campaign = find(job.campaign);
        --campaign->jobs;
        campaign->unknown.push_back(job.recipient);
    });
    counters_.timed_out += count;
    unanswered_in_a_row_ += count;
    return unanswered_in_a_row_ >= dead_after_unanswered;
}

void Submitter::link_up() {
    unanswered_in_a_row_ = same_id_in_a_row_ = 0;
    last_id_ = {};
}

void Submitter::link_lost() {
    window_.lost([&](const Job& job) {
        auto* campaign = find(job.campaign);
        --campaign->jobs;
        campaign->unknown.push_back(job.recipient);
        ++counters_.lost;
    });
    unanswered_in_a_row_ = 0;
}

void Submitter::give_back() {
    for (auto& [due, job] : later_) ready_.push_back(job);
    later_.clear();
    for (const auto& job : ready_)
        finish(*find(job.campaign), job, job.status | contract::worth_another_try);
    ready_.clear();
}

void Submitter::report() {
    for (auto& held : campaigns_) {
        auto& campaign = *held;
        if (!campaign.answers.empty()) desk_.answered(campaign.id, campaign.answers);
        campaign.answers.clear();
        if (campaign.unknown.empty()) continue;
        std::ranges::sort(campaign.unknown);  // one line a recipient, however many segments
        const auto twice = std::ranges::unique(campaign.unknown);
        campaign.unknown.erase(twice.begin(), twice.end());
        desk_.unknown(campaign.id, campaign.unknown);
        campaign.unknown.clear();
    }
}

void Submitter::forget_old(Instant now) {
    std::erase_if(campaigns_, [&](const auto& held) {
        return now >= held->expires + keep_over && held->begun && held->jobs == 0 &&
               held->answers.empty() && held->unknown.empty();
    });
}

}  // namespace tocsin::smpp
