#include "server/api/listener.hpp"

#include "server/base/log.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <charconv>

namespace tocsin::api {
namespace asio = boost::asio;
using asio::ip::tcp;

Intake::Intake() : work_(asio::make_work_guard(io)) {
    thread_ = std::thread([this] { io.run(); });
}

Intake::~Intake() { join(); }

void Intake::join() {
    work_.reset();
    if (thread_.joinable()) thread_.join();
    io.restart();
    io.poll();  // answers that came too late let go of their connections here
}

bool Register::enter(const std::string& address) {
    const std::lock_guard lock(mutex_);
    if (total_ >= limits_.total) return false;
    auto& count = by_address_[address];
    if (count >= limits_.per_address) return false;
    ++count, ++total_;
    return true;
}

void Register::leave(const std::string& address) {
    const std::lock_guard lock(mutex_);
    const auto found = by_address_.find(address);
    if (found == by_address_.end()) return;
    --total_;
    if (--found->second == 0) by_address_.erase(found);
}

void Register::add(asio::io_context& io, const std::shared_ptr<Connection>& connection) {
    const std::lock_guard lock(mutex_);
    connections_.emplace(connection.get(), std::pair(&io, connection));
}

void Register::remove(const Connection* connection) {
    const std::lock_guard lock(mutex_);
    connections_.erase(connection);
}

void Register::each(void (Connection::*what)()) {
    const std::lock_guard lock(mutex_);
    for (auto& [key, value] : connections_)
        asio::post(*value.first, [weak = value.second, what] {
            if (const auto self = weak.lock()) ((*self).*what)();
        });
}

std::size_t Register::size() const {
    const std::lock_guard lock(mutex_);
    return connections_.size();
}

Listener::Listener(Setup setup)
    : setup_(std::move(setup)),
      acceptor_(setup_.intakes->front()->io),
      pause_(setup_.intakes->front()->io),
      reserve_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {}

Listener::~Listener() {
    if (reserve_ >= 0) ::close(reserve_);
}

Result<unsigned short> Listener::open(std::string_view where) {
    const auto said = read_host_port(where);
    if (!said) return said.error();
    Transport::Error error;
    const tcp::endpoint endpoint(asio::ip::make_address(said->host), said->port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(4096, error);
    if (error == asio::error::address_in_use)
        return Fault{Cause::refused,
                     fmt::format("{} is taken by another program; choose another port", where)};
    if (error)
        return Fault{Cause::refused,
                     fmt::format("cannot listen on {}: {}", where, error.message())};
    return acceptor_.local_endpoint().port();
}

void Listener::start() {
    asio::post(acceptor_.get_executor(), [this] { accept(); });
}

void Listener::stop() {
    asio::post(acceptor_.get_executor(), [this] {
        stopped_ = true;
        Transport::Error ignored;
        acceptor_.close(ignored);
        pause_.cancel();
    });
}

void Listener::accept() {
    if (stopped_) return;
    auto& intake = *(*setup_.intakes)[turn_++ % setup_.intakes->size()];
    acceptor_.async_accept(intake.io, [this, &intake](Transport::Error error, tcp::socket socket) {
        accepted(intake, error, std::move(socket));
    });
}

void Listener::accepted(Intake& intake, Transport::Error error, tcp::socket socket) {
    if (stopped_ || error == asio::error::operation_aborted) return;
    if (error == asio::error::no_descriptors || error.value() == ENFILE)
        return out_of_descriptors();
    if (!error) welcome(intake, std::move(socket));
    accept();
}

/// The one who waits is let in and out by the reserve, so that the loop does not spin on it.
void Listener::out_of_descriptors() {
    log::warn("server.out_of_descriptors");
    if (reserve_ >= 0) {
        ::close(reserve_);
        const int refused = ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK);
        if (refused >= 0) ::close(refused);
        reserve_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    pause_.expires_after(std::chrono::milliseconds(100));
    pause_.async_wait([this](Transport::Error error) {
        if (!error) accept();
    });
}

void Listener::welcome(Intake& intake, tcp::socket socket) {
    Transport::Error error;
    const auto peer = socket.remote_endpoint(error);
    if (error) return;
    auto address = peer.address().to_string();
    if (!setup_.connections->enter(address)) {
        if (setup_.turned_away) setup_.turned_away();
        return;
    }
    socket.set_option(tcp::no_delay(true), error);
    asio::post(intake.io, [this, &intake, address, socket = std::move(socket)]() mutable {
        auto transport = setup_.tls ? make_secure(std::move(socket), setup_.tls())
                                    : make_plain(std::move(socket));
        struct Key {
            const Connection* connection = nullptr;
        };
        auto key = std::make_shared<Key>();
        auto gone = [key, address, connections = setup_.connections] {
            connections->remove(key->connection);
            connections->leave(address);
        };
        auto made =
            std::make_shared<Connection>(intake.io, std::move(transport), *setup_.application,
                                         *setup_.limits, address, std::move(gone));
        key->connection = made.get();
        setup_.connections->add(intake.io, made);
        made->start();
    });
}

Result<HostPort> read_host_port(std::string_view text) {
    const auto colon = text.rfind(':');
    auto host = text.substr(0, colon);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    Transport::Error error;
    asio::ip::make_address(std::string(host), error);
    unsigned short port = 0;
    const auto digits = colon == text.npos ? std::string_view() : text.substr(colon + 1);
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error || digits.empty() || read.ec != std::errc() ||
        read.ptr != digits.data() + digits.size())
        return Fault{Cause::malformed,
                     fmt::format("'{}' is no address and port such as \"127.0.0.1:8443\"", text)};
    return HostPort{std::string(host), port};
}

bool is_loopback(std::string_view host) {
    Transport::Error error;
    const auto address = asio::ip::make_address(std::string(host), error);
    return !error && address.is_loopback();
}

}  // namespace tocsin::api
