#include "tests/channel/site.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tocsin::conformance {
namespace {

constexpr int look_every_ms = 20;
constexpr int request_within_ms = 1000;

/// On loopback; port 0 chooses, and says which.
int bound_to(std::uint16_t& port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        ::close(fd);
        return -1;
    }
    port = ntohs(address.sin_port);
    return fd;
}

bool readable(int fd, int within_ms) {
    pollfd wait{fd, POLLIN, 0};
    return ::poll(&wait, 1, within_ms) > 0;
}

std::string request_from(int connection) {
    std::string out;
    char room[4096];
    while (out.find("\r\n\r\n") == out.npos && readable(connection, request_within_ms)) {
        const auto count = ::recv(connection, room, sizeof room, 0);
        if (count <= 0) break;
        out.append(room, std::size_t(count));
    }
    return out;
}

void say(int connection, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto count = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count <= 0) return;
        bytes.remove_prefix(std::size_t(count));
    }
}

void reset(int connection) {
    const linger hard{1, 0};
    ::setsockopt(connection, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

}  // namespace

Site::Site() : reserved_(bound_to(port_)) {}

Site::~Site() {
    leave();
    ::close(reserved_);
}

void Site::play(Manner manner) {
    leave();
    manner_ = manner;
    ending_ = false;
    const int listener = bound_to(port_);
    if (listener >= 0 && ::listen(listener, 16) == 0)
        thread_ = std::thread([this, listener] { work(listener); });
}

void Site::leave() {
    ending_ = true;
    if (thread_.joinable()) thread_.join();
}

void Site::put(const std::string& path, std::string body) {
    const std::lock_guard lock(mutex_);
    if (body.empty())
        documents_.erase(path);
    else
        documents_[path] = std::move(body);
}

void Site::work(int listener) {
    std::vector<int> kept;  // connections that are left waiting
    while (!ending_) {
        if (!readable(listener, look_every_ms)) continue;
        const int connection = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (connection >= 0) serve(connection, kept);
    }
    ::close(listener);
    for (const int connection : kept) ::close(connection);
}

void Site::serve(int connection, std::vector<int>& kept) {
    if (manner_ == Manner::mute) return kept.push_back(connection);
    const auto request = request_from(connection);
    if (manner_ == Manner::hangs) return kept.push_back(connection);
    answer(connection, request);
    ::close(connection);
}

void Site::answer(int connection, const std::string& request) {
    const auto from = request.find(' ') + 1;
    const auto path = request.substr(from, request.find(' ', from) - from);
    const std::lock_guard lock(mutex_);
    const auto at = documents_.find(path);
    if (manner_ == Manner::refuses)
        return say(connection, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    if (at == documents_.end())
        return say(connection, "HTTP/1.1 404 Not here\r\nContent-Length: 0\r\n\r\n");
    auto body = at->second;
    if (manner_ == Manner::lies) body += " ";
    const auto whole =
        fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", body.size(), body);
    if (manner_ != Manner::vanishes) return say(connection, whole);
    say(connection, std::string_view(whole).substr(0, whole.size() - body.size() / 2));
    reset(connection);
}

}  // namespace tocsin::conformance
