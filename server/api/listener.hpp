#pragma once
#include "server/api/connection.hpp"

#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

/// Threads, listeners and the connections that they hold.
namespace tocsin::api {

/// One thread with its event loop.
class Intake {
public:
    Intake();
    ~Intake();
    boost::asio::io_context io{1};
    void join();  // after every connection is closed

private:
    std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
    std::thread thread_;
};

struct ConnectionLimits {
    std::size_t total = 20000, per_address = 1000;
};

/// Who is connected; counts by address. Thread safe.
class Register {
public:
    explicit Register(ConnectionLimits limits) : limits_(limits) {}
    /// False: too many.
    bool enter(const std::string& address);
    void leave(const std::string& address);
    void add(boost::asio::io_context& io, const std::shared_ptr<Connection>& connection);
    void remove(const Connection* connection);
    /// Each on its own thread.
    void each(void (Connection::*what)());
    std::size_t size() const;

private:
    const ConnectionLimits limits_;
    mutable std::mutex mutex_;
    std::size_t total_ = 0;
    std::map<std::string, std::size_t> by_address_;
    std::unordered_map<const Connection*,
                       std::pair<boost::asio::io_context*, std::weak_ptr<Connection>>>
        connections_;
};

/// One address and port; spreads its connections over the intakes.
class Listener {
public:
    struct Setup {
        std::vector<std::unique_ptr<Intake>>* intakes;
        Application* application;
        const HttpLimits* limits;
        std::shared_ptr<Register> connections;
        std::function<TlsContext()> tls;    // empty: plain
        std::function<void()> turned_away;  // a connection over the limits
    };
    explicit Listener(Setup setup);
    ~Listener();

    /// "127.0.0.1:8443", "[::1]:0". The fault says what to do. Gives the port.
    Result<unsigned short> open(std::string_view where);
    void start();
    /// From any thread; accepts no more when it returns... within the turn of its loop.
    void stop();

private:
    void accept();
    void accepted(Intake& intake, Transport::Error error, boost::asio::ip::tcp::socket socket);
    void welcome(Intake& intake, boost::asio::ip::tcp::socket socket);
    void out_of_descriptors();

    Setup setup_;
    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::steady_timer pause_;
    std::size_t turn_ = 0;
    int reserve_ = -1;
    bool stopped_ = false;
};

struct HostPort {
    std::string host;
    unsigned short port;
};
Result<HostPort> read_host_port(std::string_view text);
bool is_loopback(std::string_view host);

}  // namespace tocsin::api
