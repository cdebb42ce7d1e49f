#include "server/api/server.hpp"

#include "server/api/api.hpp"
#include "server/api/listener.hpp"
#include "server/base/log.hpp"

#include <prometheus/registry.h>

namespace tocsin::api {

struct Server::Parts {
    std::vector<std::unique_ptr<Intake>> intakes;  // outlive all that lives on them
    Shared shared;
    Api api;
    Site site;
    Admin admin;
    std::shared_ptr<Register> connections;
    std::mutex tls_mutex;
    TlsContext tls;
    std::vector<std::unique_ptr<Listener>> listeners;
    bool running = false;

    /// What came too late is let go of while all is still here.
    ~Parts() {
        shared.stopped = true;
        for (auto& intake : intakes) intake->join();
    }
    Parts(Config config, Deps deps)
        : shared(std::move(config), std::move(deps)),
          api(shared),
          site(shared, *shared.deps.pages, "public"),
          admin(shared),
          connections(std::make_shared<Register>(ConnectionLimits{
              shared.config.connections.total, shared.config.connections.per_address})) {}

    TlsContext tls_now() {
        const std::lock_guard lock(tls_mutex);
        return tls;
    }
    Result<unsigned short> listen(const std::string& where, Application& application, bool secure);
    void watch_health();
};

Result<unsigned short> Server::Parts::listen(const std::string& where,
                                             Application& application,
                                             bool secure) {
    Listener::Setup setup{&intakes, &application, &shared.config.http, connections, {}, {}};
    if (secure) setup.tls = [this] { return tls_now(); };
    setup.turned_away = [this] { shared.metrics.turned_away(); };
    auto made = std::make_unique<Listener>(std::move(setup));
    auto port = made->open(where);
    if (port) listeners.push_back(std::move(made));
    return port;
}

/// Health is asked on core and read everywhere.
void Server::Parts::watch_health() {
    on_core(shared, [this] {
        const auto tell = [this](const ledger::Health& health) {
            shared.set_health(health);
            shared.metrics.ready(health.durable);
        };
        shared.deps.ledger->on_health(tell);
        tell(shared.deps.ledger->health());
    });
}

Server::Server(Config config, Deps deps) {
    if (!deps.metrics) deps.metrics = std::make_shared<prometheus::Registry>();
    parts_ = std::make_unique<Parts>(std::move(config), std::move(deps));
}

Server::~Server() { stop(); }

Result<bool> Server::reload_tls(const TlsFiles& files) {
    auto made = make_tls(files);
    if (!made) return made.error();
    if (const auto until = certificate_expiry(files.certificate))
        parts_->shared.metrics.certificate_expiry(*until);
    const std::lock_guard lock(parts_->tls_mutex);
    parts_->tls = std::move(*made);
    return true;
}

Result<Ports> Server::start() {
    auto& config = parts_->shared.config;
    if (auto loaded = reload_tls(config.tls); !loaded) return loaded.error();
    for (const auto& [where, secure] :
         {std::pair(config.public_, config.public_tls), std::pair(config.admin, false)})
        if (const auto at = read_host_port(where); at && !secure && !is_loopback(at->host))
            return Fault{Cause::refused,
                         where + " is not loopback: plain HTTP is only served there"};
    for (std::size_t i = 0; i < std::max<std::size_t>(1, config.intake_threads); ++i)
        parts_->intakes.push_back(std::make_unique<Intake>());
    Ports ports;
    const std::tuple<const std::string&, Application&, bool, unsigned short&> wanted[] = {
        {config.api, parts_->api, true, ports.api},
        {config.public_, parts_->site, config.public_tls, ports.public_},
        {config.admin, parts_->admin, false, ports.admin}};
    for (const auto& [where, application, secure, port] : wanted) {
        auto opened = parts_->listen(where, application, secure);
        if (!opened) return parts_->listeners.clear(), opened.error();
        port = *opened;
    }
    std::vector<boost::asio::io_context*> loops;
    for (auto& intake : parts_->intakes) loops.push_back(&intake->io);
    parts_->shared.broker.open(loops);
    parts_->watch_health();
    for (auto& listener : parts_->listeners) listener->start();
    parts_->running = true;
    return ports;
}

void Server::stop() {
    if (!parts_ || !std::exchange(parts_->running, false)) return;
    using namespace std::chrono_literals;
    for (auto& listener : parts_->listeners) listener->stop();
    parts_->shared.broker.close();
    const auto until = std::chrono::steady_clock::now() + parts_->shared.config.drain;
    parts_->connections->each(&Connection::drain);
    while (parts_->connections->size() > 0 && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(5ms);
    if (const auto left = parts_->connections->size(); left > 0)
        log::warn("server.stopping", {{"connections_cut", std::to_string(left)}});
    parts_->connections->each(&Connection::close);
    parts_->shared.stopped = true;
    for (auto& intake : parts_->intakes) intake->join();
}

}  // namespace tocsin::api
