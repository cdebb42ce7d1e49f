#include "tests/peers/process.hpp"
#include "tests/peers/smpp_bench.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

/// The channel against a codec that is not ours: the npm package smpp in the role of an SMSC.
namespace tocsin::peers {
namespace {

using namespace std::chrono_literals;
using contract::LinkState;
using contract::OrderId;

constexpr OrderId flood{7, 1};

std::vector<std::string> node() { return {"node", "tests/peers/node-smpp/smsc.js"}; }

boost::json::object summary(Process& peer) {
    const auto said = peer.end();
    INFO(said);
    CHECK(peer.status() == 0);
    return boost::json::parse(said).as_object();
}
std::int64_t number(const boost::json::object& from, std::string_view key) {
    return from.at(key).to_number<std::int64_t>();
}
bool saw(const boost::json::object& told, const std::string& words) {
    return std::ranges::any_of(told.at("seen").as_array(),
                               [&](const auto& seen) { return seen.as_string() == words; });
}

TEST_CASE("each message reaches delivered by the peer's receipt, in every form it can write ids") {
    struct Row {
        std::vector<std::string> environment;
        const char* settings;
        bool learnt = false;
    };
    const Row rows[] = {
        {{"IDFMT=hexhex"}, ""},
        {{"IDFMT=dec", "NO_TLV=1"}, ""},
        {{"IDFMT=hexdec"}, ""},
        {{"IDFMT=hexdec", "NO_TLV=1"}, "id_form = \"resp_hex_receipt_dec\""},
        {{"IDFMT=hexdec", "NO_TLV=1"}, "", true},
        {{"IDFMT=hexdec", "NO_TLV=1", "DLR_FIRST=1"}, "", true},
        {{"IDFMT=uuid", "NO_TLV=1", "DLR_FIRST=1"}, ""},
        {{"IDFMT=hexhex", "DLR_FIRST=1", "RESP_DELAY_MS=50"}, ""},
        {{"IDFMT=hexhex", "RESP_DELAY_MS=20", "DLR_DELAY_MS=200"}, ""},
    };
    for (const auto& row : rows) {
        CAPTURE(fmt::format("{}", fmt::join(row.environment, " ")));
        CAPTURE(row.settings);
        Process peer(node(), row.environment);
        SmppBench bench(peer.port(), row.settings);
        bench.invite(flood, 300);
        bench.carry(flood, "暴雨红色预警:请立即避险");
        CHECK(bench.until([&] { return bench.desk.delivered(flood) == 300; }));
        // What came before it was learnt was also handed on under keys that fit nothing.
        if (!row.learnt) CHECK(bench.desk.parked == 0);
        bench.run(50ms);
        bench.stop();
        const auto told = summary(peer);
        CHECK(number(told, "submits") == 300);
        CHECK(number(told, "receipts") == 300);
        CHECK(number(told, "acked") == 300);
        CHECK(saw(told, "12379|8|暴雨红色预警:请立即避险"));
    }
}

TEST_CASE("H3 R17: the foreign decoder reads our words: Han, emoji, GSM with escapes") {
    for (const auto* words : {"雨🌊雨𠮷", "Flood [A] {B} ~ 10€ @home ^|\\"}) {
        CAPTURE(words);
        Process peer(node());
        SmppBench bench(peer.port(), "gsm7 = true");
        bench.invite(flood, 2);
        bench.carry(flood, words);
        CHECK(bench.until([&] { return bench.desk.delivered(flood) == 2; }));
        bench.stop();
        const auto told = summary(peer);
        const auto coding = std::string(words).starts_with("Flood") ? "0" : "8";
        CHECK(saw(told, fmt::format("12379|{}|{}", coding, words)));
    }
}

TEST_CASE("A7: the foreign decoder sees a long drill's mark in its first and its last part") {
    std::string body;
    for (int i = 0; i < 150; ++i) body += "雨";
    for (const auto* form : {"udh8", "udh16", "sar", "payload"}) {
        CAPTURE(form);
        Process peer(node());
        SmppBench bench(peer.port(),
                        fmt::format("long_form = \"{}\"\ntest_source = \"DRILL\"", form));
        bench.invite(flood, 20);
        bench.carry_drill(flood, "演练 " + body + " 演练");
        CHECK(bench.until([&] { return bench.desk.delivered(flood) == 20; }));
        bench.stop();
        const auto told = summary(peer);
        bool first = false, last = false;
        for (const auto& seen : told.at("seen").as_array()) {
            const std::string_view text = seen.as_string();
            CHECK(text.starts_with("DRILL|8|"));
            first = first || text.substr(8).starts_with("演练");
            last = last || text.ends_with("演练");
        }
        CHECK(first);
        CHECK(last);
    }
}

TEST_CASE("throttled by the peer, all arrive; none is counted as failed") {
    // Its bucket of 50 overflows with the first window of 100, however slow the machine.
    Process peer(node(), {"THROTTLE_TPS=50"});
    SmppBench bench(peer.port());
    bench.invite(flood, 150);
    bench.carry(flood, "暴雨");
    CHECK(bench.until([&] { return bench.desk.delivered(flood) == 150; }));
    bench.stop();
    CHECK(number(summary(peer), "throttled") > 0);
}

TEST_CASE("lost connections and random failures: everybody is reached in the end") {
    Process peer(node(), {"DROP_AFTER=150", "ERR_RATE=0.05", "ERR_CODE=69", "DLR_DELAY_MS=0"});
    SmppBench bench(peer.port(), "reconnect = \"20ms\"\nwindow = 20");
    bench.desk.try_again = true;
    bench.invite(flood, 400);
    bench.carry(flood, "暴雨");
    CHECK(bench.until([&] { return bench.desk.accepted(flood) == 400; }));
    bench.stop();
    summary(peer);
}

TEST_CASE("two links to the foreign peer: both carry, receipts are matched across them") {
    Process peer(node(), {"IDFMT=hexdec", "NO_TLV=1", "DLR_DELAY_MS=20"});
    SmppBench bench(peer.port(),
                    "reconnect = \"20ms\"\nwindow = 20\nid_form = \"resp_hex_receipt_dec\"\n"
                    "[[link]]\nname = \"a\"\n[[link]]\nname = \"b\"\n");
    bench.invite(flood, 1500);
    bench.carry(flood, "暴雨");
    CHECK(bench.until([&] { return bench.desk.delivered(flood) == 1500; }));
    bench.run(50ms);
    bench.stop();
    const auto told = summary(peer);
    CHECK(number(told, "binds") == 2);
    CHECK(number(told, "acked") == 1500);
}

TEST_CASE("a transmitter and a receiver to the foreign peer: receipts come by the other socket") {
    Process peer(node(), {"DLR_FIRST=1"});
    SmppBench bench(peer.port(), "mode = \"pair\"");
    bench.invite(flood, 300);
    bench.carry(flood, "暴雨");
    CHECK(bench.until([&] { return bench.desk.delivered(flood) == 300; }));
    bench.run(50ms);
    bench.stop();
    const auto told = summary(peer);
    CHECK(number(told, "binds") == 2);
    CHECK(number(told, "acked") == 300);
}

/// A key and a certificate for 127.0.0.1, gone with the object.
struct Certificate {
    std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("tocsin-peer-tls-" + std::to_string(getpid()));
    std::string key = folder / "key.pem", certificate = folder / "cert.pem";
    explicit Certificate(const char* address) {
        std::filesystem::create_directories(folder);
        Process openssl({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                         "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=smsc",
                         "-addext", fmt::format("subjectAltName=IP:{}", address), "-keyout", key,
                         "-out", certificate, "-batch"});
        while (!openssl.line().empty()) continue;
    }
    ~Certificate() { std::filesystem::remove_all(folder); }
};

TEST_CASE("inside TLS the same: delivered, and a long run of bytes both ways") {
    const Certificate own("127.0.0.1");
    Process peer(node(), {"TLS_KEY=" + own.key, "TLS_CERT=" + own.certificate});
    SmppBench bench(peer.port(), fmt::format("tls = true\ntls_ca = \"{}\"", own.certificate));
    bench.invite(flood, 3000);
    bench.carry(flood, "暴雨红色预警");
    CHECK(bench.until([&] { return bench.desk.delivered(flood) == 3000; }));
    bench.stop();
    const auto told = summary(peer);
    CHECK(number(told, "submits") == 3000);
    CHECK(saw(told, "12379|8|暴雨红色预警"));
}

TEST_CASE(
    "G4: a certificate that is not trusted or names another host gets no bind, so no password") {
    const Certificate other("127.0.0.2");
    for (const bool trusted : {false, true}) {
        CAPTURE(trusted);
        Process peer(node(), {"TLS_KEY=" + other.key, "TLS_CERT=" + other.certificate});
        SmppBench bench(
            peer.port(),
            trusted ? fmt::format("tls = true\ntls_ca = \"{}\"", other.certificate) : "tls = true");
        CHECK(bench.until([&] { return bench.desk.links.back().second.has_value(); }));
        CHECK(bench.desk.state() == LinkState::down);
        bench.channel().probe();
        CHECK(bench.until([&] { return !bench.desk.probes.empty(); }));
        CHECK(bench.desk.probes[0].what.find("certificate: ") != std::string::npos);
        CHECK(number(summary(peer), "submits") == 0);
    }
}

TEST_CASE("wrong credentials are told, not hammered") {
    Process peer(node(), {"PASS=other"});
    SmppBench bench(peer.port());
    CHECK(bench.until([&] { return bench.desk.links.back().second.has_value(); }));
    CHECK(bench.desk.state() == LinkState::down);
    const auto again = bench.desk.links.back().second;
    REQUIRE(again);
    CHECK(*again - now() > 4min);
}

}  // namespace
}  // namespace tocsin::peers
