#include "tests/sim/world.hpp"

#include "server/base/digest.hpp"
#include "server/base/log.hpp"
#include "tests/sim/fused_ledger.hpp"

namespace tocsin::sim {

using contract::Action;

void VirtualLoop::after(milliseconds pause, std::function<void()> then) {
    events_.push({now_ + std::max(pause, milliseconds(0)), ++number_, std::move(then)});
}

bool VirtualLoop::run_one(Instant until) {
    if (events_.empty() || events_.top().at > until) return false;
    auto event = events_.top();
    events_.pop();
    now_ = std::max(now_, event.at);
    event.run();
    return true;
}

std::pair<bool, Fuse::Way> Fuse::step(bool counts) {
    if (dead) return {false, Way::nowhere};
    const bool away = faults > 0 && at > 0 && steps >= at && steps < at + faults;
    if (!counts) return {true, away ? Way::fault : Way::well};
    ++steps;
    if (faults > 0 && at > 0 && steps >= at && steps < at + faults) return {after, Way::fault};
    if (faults > 0 || steps != at) return {true, Way::well};
    if (blown) return blown(), std::pair(true, Way::well);
    dead = true;
    return {after, Way::nowhere};
}

namespace {

/// The channel and the peer behind it.
class Wire final : public dispatch::Port {
public:
    Wire(World& world, std::string name) : world_(world), name_(std::move(name)) {}

    void carry(contract::Cleared order) override {
        if (world_.fuse.faults == 0 && !world_.fuse.step().first) return;
        const auto& m =
            std::visit([](const auto& o) -> const contract::Message& { return *o; }, order);
        auto& peer = world_.peers[name_];
        const auto* regions = std::get_if<contract::Regions>(&m.footprint);
        peer.told.push_back({m.id, m.action, m.mode, m.level, world_.loop.now(), m.shown, m.texts,
                             regions ? regions->codes : std::vector<std::string>{}});
        auto says = std::vector<Said>{peer.usual};
        if (!peer.script.empty()) {
            says = peer.script.front();
            peer.script.erase(peer.script.begin());
        }
        if (peer.deaf) says.clear();
        bool well = !says.empty() && says.front() <= Said::verified;
        if (well && m.action == Action::withdraw) {
            peer.shows.erase(m.id.ordinal);
            says = {Said::gone};
        } else if (well) {
            peer.shows[m.id.ordinal] = m.id.revision;
        }
        auto in = peer.answers_in;
        for (const auto said : says) {
            world_.loop.after(in, [this, said, id = m.id, life = world_.life] {
                if (life == world_.life || world_.late_words) world_.say(name_, id, said);
            });
            in += milliseconds(5);
        }
    }
    void probe() override {
        ++world_.peers[name_].probes;
        world_.loop.after(milliseconds(3), [this, life = world_.life] {
            auto* station = world_.dispatcher ? world_.dispatcher->find(name_) : nullptr;
            const bool well = world_.peers[name_].probe_well;
            if (station && life == world_.life && !world_.fuse.dead && !world_.peers[name_].deaf)
                station->probed({well, milliseconds(3), well ? "well" : "no carrier"});
        });
    }
    void stop() override {}

private:
    World& world_;
    std::string name_;
};

}  // namespace

dispatch::Definition endpoint(std::string name, bool live) {
    dispatch::Definition d;
    d.endpoint.name = name;
    d.endpoint.channel = "fake";
    d.endpoint.live = live;
    d.endpoint.highest = Said::accepted;
    d.outlet = {name, live ? contract::Peer::live : contract::Peer::sandbox,
                contract::Depth::platform};
    d.probe_every = milliseconds(0);
    return d;
}

World::World(std::vector<dispatch::Definition> all, dispatch::Tuning t)
    : World(std::move(all), t, std::make_unique<VirtualLoop>(), {}) {}

World::World(std::vector<dispatch::Definition> all,
             dispatch::Tuning t,
             std::unique_ptr<Loop> with,
             std::function<ledger::Ledger&()> open)
    : own_loop(std::move(with)),
      loop(*own_loop),
      memory(
          [this](auto then) { loop.post(std::move(then)); }, [this] { return loop.now(); }, "node"),
      reopen(std::move(open)),
      definitions(std::move(all)),
      tuning(t) {
    log::threshold(log::Severity::error);
    for (auto& d : definitions) {
        peers[d.endpoint.name];
        if (!d.port) d.port = std::make_shared<Wire>(*this, d.endpoint.name);
    }
}

void World::start() {
    dispatcher.reset();
    restart_at.reset();
    ++life;
    fuse.dead = false;
    if (life > 1) fuse.at = 0;
    memory.become("node");
    if (reopen) store = &reopen();
    ledger = std::make_unique<FusedLedger>(*store, fuse, loop);
    dispatcher = std::make_unique<dispatch::Dispatcher>(
        dispatch::Dispatcher::Needs{*ledger, loop, loop,
                                    [this](std::string_view packed) -> Result<plan::Plan> {
                                        const auto at = plans.find(std::string(packed));
                                        if (at != plans.end()) return at->second;
                                        return Fault{Cause::malformed, "no such plan"};
                                    },
                                    [this] { return dice = dice * 1664525 + 1013904223; }, tuning},
        definitions);
    dispatcher->start();
    for (const auto& d : definitions)
        loop.post([this, name = d.endpoint.name, of = life] {
            if (of == life && dispatcher) dispatcher->find(name)->link(contract::LinkState::up, {});
        });
}

void World::stop() {
    if (dispatcher) dispatcher->stop();
    dispatcher.reset();
}

/// When the fuse has blown the process is gone; a second later it is started again.
void World::run(milliseconds span) {
    const auto until = loop.now() + span;
    do {
        if (fuse.dead && dispatcher) {
            dispatcher.reset();
            restart_at = loop.now() + milliseconds(1000);
            loop.after(milliseconds(1000), [] {});
        }
        if (restart_at && loop.now() >= *restart_at) start();
    } while (loop.run_one(until));
    loop.settle(until);
}

ledger::Accepted World::post(Posted posted) {
    ledger::Acceptance a;
    a.mode = posted.mode;
    a.id = reopen ? ledger::make_alert_id(posted.mode)
                  : std::string(1, ledger::letter(posted.mode)) + posted.name;
    const auto triple = [this](const std::string& name) {
        return ledger::Triple{"sender", name, rfc3339(begin)};
    };
    a.triple = triple(posted.name);
    a.digest = sha256_hex(posted.name);
    a.kind = posted.kind;
    a.sent = begin + posted.sent;
    a.triple.sent = rfc3339(a.sent);
    a.expires = loop.now() + posted.life;
    a.audit = "{}";
    for (const auto& name : posted.references) {
        auto named = triple(name);
        named.sent = sent_of[name].empty() ? named.sent : sent_of[name];
        a.references.push_back(named);
    }
    sent_of[posted.name] = a.triple.sent;
    for (;;) {
        a.view = ask<ledger::View>(
            [&](auto then) { store->look(a.mode, a.triple, a.references, std::move(then)); });
        const bool cancels =
            a.kind == ledger::Kind::cancel || (a.kind == ledger::Kind::update && a.view.closed);
        plan::Plan plan;
        plan.mode = posted.mode;
        plan.depth = contract::Depth::front_end;
        plan.level = posted.level;
        plan.sent = a.sent;
        plan.expires = a.expires;
        auto names = posted.endpoints;
        if (names.empty())
            for (const auto& d : definitions) names.push_back(d.endpoint.name);
        for (const auto& name : names) {
            plan::Order order;
            order.endpoint = name;
            order.action = cancels                          ? Action::withdraw
                           : a.kind == ledger::Kind::update ? Action::update
                                                            : Action::publish;
            const bool live = posted.mode == contract::Mode::live;
            order.texts = {{contract::Form::headline, "en-US",
                            live ? posted.name : fmt::format("EXERCISE {} EXERCISE", posted.name)}};
            order.footprint = contract::Regions{{"110101"}, {}};
            plan.orders.push_back(std::move(order));
        }
        a.plan = posted.bad_plan ? "damaged" : "plan of " + a.id + (cancels ? " (cancels)" : "");
        if (dress) dress(plan);
        if (!posted.bad_plan) plans[a.plan] = std::move(plan);
        auto accepted =
            ask<ledger::Accepted>([&](auto then) { store->accept(a, std::move(then)); });
        if (accepted.outcome == ledger::Accepted::Outcome::moved) continue;
        if (dispatcher && !fuse.dead) dispatcher->stir();
        return accepted;
    }
}

std::vector<receipts::Delivery> World::rows(const std::string& alert) {
    std::vector<receipts::Delivery> all;
    for (const auto& row : ask<std::vector<ledger::DeliveryRow>>(
             [&](auto then) { store->deliveries(alert, std::move(then)); }))
        all.push_back(*receipts::unpack(row.record));
    return all;
}

receipts::Delivery World::row(const std::string& alert, const std::string& endpoint) {
    for (auto& row : rows(alert))
        if (row.endpoint == endpoint) return row;
    return {};
}

std::vector<ledger::OutboxEntry> World::outbox() {
    return ask<std::vector<ledger::OutboxEntry>>(
        [&](auto then) { store->outbox(100'000, std::move(then)); });
}

ledger::WantRecord World::want(const std::string& endpoint, std::uint32_t ordinal) {
    for (auto& record : ask<std::vector<ledger::WantRecord>>(
             [&](auto then) { store->wants(endpoint, contract::Mode::live, std::move(then)); }))
        if (record.want.order.ordinal == ordinal) return record;
    return {};
}

void World::say(const std::string& name, OrderId id, Said said, std::string text) {
    auto* station = dispatcher && !fuse.dead ? dispatcher->find(name) : nullptr;
    if (!station) return;
    contract::Evidence evidence{};
    evidence.order = id;
    evidence.said = said;
    evidence.at = loop.now();
    evidence.source = "peer";
    evidence.text = std::move(text);
    station->heard(std::move(evidence));
}

}  // namespace tocsin::sim
