#include "server/base/log.hpp"
#include "server/campaign/load.hpp"
#include "server/campaign/posting.hpp"
#include "server/campaign/reached.hpp"
#include "server/campaign/store.hpp"
#include "server/ledger/keys.hpp"

/// A campaign's beginning, coming back and end.
namespace tocsin::campaign {

using dispatch::CampaignSpec;

namespace {

Plan plan_of(const CampaignSpec& spec, const std::string& endpoint, Instant now) {
    Plan plan;
    plan.order = spec.order;
    plan.mode = spec.mode;
    plan.endpoint = endpoint;
    plan.alert = spec.alert;
    plan.audience = spec.audience;
    plan.level = spec.level;
    plan.started = now;
    plan.expires = spec.expires;
    plan.only_reached_by = spec.only_reached_by;
    plan.receipts = spec.receipts;
    plan.over_opt_outs = spec.over_opt_outs;
    const auto count = std::min(spec.groups.size(), spec.indices.size());
    for (std::size_t i = 0; i < count; ++i)
        plan.groups.push_back({spec.indices[i], spec.groups[i].count, spec.groups[i].language,
                               spec.groups[i].network, spec.groups[i].role,
                               fmt::format("{}", fmt::join(spec.groups[i].regions, " "))});
    return plan;
}

}  // namespace

/// What an earlier run left: before any receipt is looked at, and before core opens anything.
void Engine::recover() {
    recovering_ = 1;
    reader_.insist({"SMEMBERS", open_campaigns_key(settings_.endpoint)}, [this](const auto& reply) {
        const auto& names = *reply;
        recovering_ += names.size();
        for (std::size_t i = 0; i < names.size(); ++i)
            load_own(reader_, names[i].str(), {}, settings_.limits, settings_.clock,
                     [this, name = names[i].str()](Loaded loaded) {
                         opened({}, name, std::move(loaded));
                         recovered_one();
                     });
        recovered_one();
    });
}

void Engine::recovered_one() {
    if (--recovering_ > 0) return;
    recovery_done_ = true;
    settle_all(std::exchange(waiting_receipts_, {}), settings_.clock());
    for (const auto& spec : std::exchange(wait_for_recovery_, {})) open_here(spec);
    std::erase_if(early_, [&](const auto& e) { return !opening_.contains(e.first); });
    stir();
}

void Engine::open(CampaignSpec spec) {
    on_bulk([this, spec = std::move(spec)] {
        if (recovery_done_) return open_here(spec);
        wait_for_recovery_.push_back(spec);
    });
}

void Engine::open_here(const CampaignSpec& spec) {
    supersede(spec.order);
    if (auto* at = held(spec.order)) return attach_to(*at);
    if (!opening_.insert(spec.order).second) return;
    auto plan = plan_of(spec, settings_.endpoint, settings_.clock());
    if (spec.only_reached_by == 0) return begin(spec, std::move(plan), std::nullopt);
    narrow(spec, std::move(plan));
}

/// Nothing of an earlier revision is sent when a newer one is here (promise 5), also if core's word
/// for that was lost with it.
void Engine::supersede(OrderId newer) {
    for (auto& [order, held] : campaigns_)
        if (order.ordinal == newer.ordinal && order.revision < newer.revision && !held.closing)
            held.campaign->stop("superseded", settings_.clock());
}

/// Whom any revision of the chain reached, newest first: from memory, else from disk.
void Engine::narrow(const CampaignSpec& spec, Plan plan) {
    struct Asking {
        CampaignSpec spec;
        Plan plan;
        std::vector<Reached> revisions;
        std::uint16_t next;
    };
    auto asking = std::make_shared<Asking>(Asking{spec, std::move(plan), {}, spec.only_reached_by});
    auto step = std::make_shared<std::function<void()>>();
    *step = [this, asking, again = std::weak_ptr(step)] {
        const auto go_on = again.lock();
        if (asking->next == 0)
            return begin_narrowed(asking->spec, std::move(asking->plan), asking->revisions);
        const OrderId earlier{asking->spec.order.ordinal, asking->next--};
        if (const auto* before = held(earlier)) {
            asking->revisions.push_back(reached_of(*before->campaign));
            return (*go_on)();
        }
        load_to_read(reader_, name_of(asking->spec.mode, settings_.endpoint, earlier),
                     settings_.limits, settings_.clock, [asking, go_on](const Loaded& loaded) {
                         if (loaded.campaign)
                             asking->revisions.push_back(reached_of(*loaded.campaign));
                         (*go_on)();
                     });
    };
    (*step)();
}

void Engine::begin_narrowed(const CampaignSpec& spec,
                            Plan plan,
                            std::span<const Reached> revisions) {
    std::size_t left_out = 0;
    auto reached = join(revisions, left_out);
    if (left_out > 0)
        log::error("campaign.reached_by_another_import",
                   {{"endpoint", settings_.endpoint},
                    {"order", std::to_string(spec.order.ordinal)},
                    {"revisions", std::to_string(left_out)}});
    plan.groups = std::move(reached.groups);
    if (reached.audience.empty()) return begin(spec, std::move(plan), std::nullopt);  // nobody
    plan.audience = std::move(reached.audience);
    begin(spec, std::move(plan), std::move(reached.mask));
}

/// Listed first, so that a crash leaves nothing that nobody takes up; the hash last.
void Engine::begin(const CampaignSpec& spec, Plan plan, std::optional<std::string> mask) {
    const auto name = name_of(spec.mode, settings_.endpoint, spec.order);
    auto fields = fields_of(plan);
    if (mask) fields.emplace_back("masked", "1");
    auto make = [this, spec, name, fields = std::move(fields)] {
        load_own(reader_, name, fields, settings_.limits, settings_.clock,
                 [this, spec, name](Loaded loaded) { opened(spec, name, std::move(loaded)); });
    };
    auto list = [this, name, make = std::move(make)] {
        reader_.insist({"SADD", open_campaigns_key(settings_.endpoint), name},
                       [make](const auto&) { make(); });
    };
    if (!mask) return list();
    reader_.insist(
        {"EXISTS", ledger::campaign_key(name)},
        [this, name, mask = std::move(*mask), list = std::move(list)](const auto& reply) {
            if ((*reply).number() != 0) return list();
            reader_.insist({"SET", ledger::campaign_part_key(name, "mask"), mask},
                           [list](const auto&) { list(); });
        });
}

/// `spec` of an order 0: taken up by ourselves, core did not ask.
void Engine::opened(const CampaignSpec& spec, const std::string& name, Loaded loaded) {
    const bool asked = spec.order.ordinal != 0;
    opening_.erase(spec.order);
    if (!loaded.fault.empty()) {
        log::error("campaign.unreadable", {{"campaign", name}, {"why", loaded.fault}});
        if (asked)
            tell(
                [order = spec.order, why = loaded.fault](auto& e) { e.opened(order, false, why); });
        return;
    }
    if (!loaded.campaign) {  // closed, or it was listed and never made
        early_.erase(spec.order);
        reader_.insist({"SREM", open_campaigns_key(settings_.endpoint), name}, [](const auto&) {});
        if (asked && loaded.record) tell_closed(spec.order, loaded.record->counts);
        return;
    }
    const auto order = loaded.campaign->plan().order;
    auto& held = campaigns_[order];
    held.name = name;
    held.campaign = std::move(loaded.campaign);
    if (held.campaign->cursor() > 0) match_orphans(held);
    if (asked) attach_to(held);
    if (const auto early = early_.extract(order)) {
        if (early.mapped().granted > 0) held.campaign->grant(early.mapped().granted);
        if (!early.mapped().stop.empty())
            held.campaign->stop(early.mapped().stop, settings_.clock());
    }
    stir();
}

void Engine::attach_to(Held& held) {
    held.attached = true;
    held.told_exhausted = held.told_final = false;
    held.told = {};
    held.told_at = {};
    held.campaign->ask_again();
    const bool well = !held.fenced;
    tell([order = held.campaign->plan().order, well](auto& e) {
        e.opened(order, well, well ? "" : "another owner has it");
    });
    stir();
}

void Engine::tell_closed(OrderId order, const receipts::Counts& counts) {
    tell([order, counts](auto& e) {
        e.opened(order, true, "");
        e.totals(order, counts, true);
        e.exhausted(order);
    });
}

/// Receipts whose answers were lost with the process: they were acknowledged, so they count.
void Engine::match_orphans(Held& held) {
    const auto order = held.campaign->plan().order;
    const auto since = held.campaign->plan().started - std::chrono::minutes(1);
    read_stream(
        reader_, orphans_key(settings_.endpoint),
        std::to_string(std::max<std::int64_t>(0, since.time_since_epoch().count())),
        [this, order](auto, auto bytes) {
            auto* at = this->held(order);
            const auto records = unpack_orphans(bytes);
            if (!at || !records) return;
            for (const auto& r : *records)
                if (const auto match = at->campaign->find(hash_of(r.id), r.id))
                    at->campaign->settle(*match, r.said, r.code, Instant(milliseconds(r.at_ms)));
        },
        [this] { stir(); });
}

void Engine::consider_end(Held& held, Instant now) {
    if (held.closing) return;
    if (held.fenced) return forget(held.campaign->plan().order);
    if (held.retiring) {
        const bool written = batches_.empty() || batches_.front().ticket > held.last_ticket;
        if (held.campaign->retired() && written) close(held);
        return;
    }
    if (!held.campaign->may_retire(now)) return held.finished.reset();
    if (!held.finished) held.finished = now;
    if (now < *held.finished + settings_.linger) return;
    held.retiring = true;
    held.campaign->retire(now);
}

/// All is folded into the pages: the last word, then the log may go.
void Engine::close(Held& held) {
    held.closing = true;
    const auto order = held.campaign->plan().order;
    const auto name = held.name;
    writer_.insist_run(close_script,
                       {"1", ledger::campaign_key(name), std::to_string(held.campaign->fence()),
                        "closed", "1", "counts", counts_text(held.campaign->counts())},
                       [this, order, name](const auto& reply) {
                           if ((*reply).text() != "ok") return forget(order);
                           writer_.insist({"UNLINK", ledger::campaign_part_key(name, "log")},
                                          [this, order](const auto&) { close_pages(order, 0); });
                       });
}

/// What is kept is kept for its time only; some pages at once.
void Engine::close_pages(OrderId order, std::uint32_t from) {
    auto* at = held(order);
    if (!at) return;
    const auto end = std::min(from + 64, at->campaign->begun_pages());
    const auto seconds = std::to_string(std::chrono::seconds(settings_.keep).count());
    const auto expire = [&](const std::string& key, Wire::Answer then) {
        if (settings_.keep.count() == 0)
            writer_.insist({"EXISTS", key}, std::move(then));
        else
            writer_.insist({"EXPIRE", key, seconds}, std::move(then));
    };
    for (auto page = from; page < end; ++page)
        expire(ledger::campaign_page_key(at->name, page), [](const auto&) {});
    if (end < at->campaign->begun_pages())
        return expire(ledger::campaign_key(at->name),
                      [this, order, end](const auto&) { close_pages(order, end); });
    for (const auto* part : {"mask", "parts"})
        expire(ledger::campaign_part_key(at->name, part), [](const auto&) {});
    expire(ledger::campaign_key(at->name), [this, order, name = at->name](const auto&) {
        writer_.insist({"SREM", open_campaigns_key(settings_.endpoint), name},
                       [this, order](const auto&) { forget(order); });
    });
}

void Engine::forget(OrderId order) { campaigns_.erase(order); }

}  // namespace tocsin::campaign
