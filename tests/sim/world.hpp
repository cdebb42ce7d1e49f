#pragma once
#include "server/dispatch/dispatcher.hpp"
#include "server/ledger/memory_ledger.hpp"

#include <queue>
#include <set>

/// A whole node without threads, sockets or Redis: the dispatcher on a virtual clock, the ledger in
/// memory, and peers that remember what they were told. It can stop dead before or after any call
/// to the ledger or to a channel and start again over what was stored.
namespace tocsin::sim {

using contract::Instant, contract::OrderId, contract::Said;
using std::chrono::milliseconds;

/// Time, and who makes it pass.
class Loop : public dispatch::Clock, public dispatch::Timers {
public:
    /// Does what is next; false: nothing is left to do before `until`.
    virtual bool run_one(Instant until) = 0;
    virtual void settle(Instant at) = 0;
    void post(std::function<void()> then) { after({}, std::move(then)); }
};

/// As fast as the processor can, and the same each time.
class VirtualLoop final : public Loop {
public:
    Instant now() const override { return now_; }
    void after(milliseconds pause, std::function<void()> then) override;
    bool run_one(Instant until) override;
    void settle(Instant at) override { now_ = std::max(now_, at); }

private:
    struct Event {
        Instant at;
        std::uint64_t number;
        std::function<void()> run;
        bool operator<(const Event& o) const {
            return std::pair(at, number) > std::pair(o.at, o.number);
        }
    };
    Instant now_{milliseconds(1'800'000'000'000)};
    std::uint64_t number_ = 0;
    std::priority_queue<Event> events_;
};

/// Counts the steps of a life. At one of them the process dies, or something else is killed, or
/// the ledger stops answering for a while.
struct Fuse {
    enum class Way { well, fault, nowhere };
    std::size_t steps = 0, at = 0;  // 0: never
    std::size_t faults = 0;         // so many calls are answered "unreachable" instead of dying
    bool after = false;             // the step itself is done, its answer is lost
    bool dead = false;
    std::function<void()> blown;  // instead of our own death
    /// `write`: counts. Whether to do it, and what comes of its answer.
    std::pair<bool, Way> step(bool counts = true);
};

/// A peer at the end of one endpoint: what it was told, in order, and what it shows.
struct Peer {
    struct Told {
        OrderId id;
        contract::Action action;
        contract::Mode mode;
        contract::Level level;
        Instant at;
        std::uint16_t shown;
        std::vector<contract::Text> texts;
        std::vector<std::string> regions;
    };
    std::vector<Told> told;
    std::map<std::uint32_t, std::uint16_t> shows;  // by chain
    milliseconds answers_in{20};
    std::vector<std::vector<Said>> script;  // what it says to the next ones; then `usual`
    Said usual = Said::accepted;
    bool deaf = false;  // takes it, and never says a word
    std::size_t probes = 0;
    bool probe_well = true;
};

struct World {
    explicit World(std::vector<dispatch::Definition> definitions, dispatch::Tuning tuning = {});
    /// On another loop, over another store: `reopen` gives the one that each life works with.
    World(std::vector<dispatch::Definition> definitions,
          dispatch::Tuning tuning,
          std::unique_ptr<Loop> loop,
          std::function<ledger::Ledger&()> reopen);

    /// Starts, or starts again: all that was in memory is gone.
    void start();
    void stop();
    void kill() { dispatcher.reset(); }
    void run(milliseconds span);
    Peer& board() { return peers["board"]; }

    /// As intake does: look, then accept. The plan is what the message orders.
    struct Posted {
        ledger::Kind kind = ledger::Kind::alert;
        std::string name = {};                     // identifier of the message
        std::vector<std::string> references = {};  // names
        contract::Level level = contract::Level::yellow;
        contract::Mode mode = contract::Mode::live;
        milliseconds life{3'600'000};
        milliseconds sent{};                      // after the world's beginning
        std::vector<std::string> endpoints = {};  // empty: all
        bool bad_plan = false;
    };
    ledger::Accepted post(Posted posted);

    std::vector<receipts::Delivery> rows(const std::string& alert);
    receipts::Delivery row(const std::string& alert, const std::string& endpoint);
    std::vector<ledger::OutboxEntry> outbox();
    ledger::WantRecord want(const std::string& endpoint, std::uint32_t ordinal);
    void say(const std::string& endpoint, OrderId id, Said said, std::string text = "");
    template <class T> T ask(std::function<void(ledger::Then<T>)> question);

    std::unique_ptr<Loop> own_loop;
    Loop& loop;
    Instant begin = loop.now();
    ledger::MemoryLedger memory;
    ledger::Ledger* store = &memory;
    std::function<ledger::Ledger&()> reopen;
    Fuse fuse;
    std::map<std::string, Peer> peers;
    std::map<std::string, plan::Plan> plans;     // "packed" is the key
    std::map<std::string, std::string> sent_of;  // by message
    std::function<void(plan::Plan&)> dress;      // last touches to a plan
    std::vector<dispatch::Definition> definitions;
    dispatch::Tuning tuning;
    std::unique_ptr<ledger::Ledger> ledger;  // the memory behind the fuse
    std::unique_ptr<dispatch::Dispatcher> dispatcher;
    std::optional<Instant> restart_at;  // of what died of its fuse
    std::uint32_t life = 0, dice = 1;
    bool late_words = false;  // what a peer said to a dead process reaches the next one
};

dispatch::Definition endpoint(std::string name, bool live = true);

/// Asked again while the store does not answer, or will never answer.
template <class T> T World::ask(std::function<void(ledger::Then<T>)> question) {
    for (;;) {
        auto answer = std::make_shared<std::optional<Result<T>>>();
        auto waited = std::make_shared<bool>(false);
        if (reopen) loop.after(milliseconds(2000), [waited] { *waited = true; });
        question([answer](Result<T> given) { *answer = std::move(given); });
        while (!*answer && !*waited) loop.run_one(Instant::max());
        if (*answer && (*answer)->has_value()) return std::move(***answer);
        *waited = false;
        loop.after(milliseconds(50), [waited] { *waited = true; });
        while (!*waited) loop.run_one(Instant::max());
    }
}

}  // namespace tocsin::sim
