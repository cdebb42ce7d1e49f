#include "channels/cell_broadcast/cbsp/air.hpp"
#include "channels/cell_broadcast/cbsp/centre.hpp"
#include "channels/cell_broadcast/cbsp/keeper.hpp"
#include "server/base/log.hpp"
#include "server/contract/catalogue.hpp"
#include "server/contract/loop.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/multicast.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <random>

namespace tocsin::cbsp {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp, asio::ip::udp;
using namespace contract;
using Error = boost::system::error_code;

constexpr auto tick_every = std::chrono::milliseconds(20);
constexpr std::size_t read_octets = 64 * 1024, datagram_octets = 2048;
constexpr int unacknowledged_ms = 20'000;

Jitter random_jitter() {
    return [random = std::mt19937_64(std::random_device{}())]() mutable {
        return std::uniform_real_distribution<double>(0, 1)(random);
    };
}

class Link;

/// The socket of one controller: reads, writes, nothing else. A dead peer is noticed by the kernel
/// too, for a controller takes a new connection only when the old one is gone.
class Wire : public std::enable_shared_from_this<Wire> {
public:
    Wire(asio::io_context& io, Link& link, std::size_t index)
        : link_(&link), index_(index), socket_(io), resolver_(io) {}

    void connect(const std::string& host, std::uint16_t port);
    void adopt(tcp::socket socket);
    void send(std::string bytes);
    void close();
    void abandon() { link_ = nullptr, close(); }
    bool open() const { return open_; }

private:
    void opened();
    void read();
    void write();
    void broke(const std::string& why);
    template <class Act> auto guarded(Act act) {
        return [self = shared_from_this(), life = life_, act](Error error, auto... rest) {
            if (self->link_ && self->life_ == life) act(error, rest...);
        };
    }

    Link* link_;
    std::size_t index_;
    tcp::socket socket_;
    tcp::resolver resolver_;
    std::string waiting_, going_, room_ = std::string(read_octets, '\0');
    int life_ = 0;
    bool open_ = false, writing_ = false;
};

/// Where controllers dial in; who it is is told by its address, if several share the door.
class Door : public std::enable_shared_from_this<Door> {
public:
    Door(asio::io_context& io, Link& link) : link_(&link), acceptor_(io) {}
    std::string open(const std::string& address);  // empty, or why not
    void add(std::string host, std::size_t index) { who_.push_back({std::move(host), index}); }
    void abandon() {
        link_ = nullptr;
        Error ignored;
        acceptor_.close(ignored);
    }

private:
    void wait();
    struct Who {
        std::string host;
        std::size_t index;
    };
    Link* link_;
    tcp::acceptor acceptor_;
    std::vector<Who> who_;
};

/// The receiver's datagrams.
class Antenna : public std::enable_shared_from_this<Antenna> {
public:
    Antenna(asio::io_context& io, Link& link) : link_(&link), socket_(io) {}
    std::string open(const HostPort& at, const std::string& own);  // empty, or why not
    void abandon() {
        link_ = nullptr;
        Error ignored;
        socket_.close(ignored);
    }

private:
    void wait();
    Link* link_;
    udp::socket socket_;
    Ear ear_;
    std::array<char, datagram_octets> room_{};
};

class Link final : public Channel {
public:
    Link(Setup setup, const CellsFile& file, std::optional<State> state, Loop& loop, Desk& desk)
        : setup_(std::move(setup)),
          io_(loop.io),
          desk_(desk),
          centre_(setup_, file, std::move(state), desk, random_jitter()),
          timer_(std::make_shared<asio::steady_timer>(io_)) {
        if (!setup_.state.empty()) keeper_.emplace(setup_.state);
        for (std::size_t i = 0; i < centre_.size(); ++i)
            wires_.push_back(std::make_shared<Wire>(io_, *this, i));
    }
    ~Link() override {
        close();
        for (auto& wire : wires_) wire->abandon();
    }

    /// Doors and antenna that cannot open are the configuration's fault, told at once.
    std::string begin() {
        for (std::size_t i = 0; i < setup_.controllers.size(); ++i) {
            const auto& own = setup_.controllers[i];
            if (own.listen.empty()) continue;
            auto& door = doors_[own.listen];
            if (!door) {
                door = std::make_shared<Door>(io_, *this);
                if (auto why = door->open(own.listen); !why.empty()) return why;
            }
            door->add(own.host, i);
        }
        if (!setup_.air.empty()) {
            antenna_ = std::make_shared<Antenna>(io_, *this);
            if (auto why = antenna_->open(*host_port(setup_.air), setup_.air_interface);
                !why.empty())
                return why;
        }
        desk_.budgets({budget(setup_)});
        centre_.begin(now());
        turn();
        return {};
    }

    void carry(const Order<Live>& order) override {
        centre_.carry(order, now());
        perform();
    }
    void carry(const Order<Drill>& order) override {
        centre_.carry(order, now());
        perform();
    }
    void probe() override {
        centre_.probe(now());
        perform();
    }
    void stop() override {
        centre_.stop();
        close();
    }

    void opened(std::size_t i) {
        centre_.connected(i, now());
        perform();
    }
    void received(std::size_t i, std::string_view bytes) {
        centre_.received(i, bytes, now());
        perform();
    }
    void broke(std::size_t i, const std::string& why) {
        centre_.broke(i, why, now());
        perform();
    }
    void caught(const Caught& caught) {
        centre_.caught(caught, now());
        perform();
    }
    void adopt(std::size_t i, tcp::socket socket) {
        // It dials anew when its old link is dead, whatever we know of that one.
        if (wires_[i]->open()) {
            wires_[i]->close();
            broke(i, "dialled again");
        }
        wires_[i]->adopt(std::move(socket));
    }

    /// One page less of UCS2 text if each page names its language.
    static Budget budget(const Setup& setup) {
        const auto& layout = setup.limits.manner.layout;
        const auto units = cell_broadcast::ucs2_a_page - (layout.name_language ? 1 : 0);
        return {Form::cb, Budget::Unit::ucs2, std::uint32_t(units),
                std::uint32_t(layout.pages_most)};
    }

private:
    void turn() {
        if (closed_) return;
        centre_.tick(now());
        perform();
        timer_->expires_after(tick_every);
        timer_->async_wait([this, timer = timer_, alive = std::weak_ptr<int>(alive_)](Error error) {
            if (!error && alive.lock()) turn();
        });
    }
    void perform() {
        for (const auto i : centre_.take_stirred()) {
            auto& session = centre_.session(i);
            const auto& own = setup_.controllers[i];
            const auto wish = session.wish(now());
            if (wish == Wish::connect && !closed_) wires_[i]->connect(own.host, own.port);
            if (auto bytes = session.take_outbox(); !bytes.empty())
                wires_[i]->send(std::move(bytes));
            if (wish == Wish::close) {
                wires_[i]->close();
                broke(i, "");
            }
        }
        keep();
    }
    void keep() {
        if (!keeper_) return;
        if (auto bytes = centre_.take_state(now())) keeper_->keep(std::move(*bytes));
    }
    /// In order: nothing is withdrawn (scar A8), what is known is kept.
    void close() {
        if (std::exchange(closed_, true)) return;
        timer_->cancel();
        for (auto& [_, door] : doors_) door->abandon();
        if (antenna_) antenna_->abandon();
        for (auto& wire : wires_) wire->close();
        if (auto bytes = keeper_ ? centre_.take_state(Instant::max()) : std::nullopt)
            keeper_->keep(std::move(*bytes));
        keeper_.reset();
    }

    Setup setup_;
    asio::io_context& io_;
    Desk& desk_;
    Centre centre_;
    std::vector<std::shared_ptr<Wire>> wires_;
    std::map<std::string, std::shared_ptr<Door>> doors_;
    std::shared_ptr<Antenna> antenna_;
    std::shared_ptr<asio::steady_timer> timer_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
    std::optional<Keeper> keeper_;
    bool closed_ = false;
};

void Wire::connect(const std::string& host, std::uint16_t port) {
    close();
    resolver_.async_resolve(
        host, std::to_string(port), guarded([this](Error error, const auto&... found) {
            if (error) return broke(error.message());
            asio::async_connect(socket_, found..., guarded([this](Error failed, const auto&...) {
                                    failed ? broke(failed.message()) : opened();
                                }));
        }));
}

void Wire::adopt(tcp::socket socket) {
    close();
    socket_ = std::move(socket);
    opened();
}

void Wire::opened() {
    open_ = true;
    Error ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.set_option(asio::socket_base::keep_alive(true), ignored);
    setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms,
               sizeof unacknowledged_ms);
    read();
    link_->opened(index_);
}

void Wire::read() {
    socket_.async_read_some(asio::buffer(room_), guarded([this](Error error, std::size_t count) {
                                if (error) return broke(error.message());
                                const auto life = life_;
                                link_->received(index_, {room_.data(), count});
                                if (life == life_ && link_) read();
                            }));
}

void Wire::send(std::string bytes) {
    if (!open_) return;
    waiting_ += bytes;
    write();
}

void Wire::write() {
    if (writing_ || waiting_.empty()) return;
    writing_ = true;
    going_ = std::exchange(waiting_, {});
    asio::async_write(socket_, asio::buffer(going_), guarded([this](Error error, std::size_t) {
                          writing_ = false;
                          error ? broke(error.message()) : write();
                      }));
}

void Wire::close() {
    ++life_;
    open_ = writing_ = false;
    waiting_.clear();
    resolver_.cancel();
    Error ignored;
    socket_.close(ignored);
}

void Wire::broke(const std::string& why) {
    close();
    link_->broke(index_, why);
}

std::string Door::open(const std::string& address) {
    const auto at = host_port(address);
    Error error;
    const auto own = asio::ip::make_address(at->host, error);
    if (error) return fmt::format("{} is no address to listen at", address);
    const tcp::endpoint where(own, at->port);
    acceptor_.open(where.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(where, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return fmt::format("cannot listen at {}: {}", address, error.message());
    wait();
    return {};
}

void Door::wait() {
    acceptor_.async_accept([self = shared_from_this()](Error error, tcp::socket socket) {
        if (!self->link_) return;
        if (error) return log::error("cbsp.accept", {{"why", error.message()}});
        Error unknown;
        const std::string from = socket.remote_endpoint(unknown).address().to_string();
        const auto who = std::ranges::find_if(
            self->who_, [&](const Who& one) { return one.host.empty() || one.host == from; });
        if (who == self->who_.end())
            log::warn("cbsp.stranger", {{"from", from}});
        else
            self->link_->adopt(who->index, std::move(socket));
        if (self->link_) self->wait();
    });
}

std::string Antenna::open(const HostPort& at, const std::string& own) {
    Error error;
    const auto address = asio::ip::make_address(at.host, error);
    if (error) return fmt::format("{} is no address to listen at", at.host);
    const udp::endpoint where(address, at.port);
    socket_.open(where.protocol(), error);
    if (!error) socket_.set_option(udp::socket::reuse_address(true), error);
    if (!error) socket_.bind(where, error);
    if (!error && address.is_v4() && address.is_multicast()) {
        const auto interface =
            own.empty() ? asio::ip::address_v4::any() : asio::ip::make_address_v4(own, error);
        if (!error)
            socket_.set_option(asio::ip::multicast::join_group(address.to_v4(), interface), error);
    }
    if (error) return fmt::format("cannot listen at {}:{}: {}", at.host, at.port, error.message());
    wait();
    return {};
}

void Antenna::wait() {
    socket_.async_receive(
        asio::buffer(room_), [self = shared_from_this()](Error error, std::size_t count) {
            if (!self->link_ || error == asio::error::operation_aborted) return;
            if (!error)
                if (const auto caught = self->ear_.datagram({self->room_.data(), count}))
                    self->link_->caught(*caught);
            if (self->link_) self->wait();
        });
}

// The static promise; the desk is told the endpoint's own when it opens.
constexpr Budget budgets_[] = {{Form::cb, Budget::Unit::ucs2, 41, 15}};

/// Nothing: no file yet, or none that can be read (then it is said, and all comes again).
std::optional<State> earlier(const std::filesystem::path& file) {
    if (file.empty()) return std::nullopt;
    auto bytes = read_whole(file);
    if (bytes && !*bytes) return std::nullopt;
    auto state = bytes ? unpack(**bytes) : Result<State>(bytes.error());
    if (state) return std::move(*state);
    log::error("cbsp.state_lost", {{"why", state.error().what}});
    return std::nullopt;
}

}  // namespace

constexpr Radio radios_[] = {Radio::gsm};
extern const Capabilities capabilities;
const Capabilities capabilities{budgets_, Said::verified,  true,   true, false, false,
                                true,     Depth::terminal, radios_};

Result<std::unique_ptr<Channel>> open(const Settings& settings, Loop& loop, Desk& desk) {
    auto setup = read_setup(settings);
    if (!setup) return setup.error();
    auto file = load_cells(setup->cells);
    if (!file) return std::move(file).error().during("opening cells");
    auto state = earlier(setup->state);
    auto link = std::make_unique<Link>(std::move(*setup), *file, std::move(state), loop, desk);
    if (auto why = link->begin(); !why.empty()) return Fault{Cause::refused, std::move(why)};
    return std::unique_ptr<Channel>(std::move(link));
}

}  // namespace tocsin::cbsp
