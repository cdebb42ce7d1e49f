#pragma once
#include "server/api/connection.hpp"

/// The two handles that an application holds of a connection.
namespace tocsin::api {

/// The right to answer one request once.
class Turn : public Exchange, public std::enable_shared_from_this<Turn> {
public:
    Turn(std::shared_ptr<Connection> connection, std::uint64_t number);
    ~Turn() override;
    void send(Response response) override;
    std::shared_ptr<Outflow> stream(Response head) override;
    boost::asio::io_context& io() override;

private:
    std::shared_ptr<Connection> connection_;
    std::uint64_t number_;
    std::atomic<bool> answered_{false};
};

/// An answer that goes on. The connection and it hold each other until one of them ends.
class Flow : public Outflow, public std::enable_shared_from_this<Flow> {
public:
    explicit Flow(std::shared_ptr<Connection> connection);
    void write(std::string bytes) override;
    void end() override;
    bool open() const override { return open_; }
    std::size_t waiting() const override { return waiting_; }
    void on_drained(std::function<void()> tell) override;
    void on_closed(std::function<void()> tell) override;

    // By the connection, on its thread.
    void left(std::size_t bytes);
    void closed();

private:
    std::shared_ptr<Connection> connection_;  // fixed: any thread may read it
    std::atomic<bool> open_{true};
    std::atomic<std::size_t> waiting_{0};
    std::function<void()> drained_, closed_;  // on the connection's thread only
};

}  // namespace tocsin::api
