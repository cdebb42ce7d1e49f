#include "tests/peers/process.hpp"
#include "tests/peers/smpp_bench.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

namespace tocsin::cmpp {
contract::Open open;
}

/// The CMPP channel against our own gateway, which reads every PDU strictly: a violation fails.
namespace tocsin::peers {
namespace {

using namespace std::chrono_literals;
using contract::LinkState;
using contract::OrderId;
using contract::Said;

constexpr OrderId flood{7, 1};

std::filesystem::path file_named(const std::string& what) {
    return std::filesystem::temp_directory_path() /
           fmt::format("tocsin-ismg-{}.{}", getpid(), what);
}

std::int64_t number(const boost::json::object& from, std::string_view key) {
    return from.at(key).as_int64();
}
std::string text(const boost::json::object& from, std::string_view key) {
    return std::string(from.at(key).as_string());
}

/// The gateway with these faults and the channel before it.
class Stage {
public:
    explicit Stage(std::vector<std::string> faults, const std::string& settings = {})
        : gateway_(command(std::move(faults))), bench_(cmpp::open, table(settings)) {}
    ~Stage() {
        for (const auto* what : {"book", "secret", "control"})
            std::filesystem::remove(file_named(what));
    }
    SmppBench& operator*() { return bench_; }
    SmppBench* operator->() { return &bench_; }

    void tell(const std::string& line) {
        std::ofstream(file_named("control"), std::ios::app) << line << '\n';
    }
    /// Stops the channel and ends the gateway, which must have seen no violation; its summary.
    boost::json::object summary() {
        bench_.stop();
        const auto said = gateway_.end();
        INFO(said);
        CHECK(gateway_.status() == 0);
        return boost::json::parse(said).as_object();
    }
    std::vector<boost::json::object> book(std::string_view event) {
        std::vector<boost::json::object> out;
        std::ifstream in(file_named("book"));
        for (std::string line; std::getline(in, line);) {
            auto entry = boost::json::parse(line).as_object();
            if (text(entry, "event") == event) out.push_back(std::move(entry));
        }
        return out;
    }

private:
    static std::vector<std::string> command(std::vector<std::string> faults) {
        std::ofstream(file_named("control"));
        std::vector<std::string> out{"python3",
                                     "-B",
                                     "tests/peers/ismg/ismg.py",
                                     "--port",
                                     "0",
                                     "--source",
                                     "12379",
                                     "--skew",
                                     "60",
                                     "--control",
                                     file_named("control").string(),
                                     "--book",
                                     file_named("book").string()};
        out.insert(out.end(), faults.begin(), faults.end());
        return out;
    }
    std::string table(const std::string& settings) {
        std::ofstream(file_named("secret")) << "secret\n";
        return fmt::format(
            "host = \"127.0.0.1\"\nport = {}\nsource_addr = \"901234\"\nsecret_file = \"{}\"\n"
            "source = \"12379\"\nreconnect = \"20ms\"\nreconnect_max = \"100ms\"\n{}",
            gateway_.port(), file_named("secret").string(), settings);
    }

    Process gateway_;
    SmppBench bench_;
};

std::string han(std::size_t units) {
    std::string out;
    while (units-- > 0) out += "雨";
    return out;
}

TEST_CASE("from CONNECT to TERMINATE without one violation: each once, each report acknowledged") {
    for (const auto* form : {"71", "60"}) {
        CAPTURE(form);
        Stage stage({"--report-form", form, "--strict-sequence"});
        stage->invite(flood, 500);
        stage->carry(flood, "暴雨红色预警");
        CHECK(stage->until([&] { return stage->desk.delivered(flood) == 500; }));
        const auto told = stage.summary();
        CHECK(number(told, "submits") == 500);
        CHECK(number(told, "messages") == 500);
        CHECK(number(told, "duplicates") == 0);
        CHECK(number(told, "terminates") == 1);
        CHECK(number(told, "closed_without_terminate") == 0);
        CHECK(number(told, "reports_acked") == 500);
        CHECK(number(told, "reports_again") == 0);
        CHECK(stage->desk.parked == 0);
    }
}

TEST_CASE("long texts: the gateway counts them complete, the words whole, every part reported") {
    for (const auto units : {70u, 71u, 135u, 200u}) {
        CAPTURE(units);
        Stage stage({});
        const auto words = han(units - 2) + "\xF0\x9F\x8C\x8A";
        stage->invite(flood, 20);
        stage->carry(flood, words);
        CHECK(stage->until([&] { return stage->desk.delivered(flood) == 20; }));
        const auto told = stage.summary();
        CHECK(number(told, "messages") == 20);
        CHECK(number(told, "incomplete") == 0);
        CHECK(number(told, "submits") ==
              std::int64_t(20 * stage->desk.campaigns[flood].people[0].parts.size()));
        for (const auto& message : stage.book("message")) CHECK(text(message, "words") == words);
    }
}

TEST_CASE("ASCII goes as ASCII, long too") {
    Stage stage({"--log-submits"});
    std::string words;
    for (int i = 0; i < 30; ++i) words += "Flood: go up. ";
    stage->invite(flood, 5);
    stage->carry(flood, words);
    CHECK(stage->until([&] { return stage->desk.delivered(flood) == 5; }));
    stage.summary();
    for (const auto& message : stage.book("message")) CHECK(text(message, "words") == words);
    for (const auto& submit : stage.book("submit")) CHECK(number(submit, "format") == 0);
}

/// The last word of the gateway on each number, from its own book.
std::set<std::string> delivered_by(Stage& stage) {
    std::set<std::string> out;
    for (const auto& report : stage.book("report"))
        if (text(report, "stat") == "DELIVRD") out.insert(text(report, "to"));
    return out;
}

TEST_CASE("F11: reports lost, late, doubled, unknown, early, of every Stat: totals are exact") {
    Stage stage({"--final",        "DELIVRD:90,UNDELIV:4,EXPIRED:2,MK:0012:2,REJECTD:1,UNKNOWN:1",
                 "--lost",         "0.05",
                 "--late",         "0.1:500ms",
                 "--twice",        "0.05",
                 "--early",        "0.2",
                 "--intermediate", "0.1",
                 "--throttle",     "700:5",
                 "--errors",       "13:0.02,9:0.02",
                 "--latency",      "1ms-10ms",
                 "--report-delay", "1ms-30ms"});
    constexpr std::size_t people = 1500;
    stage->invite(flood, people);
    stage->carry(flood, "暴雨红色预警");
    auto& desk = stage->desk;
    CHECK(stage->until([&] {
        return desk.count(flood, [](auto& person) {
            return person.all([](auto& part) { return part.answered; });
        }) == people;
    }));
    stage->run(1s);
    const auto told = stage.summary();
    CHECK(number(told, "duplicates") == 0);
    CHECK(number(told, "reports_waiting") == 0);
    CHECK(number(told, "reports_acked") == number(told, "reports"));
    CHECK(number(told, "throttled") > 0);
    CHECK(number(told, "accepted") == std::int64_t(desk.accepted(flood)));
    const auto refused = desk.count(flood, [](auto& person) {
        return person.all([](auto& part) { return part.code == 13 || part.code == 9; });
    });
    CHECK(refused + desk.accepted(flood) == people);
    CHECK(refused == std::size_t(number(told.at("results").as_object(), "13") +
                                 number(told.at("results").as_object(), "9")));
    // Nothing is delivered that was not, and all that was is.
    const auto truly = delivered_by(stage);
    CHECK(desk.delivered(flood) == truly.size());
    for (const auto& person : desk.campaigns[flood].people)
        CHECK(person.delivered() == truly.contains(std::to_string(person.number)));
    CHECK(desk.parked == 0);
}

TEST_CASE("E8: cut connections: all are delivered, and only the windows that were cut go twice") {
    for (const auto* mode : {"fin", "rst", "half"}) {
        CAPTURE(mode);
        Stage stage({"--cut-every", "150ms", "--cut-mode", mode, "--latency", "5ms-15ms"});
        stage->invite(flood, 1500);
        stage->carry(flood, "暴雨");
        CHECK(stage->until([&] { return stage->desk.delivered(flood) == 1500; }));
        std::size_t unknown = 0;
        for (const auto& person : stage->desk.campaigns[flood].people)
            unknown += std::size_t(person.unknown);
        const auto told = stage.summary();
        const auto cuts = number(told, "cuts");
        CHECK(cuts >= 3);
        CHECK(number(told, "distinct") == 1500);
        CHECK(std::size_t(number(told, "duplicates")) <= unknown);
        CHECK(unknown <= std::size_t(cuts * 16));
    }
}

TEST_CASE("R14: what is taken and never answered goes again; the link is not stuck by it") {
    Stage stage({"--no-answer", "0.003"}, "response_timeout = \"300ms\"\nwindow = 16");
    stage->invite(flood, 1000);
    stage->carry(flood, "暴雨");
    CHECK(stage->until([&] { return stage->desk.accepted(flood) == 1000; }));
    const auto told = stage.summary();
    CHECK(number(told, "answers_lost") > 0);
    CHECK(number(told, "duplicates") <= number(told, "answers_lost"));
    CHECK(number(told, "distinct") == 1000);
}

TEST_CASE("a gateway that stalls half-open is noticed by ACTIVE_TEST, and all goes on elsewhere") {
    Stage stage({"--cut-every", "400ms", "--cut-mode", "stall"},
                "active_test = \"50ms\"\nactive_test_timeout = \"50ms\"\nrate = 400");
    stage->invite(flood, 300);
    stage->carry(flood, "暴雨");
    CHECK(stage->until([&] { return stage->desk.delivered(flood) == 300; }));
    const auto told = stage.summary();
    CHECK(number(told, "cuts") > 0);
    CHECK(number(told, "distinct") == 300);
}

TEST_CASE("the gateway's own ACTIVE_TEST and TERMINATE are answered as they should be") {
    Stage stage({"--active-test", "50ms"});
    CHECK(stage->until([&] { return stage->desk.state() == LinkState::up; }));
    stage->run(300ms);
    CHECK(stage->desk.state() == LinkState::up);
    stage.tell("terminate");
    CHECK(stage->until([&] { return stage->desk.state() == LinkState::down; }));
    CHECK(stage->until([&] { return stage->desk.state() == LinkState::up; }));
    const auto told = stage.summary();
    CHECK(number(told, "active_tests_sent") >= 2);
    CHECK(number(told, "active_tests_missed") == 0);
    CHECK(number(told, "terminates_sent") == 1);
    CHECK(number(told, "connects") == 2);
}

TEST_CASE("an impostor, an old version and a wrong secret: no link, and why") {
    struct Row {
        std::vector<std::string> faults;
        const char* settings;
        bool up;
    };
    const Row rows[] = {{{"--bad-authenticator"}, "", false},
                        {{"--bad-authenticator"}, "gateway_proof = \"ignored\"", true},
                        {{"--version", "0x20"}, "", false},
                        {{"--version", "0x20", "--version-status", "0"}, "", false},
                        {{"--account", "901234:other"}, "", false},
                        {{"--account", "901235:secret"}, "", false}};
    for (const auto& row : rows) {
        CAPTURE(row.faults[0]);
        Stage stage(row.faults, row.settings);
        const auto up = [&] { return stage->desk.state() == LinkState::up; };
        if (row.up) {
            CHECK(stage->until(up, 5s));
        } else {
            CHECK_FALSE(stage->until(up, 500ms));
            stage->channel().probe();
            CHECK(stage->until([&] { return !stage->desk.probes.empty(); }, 5s));
            CHECK_FALSE(stage->desk.probes.back().well);
            CHECK(stage->desk.probes.back().what.size() > 20);
        }
    }
}

TEST_CASE("what phones write is heard, in one piece, however long") {
    Stage stage({});
    CHECK(stage->until([&] { return stage->desk.state() == LinkState::up; }));
    const auto words = "已收到 " + han(150);
    stage.tell("mo 13800000001 12379 TD");
    stage.tell("mo 8613800000002 12379 " + words);
    CHECK(stage->until([&] { return stage->desk.messages.size() == 2; }));
    CHECK(stage->desk.messages[0] == std::pair<std::string, std::string>("8613800000001", "TD"));
    CHECK(stage->desk.messages[1] == std::pair<std::string, std::string>("8613800000002", words));
    const auto told = stage.summary();
    CHECK(number(told, "replies_acked") == number(told, "replies"));
}

TEST_CASE("several links to one gateway share the work, and each window is kept") {
    std::string links;
    for (int i = 1; i <= 4; ++i) links += fmt::format("[[link]]\nname = \"{}\"\n", i);
    Stage stage({"--latency", "20ms"}, links);
    stage->invite(flood, 2000);
    stage->carry(flood, "暴雨");
    CHECK(stage->until([&] { return stage->desk.delivered(flood) == 2000; }));
    const auto told = stage.summary();
    CHECK(number(told, "connects") == 4);
    CHECK(number(told, "over_window") == 0);
    CHECK(number(told, "duplicates") == 0);
}

}  // namespace
}  // namespace tocsin::peers
