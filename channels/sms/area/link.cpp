#include "channels/sms/area/session.hpp"
#include "channels/sms/shared/tls.hpp"
#include "server/contract/catalogue.hpp"
#include "server/contract/loop.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <random>

namespace tocsin::smpp_area {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace contract;
using sms::Tls, sms::TlsContext;

constexpr int unacknowledged_ms = 30'000;

/// The socket of one session, its timer, and no decision. After every event the session is asked what
/// is due, what to write, and when to ask again.
class Wire : public std::enable_shared_from_this<Wire> {
public:
    Wire(asio::io_context& io,
         const Setup& setup,
         Session& session,
         std::shared_ptr<TlsContext> tls)
        : io_(io),
          host_(setup.host),
          port_(setup.port),
          session_(&session),
          tls_context_(std::move(tls)),
          timer_(io) {}

    void abandon() {
        close();
        timer_.cancel();
        session_ = nullptr;
    }
    /// Not from within the caller's call: the desk must hear nothing before it returned.
    void nudge() {
        asio::post(io_, [self = shared_from_this()] { self->pump(); });
    }

private:
    void pump() {
        if (!session_) return;
        session_->step(now());
        obey();
        write();
        arm();
    }
    void obey() {
        const auto wish = session_->wish();
        if (wish == Wish::close) write_last(), close();
        if (wish == Wish::connect) close(), connect();
    }
    void arm() {
        const auto at = now();
        timer_.expires_after(session_->due(at) - at);
        timer_.async_wait([self = shared_from_this()](auto error) {
            if (!error) self->pump();
        });
    }
    void connect() {
        const auto attempt = ++attempt_;
        resolver_.emplace(io_);
        socket_.emplace(io_);
        if (tls_context_) tls_ = std::make_unique<Tls>(tls_context_, host_);
        resolver_->async_resolve(
            host_, std::to_string(port_),
            [self = shared_from_this(), attempt](auto error, const auto& found) {
                if (self->stale(attempt)) return;
                if (error) return self->broke(error.message());
                asio::async_connect(*self->socket_, found,
                                    [self, attempt](auto failed, const tcp::endpoint&) {
                                        if (self->stale(attempt)) return;
                                        failed ? self->broke(failed.message()) : self->opened();
                                    });
            });
    }
    void close() {
        ++attempt_;
        open_ = ready_ = writing_ = false;
        sealed_.clear();
        tls_.reset();
        resolver_.reset();
        socket_.reset();
    }
    bool stale(int attempt) const { return attempt != attempt_ || !session_; }
    void broke(const std::string& why) {
        close();
        session_->broke(why, now());
        pump();
    }
    void opened() {
        boost::system::error_code error;
        socket_->set_option(tcp::no_delay(true), error);
        if (!error) socket_->set_option(asio::socket_base::keep_alive(true), error);
        if (error) return broke(error.message());
        ::setsockopt(socket_->native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms,
                     sizeof unacknowledged_ms);
        open_ = true;
        if (!get_ready()) return;
        read();
        pump();
    }
    /// With TLS the session hears of the connection when the peer is proven. False: it is gone.
    bool get_ready() {
        if (ready_) return true;
        if (tls_) {
            const auto shaken = tls_->shake();
            if (!shaken) return broke(shaken.error().what), false;
            if (!*shaken) return true;
        }
        ready_ = true;
        session_->connected(now());
        return true;
    }
    void read() {
        socket_->async_read_some(
            asio::buffer(room_),
            [self = shared_from_this(), attempt = attempt_](auto error, std::size_t count) {
                if (self->stale(attempt)) return;
                if (error) return self->broke(error.message());
                if (!self->took({self->room_.data(), count})) return;
                self->pump();
                if (!self->stale(attempt)) self->read();
            });
    }
    bool took(std::string_view bytes) {
        if (!tls_) return session_->received(bytes, now()), true;
        tls_->brought(bytes);
        const auto attempt = attempt_;
        if (!get_ready()) return false;
        while (ready_ && !stale(attempt)) {
            const auto count = tls_->read(plain_);
            if (!count) return broke(count.error().what), false;
            if (*count == 0) break;
            session_->received({plain_.data(), *count}, now());
        }
        return true;
    }
    std::string_view waiting() {
        auto& outbox = session_->outbox();
        if (!tls_) return outbox.waiting();
        while (ready_ && !outbox.waiting().empty()) {
            const auto count = tls_->write(outbox.waiting());
            if (!count || *count == 0) break;
            outbox.sent(*count);
            sealed_ += tls_->take();
        }
        sealed_ += tls_->take();  // handshake and alerts as well
        return sealed_;
    }
    void write() {
        if (!open_ || writing_ || waiting().empty()) return;
        writing_ = true;
        leaving_ = std::string(waiting());
        tls_ ? sealed_.clear() : session_->outbox().sent(leaving_.size());
        asio::async_write(*socket_, asio::buffer(leaving_),
                          [self = shared_from_this(), attempt = attempt_](auto error, std::size_t) {
                              if (self->stale(attempt)) return;
                              self->writing_ = false;
                              error ? self->broke(error.message()) : self->write();
                          });
    }
    /// What still fits on the way out, such as the answer to an unbind.
    void write_last() {
        if (!open_ || writing_ || waiting().empty()) return;
        boost::system::error_code ignored;
        socket_->non_blocking(true, ignored);
        socket_->write_some(asio::buffer(waiting()), ignored);
    }

    asio::io_context& io_;
    const std::string host_;
    const std::uint16_t port_;
    Session* session_;
    std::shared_ptr<TlsContext> tls_context_;
    asio::steady_timer timer_;
    std::optional<tcp::resolver> resolver_;
    std::optional<tcp::socket> socket_;
    std::unique_ptr<Tls> tls_;
    std::string room_ = std::string(16 * 1024, '\0'), plain_ = std::string(16 * 1024, '\0');
    std::string sealed_, leaving_;
    int attempt_ = 0;
    bool open_ = false, ready_ = false, writing_ = false;
};

Jitter random_jitter() {
    return [random = std::mt19937_64(std::random_device{}())]() mutable {
        return std::uniform_real_distribution<double>(0, 1)(random);
    };
}

class Link final : public Channel {
public:
    Link(Setup setup, Loop& loop, Desk& desk, std::shared_ptr<TlsContext> tls)
        : session_(setup, desk, random_jitter()),
          wire_(std::make_shared<Wire>(loop.io, setup, session_, std::move(tls))) {
        desk.budgets({{Form::sms, Budget::Unit::ucs2, 70, setup.pages}});
        desk.link(LinkState::down, std::nullopt);
        wire_->nudge();
    }
    ~Link() override { wire_->abandon(); }

    void carry(const Order<Live>& order) override { carry(*order, false); }
    void carry(const Order<Drill>& order) override { carry(*order, true); }
    void probe() override {
        session_.probe(now());
        wire_->nudge();
    }
    void stop() override {
        session_.stop(now());
        wire_->nudge();
    }

private:
    void carry(const Message& message, bool drill) {
        session_.carry(message, drill, now());
        wire_->nudge();
    }

    Session session_;
    std::shared_ptr<Wire> wire_;
};

// The static promise; the desk is told the endpoint's own number of pages when it opens.
constexpr Budget budgets_[] = {{Form::sms, Budget::Unit::ucs2, 70, 3}};

}  // namespace

extern const Capabilities capabilities;
const Capabilities capabilities{budgets_, Said::on_air, true, true,
                                false,    false,        true, Depth::terminal};

Result<std::unique_ptr<Channel>> open(const Settings& settings, Loop& loop, Desk& desk) {
    auto setup = read_setup(settings);
    if (!setup) return setup.error();
    std::shared_ptr<TlsContext> tls;
    if (setup->tls) {
        auto made = TlsContext::client(setup->tls_ca);
        if (!made) return std::move(made).error().during("opening tls_ca");
        tls = std::move(*made);
    }
    return std::unique_ptr<Channel>(new Link(std::move(*setup), loop, desk, std::move(tls)));
}

}  // namespace tocsin::smpp_area
