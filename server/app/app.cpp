#include "server/app/app.hpp"

#include "server/app/audience_import.hpp"
#include "server/app/export.hpp"
#include "server/app/loops.hpp"
#include "server/app/outpost.hpp"
#include "server/app/recipients.hpp"
#include "server/app/setup.hpp"
#include "server/base/digest.hpp"
#include "server/base/log.hpp"
#include "server/dispatch/asio.hpp"
#include "server/dispatch/dispatcher.hpp"
#include "server/ledger/embedded.hpp"
#include "server/ledger/redis_ledger.hpp"
#include "server/replies/replies.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <prometheus/registry.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <future>
#include <iostream>

namespace tocsin::app {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

/// Runs `work` on a loop and waits for what it gives. Not from that loop.
template <class Work> auto on(asio::io_context& loop, Work work) {
    std::packaged_task<decltype(work())()> task(std::move(work));
    auto answer = task.get_future();
    asio::post(loop, std::ref(task));
    return answer.get();
}

/// Shapes for maps are made when an order goes out: kept in each packed plan they would be there twice.
Result<plan::Plan> unpack_with_shapes(std::string_view bytes) {
    auto plan = plan::unpack(bytes);
    if (!plan) return plan;
    const auto shapes = plan::geojson(*plan);
    for (auto& order : plan->orders)
        if (auto* regions = std::get_if<contract::Regions>(&order.footprint))
            regions->geometry = shapes;
    return plan;
}

/// Everything that serves, put together; the only place that knows everybody. Threads: intake
/// (owned by the API server), core, links, bulk (contract.md 5).
class App {
public:
    App(std::filesystem::path file, Setup setup)
        : file_(std::move(file)), setup_(std::move(setup)) {
        publish();
    }

    Result<api::Ports> start();
    void reload();
    void stop();

private:
    struct Current {  // swapped whole on reload; read from any thread
        std::shared_ptr<const plan::Planner> planner;
        std::shared_ptr<const authority::Authority> authority;
    };
    void publish() {
        const std::lock_guard lock(mutex_);
        current_ = {setup_.planner, setup_.authority};
    }
    Current current() const {
        const std::lock_guard lock(mutex_);
        return current_;
    }
    Result<bool> open_ledger();
    void wait_for_ledger();
    void open_replies();
    std::vector<std::pair<std::string, dispatch::BulkReports*>> reports() const;
    Result<bool> open_outposts(const std::vector<const Endpoint*>& endpoints);
    std::vector<dispatch::Definition> definitions() const;
    campaign::Settings campaign_settings(const std::string& endpoint) const;
    api::Deps deps();
    api::Config api_config() const;
    api::Ground::Kin kin(const std::string& endpoint) const;
    void read_census();
    void look();
    void refused_reload(const std::string& why);
    void swap_outposts(const std::map<std::string, std::shared_ptr<Outpost>>& before);
    void close(Outpost& outpost);

    std::filesystem::path file_;
    Setup setup_;
    mutable std::mutex mutex_;
    Current current_;
    std::shared_ptr<const plan::Census> census_ = std::make_shared<plan::Census>();
    std::shared_ptr<const plan::Rates> rates_ = std::make_shared<plan::Rates>();  // measured

    LoopThread core_{"core"}, links_{"links"}, bulk_{"bulk"};
    std::shared_ptr<api::Pages> pages_ = std::make_shared<api::Pages>(),
                                sandbox_ = std::make_shared<api::Pages>();
    std::shared_ptr<prometheus::Registry> registry_ = std::make_shared<prometheus::Registry>();
    std::shared_ptr<Export> export_ = std::make_shared<Export>();
    ledger::Address redis_at_;
    std::string redis_password_;
    std::unique_ptr<ledger::Embedded> redis_;
    std::unique_ptr<ledger::RedisLedger> ledger_;
    std::unique_ptr<replies::Replies> replies_;
    std::map<std::string, std::shared_ptr<Outpost>> outposts_;
    std::map<std::string, std::string> prints_;  // endpoint -> its part of the configuration
    dispatch::WallClock clock_;
    dispatch::AsioTimers timers_{core_.io};
    std::unique_ptr<dispatch::Dispatcher> dispatcher_;
    std::unique_ptr<CampaignRecipients> recipients_;
    std::unique_ptr<api::Server> server_;
    std::unique_ptr<asio::steady_timer> look_timer_;
    std::atomic<bool> reload_well_{true};
    std::atomic<Instant> reloaded_at_{now()};
};

Result<bool> App::open_ledger() {
    const auto& wanted = setup_.config.ledger;
    if (wanted.embedded) {
        ledger::Embedded::Options options;
        options.data = wanted.data;
        options.more = {"pidfile redis.pid"};
        auto started = on(core_.io, [&] { return ledger::Embedded::start(core_.io, options); });
        if (!started) return started.error();
        redis_ = std::move(*started);
        redis_at_ = redis_->address();
    } else {
        const auto at = ledger::read_address(wanted.url);
        if (!at) return at.error();
        redis_at_ = *at;
        if (!wanted.password_file.empty()) {
            auto password = ledger::read_secret(wanted.password_file);
            if (!password) return password.error();
            redis_password_ = *password;
        }
    }
    ledger::RedisLedger::Options options;
    options.at = redis_at_;
    options.password = redis_password_;
    options.own = wanted.embedded;
    options.forget_after = wanted.keep;
    options.audience_grace = std::chrono::hours(72);  // longer than a campaign and its withdrawal
    if (redis_) options.why_down = [this] { return redis_->why(); };
    on(core_.io, [&] {
        ledger_ = std::make_unique<ledger::RedisLedger>(core_.io, std::move(options));
        return true;
    });
    return true;
}

campaign::Settings App::campaign_settings(const std::string& endpoint) const {
    campaign::Settings settings;
    settings.endpoint = endpoint;
    settings.redis.address = redis_at_;
    settings.redis.login.password = redis_password_;
    settings.keep = setup_.config.ledger.keep;
    settings.opted_out = [this](std::uint64_t number) { return replies_->opted_out(number); };
    settings.opt_outs_known = [this] { return replies_->known(); };
    return settings;
}

Result<bool> App::open_outposts(const std::vector<const Endpoint*>& endpoints) {
    for (const auto* endpoint : endpoints) {
        auto& loop = endpoint->plan.bulk ? bulk_ : links_;
        auto outpost = std::make_shared<Outpost>(*endpoint, Outpost::Loops{core_.io, loop.io},
                                                 endpoint->plan.live ? pages_ : sandbox_);
        outpost->on_replies([this, name = endpoint->plan.name] { replies_->drain(name); });
        const auto settings = campaign_settings(endpoint->plan.name);
        const auto opened =
            on(loop.io, [&] { return outpost->open(endpoint->plan.bulk ? &settings : nullptr); });
        if (!opened) return opened.error();
        outposts_[endpoint->plan.name] = std::move(outpost);
        prints_[endpoint->plan.name] = endpoint->print;
    }
    return true;
}

std::vector<dispatch::Definition> App::definitions() const {
    std::vector<dispatch::Definition> out;
    for (const auto& endpoint : setup_.config.endpoints) {
        const auto& outpost = outposts_.at(endpoint.plan.name);
        dispatch::Definition one;
        one.endpoint = endpoint.plan;
        one.outlet = {endpoint.plan.name,
                      endpoint.plan.live ? contract::Peer::live : contract::Peer::sandbox,
                      endpoint.plan.drills};
        one.limits.answer_within = endpoint.answer_within;
        one.probe_every = endpoint.probe;
        one.port = outpost;
        one.bulk = outpost->bulk_port();
        out.push_back(std::move(one));
    }
    return out;
}

void App::read_census() {  // core loop
    ledger_->audiences([this](Result<std::vector<plan::Audience>> read) {
        if (!read) {  // unknown is not none: ask again, the last one stands
            look_timer_->expires_after(milliseconds(200));
            return look_timer_->async_wait([this](auto error) {
                if (!error) read_census();
            });
        }
        const std::lock_guard lock(mutex_);
        census_ = std::make_shared<const plan::Census>(plan::Census{std::move(*read)});
    });
}

api::Config App::api_config() const {
    const auto& from = setup_.config;
    api::Config to;
    to.api = from.listen.api;
    to.public_ = from.listen.public_;
    to.admin = from.listen.admin;
    to.public_tls = from.listen.public_tls;
    to.tls = tls_files(from);
    to.connections.total = std::size_t(from.limits.connections);
    to.connections.per_address = std::size_t(from.limits.connections_per_address);
    to.intake_threads = std::size_t(from.limits.intake_threads);
    to.cap.bytes = from.limits.alert_bytes;
    to.cap.area_required = true;  // there is no default area
    to.per_sender_per_minute = from.limits.per_sender_per_minute;
    to.failures_per_minute = from.limits.failures_per_minute;
    to.strict_references = from.limits.strict_references;
    to.refused_rules = from.limits.refused_rules;
    to.cap.gb18030 = from.limits.gb18030;
    to.own_sender = from.own_sender;
    return to;
}

api::Deps App::deps() {
    api::Deps to;
    to.core = &core_.io;
    to.ledger = ledger_.get();
    to.hub = dispatcher_.get();
    to.recipients = recipients_.get();
    to.replies = replies_.get();
    to.pages = pages_;
    to.sandbox = sandbox_;
    to.metrics = registry_;
    to.plan = [this](const plan::Request& request) {
        std::unique_lock lock(mutex_);
        const auto planner = current_.planner;
        const auto census = census_;
        const auto rates = rates_;
        lock.unlock();
        auto with_rates = request;
        with_rates.rates = rates.get();
        return planner->make_plan(with_rates, *census);
    };
    to.authority = [this] { return current().authority; };
    to.shares = [this](std::string_view region, std::string_view area) {
        return current().planner->city().atlas->shares(region, area);
    };
    to.ground.told_of = [this](const std::string& listed) {
        const auto planner = current().planner;
        const auto& atlas = *planner->city().atlas;
        std::vector<std::string> out;
        const auto* region = atlas.find(listed);
        if (region) out = region->overlaps;
        for (; region; region = region->parent.empty() ? nullptr : atlas.find(region->parent))
            out.push_back(region->code);
        return out;
    };
    to.ground.kin = [this](const std::string& endpoint) { return kin(endpoint); };
    to.event_class = [this](std::string_view event) {
        return current().planner->event_class(event);
    };
    to.import = [this](const std::string& name) {
        return make_import(name, current().planner->city().atlas, *ledger_);
    };
    to.audiences_changed = [this] { read_census(); };
    return to;
}

api::Ground::Kin App::kin(const std::string& endpoint) const {
    const auto planner = current().planner;
    const auto& all = planner->city().endpoints;
    const auto found = std::ranges::find(all, endpoint, &plan::Endpoint::name);
    return found == all.end() ? api::Ground::Kin{}
                              : api::Ground::Kin{found->channel, found->backup};
}

/// Once a second: what is scraped, and how fast the links are for who plans now.
void App::look() {
    Snapshot snapshot;
    snapshot.dispatch = dispatcher_->metrics();
    snapshot.endpoints = dispatcher_->endpoints();
    auto rates = std::make_shared<plan::Rates>();
    for (const auto& one : snapshot.endpoints)
        if (one.rate_per_second > 0) rates->emplace(one.name, one.rate_per_second);
    {
        const std::lock_guard lock(mutex_);
        rates_ = std::move(rates);
    }
    snapshot.ledger = ledger_->health();
    snapshot.redis_restarts = ledger_->restarts();
    snapshot.reload_well = reload_well_;
    snapshot.reloaded_at = reloaded_at_;
    export_->put(std::move(snapshot));
    timers_.after(milliseconds(1000), [this] { look(); });
}

/// A store that does not answer is no reason not to listen: readyz says so, and it may come back.
void App::wait_for_ledger() {
    for (int tries = 0; tries < 200; ++tries) {
        if (on(core_.io, [this] { return ledger_->health().durable; })) return;
        std::this_thread::sleep_for(milliseconds(25));
    }
}

std::vector<std::pair<std::string, dispatch::BulkReports*>> App::reports() const {
    std::vector<std::pair<std::string, dispatch::BulkReports*>> out;
    for (const auto& [name, outpost] : outposts_)
        if (auto* reports = outpost->reports()) out.emplace_back(name, reports);
    return out;
}

void App::open_replies() {
    campaign::Wire::Where redis;
    redis.address = redis_at_;
    redis.login.password = redis_password_;
    auto endpoints = [this] {
        std::vector<replies::Replies::Endpoint> out;
        for (const auto& [name, reports] : reports()) out.push_back({name, reports});
        return out;
    };
    on(core_.io, [&] {
        replies_ = std::make_unique<replies::Replies>(
            replies::Replies::Needs{core_.io, redis, *ledger_, std::move(endpoints), now},
            setup_.config.replies);
        return true;
    });
}

Result<api::Ports> App::start() {
    core_.start();
    links_.start();
    bulk_.start();
    if (auto opened = open_ledger(); !opened) return opened.error();
    wait_for_ledger();
    open_replies();
    std::vector<const Endpoint*> all;
    for (const auto& endpoint : setup_.config.endpoints) all.push_back(&endpoint);
    if (auto opened = open_outposts(all); !opened) return opened.error();
    on(core_.io, [this] {
        look_timer_ = std::make_unique<asio::steady_timer>(core_.io);
        dispatcher_ = std::make_unique<dispatch::Dispatcher>(
            dispatch::Dispatcher::Needs{*ledger_, clock_, timers_, unpack_with_shapes, {}},
            definitions());
        for (const auto& [name, outpost] : outposts_) outpost->attach(dispatcher_->find(name));
        dispatcher_->start();
        replies_->start();
        read_census();
        look();
        return true;
    });
    recipients_ = std::make_unique<CampaignRecipients>(*ledger_, [this] { return reports(); });
    server_ = std::make_unique<api::Server>(api_config(), deps());
    auto ports = server_->start();
    if (ports) std::ofstream(setup_.config.ledger.data / "tocsind.pid") << ::getpid() << "\n";
    return ports;
}

/// New endpoints are opened before anything is swapped; a fault leaves all as it was.
void App::reload() {
    std::vector<ConfigFault> faults;
    auto fresh = read_setup(file_, faults);
    if (!fresh) {
        std::vector<std::string> lines;
        for (const auto& one : faults) lines.push_back(to_text(one));
        return refused_reload(fmt::format("{}", fmt::join(lines, "; ")));
    }
    // What is said and not done would be worse than a refusal.
    const auto &is = setup_.config, &said = fresh->config;
    if (said.listen != is.listen || said.ledger != is.ledger || said.limits != is.limits ||
        said.own_sender != is.own_sender)
        return refused_reload("[listen], [ledger], [limits] and city.own_sender need a restart");
    std::vector<const Endpoint*> changed;
    for (const auto& endpoint : fresh->config.endpoints)
        if (const auto print = prints_.find(endpoint.plan.name);
            print == prints_.end() || print->second != endpoint.print)
            changed.push_back(&endpoint);
    const auto before = outposts_;
    if (const auto opened = open_outposts(changed); !opened) {
        outposts_ = before;
        return refused_reload(opened.error().what);
    }
    if (const auto tls = server_->reload_tls(tls_files(fresh->config)); !tls)
        return refused_reload(tls.error().what);
    setup_ = std::move(*fresh);
    publish();
    swap_outposts(before);
    reload_well_ = true;
    reloaded_at_ = now();
    log::info("config.applied", {{"endpoints", std::to_string(setup_.config.endpoints.size())}});
}

void App::refused_reload(const std::string& why) {
    reload_well_ = false;
    log::error("config.refused", {{"why", why}});
}

/// Stations of endpoints that stay go on undisturbed; those that left are closed in order.
void App::swap_outposts(const std::map<std::string, std::shared_ptr<Outpost>>& before) {
    std::erase_if(outposts_, [&](const auto& one) {
        return std::ranges::none_of(setup_.config.endpoints,
                                    [&](const auto& e) { return e.plan.name == one.first; });
    });
    on(core_.io, [&] {
        replies_->words(setup_.config.replies);
        for (const auto& [name, outpost] : before)
            if (!outposts_.contains(name) || outposts_.at(name) != outpost)
                outpost->attach(nullptr);
        dispatcher_->reconfigure(definitions());
        for (const auto& [name, outpost] : outposts_) outpost->attach(dispatcher_->find(name));
        return true;
    });
    for (const auto& [name, outpost] : before)
        if (!outposts_.contains(name) || outposts_.at(name) != outpost) close(*outpost);
    std::erase_if(prints_, [&](const auto& one) { return !outposts_.contains(one.first); });
}

/// Gives the peer time to be told; then the channel goes.
void App::close(Outpost& outpost) {
    for (int tries = 0; tries < 100 && outpost.bulk() && !outpost.down(); ++tries)
        std::this_thread::sleep_for(milliseconds(25));
    on(outpost.bulk() ? bulk_.io : links_.io, [&] { return outpost.close(), true; });
}

/// Sends nothing that was not already due (scar A8): intake first, then the channels, the store last.
void App::stop() {
    if (server_) server_->stop();
    if (dispatcher_)
        on(core_.io, [this] {
            replies_->stop();
            look_timer_->cancel();
            dispatcher_->stop();
            return true;
        });
    for (const auto& [_, outpost] : outposts_) close(*outpost);
    links_.stop();
    bulk_.stop();
    if (redis_) {
        std::promise<void> gone;
        asio::post(core_.io, [&] {
            if (ledger_) ledger_->stopping();
            redis_->stop([&] { gone.set_value(); });
        });
        gone.get_future().wait_for(std::chrono::seconds(15));
    }
    core_.stop();
    dispatcher_.reset();
    outposts_.clear();
    replies_.reset();
    ledger_.reset();
    redis_.reset();
    server_.reset();
    std::error_code ignored;
    std::filesystem::remove(setup_.config.ledger.data / "tocsind.pid", ignored);
}

void say_ready(const Config& config, const api::Ports& ports) {
    const auto host = [](const std::string& listen) { return listen.substr(0, listen.rfind(':')); };
    std::cout << fmt::format("ready api=https://{}:{} public={}://{}:{} admin=http://{}:{}",
                             host(config.listen.api), ports.api,
                             config.listen.public_tls ? "https" : "http",
                             host(config.listen.public_), ports.public_, host(config.listen.admin),
                             ports.admin)
              << std::endl;
    if (::isatty(STDERR_FILENO)) std::cerr << "try: tocsin --config DIR post rain.xml --follow\n";
}

}  // namespace

int run(const std::filesystem::path& file) {
    std::signal(SIGPIPE, SIG_IGN);
    log::info("server.starting", {{"version", "0.1.0"}});
    std::vector<ConfigFault> faults;
    auto setup = read_setup(file, faults);
    for (const auto& one : faults) std::cerr << to_text(one) << "\n";
    if (!setup) return 2;
    asio::io_context main_loop{1};
    asio::signal_set signals(main_loop, SIGTERM, SIGINT,
                             SIGHUP);  // before any thread, so that all are ours
    const auto config = setup->config;
    App app(file, std::move(*setup));
    const auto ports = app.start();
    if (!ports) {
        std::cerr << "tocsind: " << ports.error().what << "\n";
        log::error("server.stopping", {{"why", ports.error().what}});
        app.stop();
        return 1;
    }
    say_ready(config, *ports);
    std::function<void()> listen = [&] {
        signals.async_wait([&](auto error, int signal) {
            if (error || signal != SIGHUP) return;
            app.reload();
            listen();
        });
    };
    listen();
    main_loop.run();
    log::info("server.stopping");
    app.stop();
    return 0;
}

}  // namespace tocsin::app
