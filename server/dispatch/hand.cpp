#include "server/base/log.hpp"
#include "server/dispatch/station.hpp"
#include "server/dispatch/words.hpp"

/// From an order of the plan to the channel, through the gate.
namespace tocsin::dispatch {

using contract::Action, contract::Message;

/// Whether something is replaced is known only now: by what the ledger says is shown here.
std::shared_ptr<Message> Station::message(OrderId id,
                                          const Order& order,
                                          const plan::Order& planned) const {
    const auto& plan = order.alert->plan;
    auto m = std::make_shared<Message>();
    m->id = id;
    m->shown = order.shown;
    m->mode = plan.mode;
    m->depth = plan.depth;
    m->action = order.want.action == Action::withdraw ? Action::withdraw
                : order.shown > 0                     ? Action::update
                                                      : Action::publish;
    m->level = plan.level;
    m->expires = order.want.expires;
    m->facts = plan.facts;
    m->texts = planned.texts;
    m->footprint = planned.footprint;
    if (auto* audience = std::get_if<contract::Audience>(&m->footprint))
        audience->only_reached_by = m->action == Action::withdraw ? order.shown : 0;
    return m;
}

void Station::act(const Hand& action) {
    auto* wanted = order(action.id);
    if (!wanted) return;
    const auto& record = wanted->alert->record;
    if (record.order.ordinal != action.id.ordinal) return take_over(action.id);
    if (record.mode != wanted->mode) return refuse(action.id, "mode of record and queue differ");
    const auto ours = planned(*wanted->alert);
    if (!ours) return refuse(action.id, "the plan has no order for this endpoint");
    hand(action.id, *wanted, *ours);
}

void Station::hand(OrderId id, Order& order, const plan::Order& planned) {
    const auto made = message(id, order, planned);
    auto cleared = contract::Gate::clear(made, order.mode, definition_.outlet, now());
    if (cleared.has_error()) {
        const auto& what = cleared.error().what;
        return refuse(id, what.substr(0, what.find("; at ")));
    }
    count_handed(id, order);
    if (definition_.endpoint.bulk) open(id, order, planned);
    if (definition_.port) definition_.port->carry(std::move(*cleared));
}

/// An alert that names two chains goes on with one and takes the other back: whom that one told
/// stands in the plan of the revision that is shown here.
void Station::take_over(OrderId id) {
    auto* wanted = order(id);
    const OrderId shown{id.ordinal, wanted->shown};
    if (definition_.endpoint.bulk)
        return nothing_to_take_back(id, "what people have read stays read");
    floor_.ledger.alert_of(shown, alive_.guard([this, id, epoch = epoch_](Result<std::string> of) {
        if (epoch != epoch_ || !order(id)) return;
        if (of.has_error()) return step(Heard{id, Said::failed});
        floor_.alerts.get(*of, alive_.guard([this, id, epoch](Result<Shared> old) {
            auto* wanted = epoch == epoch_ ? order(id) : nullptr;
            if (!wanted) return;
            if (old.has_error() && worth_retrying(old.error().cause))
                return step(Heard{id, Said::failed});
            const auto shown = old.has_value() ? planned(**old) : std::nullopt;
            if (!shown) return nothing_to_take_back(id, "nothing of it was ever here");
            auto wordless = *shown;  // its words said what is now taken back
            wordless.texts.clear();
            if (const auto own = planned(*wanted->alert); own && own->action == Action::withdraw)
                wordless.texts = own->texts;
            hand(id, *wanted, wordless);
        }));
    }));
}

void Station::nothing_to_take_back(OrderId id, const char* why) {
    contract::Evidence evidence{};
    evidence.order = id;
    evidence.said = Said::gone;
    evidence.source = "tocsin";
    evidence.text = why;
    heard(std::move(evidence));
}

/// The gate's word is final: it ends as failed, loudly (contract.md 1).
void Station::refuse(OrderId id, const std::string& why) {
    ++floor_.metrics.gate_refusals[{why}];
    log::error("mode.gate_refused", {{"endpoint", name()}, {"order", word(id)}, {"reason", why}});
    contract::Evidence evidence{};
    evidence.order = id;
    evidence.said = Said::refused;
    evidence.source = "gate";
    evidence.text = why;
    heard(std::move(evidence));
}

void Station::count_handed(OrderId id, Order& order) {
    auto& metrics = floor_.metrics;
    const std::string mode = word(order.mode);
    ++metrics.orders[{mode, name(), word(order.want.action)}];
    if (order.tries > 1) ++metrics.retries[{mode, name()}];
    if (std::exchange(order.unanswered, true)) ++metrics.duplicates[{mode, name()}];
    // A true status even if nobody ever answers (scar F8): it was tried.
    const auto row = named(id, order.alert, order.want.action);
    floor_.book.change(
        row.key, row.blank,
        [tries = order.tries](const auto& d, bool) -> std::optional<receipts::Delivery> {
            if (d.tries >= tries) return std::nullopt;
            auto next = d;
            next.tries = tries;
            return next;
        });
}

/// The campaign exists, or goes on at its cursor. Its groups come from the audience as imported.
void Station::open(OrderId id, const Order& order, const plan::Order& planned) {
    if (!definition_.bulk) return;
    auto& campaign = campaigns_[id];
    campaign.row = named(id, order.alert, order.want.action).key;
    campaign.mode = order.mode;
    CampaignSpec spec;
    spec.order = id;
    spec.mode = order.mode;
    spec.endpoint = name();
    spec.alert = order.want.alert;
    spec.expires = order.want.expires;
    spec.level = order.want.level;
    spec.audience = planned.audience_version;
    spec.indices = planned.groups;
    if (order.want.action == Action::withdraw) {
        spec.only_reached_by = order.shown;
        spec.expires = std::max(spec.expires, order.alert->record.accepted_at) +
                       definition_.limits.withdraw_for;
    }
    spec.over_opt_outs = definition_.endpoint.red_overrides_opt_out &&
                         order.mode == contract::Mode::live && spec.level == contract::Level::red &&
                         order.want.action != Action::withdraw;
    spec.receipts = definition_.endpoint.highest > Said::accepted;
    if (!planned.people.empty()) {  // as they were when it was planned
        spec.groups = planned.people;
        return definition_.bulk->open(std::move(spec));
    }
    auto choose = [this, spec = std::move(spec)](const plan::Audience& audience) mutable {
        for (const auto index : spec.indices)
            if (index < audience.groups.size()) spec.groups.push_back(audience.groups[index]);
        definition_.bulk->open(std::move(spec));
    };
    if (const auto at = audiences_.find(planned.audience_version); at != audiences_.end())
        return choose(at->second);
    floor_.ledger.audiences(
        alive_.guard([this, id, choose, version = planned.audience_version,
                      epoch = epoch_](Result<std::vector<plan::Audience>> all) mutable {
            if (epoch != epoch_) return;
            if (all.has_error()) return step(Heard{id, Said::failed});
            for (auto& audience : *all)
                audiences_[audience.name + "/" + audience.version] = std::move(audience);
            const auto at = audiences_.find(version);
            if (at != audiences_.end()) return choose(at->second);
            not_opened(id, Said::refused, "its audience is no longer here");
        }));
}

void Station::opened(OrderId id, bool well, std::string why) {
    if (!well) not_opened(id, Said::failed, std::move(why));
}

void Station::not_opened(OrderId id, Said said, std::string why) {
    log::error("campaign.not_opened", {{"endpoint", name()}, {"why", why}});
    contract::Evidence evidence{};
    evidence.order = id;
    evidence.said = said;
    evidence.source = "campaign";
    evidence.text = std::move(why);
    heard(std::move(evidence));
}

}  // namespace tocsin::dispatch
