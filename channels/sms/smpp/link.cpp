#include "channels/sms/shared/tls.hpp"
#include "channels/sms/smpp/session.hpp"
#include "server/base/log.hpp"
#include "server/contract/catalogue.hpp"
#include "server/contract/loop.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <random>

namespace tocsin::smpp {

using sms::Tls, sms::TlsContext;
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace contract;

constexpr std::size_t read_bytes = 256 * 1024;
constexpr int reads_a_tick = 8;  // 2 MiB: more than a tick of any real link
constexpr int unacknowledged_ms = 30'000;

/// The socket of one session. Reads and writes only in tick(): reacting to every readable event
/// costs ten times the CPU, as batches shrink to single messages.
class Wire : public std::enable_shared_from_this<Wire> {
public:
    Wire(asio::io_context& io, Session& session, std::shared_ptr<TlsContext> tls)
        : io_(io), session_(&session), tls_context_(std::move(tls)) {}

    void connect(const std::string& host, std::uint16_t port) {
        const auto attempt = ++attempt_;
        resolver_.emplace(io_);
        socket_.emplace(io_);
        if (tls_context_) tls_ = std::make_unique<Tls>(tls_context_, host);
        resolver_->async_resolve(
            host, std::to_string(port),
            [self = shared_from_this(), attempt](auto error, const auto& found) {
                if (self->stale(attempt)) return;
                if (error) return self->note(error.message());
                asio::async_connect(*self->socket_, found,
                                    [self, attempt](auto failed, const tcp::endpoint&) {
                                        if (self->stale(attempt)) return;
                                        failed ? self->note(failed.message()) : self->opened();
                                    });
            });
    }
    void close() {
        ++attempt_;
        open_ = ready_ = false;
        sealed_.clear();
        tls_.reset();
        resolver_.reset();
        socket_.reset();
    }
    void abandon() {
        close();
        session_ = nullptr;
    }

    void read(Instant now) {
        if (open_ && !ready_) get_ready(now);
        for (int i = 0; open_ && i < reads_a_tick && session_->may_read(); ++i) {
            boost::system::error_code error;
            const auto count = socket_->read_some(asio::buffer(room_), error);
            if (error == asio::error::would_block) break;
            if (error) note(error.message());
            if (!failure_.empty()) break;
            took({room_.data(), count}, now);
            if (count < room_.size()) break;
        }
        if (!failure_.empty()) broke(now);
    }
    void write(Instant now) {
        auto& outbox = session_->outbox();
        if (tls_ && open_) {
            seal(outbox);
            sealed_.erase(0, sent(sealed_));
        } else if (open_ && !outbox.waiting().empty()) {
            outbox.sent(sent(outbox.waiting()));
        }
        if (!failure_.empty()) broke(now);
    }

private:
    bool stale(int attempt) const { return attempt != attempt_ || !session_; }
    /// With TLS the session hears of the connection when the peer is proven.
    void get_ready(Instant now) {
        if (tls_) {
            const auto shaken = tls_->shake();
            if (!shaken) return note(shaken.error().what);
            if (!*shaken) return;
        }
        ready_ = true;
        session_->connected(now);
    }
    void took(std::string_view bytes, Instant now) {
        if (!tls_) return session_->received(bytes, now);
        tls_->brought(bytes);
        if (!ready_) get_ready(now);
        while (ready_ && failure_.empty()) {
            const auto count = tls_->read(plain_);
            if (!count) return note(count.error().what);
            if (*count == 0) return;
            session_->received({plain_.data(), *count}, now);
        }
    }
    void seal(Outbox& outbox) {
        while (ready_ && !outbox.waiting().empty() && sealed_.size() < read_bytes) {
            const auto count = tls_->write(outbox.waiting());
            if (!count) return note(count.error().what);
            if (*count == 0) break;
            outbox.sent(*count);
            sealed_ += tls_->take();
        }
        sealed_ += tls_->take();  // handshake and alerts as well
    }
    /// How many the socket took.
    std::size_t sent(std::string_view bytes) {
        std::size_t all = 0;
        while (all < bytes.size()) {
            boost::system::error_code error;
            all += socket_->write_some(asio::buffer(bytes.data() + all, bytes.size() - all), error);
            if (error == asio::error::would_block) break;
            if (error) {
                note(error.message());
                break;
            }
        }
        return all;
    }
    void note(std::string why) { failure_ = std::move(why); }
    void broke(Instant now) {
        close();
        session_->broke(std::exchange(failure_, {}), now);
    }
    void opened() {
        boost::system::error_code error;
        socket_->non_blocking(true, error);
        if (!error) socket_->set_option(tcp::no_delay(true), error);
        if (!error) socket_->set_option(asio::socket_base::keep_alive(true), error);
        if (error) return note(error.message());
        ::setsockopt(socket_->native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms,
                     sizeof unacknowledged_ms);
        open_ = true;
    }

    asio::io_context& io_;
    Session* session_;
    std::optional<tcp::resolver> resolver_;
    std::optional<tcp::socket> socket_;
    std::shared_ptr<TlsContext> tls_context_;
    std::unique_ptr<Tls> tls_;
    std::string failure_, room_ = std::string(read_bytes, '\0');
    std::string plain_ = std::string(16 * 1024, '\0'), sealed_;  // a TLS record; for the socket
    int attempt_ = 0;
    bool open_ = false, ready_ = false;  // connected; and the peer proven
};

Jitter random_jitter() {
    return [random = std::mt19937_64(std::random_device{}())]() mutable {
        return std::uniform_real_distribution<double>(0, 1)(random);
    };
}

class Link final : public BulkChannel {
public:
    Link(Setup setup, Loop& loop, BulkDesk& desk, std::shared_ptr<TlsContext> tls)
        : setup_(std::move(setup)),
          session_(setup_, desk, random_jitter()),
          wire_(std::make_shared<Wire>(loop.io, session_, std::move(tls))) {
        desk.budgets({{Form::sms, Budget::Unit::ucs2, 70, setup_.pages}});
        desk.link(LinkState::down, std::nullopt);
    }
    ~Link() override { wire_->abandon(); }

    void carry(const Order<Live>& order) override { session_.carry(*order, false); }
    void carry(const Order<Drill>& order) override { session_.carry(*order, true); }
    void probe() override { session_.probe(); }
    void stop() override { session_.stop(); }
    void durable(Ticket up_to) override { session_.durable(up_to); }

    void tick(Instant now) override {
        wire_->read(now);
        session_.tick(now);
        if (session_.wish() == Wish::connect) wire_->connect(setup_.host, setup_.port);
        wire_->write(now);
        if (session_.wish() == Wish::close) {
            wire_->close();
            session_.broke("closed", now);
        }
    }

private:
    Setup setup_;
    Session session_;
    std::shared_ptr<Wire> wire_;
};

// The static promise; the desk is told the endpoint's own number of pages when it opens.
constexpr Budget budgets_[] = {{Form::sms, Budget::Unit::ucs2, 70, 3}};

}  // namespace

extern const Capabilities capabilities;
const Capabilities capabilities{budgets_, Said::delivered, false, true,
                                true,     false,           true,  Depth::terminal};

Result<std::unique_ptr<Channel>> open(const Settings& settings, Loop& loop, Desk& desk) {
    auto setup = read_setup(settings);
    if (!setup) return setup.error();
    std::shared_ptr<TlsContext> tls;
    if (setup->tls) {
        auto made = TlsContext::client(setup->tls_ca);
        if (!made) return std::move(made).error().during("opening tls_ca");
        tls = std::move(*made);
    }
    return std::unique_ptr<Channel>(
        new Link(std::move(*setup), loop, static_cast<BulkDesk&>(desk), std::move(tls)));
}

}  // namespace tocsin::smpp
