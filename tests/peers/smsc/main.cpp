#include "tests/peers/smsc/center.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace tocsin::smsc {
namespace {

/// Sockets, signals and the tick around a Center: one read of up to 256 KiB, all PDUs in it
/// answered into one buffer, one write.
class Server {
public:
    explicit Server(const Options& options) : options_(options), book_(options) {}

    int run() {
        epoll_ = epoll_create1(EPOLL_CLOEXEC);
        if (!listen() || !take_signals() || !start_tick()) return 2;
        while (!ending_) {
            epoll_event events[64];
            const int count = epoll_wait(epoll_, events, 64, -1);
            for (int i = 0; i < count; ++i) happened(events[i].data.fd, events[i].events);
        }
        say_summary();
        return book_.violations == 0 ? 0 : 1;
    }

private:
    static std::uint64_t now() {
        timespec time{};
        clock_gettime(CLOCK_REALTIME, &time);
        return std::uint64_t(time.tv_sec) * 1000 + std::uint64_t(time.tv_nsec) / 1'000'000;
    }
    void watch(int fd, std::uint32_t how = EPOLLIN) {
        epoll_event event{};
        event.events = how;
        event.data.fd = fd;
        epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    }
    bool listen() {
        listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        const int on = 1;
        setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(options_.port);
        if (inet_pton(AF_INET, options_.address.c_str(), &address.sin_addr) != 1 ||
            bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(listener_, 128) != 0)
            return fmt::print(stderr, "cannot listen on {}:{}\n", options_.address, options_.port),
                   false;
        socklen_t size = sizeof address;
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        fmt::print("port {}\n", ntohs(address.sin_port));
        std::fflush(stdout);
        watch(listener_);
        return true;
    }
    bool take_signals() {
        sigset_t set;
        sigemptyset(&set);
        for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&set, signal);
        sigprocmask(SIG_BLOCK, &set, nullptr);
        signal(SIGPIPE, SIG_IGN);
        signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        watch(signals_);
        return signals_ >= 0;
    }
    bool start_tick() {
        timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        const timespec every{0, long(options_.tick_ms % 1000) * 1'000'000};
        const itimerspec spec{options_.tick_ms == 1000 ? timespec{1, 0} : every,
                              options_.tick_ms == 1000 ? timespec{1, 0} : every};
        timerfd_settime(timer_, 0, &spec, nullptr);
        watch(timer_);
        return timer_ >= 0;
    }
    void happened(int fd, std::uint32_t what) {
        if (fd == listener_) return accept();
        if (fd == signals_) return signalled();
        if (fd == timer_) return tick();
        if (what & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) hung_up_.insert(fd);
        readable_.push_back(fd);  // served by the tick: so batches stay large
    }
    void signalled() {
        signalfd_siginfo info{};
        while (read(signals_, &info, sizeof info) == sizeof info) {
            if (info.ssi_signo == SIGUSR1)
                say_summary();
            else
                ending_ = true;
        }
    }
    void say_summary() {
        fmt::print("{}\n", book_.summary());
        std::fflush(stdout);
    }
    void accept() {
        while (true) {
            const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) return;
            const int on = 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            links_[fd] = center_.opened();
            watch(fd, EPOLLIN | EPOLLRDHUP | EPOLLET);  // told once of what came since
        }
    }
    void tick() {
        std::uint64_t expirations = 0;
        if (read(timer_, &expirations, sizeof expirations) < 0) return;
        const auto at = now();
        center_.tick(at);
        std::ranges::sort(readable_);
        const auto twice = std::ranges::unique(readable_);
        readable_.erase(twice.begin(), twice.end());
        for (const int fd : std::exchange(readable_, {}))
            if (links_.contains(fd) && take(fd, at)) readable_.push_back(fd);
        all_.clear();
        for (const auto& [fd, link] : links_) all_.push_back(fd);
        for (const int fd : all_) send(fd);
    }
    /// True: there may be more to read.
    bool take(int fd, std::uint64_t at) {
        const auto link = links_.at(fd);
        for (int i = 0; i < 8 && reads(link); ++i) {
            const auto count = read(fd, room_.data(), room_.size());
            if (count < 0 && errno == EAGAIN) return false;
            if (count <= 0) return end(fd), false;
            ++book_.reads;
            book_.bytes_in += std::uint64_t(count);
            if (center_.fate(link) == Fate::silent) continue;  // a dead program on a live host
            center_.received(link, {room_.data(), std::size_t(count)}, at);
            // Less than there was room for is all; but an end behind it has been told of already.
            if (std::size_t(count) < room_.size() && !hung_up_.contains(fd)) return false;
        }
        return reads(link);
    }
    bool reads(std::uint32_t link) const {
        return center_.fate(link) == Fate::stays || center_.fate(link) == Fate::silent;
    }
    void send(int fd) {
        const auto link = links_.at(fd);
        const auto fate = center_.fate(link);
        auto& out = center_.outgoing(link);
        if (fate == Fate::silent) return;
        if (fate == Fate::resets) {
            const linger now_and_hard{1, 0};
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &now_and_hard, sizeof now_and_hard);
            return end(fd);
        }
        if (!out.empty()) {
            const auto count = write(fd, out.data(), out.size());
            if (count < 0 && errno != EAGAIN) return end(fd);
            if (count > 0) {
                ++book_.writes;
                book_.bytes_out += std::uint64_t(count);
                out.erase(0, std::size_t(count));
            }
        }
        if (fate == Fate::closes_when_sent && out.empty()) end(fd);
    }
    void end(int fd) {
        center_.closed(links_.at(fd));
        links_.erase(fd);
        hung_up_.erase(fd);
        close(fd);
    }

    const Options& options_;
    Book book_;
    Center center_{options_, book_};
    int epoll_ = -1, listener_ = -1, signals_ = -1, timer_ = -1;
    bool ending_ = false;
    std::unordered_map<int, std::uint32_t> links_;
    std::vector<int> readable_, all_;
    std::unordered_set<int> hung_up_;
    std::string room_ = std::string(256 * 1024, '\0');
};

}  // namespace
}  // namespace tocsin::smsc

int main(int count, char** arguments) {
    using namespace tocsin::smsc;
    const std::vector<std::string> list(arguments + 1, arguments + count);
    if (std::ranges::find(list, "--help") != list.end()) {
        fmt::print("{}", help);
        return 0;
    }
    std::string why;
    const auto options = parse_options(list, why);
    if (!options) {
        fmt::print(stderr, "tocsin-smsc: {}\n{}", why, help);
        return 2;
    }
    return Server(*options).run();
}
