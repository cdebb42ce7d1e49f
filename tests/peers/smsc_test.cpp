#include "channels/shared/sms_text.hpp"
#include "tests/peers/process.hpp"
#include "tests/peers/smpp_bench.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

/// The channel against our own message centre, which reads every PDU strictly: a violation fails.
namespace tocsin::peers {
namespace {

using namespace std::chrono_literals;
using contract::LinkState;
using contract::OrderId;
using contract::Said;

constexpr OrderId flood{7, 1};

std::vector<std::string> smsc(std::vector<std::string> options) {
    const auto* program = std::getenv("TOCSIN_SMSC");
    std::vector<std::string> out{program ? program : "tocsin-smsc", "--port", "0"};
    out.insert(out.end(), options.begin(), options.end());
    return out;
}

std::string han(std::size_t units) {
    std::string out;
    while (units-- > 0) out += "雨";
    return out;
}

/// Ends the peer, which must have seen no violation; its summary.
boost::json::object summary(Process& peer) {
    const auto said = peer.end();
    INFO(said);
    CHECK(peer.status() == 0);
    return boost::json::parse(said).as_object();
}
std::int64_t number(const boost::json::object& from, std::string_view key) {
    return from.at(key).as_int64();
}

TEST_CASE("every id form and receipt form ends in delivered by the peer's own receipts") {
    struct Row {
        const char* peer;
        const char* ours;
        bool learnt = false;
    };
    const Row rows[] = {{"hexhex", "same"},
                        {"dec", "same"},
                        {"uuid", "same"},
                        {"zeros", "same"},
                        {"hexdec", "resp_hex_receipt_dec"},
                        {"dechex", "resp_dec_receipt_hex"},
                        {"hexdec", "same", true},
                        {"dechex", "same", true}};
    for (const auto& row : rows)
        for (const auto* form : {"tlv+text", "text", "tlv", "odd"}) {
            CAPTURE(row.peer);
            CAPTURE(row.ours);
            CAPTURE(form);
            Process peer(smsc({"--id-form", row.peer, "--receipt-form", form, "--receipt-first",
                               "0.3", "--dup-receipts", "0.2"}));
            SmppBench bench(peer.port(), fmt::format("id_form = \"{}\"", row.ours));
            bench.invite(flood, 200);
            bench.carry(flood, "暴雨红色预警");
            CHECK(bench.until([&] { return bench.desk.delivered(flood) == 200; }));
            bench.run(50ms);
            bench.stop();
            const auto told = summary(peer);
            CHECK(number(told, "submits") == 200);
            CHECK(number(told, "duplicates") == 0);
            CHECK(number(told, "unbinds") == 1);
            CHECK(number(told, "receipts_acked") == number(told, "receipts"));
            CHECK(number(told, "receipts") == 200 + number(told, "receipts_doubled"));
            // What came before it was learnt was also handed on under keys that fit nothing.
            if (!row.learnt) CHECK(bench.desk.parked == 0);
        }
}

TEST_CASE("long texts in every form: the peer counts them complete, every part receipted") {
    for (const auto* form : {"udh8", "udh16", "sar", "payload"})
        for (const auto units : {70u, 71u, 135u, 200u}) {
            CAPTURE(form);
            CAPTURE(units);
            Process peer(smsc({}));
            SmppBench bench(peer.port(), fmt::format("long_form = \"{}\"", form));
            bench.invite(flood, 50);
            bench.carry(flood, han(units - 2) + "\xF0\x9F\x8C\x8A");
            CHECK(bench.until([&] { return bench.desk.delivered(flood) == 50; }));
            bench.stop();
            const auto told = summary(peer);
            CHECK(number(told, "messages") == 50);
            CHECK(number(told, "duplicates") == 0);
            CHECK(number(told, "submits") ==
                  std::int64_t(50 * bench.desk.campaigns[flood].people[0].parts.size()));
        }
}

TEST_CASE("A7: what a handset puts together of a long drill is the text, marked at both ends") {
    const auto journal = std::filesystem::temp_directory_path() /
                         ("tocsin-smsc-" + std::to_string(getpid()) + ".journal");
    const auto words = "演练 " + han(150) + " 演练";
    {
        Process peer(smsc({"--journal", journal.string(), "--text"}));
        SmppBench bench(peer.port(), "test_source = \"DRILL\"");
        bench.invite(flood, 3);
        bench.carry_drill(flood, words);
        CHECK(bench.until([&] { return bench.desk.delivered(flood) == 3; }));
        bench.stop();
        summary(peer);
    }
    std::map<std::string, std::map<std::string, std::string>> handsets;
    std::ifstream in(journal);
    for (std::string line; std::getline(in, line);) {
        std::istringstream fields(line);
        std::string at, bind, source, destination, reference, part, status, id, final, text;
        fields >> at >> bind >> source >> destination >> reference >> part >> status >> id >>
            final >> text;
        CHECK(source == "DRILL");
        CHECK(text.starts_with("8:"));
        handsets[destination][part] = text.substr(2);
    }
    std::filesystem::remove(journal);
    REQUIRE(handsets.size() == 3);
    const auto expected = *shared::to_ucs2(words);
    for (const auto& [destination, parts] : handsets) {
        std::string whole, octets;
        for (const auto& [part, hex] : parts) whole += hex;
        for (std::size_t i = 0; i < whole.size(); i += 2)
            octets += char(std::stoi(whole.substr(i, 2), nullptr, 16));
        CHECK(octets == expected);
    }
}

TEST_CASE("E8: cut connections: all are delivered, and only the windows that were cut go twice") {
    for (const auto* mode : {"rst", "fin", "halfpdu"}) {
        CAPTURE(mode);
        Process peer(smsc({"--drop-after", "700", "--drop-mode", mode, "--late-receipts", "20ms"}));
        SmppBench bench(peer.port(), "window = 100\nreconnect = \"20ms\"");
        bench.invite(flood, 3000);
        bench.carry(flood, "暴雨");
        CHECK(bench.until([&] { return bench.desk.accepted(flood) == 3000; }));
        bench.until([&] { return bench.desk.delivered(flood) == 3000; }, 10s);
        CHECK(bench.desk.delivered(flood) == 3000);
        bench.run(100ms);
        bench.stop();
        const auto told = summary(peer);
        CHECK(number(told, "drops") >= 4);
        CHECK(number(told, "distinct") == 3000);
        CHECK(number(told, "duplicates") <= 100 * number(told, "drops"));
        CHECK(number(told, "receipts_waiting") == 0);
        CHECK(number(told, "receipts_unanswered") == 0);
        CHECK(bench.desk.receipts >= 3000);
        CHECK(bench.desk.receipts == bench.desk.matched + bench.desk.parked);  // R3
    }
}

TEST_CASE(
    "receipts that were not acknowledged when the link was cut come again and are counted once") {
    Process peer(smsc({"--drop-after", "500", "--receipt-window", "10"}));
    SmppBench bench(peer.port(), "reconnect = \"20ms\"");
    bench.invite(flood, 1400);
    bench.carry(flood, "暴雨");
    CHECK(bench.until([&] { return bench.desk.delivered(flood) == 1400; }));
    bench.stop();
    const auto told = summary(peer);
    CHECK(number(told, "drops") >= 2);
    CHECK(number(told, "distinct") == 1400);
}

TEST_CASE("a peer that throttles gets its pace, nobody is lost and nobody gets two") {
    Process peer(smsc({"--tps", "60"}));
    SmppBench bench(peer.port());
    bench.invite(flood, 200);
    bench.carry(flood, "暴雨");
    bool was_throttled = false;
    CHECK(bench.until([&] {
        was_throttled = was_throttled || bench.desk.state() == LinkState::throttled;
        return bench.desk.delivered(flood) == 200;
    }));
    CHECK(was_throttled);
    bench.stop();
    const auto told = summary(peer);
    CHECK(number(told, "throttled") > 0);
    CHECK(number(told, "accepted") == 200);
    CHECK(number(told, "duplicates") == 0);
}

TEST_CASE(
    "faults by number end as the peer said: temporary ones delivered, permanent ones refused") {
    Process peer(smsc({"--errors", "0x08:0.05,0x45:0.05,0x0B:0.1", "--final",
                       "DELIVRD:80,UNDELIV:10,EXPIRED:10", "--seed", "3"}));
    SmppBench bench(peer.port());
    bench.invite(flood, 1000);
    bench.carry(flood, "暴雨");
    const auto count = [&](auto what) { return bench.desk.count(flood, what); };
    const auto said = [&](Said wanted) {
        return count([&](const auto& person) {
            return person.all([&](const auto& part) { return part.said == wanted; });
        });
    };
    const auto invalid = [&] {
        return count([](const auto& person) {
            return person.all([](const auto& part) { return part.answered && part.code == 0x0B; });
        });
    };
    CHECK(bench.until([&] {
        return said(Said::delivered) + said(Said::refused) + said(Said::failed) + invalid() == 1000;
    }));
    bench.stop();
    const auto told = summary(peer);
    CHECK(std::size_t(number(told.at("errors").as_object(), "0x0B")) == invalid());
    CHECK(number(told.at("errors").as_object(), "0x08") > 20);
    CHECK(number(told, "accepted") == std::int64_t(1000 - invalid()));
    CHECK(number(told, "duplicates") == 0);
    CHECK(said(Said::delivered) > 600);
    CHECK(said(Said::refused) > 50);
    CHECK(said(Said::failed) > 50);
}

TEST_CASE("a half-open link is noticed, its window is unknown, all is delivered on the next one") {
    Process peer(smsc({"--half-open-after", "300"}));
    SmppBench bench(peer.port(), "response_timeout = \"2s\"\nreconnect = \"20ms\"\nwindow = 50");
    bench.invite(flood, 1000);
    bench.carry(flood, "暴雨");
    CHECK(bench.until([&] { return bench.desk.delivered(flood) == 1000; }));
    bench.stop();
    const auto told = summary(peer);
    CHECK(number(told, "binds") == 2);
    CHECK(number(told, "distinct") == 1000);
    CHECK(number(told, "duplicates") <= 50);
}

TEST_CASE("R13 R16: slow, mixed and lost answers never stop the flow") {
    Process peer(smsc({"--latency", "mix:80%10ms,15%50ms,5%300ms", "--lose-answers", "0.002"}));
    SmppBench bench(peer.port(), "response_timeout = \"2s\"\nwindow = 200\nreconnect = \"20ms\"");
    bench.desk.resend = false;  // the loss is the number's fate here: it would be lost again
    bench.invite(flood, 3000);
    bench.carry(flood, "暴雨");
    const auto unknown = [&] {
        return bench.desk.count(flood, [](const auto& person) { return person.unknown > 0; });
    };
    CHECK(bench.until([&] { return bench.desk.delivered(flood) + unknown() >= 3000; }));
    bench.stop();
    const auto told = summary(peer);
    CHECK(number(told, "answers_lost") > 0);
    CHECK(number(told, "distinct") == 3000);
}

TEST_CASE(
    "credentials that are refused, and a peer that is not there, show as a link that is down") {
    Process peer(smsc({"--password", "other"}));
    SmppBench bench(peer.port());
    CHECK(bench.until([&] { return bench.desk.links.back().second.has_value(); }));
    CHECK(bench.desk.state() == LinkState::down);
    bench.channel().probe();
    CHECK(bench.until([&] { return !bench.desk.probes.empty(); }));
    CHECK_FALSE(bench.desk.probes[0].well);
    CHECK(bench.desk.probes[0].what.find("0x0E") != std::string::npos);
    const auto told = summary(peer);
    CHECK(number(told, "binds_refused") == 1);
    SmppBench alone(1);
    alone.run(100ms);
    CHECK(alone.desk.state() == LinkState::down);
}

TEST_CASE("a probe makes the round trip") {
    Process peer(smsc({}));
    SmppBench bench(peer.port());
    CHECK(bench.until([&] { return bench.desk.state() == LinkState::up; }));
    bench.channel().probe();
    CHECK(bench.until([&] { return !bench.desk.probes.empty(); }));
    CHECK(bench.desk.probes[0].well);
    bench.stop();
    CHECK(number(summary(peer), "enquiries") == 1);
}

TEST_CASE("100,000 recipients, exactly; how fast is for the benchmark to say") {
    Process peer(smsc({}));
    SmppBench bench(peer.port(), "window = 4000");
    bench.tick_every = 1ms;
    bench.invite(flood, 100'000);
    bench.carry(flood, "暴雨红色预警信号:请立即转移到高处");
    const auto start = std::chrono::steady_clock::now();
    CHECK(bench.until([&] { return bench.desk.matched == 100'000; }));
    const auto took = std::chrono::steady_clock::now() - start;
    CHECK(bench.desk.delivered(flood) == 100'000);
    MESSAGE("100,000 in " << std::chrono::duration<double>(took).count() << " s");
    bench.stop();
    const auto told = summary(peer);
    CHECK(number(told, "distinct") == 100'000);
    CHECK(number(told, "duplicates") == 0);
}

}  // namespace
}  // namespace tocsin::peers
