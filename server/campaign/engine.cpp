#include "server/campaign/engine.hpp"

#include "server/base/log.hpp"
#include "server/campaign/posting.hpp"
#include "server/campaign/store.hpp"
#include "server/ledger/keys.hpp"

/// The tick: what is dirty to Redis, the channel's turn, what core is told.
namespace tocsin::campaign {

using std::chrono::steady_clock;

namespace {
constexpr auto breath = std::chrono::microseconds(200);  // for Redis' replies between passes
}

Engine::Engine(boost::asio::io_context& bulk,
               boost::asio::io_context& core,
               Settings settings,
               contract::Desk& desk,
               dispatch::BulkEvents& events)
    : bulk_(bulk),
      core_(core),
      settings_(std::move(settings)),
      desk_(desk),
      events_(events),
      timer_(bulk),
      parking_(settings_.park, settings_.park_most),
      writer_(bulk, settings_.redis),
      reader_(bulk, settings_.redis) {}

Engine::~Engine() { alive_.reset(); }

void Engine::start() {
    started_ = true;
    recover();
    arm();
}

void Engine::halt() {
    halted_ = true;
    timer_.cancel();
}

void Engine::run_at(steady_clock::time_point when) {
    timer_.expires_at(when);
    timer_.async_wait([this, alive = std::weak_ptr<bool>(alive_)](boost::system::error_code error) {
        if (error || alive.expired()) return;
        pass();
        arm();
    });
}

void Engine::arm() {
    constexpr std::size_t much = 500;
    if (halted_) return;
    const bool idle =
        batches_.empty() && !ticket_used_ &&
        std::ranges::all_of(campaigns_, [](const auto& e) { return e.second.campaign->idle(); });
    if (moved_ >= much) return run_at(steady_clock::now() + breath);
    run_at(steady_clock::now() +
           (idle && !hurries_ ? std::chrono::microseconds(settings_.tick_idle) : tick()));
}

/// Something came that should not wait for the tick (a grant, an intent on disk); at most each ms.
void Engine::stir() {
    if (halted_ || !started_ || std::exchange(stirred_, true)) return;
    write_at_ = {};
    run_at(std::max(steady_clock::now(), last_pass_ + milliseconds(1)));
}

void Engine::pass() {
    stirred_ = false;
    last_pass_ = steady_clock::now();
    moved_ = 0;
    const auto now = settings_.clock();
    if (last_pass_ + breath >= write_at_) write_all(now);
    starving_ = hurries_ = false;
    if (channel_) channel_->tick(now);
    if (starving_)
        for (auto& [_, held] : campaigns_)
            if (!held.closing && held.campaign->wants_commit()) flush(held, now);
    tend(now);
}

void Engine::write_all(Instant now) {
    write_at_ = last_pass_ + tick();
    for (auto& [_, held] : campaigns_) {
        if (held.closing) continue;
        held.campaign->tick(now);
        flush(held, now);
    }
    seal_batch();
    send_batches(now);
}

void Engine::tend(Instant now) {
    metrics_.orphans += parking_.age(now);
    for (auto& [_, held] : campaigns_) tell_core(held, now);
    measure(now);
    for (auto at = campaigns_.begin(); at != campaigns_.end();) {
        auto& held = (at++)->second;  // closing may take it away
        consider_end(held, now);
    }
}

void Engine::flush(Held& held, Instant now) {
    if (held.fenced) return;
    read_numbers(held, now);
    send_commit(held, now);
}

void Engine::send_commit(Held& held, Instant now) {
    if (!writer_.up() || now < held.commit_after) return;
    auto commit = held.campaign->next_commit(now);
    if (!commit) return;
    std::map<std::uint32_t, std::size_t> keys;  // page -> its place among KEYS
    for (const auto& span : commit->spans) keys.try_emplace(span.page, 0);
    Wire::Words words{std::to_string(keys.size() + 1), ledger::campaign_key(held.name)};
    for (auto& [page, place] : keys) {
        words.push_back(ledger::campaign_page_key(held.name, page));
        place = words.size() - 1;
    }
    words.push_back(std::to_string(held.campaign->fence()));
    words.push_back(std::to_string(commit->seq));
    words.push_back(std::to_string(commit->fields.size()));
    for (auto& [field, value] : commit->fields)
        words.push_back(std::move(field)), words.push_back(std::move(value));
    for (auto& span : commit->spans) {
        words.push_back(std::to_string(keys[span.page]));
        words.push_back(std::to_string(span.offset));
        words.push_back(std::move(span.data));
    }
    ++metrics_.commits;
    writer_.run(
        commit_script, std::move(words),
        [this, order = held.campaign->plan().order, fence = held.campaign->fence(),
         seq = commit->seq](const auto& reply) { commit_answered(order, fence, seq, reply); });
}

void Engine::commit_answered(OrderId order,
                             std::uint64_t fence,
                             std::uint64_t seq,
                             const Result<ledger::Reply>& reply) {
    auto* at = held(order);
    if (!at || at->campaign->fence() != fence) return;
    const auto said = reply.has_value() ? (*reply).str() : std::string();
    at->campaign->committed(seq, said == "ok");
    if (said == "ok") {
        if (starving_) stir();  // the channel may take them now
        return;
    }
    ++metrics_.failed_writes;
    at->commit_after = settings_.clock() + milliseconds(20);
    if (said != "fenced" || std::exchange(at->fenced, true)) return;
    log::error("campaign.fenced", {{"endpoint", settings_.endpoint}, {"campaign", at->name}});
    at->campaign->stop("fenced", settings_.clock());
    if (at->attached) tell([order](auto& e) { e.opened(order, false, "another owner has it"); });
}

void Engine::read_numbers(Held& held, Instant now) {
    if (!reader_.up() || now < held.read_after) return;
    if (settings_.opt_outs_known && !settings_.opt_outs_known()) return;
    auto& campaign = *held.campaign;
    for (const auto page : campaign.pages_wanted()) {
        const auto place = campaign.place(page);
        const auto key =
            ledger::audience_page_key(campaign.plan().audience, place.group, place.page);
        reader_.ask({"GET", key}, [this, page, order = campaign.plan().order,
                                   fence = campaign.fence()](const Result<ledger::Reply>& reply) {
            auto* at = this->held(order);
            if (!at || at->campaign->fence() != fence) return;
            if (reply.has_error()) {
                at->read_after = settings_.clock() + milliseconds(20);
                return at->campaign->page_unread(page);
            }
            auto numbers = unpack_numbers((*reply).text());
            if (!(*reply).null() && numbers.has_value()) {
                at->campaign->page_loaded(page, std::move(*numbers), settings_.clock(),
                                          settings_.opted_out);
                if (starving_) stir();
                return;
            }
            log::error("campaign.audience_page_missing",
                       {{"campaign", at->name}, {"page", std::to_string(page)}});
            at->campaign->page_missing(page, settings_.clock());
        });
    }
}

Engine::Held* Engine::held(OrderId order) {
    const auto at = campaigns_.find(order);
    return at == campaigns_.end() ? nullptr : &at->second;
}

const Campaign* Engine::campaign(OrderId order) const {
    const auto at = campaigns_.find(order);
    return at == campaigns_.end() ? nullptr : at->second.campaign.get();
}

void Engine::tell_core(Held& held, Instant now) {
    constexpr auto totals_each = milliseconds(200);
    auto& campaign = *held.campaign;
    const auto order = campaign.plan().order;
    if (held.fenced) return;
    const bool in_force = campaign.stopped().empty() || campaign.stopped() == "expired";
    if (held.attached && campaign.asks()) tell([order](auto& e) { e.asked(order); });
    const auto counts = campaign.counts();
    const bool all_final = campaign.all_final(now);
    const bool done = held.attached && in_force && !held.told_exhausted && campaign.exhausted();
    const bool first = held.told.handed == 0 && counts.handed > 0;  // its time is a promise
    const bool last = all_final != held.told_final || done;
    if (first || last || (counts != held.told && now >= held.told_at + totals_each)) {
        held.told = counts;
        held.told_at = now;
        held.told_final = all_final;
        tell([=](auto& e) { e.totals(order, counts, all_final); });
    }
    if (!done) return;
    held.told_exhausted = true;
    tell([order](auto& e) { e.exhausted(order); });
}

/// The peer's pace while there is something to do: idle time says nothing about it.
void Engine::measure(Instant now) {
    constexpr auto each = milliseconds(250);
    constexpr double weight = 0.4, least = 20, change = 0.05;
    const bool busy = std::ranges::any_of(
        campaigns_, [](const auto& e) { return e.second.campaign->in_flight() > 0; });
    if (!busy || !busy_throughout_) {
        busy_throughout_ = busy;
        answered_before_ = answered_;
        measured_at_ = now;
        return;
    }
    const auto took = now - measured_at_;
    if (took < each) return;
    const auto seen = double(answered_ - answered_before_) * 1000 / double(took.count());
    // While the channel waited for us, its peer's pace did not show: it is that or more.
    if (!std::exchange(starved_, false) || seen > rate_)
        rate_ = rate_ == 0 ? seen : rate_ + weight * (seen - rate_);
    answered_before_ = answered_;
    measured_at_ = now;
    const auto shown = std::max(least, rate_);
    if (std::abs(shown - rate_told_) < change * rate_told_) return;
    rate_told_ = shown;
    tell([shown](auto& e) { e.rate(shown); });
}

// What others call.

/// Still being opened: what core says meanwhile is kept for then.
bool Engine::not_yet(OrderId order) const {
    return !campaigns_.contains(order) && (opening_.contains(order) || !recovery_done_);
}

void Engine::grant(OrderId order, std::uint32_t recipients) {
    on_bulk([this, order, recipients] {
        if (not_yet(order)) early_[order].granted += recipients;
        auto* at = held(order);
        if (!at || at->fenced) return;
        const bool waits = at->campaign->in_hand() == 0;
        at->campaign->grant(recipients);
        if (!waits) return;  // the tick is soon enough
        flush(*at, settings_.clock());
        stir();
    });
}

void Engine::stop(OrderId order, std::string why) {
    on_bulk([this, order, why = std::move(why)] {
        if (not_yet(order)) early_[order].stop = why;
        auto* at = held(order);
        if (!at) return;
        at->campaign->stop(why, settings_.clock());
        flush(*at, settings_.clock());
        stir();
    });
}

contract::Slice Engine::take(OrderId order, std::uint32_t at_most) {
    auto* at = held(order);
    if (!at || at->fenced || at->closing || halted_) return {};
    const auto slice = at->campaign->take(at_most, settings_.clock());
    moved_ += slice.numbers.size();
    if (slice.numbers.empty() && at->campaign->wants_more()) starving_ = starved_ = true;
    return slice;
}

void Engine::answered(OrderId order, std::span<const contract::Answer> answers) {
    const auto now = settings_.clock();
    moved_ += answers.size();
    for (const auto& answer : answers) answered_ += answer.code == 0;
    auto* at = held(order);
    if (!at || at->closing) return;
    at->campaign->expect(answers);
    for (const auto& answer : answers) {
        at->campaign->answered(answer, now);
        if (answer.code == 0 && !parking_.empty()) unpark(answer, now);
    }
}

void Engine::unknown(OrderId order, std::span<const std::uint32_t> recipients) {
    auto* at = held(order);
    if (!at || at->closing) return;
    for (const auto recipient : recipients) at->campaign->unknown(recipient, settings_.clock());
}

Metrics Engine::metrics() const {
    auto metrics = metrics_;
    metrics.parked_now = parking_.size();
    metrics.campaigns = campaigns_.size();
    return metrics;
}

}  // namespace tocsin::campaign
