#include "channels/sms/shared/exchange.hpp"

#include "server/contract/loop.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <random>

namespace tocsin::sms {
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
    Wire(asio::io_context& io, Session& session, std::shared_ptr<TlsContext> tls, std::string& room)
        : io_(io), session_(&session), tls_context_(std::move(tls)), room_(room) {}

    void connect(const std::string& host, std::uint16_t port) {
        const auto attempt = ++attempt_;
        resolver_.emplace(io_);
        socket_.emplace(io_);
        if (tls_context_) {
            tls_ = std::make_unique<Tls>(tls_context_, host);
            plain_.resize(16 * 1024);
        }
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
        flush();
        if (!failure_.empty()) broke(now);
    }
    /// A failure waits for the next tick: the caller may be in the middle of something.
    void flush() {
        if (!failure_.empty()) return;
        auto& outbox = session_->outbox();
        if (tls_ && open_) {
            seal(outbox);
            sealed_.erase(0, sent(sealed_));
        } else if (open_ && !outbox.waiting().empty()) {
            outbox.sent(sent(outbox.waiting()));
        }
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
    std::string failure_;
    std::string& room_;
    std::string plain_, sealed_;  // a TLS record; for the socket
    int attempt_ = 0;
    bool open_ = false, ready_ = false;  // connected; and the peer proven
};

Jitter random_jitter() {
    return [random = std::mt19937_64(std::random_device{}())]() mutable {
        return std::uniform_real_distribution<double>(0, 1)(random);
    };
}

class Exchange final : public BulkChannel {
public:
    Exchange(OfficeSetup setup,
             std::vector<Place> places,
             std::unique_ptr<Protocol> protocol,
             std::vector<Budget> budgets,
             Loop& loop,
             BulkDesk& desk)
        : places_(std::move(places)),
          protocol_(std::move(protocol)),
          office_(std::move(setup), desk, *protocol_, random_jitter()) {
        for (std::size_t i = 0; i < office_.sessions(); ++i)
            wires_.push_back(std::make_shared<Wire>(loop.io, office_.session(i),
                                                    places_[office_.link_of(i)].tls, room_));
        desk.budgets(std::move(budgets));
        desk.link(LinkState::down, std::nullopt);
    }
    ~Exchange() override {
        for (auto& wire : wires_) wire->abandon();
    }

    void carry(const Order<Live>& order) override { office_.carry(*order, false); }
    void carry(const Order<Drill>& order) override { office_.carry(*order, true); }
    void probe() override { office_.probe(); }
    void stop() override { office_.stop(); }
    void durable(Ticket up_to) override {
        office_.durable(up_to);
        // A peer that waits for just this need not wait for the next tick too.
        for (std::size_t i = 0; i < wires_.size(); ++i)
            if (office_.session(i).held_back()) wires_[i]->flush();
    }

    void tick(Instant now) override {
        for (auto& wire : wires_) wire->read(now);
        office_.tick(now);
        for (std::size_t i = 0; i < wires_.size(); ++i) {
            auto& session = office_.session(i);
            const auto& place = places_[office_.link_of(i)];
            if (session.wish() == Wish::connect) wires_[i]->connect(place.host, place.port);
            wires_[i]->write(now);
            if (session.wish() != Wish::close) continue;
            wires_[i]->close();
            session.broke("closed", now);
        }
    }

private:
    std::vector<Place> places_;
    std::unique_ptr<Protocol> protocol_;
    Office office_;
    std::string room_ = std::string(read_bytes, '\0');  // all wires read into it, one at a time
    std::vector<std::shared_ptr<Wire>> wires_;
};

}  // namespace

std::unique_ptr<BulkChannel> make_exchange(OfficeSetup setup,
                                           std::vector<Place> places,
                                           std::unique_ptr<Protocol> protocol,
                                           std::vector<Budget> budgets,
                                           Loop& loop,
                                           BulkDesk& desk) {
    return std::make_unique<Exchange>(std::move(setup), std::move(places), std::move(protocol),
                                      std::move(budgets), loop, desk);
}

}  // namespace tocsin::sms
