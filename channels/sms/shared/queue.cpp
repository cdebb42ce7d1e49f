#include "channels/sms/shared/submitter.hpp"

#include <algorithm>

/// The submitter's queues: what failed, was throttled or found no room, by route.
namespace tocsin::sms {

void Submitter::send_waiting(Campaign& campaign, Instant now) {
    if (campaign.waiting_jobs == 0) return;
    for (auto& queue : campaign.waiting)
        for (auto turns = queue.size(); turns > 0 && !queue.empty(); --turns)
            if (!send_waiting(campaign, queue, now)) break;
}

/// The first of the queue: sent, given up, or put behind the others; false: it waits for room.
bool Submitter::send_waiting(Campaign& campaign, std::deque<Job>& queue, Instant now) {
    const auto job = queue.front();
    const auto lanes = usable(campaign, router_[job.route]);
    auto* lane = lane_for(campaign, job, lanes);
    const bool gone = !lane && stranded(campaign, job, lanes);
    if (!lane && !gone && job.avoid == Job::nobody) return false;
    queue.pop_front();
    if (!lane && !gone) return queue.push_back(job), true;
    --campaign.waiting_jobs;
    if (gone) return unknown(campaign, job), true;
    if (job.status != 0) ++lane->counters_.retried;
    send(*lane, campaign, job, now);
    return true;
}

/// Another one than failed it, if there is another; a part of a message in the form of its others.
Lane* Submitter::lane_for(const Campaign& campaign, const Job& job, Lanes lanes) {
    const auto parts = campaign.texts[job.text].parts();
    const std::size_t need = job.part == Job::all_parts ? parts : 1;
    const bool bound = job.part != Job::all_parts && parts > 1;
    const auto avoided = job.avoid == Job::nobody ? 0 : Lanes(1) << job.avoid;
    if (lanes & ~avoided) lanes &= ~avoided;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
        auto& lane = *lanes_[(turn_ + i) % lanes_.size()];
        if (!(lane.bit() & lanes) || lane.room_ < need || (bound && lane.form() != job.form))
            continue;
        turn_ = lane.index() + 1u;
        return &lane;
    }
    return nullptr;
}

/// A part whose message no open lane can go on with: the whole message goes again.
bool Submitter::stranded(const Campaign& campaign, const Job& job, Lanes lanes) const {
    if (lanes == 0 || job.part == Job::all_parts || campaign.texts[job.text].parts() == 1)
        return false;
    return std::ranges::none_of(lanes_, [&](const auto& lane) {
        return (lane->bit() & lanes) && lane->form() == job.form;
    });
}

void Submitter::send(Lane& lane, Campaign& campaign, Job job, Instant now) {
    const auto& form = campaign.texts[job.text].forms[lane.form()];
    job.form = lane.form();
    const bool all =
        std::exchange(job.part, job.part == Job::all_parts ? 0 : job.part) == Job::all_parts;
    const auto end = all ? std::uint8_t(form.size()) : std::uint8_t(job.part + 1);
    const Digits digits(job.number);
    auto& out = lane.outbox_.tail();
    for (; job.part < end; ++job.part) {
        const auto sequence = lane.window_.next_sequence();
        const auto from = out.size();
        out.resize(from + form[job.part].bytes_most());
        const auto* stop = form[job.part].put(out.data() + from, digits, sequence);
        out.resize(std::size_t(stop - out.data()));
        lane.window_.sent(sequence, job, now);
        lane.pace_.spent(1);
        ++lane.counters_.submitted;
        lane.room_ -= lane.room_ > 0;
    }
}

void Submitter::wait(Campaign& campaign, const Job& job, bool first) {
    if (campaign.waiting.size() <= job.route) campaign.waiting.resize(job.route + 1u);
    auto& queue = campaign.waiting[job.route];
    first ? queue.push_front(job) : queue.push_back(job);
    ++campaign.waiting_jobs;
}

// --- what waits and may not go ---

/// Scar D5: looked at before each attempt.
std::uint32_t Submitter::drop_code(const Campaign& campaign, const Job& job, Instant now) const {
    return now >= campaign.expires ? protocol_.expired() : job.status | contract::worth_another_try;
}

void Submitter::drop_waiting(Campaign& campaign, Instant now) {
    if (campaign.waiting_jobs == 0) return;
    for (auto& queue : campaign.waiting)
        for (; !queue.empty(); queue.pop_front(), --campaign.waiting_jobs)
            finish(campaign, queue.front(), drop_code(campaign, queue.front(), now));
}

void Submitter::expire(Instant now) {
    for (auto& campaign : campaigns_)
        if (!campaign->in_force(now)) drop_waiting(*campaign, now);
    std::erase_if(later_, [&](const auto& entry) {
        auto& campaign = *find(entry.second.campaign);
        if (campaign.in_force(now)) return false;
        --campaign.waiting_jobs;
        finish(campaign, entry.second, drop_code(campaign, entry.second, now));
        return true;
    });
}

void Submitter::give_back() {
    for (auto& [due, job] : later_) {
        auto& campaign = *find(job.campaign);
        --campaign.waiting_jobs;
        wait(campaign, job, false);
    }
    later_.clear();
    for (auto& campaign : campaigns_)
        for (auto& queue : campaign->waiting)
            for (; !queue.empty(); queue.pop_front(), --campaign->waiting_jobs)
                finish(*campaign, queue.front(),
                       queue.front().status | contract::worth_another_try);
}

}  // namespace tocsin::sms
