#include "tests/peers/cell_broadcast/relay.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <map>

namespace tocsin::peers {
namespace {

constexpr int look_every_ms = 50;
constexpr std::uint16_t cbsp_port = 48049;

sockaddr_in address_of(const std::string& host, std::uint16_t port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    ::inet_pton(AF_INET, host.c_str(), &out.sin_addr);
    return out;
}

void put(std::string& out, std::uint32_t value, int octets, bool little = false) {
    for (int i = 0; i < octets; ++i) out += char(value >> 8 * (little ? i : octets - 1 - i) & 0xFF);
}

/// One TCP segment in one IPv4 packet in one record.
std::string record(bool from_dialler,
                   std::uint16_t dialler_port,
                   std::uint32_t sequence,
                   std::uint32_t acknowledged,
                   const std::string& bytes,
                   std::uint32_t number) {
    std::string packet;
    put(packet, 0x4500, 2);
    put(packet, std::uint32_t(40 + bytes.size()), 2);
    put(packet, number & 0xFFFF, 2);
    put(packet, 0x4000, 2);
    put(packet, 0x4006, 2);  // TTL 64, TCP
    put(packet, 0, 2);       // no checksum
    put(packet, from_dialler ? 0x7F000002 : 0x7F000003, 4);
    put(packet, from_dialler ? 0x7F000003 : 0x7F000002, 4);
    put(packet, from_dialler ? dialler_port : cbsp_port, 2);
    put(packet, from_dialler ? cbsp_port : dialler_port, 2);
    put(packet, sequence, 4);
    put(packet, acknowledged, 4);
    put(packet, 0x5018FFFF, 4);
    put(packet, 0, 4);
    packet += bytes;
    std::string out;
    put(out, number, 4, true);
    put(out, 0, 4, true);
    put(out, std::uint32_t(packet.size()), 4, true);
    put(out, std::uint32_t(packet.size()), 4, true);
    return out + packet;
}

}  // namespace

Relay::Relay(std::string target, std::uint16_t target_port)
    : target_(std::move(target)),
      target_port_(target_port),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    auto own = address_of("127.0.0.1", 0);
    socklen_t size = sizeof own;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&own), size);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&own), &size);
    ::listen(listener_, 8);
    port_ = ntohs(own.sin_port);
    thread_ = std::thread([this] { work(); });
}

Relay::~Relay() {
    ending_ = true;
    thread_.join();
    ::close(listener_);
}

void Relay::cut() { cutting_ = true; }

void Relay::work() {
    for (int conversation = 0; !ending_;) {
        pollfd wait{listener_, POLLIN, 0};
        if (::poll(&wait, 1, look_every_ms) <= 0) continue;
        const int dialler = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        const int target = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const auto there = address_of(target_, target_port_);
        const bool reached =
            ::connect(target, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0;
        cutting_ = false;
        if (reached) carry(conversation++, dialler, target);
        ::close(dialler);
        ::close(target);
    }
}

void Relay::carry(int conversation, int dialler, int target) {
    while (!ending_ && !cutting_) {
        pollfd wait[] = {{dialler, POLLIN, 0}, {target, POLLIN, 0}};
        if (::poll(wait, 2, look_every_ms) <= 0) continue;
        if (wait[0].revents && !pass(dialler, target, conversation, true)) return;
        if (wait[1].revents && !pass(target, dialler, conversation, false)) return;
    }
}

bool Relay::pass(int from, int to, int conversation, bool from_dialler) {
    char room[32768];
    const auto count = ::recv(from, room, sizeof room, 0);
    if (count <= 0) return false;
    {
        const std::lock_guard lock(mutex_);
        chunks_.push_back({conversation, from_dialler, std::string(room, std::size_t(count))});
    }
    return ::send(to, room, std::size_t(count), MSG_NOSIGNAL) == count;
}

void Relay::write_pcap(const std::filesystem::path& file) {
    const std::lock_guard lock(mutex_);
    std::ofstream out(file, std::ios::binary);
    std::string head;
    for (const std::uint32_t word : {0xA1B2C3D4U, 0x00040002U, 0U, 0U, 65535U, 101U})
        put(head, word, 4, true);
    out << head;
    std::map<int, std::pair<std::uint32_t, std::uint32_t>> sequences;
    std::uint32_t number = 1;
    for (const auto& chunk : chunks_) {
        auto& [dialler, target] = sequences.try_emplace(chunk.conversation, 1U, 1U).first->second;
        auto& own = chunk.from_dialler ? dialler : target;
        const auto& other = chunk.from_dialler ? target : dialler;
        out << record(chunk.from_dialler, std::uint16_t(40000 + chunk.conversation), own, other,
                      chunk.bytes, number++);
        own += std::uint32_t(chunk.bytes.size());
    }
}

}  // namespace tocsin::peers
