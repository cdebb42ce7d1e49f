/// One endpoint's decider on a set of (time, number, input), with a peer that refuses, falls
/// silent, forgets, loses, throttles; a link that breaks; operators that pause; and a server that
/// stops and starts. The seed decides all and is printed when something fails.
#include "server/dispatch/decide.hpp"
#include "tests/sim/seeds.hpp"

#include <doctest/doctest.h>

#include <queue>

namespace tocsin::dispatch {
namespace {

using receipts::Delivery, receipts::Grade;
using namespace std::chrono_literals;

const Instant zero{std::chrono::milliseconds(1'800'000'000'000)};

/// The ledger's record of one chain, as want.lua, intend.lua and settle.lua keep it.
struct Record {
    Wanted want{};
    char phase = 'x';
    std::uint16_t shown = 0, tries = 0;
};

struct World {
    explicit World(std::uint32_t seed) : dice(seed) {}

    sim::Dice dice;
    Instant now = zero;
    Limits limits;
    std::unique_ptr<Decider> decider;
    std::uint32_t life = 0;  // raised by a restart: what was on its way to the old one is lost
    std::map<std::uint32_t, Record> ledger;
    std::map<OrderId, Delivery> rows;
    std::map<OrderId, Wanted> orders;
    std::map<OrderId, std::uint32_t> left;        // bulk: recipients still to go
    std::map<std::uint32_t, std::uint16_t> wire;  // newest revision that was handed over
    std::map<OrderId, int> ends, hands;
    std::map<OrderId, bool> stopped;
    std::uint64_t steps = 0;
    std::string fault;

    struct Event {
        Instant at;
        std::uint64_t number;
        std::uint32_t life;  // 0: of the world outside, survives a restart
        std::function<void()> run;
        bool operator<(const Event& other) const {
            return std::pair(at, number) > std::pair(other.at, other.number);
        }
    };
    std::priority_queue<Event> events;
    std::uint64_t number = 0;

    void later(std::chrono::milliseconds after, std::function<void()> run, bool ours = true) {
        events.push({now + after, ++number, ours ? life : 0, std::move(run)});
    }
    void fail(std::string what) {
        if (fault.empty()) fault = std::move(what);
    }
    std::string name(OrderId id) { return fmt::format("{}.{}", id.ordinal, id.revision); }

    void run(Instant until) {
        while (!events.empty() && events.top().at <= until && fault.empty()) {
            auto event = events.top();
            events.pop();
            now = std::max(now, event.at);
            if (event.life == 0 || event.life == life) event.run();
        }
        now = until;
    }

    void step(const Input& input) {
        ++steps;
        for (const auto& action : decider->step(input, now))
            std::visit([this](const auto& a) { act(a); }, action);
    }

    // What the station does with each action.
    void act(const Intend& a) {
        later(std::chrono::milliseconds(dice.between(1, 5)), [this, a] {
            auto& r = ledger[a.id.ordinal];
            const bool go = r.want.id == a.id && r.phase != 'u' && r.phase != 'x';
            if (go) r.phase = 's', ++r.tries;
            const auto back = std::chrono::milliseconds(dice.between(0, 3));
            later(back, [this, a, go] { step(Intended{a.id, go}); });
        });
    }
    void act(const Hand& a) {
        const auto& want = orders.at(a.id);
        if (a.id.revision < wire[a.id.ordinal]) fail("a revision fell on the wire: " + name(a.id));
        wire[a.id.ordinal] = a.id.revision;
        if (!want.withdraw && now >= want.expires) fail("handed after expiry: " + name(a.id));
        auto& newest = ledger[a.id.ordinal].want;
        if (!want.withdraw && newest.withdraw && told[a.id.ordinal] >= newest.id.revision)
            fail("published after its cancel: " + name(a.id));
        if (rows.at(a.id).ended != Ended::open && !forgotten[a.id])
            fail("handed after its end: " + name(a.id));
        for (const auto& [id, when] : unanswered)
            if (!want.bulk && id.ordinal == a.id.ordinal && id.revision < a.id.revision &&
                now < when + limits.update_waits)
                fail("overtook an unanswered order: " + name(a.id));
        unanswered[a.id] = now;
        ++hands[a.id];
        ++rows.at(a.id).tries;
        if (want.bulk)
            later(2ms, [this, a] { step(Asked{a.id}); });
        else
            peer(a.id);
    }
    void act(const Grant& a) {
        const auto& want = orders.at(a.id);
        if (!want.withdraw && now >= want.expires) fail("granted after expiry: " + name(a.id));
        if (stopped[a.id]) fail("granted after its stop: " + name(a.id));
        if (orders.at(a.id).id.revision < wire[a.id.ordinal]) fail("granted to an older revision");
        const auto sent = std::min(a.recipients, left[a.id]);
        left[a.id] -= sent;
        later(std::chrono::milliseconds(sent + 1), [this, a] {
            if (stopped[a.id]) return;
            if (left[a.id] == 0)
                step(Exhausted{a.id}), counted(a.id);
            else
                step(Asked{a.id});
        });
    }
    void act(const Stop& a) { stopped[a.id] = true; }
    void act(const End& a) {
        auto& row = rows.at(a.id);
        if (const auto next = receipts::end(row, a.how, now, bounds())) row = *next, ++ends[a.id];
    }
    void act(const Settle& a) {
        auto& r = ledger[a.id.ordinal];
        if (r.want.id != a.id) return;
        if (a.mark == Mark::up) r.phase = 'u', r.shown = a.id.revision;
        if (a.mark == Mark::due) r.phase = 'd';
        if (a.mark == Mark::ended) r.phase = 'x', r.shown = r.want.withdraw ? 0 : r.shown;
        if (a.mark == Mark::forgotten) {
            r.phase = r.want.withdraw ? 'x' : 'd', r.shown = 0;
            forgotten[a.id] = true;
        }
    }
    void act(const Backup&) {}
    void act(const Wake& a) {
        if (armed > now && armed <= a.at) return;
        armed = a.at;
        const auto jitter = std::chrono::milliseconds(dice.below(200));
        const auto slop = std::chrono::milliseconds(dice.chance(30) ? dice.below(100) : 0);
        later(std::max(a.at - now, 0ms) + slop, [this, jitter] { step(Woke{jitter}); });
    }

    receipts::Bounds bounds() const { return {Grade::accepted}; }
    Instant armed{};
    std::map<OrderId, Instant> unanswered;  // of this life
    std::map<std::uint32_t, std::uint16_t> told;
    std::map<OrderId, bool> forgotten;

    // The peer, as bad as it may be.
    void peer(OrderId id) {
        const auto roll = dice.below(100);
        const auto soon = std::chrono::milliseconds(dice.between(1, 300));
        const auto late = std::chrono::milliseconds(dice.between(1'000, 120'000));
        const bool withdraw = orders.at(id).withdraw;
        if (roll < 60)
            hear(soon, id, withdraw ? Said::gone : Said::accepted);
        else if (roll < 72)
            hear(soon, id, Said::failed);
        else if (roll < 76)
            hear(soon, id, Said::refused);
        else if (roll < 84)
            hear(late, id, withdraw ? Said::gone : Said::accepted);  // after we gave it up
        else if (roll < 90) {
            hear(soon, id, withdraw ? Said::gone : Said::accepted);
            hear(soon + late, id, Said::lost);
        } else if (roll < 94) {
            hear(soon, id, Said::handed);
            hear(soon + 50ms, id, withdraw ? Said::gone : Said::accepted);
            hear(soon + 90ms, id, withdraw ? Said::gone : Said::accepted);  // twice
        }                                                                   // else silence
    }
    void hear(std::chrono::milliseconds after, OrderId id, Said said) {
        later(
            after,
            [this, id, said] {
                if (!decider) return;
                if (decider->untouched(id)) return;  // the station believes no such evidence
                auto& row = rows.at(id);
                contract::Evidence e{};
                e.order = id;
                e.said = said;
                e.at = now;
                if (const auto next = receipts::fold(row, e, bounds())) {
                    if (row.ended == Ended::open && next->ended != Ended::open) ++ends[id];
                    row = *next;
                }
                unanswered.erase(id);
                step(Heard{id, said});
                auto& r = ledger[id.ordinal];  // of the one before the newest: it came up after all
                if (said == Said::accepted && id.revision > r.shown &&
                    id.revision < r.want.id.revision)
                    r.shown = id.revision;
            },
            false);
    }
    void counted(OrderId id) {
        auto& row = rows.at(id);
        const auto open = row.ended == Ended::open;
        if (const auto next = receipts::count(row, {100, 100, 100, 0, 0, 0}, now, bounds()))
            row = *next;
        if (open && row.ended != Ended::open) ++ends[id];
    }

    // The fan-out.
    void arrive(Wanted want) {
        auto& r = ledger[want.id.ordinal];
        orders[want.id] = want;
        auto& row = rows[want.id];
        row.order = want.id;
        row.expires = want.expires;
        if (want.withdraw) row.action = contract::Action::withdraw;
        if (r.want.id.revision > want.id.revision) {
            end(want.id, r.want.withdraw ? Ended::cancelled : Ended::superseded);
            later(1ms, [this, want] { step(want); });  // a stale reading of the ledger
            return;
        }
        if (r.phase == 'd') end(r.want.id, want.withdraw ? Ended::cancelled : Ended::superseded);
        const auto shown = r.phase == 's' ? r.want.id.revision : r.shown;
        r = {want, 'd', shown, 0};
        if (want.withdraw && shown == 0) {
            r.phase = 'x';
            contract::Evidence e{};
            e.said = Said::gone;
            e.at = now;
            row = *receipts::fold(row, e, bounds());
            ++ends[want.id];
        }
        want.shown = shown;
        const auto ordinal = want.id.ordinal;
        later(std::chrono::milliseconds(dice.between(0, 4)), [this, want, ordinal] {
            told[ordinal] = std::max(told[ordinal], want.id.revision);
            step(want);
        });
    }
    void end(OrderId id, Ended how) {
        auto& row = rows.at(id);
        if (const auto next = receipts::end(row, how, now, bounds())) row = *next, ++ends[id];
    }

    // The server.
    void start() {
        ++life;
        armed = {};
        unanswered.clear();
        decider = std::make_unique<Decider>(limits);
        for (auto& [ordinal, r] : ledger) {
            if (r.phase == 'x' || r.want.id.revision == 0) continue;
            auto want = r.want;
            want.shown = r.phase == 'u' ? want.id.revision : r.shown;
            want.tries = r.tries;
            want.unsure = r.phase == 's';
            told[ordinal] = want.id.revision;
            step(want);
        }
        step(Linked{LinkState::up, {}});
    }
    /// At expiry and grace, whatever is still open (the closer).
    void close() {
        for (auto& [id, row] : rows)
            if (row.ended == Ended::open) end(id, row.tries ? Ended::timed_out : Ended::expired);
        for (auto& [id, row] : rows)  // a withdrawal that was never handed over
            if (row.ended == Ended::open) end(id, Ended::failed);
    }
};

void weather(World& w) {
    for (auto n = w.dice.below(5); n > 0; --n) {
        const auto at = std::chrono::milliseconds(w.dice.below(600'000));
        const auto lasts = std::chrono::milliseconds(w.dice.between(10, 60'000));
        const auto kind = w.dice.below(5);
        w.later(
            at,
            [&w, kind, lasts] {
                if (kind == 0) w.step(Linked{LinkState::down, {}});
                if (kind == 1) w.step(Linked{LinkState::throttled, w.now + lasts});
                if (kind == 2) w.step(Paused{w.now + lasts});
                if (kind == 3) w.step(Forgot{});
                if (kind == 4) w.start();
            },
            false);
        if (kind == 0)
            w.later(
                at + lasts,
                [&w] {
                    w.step(Linked{LinkState::up, {}});
                },
                false);
    }
}

void chains(World& w, std::uint32_t count) {
    for (std::uint32_t ordinal = 1; ordinal <= count; ++ordinal) {
        const bool bulk = w.dice.chance(20);
        auto at = std::chrono::milliseconds(w.dice.below(300'000));
        auto rank = Rank(w.dice.between(1, 5));
        const auto revisions = std::uint16_t(w.dice.between(1, 4));
        const bool cancels = revisions > 1 && w.dice.chance(50);
        for (std::uint16_t revision = 1; revision <= revisions; ++revision) {
            Wanted want{};
            want.id = {ordinal, revision};
            want.withdraw = cancels && revision == revisions;
            want.rank = want.withdraw && rank != Rank::drill ? Rank::retract : rank;
            want.accepted = zero + at;
            want.expires = want.accepted + std::chrono::milliseconds(w.dice.between(500, 600'000));
            want.bulk = bulk;
            w.left[want.id] = w.dice.between(1, 3000);
            w.later(
                at, [&w, want] { w.arrive(want); }, false);
            // Mostly in turn; sometimes the later one arrives first.
            at = w.dice.chance(90) ? at + std::chrono::milliseconds(w.dice.below(60'000))
                                   : std::chrono::milliseconds(w.dice.below(300'000));
        }
    }
}

TEST_CASE("D5 E5 E6 F8: whatever the peer, the link and the server do, the rules hold") {
    const auto [first, last] = sim::seeds(400);
    std::uint64_t steps = 0, hands = 0;
    for (auto seed = first; seed <= last; ++seed) {
        World w(seed);
        w.limits.highest = Said::accepted;
        w.start();
        chains(w, 30);
        weather(w);
        w.run(zero + 1h);
        w.step(Linked{LinkState::up, {}});
        w.run(zero + 30h);
        w.close();
        for (const auto& [id, row] : w.rows) {
            if (row.ended == Ended::open) w.fail("no end: " + w.name(id));
            if (w.ends[id] != 1)
                w.fail(fmt::format("{} ends: {} {}", w.ends[id], w.name(id), state(row)));
        }
        for (const auto& [ordinal, r] : w.ledger)  // withdrawn at the end
            if (r.want.withdraw && r.phase != 'x') w.fail(fmt::format("{} is not down", ordinal));
        steps += w.steps;
        for (const auto& [_, n] : w.hands) hands += std::uint64_t(n);
        if (!w.fault.empty()) FAIL_CHECK("seed ", seed, ": ", w.fault);
    }
    MESSAGE((last - first + 1), " seeds, ", steps, " steps, ", hands, " hand-overs");
    CHECK(hands > 0);
}

TEST_CASE("the gravest goes first, then the oldest; drills when nothing else is to be done") {
    const auto [first, last] = sim::seeds(200);
    for (auto seed = first; seed <= last; ++seed) {
        sim::Dice dice(seed);
        Limits limits;
        limits.highest = Said::accepted;
        limits.window = dice.between(1, 8);
        Decider decider(limits);
        auto now = zero;
        std::map<OrderId, Wanted> all;
        for (std::uint32_t ordinal = 1; ordinal <= 60; ++ordinal) {
            const Wanted want{{ordinal, 1},
                              Rank(dice.between(1, 5)),
                              zero + std::chrono::milliseconds(dice.below(1000)),
                              zero + 1h,
                              false,
                              false,
                              0,
                              0};
            all[want.id] = want;
            for (const auto& action : decider.step(want, now))
                CHECK_FALSE(std::holds_alternative<Intend>(action));  // the link is down
        }
        std::vector<Wanted> order;
        std::queue<Input> next;
        next.push(Linked{LinkState::up, {}});
        bool drill = false;
        std::size_t flying = 0;
        while (!next.empty()) {
            const auto input = next.front();
            next.pop();
            now += 1ms;
            for (const auto& action : decider.step(input, now)) {
                if (const auto* a = std::get_if<Intend>(&action)) next.push(Intended{a->id, true});
                if (const auto* a = std::get_if<Hand>(&action)) {
                    const auto& want = all.at(a->id);
                    if (want.rank == Rank::drill && !drill) {
                        drill = true;
                        CHECK(order.size() == std::size_t(std::ranges::count_if(all, [](auto& e) {
                                  return e.second.rank != Rank::drill;
                              })));
                    }
                    order.push_back(want);
                    ++flying;
                    next.push(Heard{a->id, Said::accepted});
                }
            }
        }
        CAPTURE(seed);
        CHECK(order.size() == all.size());
        CHECK(std::ranges::is_sorted(order, {}, [](const Wanted& w) {
            return std::tuple(w.rank, w.accepted, w.id.ordinal);
        }));
    }
}

TEST_CASE("F2: a red campaign behind a yellow one starts within 100 ms; yellow is not starved") {
    const auto [first, last] = sim::seeds(200);
    std::chrono::milliseconds worst{};
    for (auto seed = first; seed <= last; ++seed) {
        World w(seed);
        w.limits.highest = Said::delivered;
        w.decider = std::make_unique<Decider>(w.limits);
        w.life = 1;
        const auto rate = w.dice.between(100, 30'000);
        w.step(Rate{rate});
        w.step(Linked{LinkState::up, {}});
        std::map<std::uint32_t, std::uint64_t> slices;
        std::optional<Instant> red_at, started;
        std::priority_queue<World::Event>().swap(w.events);
        // A channel that takes each slice at its rate, then asks for the next one.
        std::function<void(const Input&)> feed = [&](const Input& input) {
            for (const auto& action : w.decider->step(input, w.now)) {
                if (const auto* a = std::get_if<Intend>(&action))
                    w.later(3ms, [&, id = a->id] { feed(Intended{id, true}); });
                if (const auto* a = std::get_if<Hand>(&action))
                    w.later(2ms, [&, id = a->id] { feed(Asked{id}); });
                if (const auto* a = std::get_if<Grant>(&action)) {
                    ++slices[a->id.ordinal];
                    if (a->id.ordinal == 2 && !started) started = w.now;
                    const auto takes = std::chrono::milliseconds(a->recipients * 1000 / rate + 1);
                    w.later(takes, [&, id = a->id] { feed(Asked{id}); });
                }
                const auto* a = std::get_if<Wake>(&action);
                if (!a || (w.armed > w.now && w.armed <= a->at)) continue;
                w.armed = a->at;
                w.later(a->at - w.now, [&] { feed(Woke{}); });
            }
        };
        feed(Wanted{{1, 1}, Rank::yellow, zero, zero + 5h, false, true, 0, 0});
        w.run(zero + std::chrono::milliseconds(w.dice.between(500, 2000)));
        red_at = w.now;
        const auto before = slices[1];
        feed(Wanted{{2, 1}, Rank::red, w.now, w.now + 5h, false, true, 0, 0});
        w.run(w.now + 20s);
        CAPTURE(seed);
        REQUIRE(started);
        CHECK(*started - *red_at < 100ms);
        worst = std::max(worst, *started - *red_at);
        const auto yellow = slices[1] - before;
        CHECK(yellow * 16 + 32 >= slices[2] + yellow);  // one of sixteen
        CHECK(yellow * 10 < slices[2]);
    }
    MESSAGE("red began after ", worst.count(), " ms at worst");
}

}  // namespace
}  // namespace tocsin::dispatch
