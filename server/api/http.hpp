#pragma once
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What passes between the HTTP machine (connection.hpp) and those who answer: requests, answers,
/// answers that go on (streams). Values and two interfaces; no Beast, no OpenSSL.
namespace tocsin::api {

struct Field {
    std::string name, value;  // names in lower case
    bool operator==(const Field&) const = default;
};

struct Request {
    std::string method, target, path;  // path: before the '?', as it came
    std::vector<Field> query;          // decoded, in order
    std::vector<Field> fields;
    std::string body;
    std::string id;                 // X-Request-Id
    std::string address;            // of the peer
    std::vector<std::string> sans;  // of its verified certificate
    std::vector<std::string> args;  // what {…} of the route matched, decoded
    bool keep_alive = true, http11 = true;

    std::string_view field(std::string_view name) const;
    /// The parameter's value; nothing where it is absent.
    std::optional<std::string> parameter(std::string_view name) const;
};

struct Response {
    int status = 200;
    std::string type;  // Content-Type; empty: none
    std::string body;
    std::vector<Field> fields;  // beyond the usual; here names are as sent
    bool close = false;
};

/// An answer that goes on: events, long lists. Any thread may call; callbacks come on the
/// connection's own thread.
class Outflow {
public:
    virtual ~Outflow() = default;
    virtual void write(std::string bytes) = 0;
    virtual void end() = 0;
    virtual bool open() const = 0;
    /// Bytes not yet taken by the peer.
    virtual std::size_t waiting() const = 0;
    /// Each time that everything written has left.
    virtual void on_drained(std::function<void()> tell) = 0;
    virtual void on_closed(std::function<void()> tell) = 0;
};

/// One request and the right to answer it once. Dropped without an answer it answers 503, so that
/// no caller ever waits for nothing.
class Exchange {
public:
    virtual ~Exchange() = default;
    Request request;
    std::shared_ptr<const void> context;  // of the application: who asks, which route

    /// From any thread; the first answer counts.
    virtual void send(Response response) = 0;
    /// `head` without body.
    virtual std::shared_ptr<Outflow> stream(Response head) = 0;
    /// The event loop of its connection.
    virtual boost::asio::io_context& io() = 0;
};

/// What the application says when the head is here and the body is not.
struct Admission {
    std::optional<Response> refuse;  // answered without reading the body as a whole
    std::size_t body_max = 0;        // more: 413
    /// Takes the body piece by piece instead of Request::body; a response stops the reading.
    std::function<std::optional<Response>(std::string_view piece)> sink;
    std::shared_ptr<const void> context;
};

class Application {
public:
    virtual ~Application() = default;
    /// On the connection's thread. May fill request.args.
    virtual Admission admit(Request& request) = 0;
    virtual void handle(std::shared_ptr<Exchange> exchange) = 0;
    /// A request that could not be understood (400, 408, 413, 431, ...) or an exchange that nobody
    /// answered (503), in this listener's form.
    virtual Response fail(int status, std::string_view detail, std::string_view request_id) = 0;
    /// Once an answer, for logs and metrics. `bytes` of the body.
    virtual void answered(const Request& request,
                          const std::shared_ptr<const void>& context,
                          int status,
                          std::chrono::microseconds took) {
        (void)request, (void)context, (void)status, (void)took;
    }
};

struct HttpLimits {
    std::size_t head_bytes = 65536, head_fields = 100, target_bytes = 8192;
    std::chrono::milliseconds handshake{10000}, head{10000}, idle{75000}, handling{60000};
    /// A body may be this slow: `grace` and a second for each `body_rate` bytes received.
    std::chrono::milliseconds body_grace{10000};
    std::size_t body_rate = 4096;
    std::chrono::milliseconds write{30000};        // and the same rate
    std::size_t stream_waiting_bytes = 4U << 20U;  // a watcher that reads no more is let go
};

/// Status line and fields, up to and with the empty line. `length`: nothing means chunked.
std::string format_head(const Response& response,
                        const Request& request,
                        std::optional<std::size_t> length,
                        bool keep_alive,
                        bool secure);
std::string_view reason(int status);
/// The client's own id if it is sane (1-64 of letters, digits, "-_."), else a new one.
std::string request_id(std::string_view said);

}  // namespace tocsin::api
