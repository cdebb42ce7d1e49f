#include "tests/peers/process.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

/// A checker that lets everything pass would make every peer test worthless: each violation must be
/// named, and a clean run must be clean.
namespace tocsin::peers {
namespace {

using namespace std::string_literals;

std::string u32(std::uint32_t value) {
    return {char(value >> 24), char(value >> 16), char(value >> 8), char(value)};
}
std::string pdu(std::uint32_t command,
                std::uint32_t sequence,
                const std::string& body,
                std::uint32_t status = 0) {
    return u32(std::uint32_t(16 + body.size())) + u32(command) + u32(status) + u32(sequence) + body;
}
std::string bind(std::uint32_t sequence = 1) {
    return pdu(9, sequence, "tocsin\0secret\0\0\x34\0\0\0"s);
}

struct Fields {
    std::string source = "12379", destination = "8613800000000", validity = {}, words = "ok",
                tlvs = {};
    char esm = 0, coding = 0;
    int length = -1;
};
std::string submit(const Fields& f, std::uint32_t sequence = 2) {
    const auto length = char(f.length >= 0 ? f.length : int(f.words.size()));
    return pdu(4, sequence,
               "\0\0\1"s + f.source + "\0\1\1"s + f.destination + "\0"s + f.esm + "\0\0\0"s +
                   f.validity + "\0\1\0"s + f.coding + "\0"s + length + f.words + f.tlvs);
}

/// Everything the peer said to these bytes, its summary and exit status.
struct Outcome {
    std::string answer, summary;
    int status;
};
Outcome tell(const std::string& bytes) {
    const auto* program = std::getenv("TOCSIN_SMSC");
    Process peer({program ? program : "tocsin-smsc", "--port", "0"});
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(peer.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(write(fd, bytes.data(), bytes.size()) == ssize_t(bytes.size()));
    shutdown(fd, SHUT_WR);
    Outcome out{};
    char room[4096];
    for (ssize_t count; (count = read(fd, room, sizeof room)) > 0;)
        out.answer.append(room, std::size_t(count));
    close(fd);
    out.summary = peer.end();
    out.status = peer.status();
    return out;
}

TEST_CASE("each violation is named and makes the exit status 1") {
    struct Row {
        const char* named;
        std::string bytes;
    };
    const auto bound = [](const Fields& fields) { return bind() + submit(fields); };
    const std::string udh = "\5\0\3\7\2\1"s;
    const Row rows[] = {
        {"a request before the bind", submit({})},
        {"a second bind", bind() + bind(2)},
        {"a sequence number twice", bind(2) + submit({})},
        {"a sequence number outside", bind() + submit({}, 0x80000000)},
        {"a request with a command_status", bind() + pdu(0x15, 2, "", 1)},
        {"an enquire_link with a body", bind() + pdu(0x15, 2, "x")},
        {"an answer to nothing", bind() + pdu(0x80000004, 2, "1\0"s)},
        {"an answer to no receipt", bind() + pdu(0x80000005, 2, "\0"s)},
        {"a PDU length outside", bind() + u32(15) + "xxxxxxxxxxxx"},
        {"a PDU length outside", bind() + u32(65537) + "xxxxxxxxxxxx"},
        {"source_addr", bound({.source = std::string(21, '1')})},
        {"no E.164", bound({.destination = "+8613800000000"})},
        {"no E.164", bound({.destination = "12"})},
        {"validity_period", bound({.validity = "000000001000000"})},
        {"validity_period", bound({.validity = "00000000100000xR"})},
        {"short_message", bound({.length = 9})},
        {"sm_length above 254", bound({.words = std::string(255, 'x')})},
        {"bytes behind the fields", bound({.tlvs = "xx"})},
        {"a TLV longer", bound({.tlvs = "\x02\x04\0\x09xx"s})},
        {"a TLV of the wrong length", bound({.tlvs = "\x02\x04\0\1x"s})},
        {"SAR TLVs that are not complete", bound({.tlvs = "\x02\x0C\0\2\0\1"s})},
        {"both short_message and message_payload", bound({.tlvs = "\x04\x24\0\2hi"s})},
        {"no words", bound({.words = ""})},
        {"UCS2 of an odd size", bound({.words = "abc", .coding = 8})},
        {"half a surrogate pair", bound({.words = "\xD8\x3C"s, .coding = 8})},
        {"half a surrogate pair", bound({.words = "\xDF\x0A\0a"s, .coding = 8})},
        {"more than 140 octets", bound({.words = std::string(142, 'a'), .coding = 8})},
        {"more than 140 octets",
         bound({.words = udh + std::string(136, 'a'), .esm = 0x40, .coding = 8})},
        {"more than 160 septets", bound({.words = std::string(161, 'a')})},
        {"more than 160 septets", bound({.words = udh + std::string(154, 'a'), .esm = 0x40})},
        {"half an escape", bound({.words = "abc\x1B"})},
        {"a broken user data header", bound({.words = "\x09\0\3"s, .esm = 0x40})},
        {"without concatenation", bound({.words = "\3\x24\1\1x"s, .esm = 0x40})},
        {"a part beyond", bound({.words = "\5\0\3\7\2\3x"s, .esm = 0x40})},
        {"user data header and SAR", bound({.words = udh + "x",
                                            .tlvs = "\x02\x0C\0\2\0\1\x02\x0E\0\1\2\x02\x0F\0\1\1"s,
                                            .esm = 0x40})},
    };
    for (const auto& row : rows) {
        CAPTURE(std::string(row.named));
        const auto out = tell(row.bytes);
        CHECK(out.status == 1);
        CHECK(out.summary.find(row.named) != std::string::npos);
    }
}

TEST_CASE("what is right is right: single, concatenated, SAR, payload and empty validity") {
    const auto out = tell(
        bind() + submit({}) +
        submit({.words = "\5\0\3\7\2\1"s + std::string(134, 'a'), .esm = 0x40, .coding = 8}, 3) +
        submit({.tlvs = "\x02\x0C\0\2\0\1\x02\x0E\0\1\2\x02\x0F\0\1\1"s}, 4) +
        submit({.validity = "000000001000000R", .words = "", .tlvs = "\x04\x24\0\2hi"s}, 5) +
        submit({.words = std::string(160, 'a')}, 6) + pdu(0x15, 7, "") + pdu(6, 8, ""));
    CHECK(out.status == 0);
    CHECK(out.summary.find("\"accepted\":5") != std::string::npos);
    CHECK(out.summary.find("\"unbinds\":1") != std::string::npos);
}

TEST_CASE("options that are wrong are refused with status 2") {
    const auto* program = std::getenv("TOCSIN_SMSC");
    for (const std::vector<std::string>& options : {std::vector<std::string>{"--nonsense"},
                                                    {"--port"},
                                                    {"--port", "70000"},
                                                    {"--latency", "5h"},
                                                    {"--lose-receipts", "2"},
                                                    {"--final", "NEVER:1"},
                                                    {"--errors", "0x08"}}) {
        std::vector<std::string> command{program ? program : "tocsin-smsc"};
        command.insert(command.end(), options.begin(), options.end());
        command.insert(command.begin(), {"sh", "-c", "exec \"$0\" \"$@\" 2>/dev/null"});
        Process peer(command);
        CHECK(peer.line().empty());
        peer.end();
        CHECK(peer.status() == 2);
    }
}

}  // namespace
}  // namespace tocsin::peers
