#include "channels/sms/shared/submitter.hpp"

#include "server/base/log.hpp"

#include <algorithm>
#include <tuple>

namespace tocsin::sms {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t number_max = 999'999'999'999'999;  // E.164: 15 digits
constexpr std::size_t outbox_bytes_most = 256 * 1024;      // of submits; answers always fit
constexpr std::uint32_t chunk = 128;                       // recipients a lane in turn
constexpr std::size_t ahead = 8;                           // numbers prefetched
constexpr auto stand_in_after = 10s;                       // of a route that is down
constexpr auto keep_over = 10min;                          // ended campaigns wait for late answers

auto rank(const Campaign& campaign) {
    return std::tuple(!campaign.retraction, -int(campaign.level), campaign.id);
}

}  // namespace

Submitter::Submitter(const SubmitterSetup& setup,
                     contract::BulkDesk& desk,
                     const Protocol& protocol,
                     Jitter jitter)
    : desk_(desk),
      protocol_(protocol),
      jitter_(std::move(jitter)),
      parts_most_(setup.parts_most),
      validity_most_(setup.validity_most),
      router_(
          [&] {
              std::vector<Filter> filters;
              for (const auto& lane : setup.lanes) filters.push_back(lane.filter);
              return filters;
          }(),
          setup.ported) {
    for (const auto& lane : setup.lanes)
        lanes_.push_back(
            std::make_unique<Lane>(lane, std::uint8_t(lanes_.size()), setup.parts_most));
}

Campaign* Submitter::find(std::uint32_t serial) {
    for (auto& campaign : campaigns_)
        if (campaign->serial == serial) return campaign.get();
    return nullptr;
}

void Submitter::carry(Campaign campaign) {
    for (auto& known : campaigns_) {
        if (known->id == campaign.id) {
            known->stopped = false;  // carried anew after the fault was mended
            known->refused_by = 0;
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

// --- what leaves ---

void Submitter::fill(Instant now) {
    now_ = now;
    forget_old(now);
    for (; !later_.empty() && later_.begin()->first <= now; later_.erase(later_.begin())) {
        const auto& job = later_.begin()->second;
        auto& campaign = *find(job.campaign);
        --campaign.waiting_jobs;
        wait(campaign, job, false);
    }
    measure_room(now);
    std::uint32_t windows = 0;
    for (const auto& lane : lanes_) windows += lane->open_ ? lane->setup_.window : 0;
    for (auto& held : campaigns_) {
        auto& campaign = *held;
        begin(campaign, now);
        if (!campaign.in_force(now)) {
            drop_waiting(campaign, now);
            continue;
        }
        set_validity(campaign, now);
        send_waiting(campaign, now);
        // What failed, or waits for its lane, holds up what is new: we don't hoard recipients.
        bool more = true;
        while (more && campaign.waiting_jobs < 4 * windows) {
            const auto room = room_for(campaign);
            if (room == 0) break;
            const auto slice = desk_.take(campaign.id, room);
            more = !slice.numbers.empty();
            if (more) place(campaign, slice, now);
        }
        if (more) keep_turn(campaign);
    }
    for (auto& lane : lanes_) lane->full_ = lane->window_.free() < parts_most_;
}

/// Scar A3: words that take something back go out after its expiry too.
void Submitter::begin(Campaign& campaign, Instant now) {
    if (std::exchange(campaign.begun, true)) return;
    campaign.waiting.resize(router_.size());
    if (campaign.retraction) campaign.expires = std::max(campaign.expires, now + validity_most_);
}

void Submitter::set_validity(Campaign& campaign, Instant now) {
    const auto left = std::chrono::duration_cast<std::chrono::seconds>(
        std::min(campaign.expires - now, validity_most_));
    if (std::exchange(campaign.validity_set, left.count()) == left.count()) return;
    const auto text = protocol_.validity(left, now);
    for (auto& worded : campaign.texts)
        for (auto& form : worded.forms)
            for (auto& part : form) part.validity(text);
}

void Submitter::measure_room(Instant now) {
    hurried_ = false;
    for (auto& lane : lanes_) {
        if (!lane->open_ && !lane->closed_since_) lane->closed_since_ = now;
        lane->measure(now);
        hurried_ |= lane->open_ && lane->full_ && lane->window_.in_use() < lane->setup_.window / 2;
        const auto most = lane->open_ ? lane->window_.free() : 0;
        lane->room_ = most ? std::min(most, lane->pace_.available(now)) : 0;
        if (lane->outbox_.waiting().size() >= outbox_bytes_most) lane->room_ = 0;
    }
}

/// In recipients, on all lanes together.
std::uint32_t Submitter::room_for(const Campaign& campaign) const {
    std::uint32_t room = 0;
    for (const auto& lane : lanes_)
        if (!(lane->bit() & campaign.refused_by)) room += lane->room_ / campaign.parts_most;
    return room;
}

/// A less grave one must not eat the room as it trickles in, where this one waits for it.
void Submitter::keep_turn(const Campaign& campaign) {
    Lanes wanted = 0;
    for (std::size_t route = 0; route < campaign.waiting.size(); ++route)
        if (!campaign.waiting[route].empty()) wanted |= usable(campaign, router_[RouteId(route)]);
    for (auto& lane : lanes_)
        if ((lane->bit() & wanted) || lane->room_ < campaign.parts_most) lane->room_ = 0;
}

/// Its own lanes, else those without a filter. Where these refuse the order or stay away for long,
/// any other: networks are connected, and a message that may fail is better than none.
Lanes Submitter::usable(const Campaign& campaign, const Route& route) const {
    const auto may = open_ & ~campaign.refused_by;
    if (route.first & may) return route.first & may;
    if (route.spare & may) return route.spare & may;
    if (!route.served() || may == 0) return 0;
    auto away_since = Instant::min();
    for (const auto& lane : lanes_)
        if (lane->bit() & (route.first | route.spare) & ~campaign.refused_by)
            away_since = std::max(away_since, lane->closed_since_.value_or(now_));
    return now_ - std::max(away_since, now_ - stand_in_after) >= stand_in_after ? may : 0;
}

void Submitter::place(Campaign& campaign, const contract::Slice& slice, Instant now) {
    const auto text = campaign.text_for(slice.language);
    const auto& numbers = slice.numbers;
    if (router_.alike()) return place_run(campaign, text, 0, slice.first, numbers, now);
    router_.slice(slice.network, slice.region);
    for (std::size_t i = 0; i < std::min(ahead, numbers.size()); ++i) router_.prefetch(numbers[i]);
    std::size_t from = 0;
    auto route = router_.route(numbers[0]);
    for (std::size_t i = 1; i <= numbers.size(); ++i) {
        if (i + ahead < numbers.size()) router_.prefetch(numbers[i + ahead]);
        const auto next = i < numbers.size() ? router_.route(numbers[i]) : RouteId(0);
        if (i < numbers.size() && next == route) continue;
        place_run(campaign, text, route, slice.first + std::uint32_t(from),
                  numbers.subspan(from, i - from), now);
        from = i, route = next;
    }
}

void Submitter::place_run(Campaign& campaign,
                          std::uint8_t text,
                          RouteId route,
                          std::uint32_t first,
                          std::span<const std::uint64_t> numbers,
                          Instant now) {
    const auto parts = std::uint32_t(campaign.texts[text].parts());
    if (!router_[route].served())
        return refuse_run(campaign, text, first, numbers, contract::no_route);
    const auto lanes = usable(campaign, router_[route]);
    for (std::size_t tried = 0; tried < lanes_.size() && !numbers.empty();) {
        auto& lane = *lanes_[turn_++ % lanes_.size()];
        const auto room = lane.bit() & lanes ? std::min(lane.room_ / parts, chunk) : 0;
        ++tried;
        if (room == 0) continue;
        tried = 0;
        const auto count = std::min<std::size_t>(room, numbers.size());
        send_run(lane, campaign, text, route, first, numbers.first(count), now);
        first += std::uint32_t(count);
        numbers = numbers.subspan(count);
    }
    for (const auto number : numbers) {
        const Job job{.number = number,
                      .recipient = first++,
                      .campaign = campaign.serial,
                      .route = route,
                      .text = text,
                      .part = Job::all_parts};
        if (number == 0) continue;
        campaign.jobs += parts;
        number > number_max ? finish(campaign, job, protocol_.invalid_number())
                            : wait(campaign, job, false);
    }
}

/// The hot loop: no allocation but the buffer's growth, no look-up, no call that is not inlined.
void Submitter::send_run(Lane& lane,
                         Campaign& campaign,
                         std::uint8_t text,
                         RouteId route,
                         std::uint32_t first,
                         std::span<const std::uint64_t> numbers,
                         Instant now) {
    const auto& form = campaign.texts[text].forms[lane.form()];
    const auto parts = std::uint8_t(form.size());
    std::size_t most = 0;
    for (const auto& segment : form) most += segment.bytes_most();
    auto& out = lane.outbox_.tail();
    const auto from = out.size();
    out.resize(from + most * numbers.size());
    auto* at = out.data() + from;
    std::uint32_t sent = 0;
    Job job{.number = 0,
            .recipient = first,
            .campaign = campaign.serial,
            .route = route,
            .text = text,
            .part = 0,
            .form = lane.form()};
    for (const auto number : numbers) {
        job.number = number;
        if (number == 0 || number > number_max) {
            if (number != 0) {
                campaign.jobs += parts;
                job.part = Job::all_parts;
                finish(campaign, job, protocol_.invalid_number());
            }
            ++job.recipient;
            continue;
        }
        const Digits digits(number);
        for (job.part = 0; job.part < parts; ++job.part, ++sent) {
            const auto sequence = lane.window_.next_sequence();
            at = form[job.part].put(at, digits, sequence);
            lane.window_.sent(sequence, job, now);
        }
        ++job.recipient;
    }
    out.resize(std::size_t(at - out.data()));
    campaign.jobs += sent;
    lane.pace_.spent(sent);
    lane.counters_.submitted += sent;
    lane.room_ -= std::min(lane.room_, sent);
}

void Submitter::refuse_run(Campaign& campaign,
                           std::uint8_t text,
                           std::uint32_t first,
                           std::span<const std::uint64_t> numbers,
                           std::uint32_t code) {
    for (const auto number : numbers) {
        const Job job{.number = number,
                      .recipient = first++,
                      .campaign = campaign.serial,
                      .text = text,
                      .part = Job::all_parts};
        if (number == 0) continue;
        campaign.jobs += std::uint32_t(campaign.texts[text].parts());
        finish(campaign, job, code);
    }
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

}  // namespace tocsin::sms
