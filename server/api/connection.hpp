#pragma once
#include "server/api/body.hpp"
#include "server/api/head.hpp"
#include "server/api/http.hpp"
#include "server/api/transport.hpp"

#include <boost/asio/steady_timer.hpp>

#include <memory>

/// One HTTP/1.1 connection: requests one after another, each answered before the next is read, so
/// pipelined answers keep their order. All on the thread of its io_context. Every wait has an end.
namespace tocsin::api {

class Flow;

class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(boost::asio::io_context& io,
               std::unique_ptr<Transport> transport,
               Application& application,
               const HttpLimits& limits,
               std::string address,
               std::function<void()> gone);
    ~Connection();

    void start();
    /// After the answer that is under way, if any; streams end.
    void drain();
    void close();

private:
    friend class Turn;
    friend class Flow;
    using Error = Transport::Error;
    using Clock = std::chrono::steady_clock;
    enum class Stage {
        handshaking,
        head,
        body,
        handling,
        writing,
        streaming,
        lingering,
        finishing,
        closed
    };

    void next_request();
    void read();
    void got(Error error, std::size_t count);
    void ended();
    void take_input();
    void take_head();
    void begin(Head head);
    void begin_body(Head head, Admission admission);
    void take_body();
    bool take_piece();
    void hand_over();
    void fail(int status, std::string_view detail);
    void answer(std::uint64_t turn, Response response, bool unread);
    void dropped(std::uint64_t turn);
    void write_answer(bool unread);
    void open_stream(std::uint64_t turn, Response head, std::shared_ptr<Flow> flow);
    void push(std::string bytes);
    void end_stream();
    void flush();
    void flushed();
    void linger();
    void finish();
    void shut();
    void arm(std::chrono::milliseconds within);
    void disarm() { deadline_ = Clock::time_point::max(); }
    void wait();
    void woke();
    void timed_out();
    std::chrono::milliseconds slow(std::size_t bytes) const;

    boost::asio::io_context& io_;
    std::unique_ptr<Transport> transport_;
    Application& application_;
    const HttpLimits& limits_;
    const std::string address_;
    std::vector<std::string> sans_;
    std::function<void()> gone_;
    boost::asio::steady_timer timer_;
    Clock::time_point deadline_ = Clock::time_point::max(), armed_ = Clock::time_point::max();

    Stage stage_ = Stage::handshaking;
    bool reading_ = false, draining_ = false, writing_ = false, peer_ended_ = false;
    std::vector<char> scratch_;
    std::string in_, out_, queue_, piece_;
    std::size_t lingered_ = 0, body_bytes_ = 0;

    std::uint64_t turn_ = 0;  // number of the request in hand
    Request request_;         // in hand; its body goes to the exchange
    Admission admission_;
    std::unique_ptr<BodyReader> body_;
    Clock::time_point began_{}, body_began_{};
    bool keep_alive_ = true, head_only_ = false;
    std::shared_ptr<Flow> flow_;
    bool flow_ended_ = false;
};

}  // namespace tocsin::api
