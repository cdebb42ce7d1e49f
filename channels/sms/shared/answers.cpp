#include "channels/sms/shared/submitter.hpp"
#include "server/base/log.hpp"

#include <fmt/format.h>

/// The submitter's other half: what a peer's answer, or its silence, does.
namespace tocsin::sms {
namespace {

using namespace std::chrono_literals;
using contract::Answer;

constexpr std::uint32_t dead_after_unanswered = 3;
constexpr std::uint32_t constant_after = 16;  // answers with one and the same id
constexpr std::chrono::milliseconds retry_waits[] = {1s, 5s, 15s};
constexpr int quick_tries = 2;
constexpr double throttle_share = 0.7, congestion_share = 0.5;

}  // namespace

Submitter::Wants Submitter::answered(
    Lane& lane, std::uint32_t sequence, std::uint32_t status, const MessageId& id, Instant now) {
    lane.unanswered_in_a_row_ = 0;
    ++lane.answers_;
    const auto [found, job] = lane.window_.answered(sequence);
    auto* campaign = found == Window::Found::nothing ? nullptr : find(job.campaign);
    if (!campaign) return ++lane.counters_.stray, Wants::nothing;
    const bool late = found == Window::Found::late;
    if (late) ++lane.counters_.late;
    if (status == 0) {
        lane.pace_.answered();
        if (late) ++campaign->jobs;  // overdue() had let go of it
        return accept(lane, *campaign, job, id), Wants::nothing;
    }
    if (late) return Wants::nothing;  // it goes again already
    const auto meaning = protocol_.meaning(lane.index_, status);
    refused(lane, *campaign, job, status, now);
    return meaning == Meaning::rebind ? Wants::rebind : Wants::nothing;
}

void Submitter::refused(
    Lane& lane, Campaign& campaign, Job job, std::uint32_t status, Instant now) {
    auto meaning = protocol_.meaning(lane.index_, status);
    if (!campaign.by_form && meaning == Meaning::form) meaning = Meaning::campaign;
    if (!campaign.by_form && meaning == Meaning::form_perhaps) meaning = Meaning::retry;
    if (meaning == Meaning::form_perhaps) {
        const bool may = !lane.form_taken_ && lane.form_at_ + 1 < lane.setup_.forms.size();
        meaning = may || job.form != lane.form() ? Meaning::form : Meaning::retry;
    }
    switch (meaning) {
        case Meaning::throttle:
        case Meaning::congestion: {
            ++lane.counters_.throttled;
            const bool mild = meaning == Meaning::throttle;
            lane.pace_.throttled(now, mild ? throttle_share : congestion_share, jitter_());
            job.status = status;
            return wait(campaign, job, true);
        }
        case Meaning::rebind: job.status = status; return wait(campaign, job, true);
        case Meaning::retry:
        case Meaning::retry_slow:
            job.avoid = lane.index_;
            return try_later(campaign, job, status, meaning == Meaning::retry_slow, now);
        case Meaning::campaign: return refused_alike(lane, campaign, job, status, now);
        case Meaning::form: return next_form(lane, campaign, job, status, now);
        case Meaning::reroute: return reroute(lane, campaign, job, status, now);
        default: ++lane.counters_.refused; finish(campaign, job, status);
    }
}

void Submitter::accept(Lane& lane, Campaign& campaign, const Job& job, MessageId id) {
    ++lane.counters_.accepted;
    lane.form_taken_ |= job.form == lane.form();
    lane.same_id_in_a_row_ = id.length > 0 && id == lane.last_id_ ? lane.same_id_in_a_row_ + 1 : 0;
    lane.last_id_ = id;
    if (lane.same_id_in_a_row_ == constant_after)
        log::error(fmt::format("{}.ids_constant", protocol_.name()),
                   {{"link", lane.name()}, {"meaning", "receipts cannot be matched on this bind"}});
    if (lane.same_id_in_a_row_ >= constant_after) id = {};
    --campaign.jobs;
    answer(campaign, job, 0, id);
}

void Submitter::answer(Campaign& campaign,
                       const Job& job,
                       std::uint32_t code,
                       const MessageId& id) {
    const auto parts = std::uint8_t(campaign.texts[job.text].parts());
    campaign.answers.push_back(Answer{job.recipient, code, id, std::uint8_t(job.part + 1), parts});
}

void Submitter::finish(Campaign& campaign, const Job& job, std::uint32_t code) {
    const auto parts = std::uint8_t(campaign.texts[job.text].parts());
    const bool all = job.part == Job::all_parts;
    auto each = job;
    each.part = all ? 0 : job.part;
    for (const auto end = all ? parts : std::uint8_t(job.part + 1); each.part < end; ++each.part) {
        --campaign.jobs;
        answer(campaign, each, code);
    }
}

void Submitter::unknown(Campaign& campaign, const Job& job) {
    campaign.jobs -=
        job.part == Job::all_parts ? std::uint32_t(campaign.texts[job.text].parts()) : 1;
    campaign.unknown.push_back(job.recipient);
}

/// Not again on this link. When every link refuses it, the order stops.
void Submitter::refused_alike(
    Lane& lane, Campaign& campaign, Job job, std::uint32_t status, Instant now) {
    ++lane.counters_.refused;
    const auto code = fmt::format("0x{:02X}", status);
    const bool fresh = !(campaign.refused_by & lane.bit());
    campaign.refused_by |= lane.bit();
    if (fresh)
        log::error(fmt::format("{}.campaign_refused", protocol_.name()),
                   {{"order", std::to_string(campaign.id.ordinal)},
                    {"link", lane.name()},
                    {"status", code}});
    Lanes all = 0;
    for (const auto& one : lanes_) all |= one->bit();
    if (all & ~campaign.refused_by) {
        job.status = status;
        job.avoid = lane.index_;
        return wait(campaign, job, true);
    }
    finish(campaign, job, status);
    if (std::exchange(campaign.stopped, true)) return;
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

void Submitter::next_form(
    Lane& lane, Campaign& campaign, Job job, std::uint32_t status, Instant now) {
    if (job.form == lane.form()) {
        if (lane.form_at_ + 1 == lane.setup_.forms.size())
            return refused_alike(lane, campaign, job, status, now);
        ++lane.form_at_;
        lane.form_taken_ = false;
        log::warn(fmt::format("{}.form_refused", protocol_.name()),
                  {{"link", lane.name()},
                   {"status", fmt::format("0x{:02X}", status)},
                   {"form", std::to_string(lane.form_at_)}});
    }
    job.form = lane.form();
    job.status = status;
    wait(campaign, job, true);
}

void Submitter::reroute(
    Lane& lane, Campaign& campaign, Job job, std::uint32_t status, Instant now) {
    const auto others = usable(campaign, router_[job.route]) & ~lane.bit();
    if (!others || job.tries >= quick_tries) {
        ++lane.counters_.refused;
        return finish(campaign, job, status);
    }
    (void)now;
    ++job.tries;
    job.avoid = lane.index_;
    job.status = status;
    wait(campaign, job, true);
}

void Submitter::try_later(
    Campaign& campaign, Job job, std::uint32_t status, bool slow, Instant now) {
    const auto tries_most = slow ? int(std::size(retry_waits)) : quick_tries;
    if (job.tries >= tries_most) return finish(campaign, job, status | contract::worth_another_try);
    const auto wait_for = slow ? retry_waits[job.tries] : retry_waits[0];
    ++job.tries;
    job.status = status;
    later_.emplace(now + wait_for, job);
    ++campaign.waiting_jobs;
}

bool Submitter::overdue(Lane& lane, Instant now) {
    const auto count = lane.window_.overdue(now, lane.setup_.response_within, [&](const Job& job) {
        unknown(*find(job.campaign), job);
    });
    lane.counters_.timed_out += count;
    lane.unanswered_in_a_row_ += count;
    return lane.unanswered_in_a_row_ >= dead_after_unanswered;
}

void Submitter::opened(Lane& lane) {
    lane.open_ = true;
    lane.closed_since_.reset();
    open_ |= lane.bit();
    lane.unanswered_in_a_row_ = lane.same_id_in_a_row_ = 0;
    lane.last_id_ = {};
}

void Submitter::closing(Lane& lane) {
    lane.open_ = false;
    open_ &= ~lane.bit();
}

void Submitter::lost(Lane& lane) {
    closing(lane);
    lane.window_.lost([&](const Job& job) {
        unknown(*find(job.campaign), job);
        ++lane.counters_.lost;
    });
    lane.unanswered_in_a_row_ = 0;
    lane.outbox_.clear();
}

Lane::Counters Submitter::counters() const {
    Lane::Counters all;
    for (const auto& lane : lanes_) {
        const auto& one = lane->counters();
        all.submitted += one.submitted, all.accepted += one.accepted, all.refused += one.refused;
        all.throttled += one.throttled, all.retried += one.retried, all.lost += one.lost;
        all.timed_out += one.timed_out, all.late += one.late, all.stray += one.stray;
    }
    return all;
}

void Lane::measure(Instant now) {
    constexpr auto each = 500ms;
    constexpr double weight = 0.4;
    if (window_.in_use() == 0 || !measured_from_ || now < *measured_from_) {
        measured_from_ = now;
        answers_before_ = answers_;
        return;
    }
    const auto took = now - *measured_from_;
    if (took < each) return;
    const auto seen = double(answers_ - answers_before_) * 1000 / double(took.count());
    rate_ = rate_ == 0 ? seen : rate_ + weight * (seen - rate_);
    measured_from_ = now;
    answers_before_ = answers_;
}

}  // namespace tocsin::sms
