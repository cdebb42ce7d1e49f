// A bare SMPP client, the ceiling that the SMS path is measured against: one bind, a window of
// prepared submit_sm, receipts found in a hash table and answered. No store, no plan, no clock.
//
//   bench-window PORT MESSAGES WINDOW       prints one JSON line
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <iostream>
#include <unordered_map>

namespace {

using Clock = std::chrono::steady_clock;

void put32(std::string& out, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) out += char(value >> shift);
}

std::uint32_t get32(const char* at) {
    std::uint32_t value;
    std::memcpy(&value, at, 4);
    return ntohl(value);
}

std::string pdu(std::uint32_t id, std::uint32_t sequence, std::string_view body) {
    std::string out;
    put32(out, std::uint32_t(16 + body.size()));
    put32(out, id);
    put32(out, 0);
    put32(out, sequence);
    return out += body;
}

std::string submit_body(std::uint64_t number) {
    std::string body;
    body += std::string(
                "\0\0\0"
                "12379\0\1\1",
                11) +
            std::to_string(number) + '\0';
    body += std::string(
        "\0\0\3\0\0\1\0\x08\0",
        9);  // esm, pid, priority, schedule, validity, receipt, replace, UCS2, default id
    body += char(140);
    for (int i = 0; i < 70; ++i) body += "\x66\xb4";
    return body;
}

std::string_view id_in(std::string_view receipt) {
    const auto at = receipt.find("id:");
    if (at == receipt.npos) return {};
    const auto rest = receipt.substr(at + 3);
    return rest.substr(0, rest.find(' '));
}

struct Client {
    int fd;
    std::uint64_t messages, window, sent = 0, answered = 0, receipts = 0, unmatched = 0;
    std::uint32_t sequence = 1;
    std::string in = {}, out = {};
    std::unordered_map<std::string, std::uint64_t> ids = {};

    void fill() {
        while (sent < messages && sent - answered < window)
            out += pdu(4, ++sequence, submit_body(8613800000000 + sent++));
    }
    void take(std::string_view whole) {
        const auto id = get32(whole.data() + 4), number = get32(whole.data() + 12);
        if (id == 0x80000004U)
            ++answered, ids.emplace(whole.substr(16, whole.size() - 17), answered);
        if (id == 0x15) out += pdu(0x80000015U, number, "");
        if (id != 5) return;
        out += pdu(0x80000005U, number, std::string_view("\0", 1));
        ++receipts;
        if (!ids.contains(std::string(id_in(whole)))) ++unmatched;
    }
    bool read() {
        char piece[65536];
        const auto count = ::recv(fd, piece, sizeof piece, 0);
        if (count <= 0) return false;
        in.append(piece, std::size_t(count));
        std::size_t at = 0;
        while (in.size() - at >= 16 && in.size() - at >= get32(in.data() + at)) {
            const auto length = get32(in.data() + at);
            take(std::string_view(in).substr(at, length));
            at += length;
        }
        in.erase(0, at);
        return true;
    }
    bool write() {
        while (!out.empty()) {
            const auto count = ::send(fd, out.data(), out.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
            if (count <= 0) return errno == EAGAIN;
            out.erase(0, std::size_t(count));
        }
        return true;
    }
};

double cpu_s() {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return double(t.tv_sec) + double(t.tv_nsec) / 1e9;
}

}  // namespace

int main(int count, char** words) {
    if (count != 4) return std::cerr << "bench-window PORT MESSAGES WINDOW\n", 2;
    Client client{::socket(AF_INET, SOCK_STREAM, 0), std::stoull(words[2]), std::stoull(words[3])};
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(std::uint16_t(std::stoi(words[1])));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(client.fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
        return std::cerr << "no SMSC\n", 1;
    const int on = 1;
    ::setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    client.out = pdu(9, 1, std::string_view("tocsin\0secret\0\0\x34\0\0\0", 19));
    client.write();
    if (!client.read()) return std::cerr << "no bind\n", 1;
    const auto begun = Clock::now();
    const auto cpu = cpu_s();
    while (client.receipts < client.messages) {
        client.fill();
        if (!client.write()) return std::cerr << "link lost\n", 1;
        pollfd wait{client.fd, short(POLLIN | (client.out.empty() ? 0 : POLLOUT)), 0};
        if (::poll(&wait, 1, 10000) <= 0) return std::cerr << "silent\n", 1;
        if ((wait.revents & POLLIN) != 0 && !client.read()) return std::cerr << "link lost\n", 1;
    }
    const auto took = std::chrono::duration<double>(Clock::now() - begun).count();
    std::cout << fmt::format("{{\"per_second\": {:.0f}, \"cpu_us\": {:.2f}, \"unmatched\": {}}}\n",
                             double(client.messages) / took,
                             (cpu_s() - cpu) * 1e6 / double(client.messages), client.unmatched);
    ::close(client.fd);
}
