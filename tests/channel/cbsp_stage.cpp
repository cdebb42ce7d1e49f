#include "channels/cell_broadcast/cbsp/model_bsc.hpp"
#include "server/base/time.hpp"
#include "tests/channel/stage.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <mutex>
#include <thread>

namespace tocsin::conformance {
namespace {

using cbsp::ModelBsc;
using contract::Said;

constexpr int look_every_ms = 10;
constexpr std::uint16_t cells = 3, first_lac = 1001, first_ci = 101, first_channel = 600;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/// Bound, and nobody else is given the port meanwhile.
int bound(int kind, std::uint16_t& port) {
    const int fd = ::socket(AF_INET, kind | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    auto address = loopback(port);
    socklen_t size = sizeof address;
    ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    return fd;
}

std::vector<cbsp::Place> places() {
    std::vector<cbsp::Place> out;
    for (std::uint16_t i = 0; i < cells; ++i)
        out.push_back({cbsp::plmn(460, 0, false), std::uint16_t(first_lac + i / 2),
                       std::uint16_t(first_ci + i)});
    return out;
}

/// A controller with three cells, and a receiver within earshot of each.
class CbspStage final : public Stage {
public:
    CbspStage()
        : bsc_(places()),
          reserved_(bound(SOCK_STREAM, port_)),
          air_reserved_(bound(SOCK_DGRAM, air_port_)) {
        std::ofstream file(folder_.path / "cells.csv");
        file << "cgi,lon,lat,azimuth,beam,range_m,technology,bsc\n";
        for (const auto& place : places())
            file << fmt::format("460-00-{}-{},116.4,39.9,,360,500,gsm,bsc-1\n", place.lac,
                                place.ci);
    }
    ~CbspStage() override {
        leave();
        ::close(reserved_);
        ::close(air_reserved_);
    }

    std::vector<Unplayed> unplayed() const override {
        return {{Row::facts, "a broadcast carries words; severity and the like stand in them"},
                {Row::repeats, "the same serial is the same message: a phone shows it once"}};
    }
    std::string settings() const override {
        return fmt::format(
            "cells = \"{0}/cells.csv\"\nstate = \"{0}/state\"\ncovers = [\"110105\"]\n"
            "air = \"127.0.0.1:{1}\"\nall_clear = \"5m\"\nstatus_first = \"30ms\"\n"
            "status_max = \"60ms\"\nreconnect = \"100ms\"\nreconnect_max = \"200ms\"\n"
            "[[bsc]]\nname = \"bsc-1\"\nhost = \"127.0.0.1\"\nport = {2}\n",
            folder_.path.string(), air_port_, port_);
    }
    void play(Manner manner) override {
        leave();
        manner_ = manner;
        {
            const std::lock_guard lock(mutex_);
            bsc_.silent = manner == Manner::hangs;
            bsc_.lying = manner == Manner::lies;
            bsc_.refusing.clear();
            if (manner == Manner::refuses)
                for (const auto& place : places())
                    bsc_.refusing[place] = cbsp::cause::not_supported;
            bsc_.first_try_fails.reset();
            if (manner == Manner::busy) bsc_.first_try_fails = cbsp::cause::cell_memory;
        }
        ending_ = false;
        const int listener = bound(SOCK_STREAM, port_);
        ::listen(listener, 4);
        thread_ = std::thread([this, listener] { work(listener); });
    }
    void leave() override {
        ending_ = true;
        if (thread_.joinable()) thread_.join();
    }

    std::vector<Got> got() override {
        const std::lock_guard lock(mutex_);
        return got_;
    }
    /// One an alert: its languages together. Words that say that it is over are not in force.
    std::vector<std::string> shown() override {
        const std::lock_guard lock(mutex_);
        std::map<std::uint16_t, std::set<std::string>> by_code;
        for (const auto& [_, messages] : bsc_.cells)
            for (const auto& [name, stored] : messages)
                if (auto words = read(stored.words).words; !lifts(words))
                    by_code[std::uint16_t(name.second >> 4)].insert(std::move(words));
        std::vector<std::string> out;
        for (const auto& [_, words] : by_code)
            out.push_back(fmt::format("{}", fmt::join(words, " | ")));
        return out;
    }
    Said most(Manner manner) const override {
        return manner == Manner::lies ? Said::accepted : Said::handed;
    }
    std::string own_words(Manner manner) const override {
        return manner == Manner::refuses ? "0x09" : "";
    }
    std::vector<std::string> wrong() override {
        const std::lock_guard lock(mutex_);
        return bsc_.wrong;
    }

private:
    static bool lifts(const std::string& words) {
        return words.find("解除") != words.npos || words.find("lifted") != words.npos;
    }
    void work(int listener) {
        int connection = -1;
        while (!ending_) {
            pollfd wait[] = {{listener, POLLIN, 0}, {connection, POLLIN, 0}};
            ::poll(wait, connection < 0 ? 1 : 2, look_every_ms);
            if (wait[0].revents & POLLIN) {
                const int fresh = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
                if (connection >= 0) ::close(connection);  // the old one is gone by now
                connection = fresh;
                const std::lock_guard lock(mutex_);
                const auto hello = bsc_.connect();
                if (manner_ != Manner::mute) say(connection, hello);
            }
            if (connection >= 0 && (wait[1].revents & (POLLIN | POLLHUP)) && !serve(connection)) {
                ::close(connection);
                connection = -1;
                if (manner_ == Manner::vanishes) break;
            }
            send_air();
        }
        if (connection >= 0) ::close(connection);
        ::close(listener);
    }
    static void say(int connection, const std::string& bytes) {
        if (!bytes.empty()) ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    /// False: the connection is over.
    bool serve(int connection) {
        char room[65536];
        const auto count = ::recv(connection, room, sizeof room, 0);
        if (count <= 0) return false;
        if (manner_ == Manner::mute) return true;
        const std::lock_guard lock(mutex_);
        const auto before = bsc_.seen.size();
        if (manner_ == Manner::vanishes && room[0] == char(cbsp::Type::write_replace)) return false;
        say(connection, bsc_.take({room, std::size_t(count)}));
        for (auto i = before; i < bsc_.seen.size(); ++i) {
            const auto& one = bsc_.seen[i];
            if (one.type != cbsp::Type::write_replace) continue;
            got_.push_back({"everybody in 3 cells", one.words,
                            fmt::format("{}/{:04X}", one.name.first, one.name.second), now(),
                            one.taken});
        }
        return true;
    }
    void send_air() {
        const std::lock_guard lock(mutex_);
        bsc_.broadcast();
        const auto to = loopback(air_port_);
        auto channel = first_channel;
        for (const auto& place : places())
            for (const auto& datagram : bsc_.air(place, channel++))
                ::sendto(air_reserved_, datagram.data(), datagram.size(), 0,
                         reinterpret_cast<const sockaddr*>(&to), sizeof to);
    }

    Folder folder_;
    ModelBsc bsc_;
    std::uint16_t port_ = 0, air_port_ = 0;
    const int reserved_, air_reserved_;
    std::atomic<Manner> manner_{Manner::well};
    std::atomic<bool> ending_{false};
    std::thread thread_;
    std::mutex mutex_;
    std::vector<Got> got_;
};

const Stands here{"cbsp", [] { return std::unique_ptr<Stage>(new CbspStage); }};

}  // namespace
}  // namespace tocsin::conformance
