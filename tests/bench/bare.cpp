// The raw limit that intake is measured against (design.md 16): a TLS server on Beast that parses
// each body with libxml2 and does one fsynced Redis write before it answers. Nothing else.
//
//   bench-bare CERTIFICATE KEY REDIS_SOCKET        prints "port N"; ends with its standard input
#include "server/base/digest.hpp"
#include "server/ledger/redis.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <fmt/format.h>
#include <libxml/parser.h>
#include <unistd.h>

#include <functional>
#include <iostream>
#include <memory>
#include <thread>

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

class Session : public std::enable_shared_from_this<Session> {
public:
    Session(tcp::socket socket, asio::ssl::context& tls, tocsin::ledger::Redis& redis)
        : stream_(std::move(socket), tls), redis_(redis) {}
    void start() {
        stream_.next_layer().set_option(tcp::no_delay(true));
        stream_.async_handshake(asio::ssl::stream_base::server,
                                [self = shared_from_this()](auto error) {
                                    if (!error) self->read();
                                });
    }

private:
    void read() {
        request_ = {};
        http::async_read(stream_, buffer_, request_, [self = shared_from_this()](auto error, auto) {
            if (!error) self->take();
        });
    }
    void take() {
        auto* doc = xmlReadMemory(request_.body().data(), int(request_.body().size()), "a", nullptr,
                                  XML_PARSE_NONET);
        const bool well = doc != nullptr;
        xmlFreeDoc(doc);
        key_ = "bare:" + tocsin::sha256_hex(request_.body());
        redis_.ask({"SET", key_, request_.body()},
                   [self = shared_from_this(), well](const auto&) { self->answer(well); });
    }
    void answer(bool well) {
        response_ = {well ? http::status::accepted : http::status::bad_request, 11};
        response_.body() = "{}";
        response_.prepare_payload();
        http::async_write(stream_, response_, [self = shared_from_this()](auto error, auto) {
            if (!error) self->read();
        });
    }
    asio::ssl::stream<tcp::socket> stream_;
    tocsin::ledger::Redis& redis_;
    boost::beast::flat_buffer buffer_;
    http::request<http::string_body> request_;
    http::response<http::string_body> response_;
    std::string key_;
};

struct Worker {
    asio::io_context io{1};
    std::unique_ptr<tocsin::ledger::Redis> redis;
    std::thread thread;
};

}  // namespace

int main(int count, char** words) {
    if (count != 4) return std::cerr << "bench-bare CERTIFICATE KEY REDIS_SOCKET\n", 2;
    asio::ssl::context tls(asio::ssl::context::tls_server);
    tls.use_certificate_chain_file(words[1]);
    tls.use_private_key_file(words[2], asio::ssl::context::pem);
    std::vector<std::unique_ptr<Worker>> workers;
    for (int i = 0; i < 2; ++i) {
        auto& worker = *workers.emplace_back(std::make_unique<Worker>());
        tocsin::ledger::Address at;
        at.socket = words[3];
        worker.redis =
            std::make_unique<tocsin::ledger::Redis>(worker.io, at, tocsin::ledger::Redis::Login{},
                                                    tocsin::ledger::RedisLimits{}, [](bool) {});
    }
    asio::io_context main_loop{1};
    tcp::acceptor acceptor(main_loop, {asio::ip::address_v4::loopback(), 0});
    std::cout << "port " << acceptor.local_endpoint().port() << std::endl;
    std::size_t turn = 0;
    std::function<void()> accept = [&] {
        auto& worker = *workers[turn++ % workers.size()];
        acceptor.async_accept(worker.io, [&](auto error, tcp::socket socket) {
            if (!error) std::make_shared<Session>(std::move(socket), tls, *worker.redis)->start();
            accept();
        });
    };
    accept();
    for (auto& worker : workers)
        worker->thread = std::thread([&io = worker->io] {
            const auto guard = asio::make_work_guard(io);
            io.run();
        });
    asio::posix::stream_descriptor input(main_loop, ::dup(STDIN_FILENO));
    input.async_wait(asio::posix::stream_descriptor::wait_read, [&](auto) { main_loop.stop(); });
    main_loop.run();
    for (auto& worker : workers) worker->io.stop(), worker->thread.join();
}
