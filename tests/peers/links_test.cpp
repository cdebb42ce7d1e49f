#include "tests/peers/process.hpp"
#include "tests/peers/smpp_bench.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <doctest/doctest.h>

#include <cstdlib>

/// One endpoint of several links against the message centre, over real sockets.
namespace tocsin::peers {
namespace {

using namespace std::chrono_literals;
using contract::OrderId;
constexpr OrderId flood{7, 1};

struct Center {
    explicit Center(std::vector<std::string> options = {}) {
        std::vector<std::string> command{std::getenv("TOCSIN_SMSC"), "--port", "0"};
        command.insert(command.end(), options.begin(), options.end());
        process = std::make_unique<Process>(command);
        port = process->port();
        REQUIRE(port != 0);
    }
    boost::json::value end() {
        auto summary = boost::json::parse(process->end());
        CHECK(process->status() == 0);  // no violation
        return summary;
    }
    std::unique_ptr<Process> process;
    std::uint16_t port = 0;
};

std::uint64_t number(const boost::json::value& summary, const char* key) {
    return summary.at(key).to_number<std::uint64_t>();
}

std::string links(int count, const std::string& each = {}) {
    std::string out;
    for (int i = 0; i < count; ++i)
        out += "[[link]]\nname = \"link " + std::to_string(i + 1) + "\"\n" + each;
    return out;
}

const std::string quick = "reconnect = \"20ms\"\nreconnect_max = \"100ms\"\n";

TEST_CASE("eight links of one account: all windows are used, receipts come by any of them") {
    Center center;
    SmppBench bench(center.port, quick + links(8));
    bench.invite(flood, 20'000);
    bench.carry(flood, "北京发布暴雨红色预警");
    CHECK(bench.until([&] { return bench.desk.delivered(flood) == 20'000; }));
    bench.stop();
    const auto summary = center.end();
    CHECK(number(summary, "binds") == 8);
    CHECK(number(summary, "unbinds") == 8);
    CHECK(number(summary, "duplicates") == 0);
    CHECK(number(summary, "receipts_acked") == 20'000);
}

TEST_CASE("a centre without transceivers gets pairs, configured or found out") {
    for (const auto* mode : {"transceiver", "pair"}) {
        CAPTURE(mode);
        Center center({"--no-transceiver"});
        SmppBench bench(center.port, quick + links(2, "mode = \"" + std::string(mode) + "\"\n"));
        bench.invite(flood, 3'000);
        bench.carry(flood, "北京发布暴雨红色预警");
        CHECK(bench.until([&] { return bench.desk.delivered(flood) == 3'000; }));
        bench.stop();
        const auto summary = center.end();
        CHECK(number(summary, "binds") == 4);
        CHECK(number(summary, "duplicates") == 0);
    }
}

TEST_CASE("two centres, one of which dies: the other goes on at once, and both ways") {
    auto first = std::make_unique<Center>();
    Center second;
    // The link's own port counts, [endpoint.smpp] gives the rest.
    SmppBench bench(first->port,
                    quick + "rate = 2000\n[[link]]\nname = \"a\"\n[[link]]\nname = \"b\"\nport = " +
                        std::to_string(second.port) + "\n");
    bench.invite(flood, 4'000);
    bench.carry(flood, "北京发布暴雨红色预警");
    CHECK(bench.until([&] { return bench.desk.accepted(flood) > 800; }));
    first->process->end();
    CHECK(bench.desk.state() == contract::LinkState::up);
    CHECK(bench.until([&] { return bench.desk.accepted(flood) == 4'000; }));
    CHECK(bench.desk.state() == contract::LinkState::up);
    CHECK(bench.desk.count(flood, [](const auto& p) { return p.taken > 2; }) == 0);
    CHECK(bench.desk.count(flood, [](const auto& p) { return p.unknown > 0; }) <= 100);
    bench.stop();
    second.end();
}

TEST_CASE("links cut in turn, receipts lost, doubled and late: nobody is left out") {
    Center center({"--drop-after", "701", "--drop-mode", "rst", "--dup-receipts", "0.05",
                   "--late-receipts", "uniform:1-200ms", "--receipt-first", "0.1"});
    SmppBench bench(center.port, quick + links(4, "window = 50\n"));
    bench.invite(flood, 5'000);
    bench.carry(flood, "北京发布暴雨红色预警");
    CHECK(bench.until([&] { return bench.desk.delivered(flood) == 5'000; }));
    bench.stop();
    const auto summary = center.end();
    const auto drops = number(summary, "drops");
    CHECK(drops > 0);
    CHECK(number(summary, "distinct") == 5'000);
    CHECK(number(summary, "accepted") <= 5'000 + drops * 50);
}

TEST_CASE(
    "peers that hold back all but ten receipts are seen to wait: ticks are asked to come sooner") {
    Center center({"--receipt-window", "10"});
    SmppBench bench(center.port, quick + links(8, "window = 500\n"));
    bench.invite(flood, 30'000);
    bench.carry(flood, "北京发布暴雨红色预警");
    CHECK(bench.until([&] { return bench.desk.delivered(flood) == 30'000; }));
    bench.stop();
    CHECK(number(center.end(), "receipts_acked") == 30'000);
    CHECK(bench.desk.hurries > 0);  // how fast is for the benchmark to say
}

TEST_CASE("networks over two centres: each gets its own numbers and no other") {
    Center mobile, rest;
    SmppBench bench(mobile.port, quick +
                                     "[[link]]\nname = \"cmcc\"\nnetworks = [\"cmcc\"]\n[[link]]\n"
                                     "name = \"rest\"\nport = " +
                                     std::to_string(rest.port) + "\n");
    std::vector<std::uint64_t> people;
    for (std::uint64_t i = 0; i < 1'000; ++i)
        people.push_back((i % 3 ? 8613800000000 : 8618600000000) + i);
    bench.desk.invite(flood, people);
    bench.carry(flood, "北京发布暴雨红色预警");
    CHECK(bench.until([&] { return bench.desk.delivered(flood) == 1'000; }));
    bench.stop();
    CHECK(number(mobile.end(), "accepted") == 666);
    CHECK(number(rest.end(), "accepted") == 334);
}

}  // namespace
}  // namespace tocsin::peers
