#include "server/api/broker.hpp"

#include "server/api/facts.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <charconv>
#include <deque>
#include <list>

namespace tocsin::api {
namespace {

namespace asio = boost::asio;
using authority::Principal;

constexpr std::size_t page = 500;
constexpr std::size_t known_max = 10000;
constexpr std::size_t waiting_max = 100000;      // events while a watcher is told what it missed
constexpr std::size_t unsent_max = 256U << 10U;  // bytes; then the past waits for the peer

std::pair<std::uint64_t, std::uint64_t> numbers(std::string_view id) {
    std::pair<std::uint64_t, std::uint64_t> out{};
    const auto* end = id.data() + id.size();
    const auto [rest, bad] = std::from_chars(id.data(), end, out.first);
    if (bad == std::errc() && rest != end && *rest == '-')
        std::from_chars(rest + 1, end, out.second);
    return out;
}

struct About {  // what rights ask of an alert
    std::string sender;
    std::vector<std::string> regions;
};
using AboutPtr = std::shared_ptr<const About>;

struct Told {
    ledger::Event event;
    std::string global_id;
    AboutPtr about;  // null: unknown, so nobody is shown it among all
};
using ToldPtr = std::shared_ptr<const Told>;

struct Watcher {
    std::shared_ptr<Outflow> flow;
    Principal who;
    std::string alert;  // empty: all
    std::string last;
    bool live = false;
    std::deque<ToldPtr> waiting;
};
using WatcherPtr = std::shared_ptr<Watcher>;

struct Loop {
    explicit Loop(asio::io_context& of) : io(of), timer(of) {}
    asio::io_context& io;
    asio::steady_timer timer;
    std::list<WatcherPtr> watchers;
    std::multimap<std::string, WatcherPtr, std::less<>> by_alert;
    std::atomic<std::size_t> count{0};
    bool ticking = false, closed = false;
};

}  // namespace

std::string sse(std::string_view id, std::string_view name, std::string_view data) {
    std::string out;
    if (!id.empty()) out += fmt::format("id: {}\n", id);
    out += fmt::format("event: {}\n", name);
    for (;;) {
        const auto end = data.find('\n');
        out.append("data: ").append(data.substr(0, end)).append("\n");
        if (end == data.npos) return out += "\n";
        data.remove_prefix(end + 1);
    }
}

bool later(std::string_view a, std::string_view b) { return b.empty() || numbers(a) > numbers(b); }

std::string with_alert_id(const std::string& data, std::string_view alert) {
    if (!data.starts_with('{') || data.find("\"alert\":") != data.npos) return data;
    const bool empty = data.find_first_not_of(" \t\n", 1) == data.find('}');
    return fmt::format("{{\"alert\":\"{}\"{}{}", alert, empty ? "" : ",", data.substr(1));
}

struct Broker::State : std::enable_shared_from_this<State> {
    asio::io_context& core;
    ledger::Ledger& ledger;
    AuthorityNow authority;
    std::function<Instant()> clock;
    std::chrono::milliseconds heartbeat;
    Metrics& metrics;
    std::vector<std::unique_ptr<Loop>> loops;
    std::atomic<std::size_t> of_all{0};  // watchers of everything
    std::atomic<bool> closed{false};     // core may be gone

    // On core only.
    std::deque<std::shared_ptr<Told>> pending;
    bool asking = false;
    std::map<std::string, AboutPtr> known;

    State(asio::io_context& core_,
          ledger::Ledger& ledger_,
          AuthorityNow authority_,
          std::function<Instant()> clock_,
          std::chrono::milliseconds heartbeat_,
          Metrics& metrics_)
        : core(core_),
          ledger(ledger_),
          authority(std::move(authority_)),
          clock(std::move(clock_)),
          heartbeat(heartbeat_),
          metrics(metrics_) {}

    // ---- from the ledger, on core ----

    void happened(const ledger::Event& event, const std::string& global_id) {
        auto told = std::make_shared<Told>();
        told->event = event;
        told->global_id = global_id;
        pending.push_back(std::move(told));
        pump();
    }

    /// In the order in which it happened, also while an alert's rights are looked up.
    void pump() {
        while (!asking && !pending.empty()) {
            auto told = pending.front();
            const auto found = known.find(told->event.alert);
            if (of_all > 0 && found == known.end()) {
                asking = true;
                return ask(told->event.alert, [self = shared_from_this()](AboutPtr about) {
                    self->asking = false;
                    if (self->pending.empty()) return;
                    self->pending.front()->about = std::move(about);
                    self->spread();
                    self->pump();
                });
            }
            if (found != known.end()) told->about = found->second;
            spread();
        }
    }

    void ask(const std::string& alert, std::function<void(AboutPtr)> then) {
        ledger.alert(alert, [self = shared_from_this(), alert, then = std::move(then)](
                                Result<std::optional<ledger::AlertRecord>> found) {
            if (!found || !*found) return then(nullptr);
            auto facts = read_facts((*found)->facts);
            AboutPtr about = std::make_shared<const About>(
                About{std::move(facts.sender), std::move(facts.regions)});
            if (self->known.size() > known_max) self->known.clear();
            self->known[alert] = about;
            then(std::move(about));
        });
    }

    void spread() {
        ToldPtr told = std::move(pending.front());
        pending.pop_front();
        for (auto& loop : loops)
            if (loop->count > 0)
                asio::post(loop->io, [self = shared_from_this(), &loop = *loop, told] {
                    self->deliver(loop, told);
                });
    }

    // ---- to watchers, on their loop ----

    void deliver(Loop& loop, const ToldPtr& told) {
        std::vector<WatcherPtr> to;  // a copy: telling one may end it
        const auto [from, until] = loop.by_alert.equal_range(told->event.alert);
        for (auto at = from; at != until; ++at) to.push_back(at->second);
        const auto [first, last] = loop.by_alert.equal_range(std::string_view());
        for (auto at = first; at != last; ++at) to.push_back(at->second);
        for (const auto& watcher : to) {
            if (watcher->live)
                tell(*watcher, *told);
            else if (watcher->waiting.size() < waiting_max)
                watcher->waiting.push_back(told);
            else
                watcher->flow->end();
        }
    }

    bool may_see(const Watcher& watcher, const Told& told) const {
        if (!watcher.alert.empty()) return true;
        if (!told.about) return false;
        authority::Subject subject;
        subject.cap_sender = told.about->sender;
        subject.regions = &told.about->regions;
        return !authority()->may(watcher.who, authority::Act::read, subject);
    }

    void tell(Watcher& watcher, const Told& told) {
        const bool all = watcher.alert.empty();
        const auto& id = all ? told.global_id : told.event.id;
        if (!later(id, watcher.last)) return;
        watcher.last = id;
        if (!may_see(watcher, told)) return;
        watcher.flow->write(
            sse(id, told.event.name,
                all ? with_alert_id(told.event.data, told.event.alert) : told.event.data));
    }

    void add(Loop& loop, const WatcherPtr& watcher) {
        if (watcher->alert.empty()) ++of_all;
        loop.watchers.push_back(watcher);
        loop.by_alert.emplace(watcher->alert, watcher);
        ++loop.count;
        metrics.watchers(1);
        watcher->flow->on_closed(
            [self = shared_from_this(), &loop, watcher] { self->remove(loop, watcher); });
        if (!std::exchange(loop.ticking, true)) tick(loop);
    }

    void remove(Loop& loop, const WatcherPtr& watcher) {
        loop.watchers.remove(watcher);
        const auto [from, until] = loop.by_alert.equal_range(watcher->alert);
        for (auto at = from; at != until; ++at) {
            if (at->second != watcher) continue;
            loop.by_alert.erase(at);
            break;
        }
        if (watcher->alert.empty()) --of_all;
        --loop.count;
        metrics.watchers(-1);
    }

    void tick(Loop& loop) {
        loop.timer.expires_after(heartbeat);
        loop.timer.async_wait([self = shared_from_this(), &loop](boost::system::error_code error) {
            if (error || loop.closed) return;
            const auto rights = self->authority();
            const auto now = self->clock();
            const auto watchers = loop.watchers;
            for (const auto& one : watchers)
                rights->stands(one->who, now) ? one->flow->write(": still here\n\n")
                                              : one->flow->end();
            if (loop.watchers.empty()) return void(loop.ticking = false);
            self->tick(loop);
        });
    }

    // ---- what a watcher missed ----

    void catch_up(Loop& loop, const WatcherPtr& watcher) {
        if (closed) return watcher->flow->end();
        asio::post(core, [self = shared_from_this(), &loop, watcher, after = watcher->last,
                          alert = watcher->alert] {
            auto then = [self, &loop, watcher](Result<std::vector<ledger::Event>> events) {
                if (!events) return self->cannot(loop, watcher, events.error());
                auto told = std::make_shared<std::vector<Told>>();
                for (auto& event : *events) told->push_back({event, event.id, nullptr});
                watcher->alert.empty() ? self->look_up(loop, watcher, told, 0)
                                       : self->past(loop, watcher, told);
            };
            if (alert.empty())
                self->ledger.events_all(after, page, then);
            else
                self->ledger.events(alert, after, page, then);
        });
    }

    /// On core: whose alerts these are, one after another.
    void look_up(Loop& loop,
                 const WatcherPtr& watcher,
                 const std::shared_ptr<std::vector<Told>>& told,
                 std::size_t from) {
        for (; from < told->size(); ++from) {
            auto& one = (*told)[from];
            const auto found = known.find(one.event.alert);
            if (found == known.end())
                return ask(one.event.alert,
                           [self = shared_from_this(), &loop, watcher, told, from](AboutPtr about) {
                               (*told)[from].about = std::move(about);
                               self->look_up(loop, watcher, told, from + 1);
                           });
            one.about = found->second;
        }
        past(loop, watcher, told);
    }

    void past(Loop& loop,
              const WatcherPtr& watcher,
              const std::shared_ptr<std::vector<Told>>& told) {
        asio::post(loop.io, [self = shared_from_this(), &loop, watcher, told] {
            for (const auto& one : *told) self->tell(*watcher, one);
            if (told->size() < page) return self->go_live(*watcher);
            if (watcher->flow->waiting() < unsent_max) return self->catch_up(loop, watcher);
            watcher->flow->on_drained([self, &loop, watcher] {
                watcher->flow->on_drained(nullptr);
                self->catch_up(loop, watcher);
            });
        });
    }

    /// Too old to resume: the watcher is told to fetch anew. A silent store: it shall come again.
    void cannot(Loop& loop, const WatcherPtr& watcher, const Fault& fault) {
        const bool again = fault.cause == Cause::unreachable;
        asio::post(loop.io, [self = shared_from_this(), watcher, again] {
            if (again) return watcher->flow->end();
            watcher->flow->write(sse("", "reset", "{}"));
            watcher->last.clear();
            self->go_live(*watcher);
        });
    }

    void go_live(Watcher& watcher) {
        watcher.live = true;
        for (const auto& told : std::exchange(watcher.waiting, {})) tell(watcher, *told);
    }
};

Broker::Broker(asio::io_context& core,
               ledger::Ledger& ledger,
               AuthorityNow authority,
               std::function<Instant()> clock,
               std::chrono::milliseconds heartbeat,
               Metrics& metrics)
    : state_(std::make_shared<State>(
          core, ledger, std::move(authority), std::move(clock), heartbeat, metrics)) {}

Broker::~Broker() = default;

void Broker::open(const std::vector<asio::io_context*>& loops) {
    for (auto* io : loops) state_->loops.push_back(std::make_unique<Loop>(*io));
    asio::post(state_->core, [weak = std::weak_ptr(state_)] {
        const auto state = weak.lock();
        if (!state) return;
        state->ledger.on_event([weak](const ledger::Event& event, const std::string& global_id) {
            if (const auto self = weak.lock()) self->happened(event, global_id);
        });
    });
}

void Broker::close() {
    state_->closed = true;
    for (auto& loop : state_->loops)
        asio::post(loop->io, [state = state_, &loop = *loop] {
            loop.closed = true;
            loop.timer.cancel();
        });
}

void Broker::watch(Exchange& exchange, const Principal& who, std::string alert, std::string after) {
    for (auto& loop : state_->loops) {
        if (&loop->io != &exchange.io()) continue;
        Response head{
            200, "text/event-stream; charset=utf-8", "", {{"X-Accel-Buffering", "no"}}, false};
        auto flow = exchange.stream(std::move(head));
        auto watcher = std::make_shared<Watcher>(
            Watcher{flow, who, std::move(alert), std::move(after), false, {}});
        flow->write("retry: 2000\n\n");
        state_->add(*loop, watcher);
        if (watcher->alert.empty() && watcher->last.empty())
            watcher->live = true;
        else
            state_->catch_up(*loop, watcher);
    }
}

}  // namespace tocsin::api
