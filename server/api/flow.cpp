#include "server/api/flow.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

namespace tocsin::api {
namespace asio = boost::asio;

Turn::Turn(std::shared_ptr<Connection> connection, std::uint64_t number)
    : connection_(std::move(connection)), number_(number) {}

Turn::~Turn() {
    if (answered_.exchange(true)) return;
    asio::post(connection_->io_,
               [connection = connection_, number = number_] { connection->dropped(number); });
}

void Turn::send(Response response) {
    if (answered_.exchange(true)) return;
    auto& io = connection_->io_;
    asio::dispatch(
        io, [connection = connection_, number = number_, response = std::move(response)]() mutable {
            connection->answer(number, std::move(response), false);
        });
}

std::shared_ptr<Outflow> Turn::stream(Response head) {
    auto flow = std::make_shared<Flow>(connection_);
    if (answered_.exchange(true)) return flow;
    asio::dispatch(connection_->io_, [connection = connection_, number = number_, flow,
                                      head = std::move(head)]() mutable {
        connection->open_stream(number, std::move(head), flow);
    });
    return flow;
}

asio::io_context& Turn::io() { return connection_->io_; }

Flow::Flow(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}

void Flow::write(std::string bytes) {
    if (!open_ || bytes.empty()) return;
    waiting_ += bytes.size();
    asio::dispatch(connection_->io_,
                   [self = shared_from_this(), bytes = std::move(bytes)]() mutable {
                       if (self->open_) self->connection_->push(std::move(bytes));
                   });
}

void Flow::end() {
    asio::dispatch(connection_->io_, [self = shared_from_this()] {
        if (self->open_) self->connection_->end_stream();
    });
}

void Flow::on_drained(std::function<void()> tell) {
    asio::dispatch(connection_->io_, [self = shared_from_this(), tell = std::move(tell)]() mutable {
        if (self->open_) self->drained_ = std::move(tell);
    });
}

void Flow::on_closed(std::function<void()> tell) {
    asio::dispatch(connection_->io_, [self = shared_from_this(), tell = std::move(tell)]() mutable {
        if (self->open_)
            self->closed_ = std::move(tell);
        else
            tell();
    });
}

void Flow::left(std::size_t bytes) {
    waiting_ -= bytes;
    if (const auto tell = drained_; waiting_ == 0 && tell) tell();  // it may replace itself
}

void Flow::closed() {
    open_ = false;
    drained_ = nullptr;  // what it holds may hold this
    if (const auto tell = std::exchange(closed_, nullptr)) tell();
}

}  // namespace tocsin::api
