#include "server/base/log.hpp"
#include "server/contract/catalogue.hpp"
#include "server/contract/cell.hpp"
#include "server/contract/gate.hpp"
#include "server/contract/loop.hpp"
#include "tests/peers/cell_broadcast/lab.hpp"
#include "tests/peers/cell_broadcast/relay.hpp"
#include "tests/peers/process.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_to.hpp>
#include <doctest/doctest.h>

#include <fstream>
#include <set>
#include <thread>

namespace tocsin::cbsp {
extern const contract::Capabilities capabilities;
contract::Open open;
}  // namespace tocsin::cbsp

/// The channel against osmo-bsc: what it answers, what its console shows, what is heard on the virtual
/// air, and what tshark says of every byte.
namespace tocsin::peers {
namespace {

using namespace std::chrono_literals;
using namespace contract;

constexpr OrderId flood{7, 1}, flood_again{7, 2}, flood_over{7, 3}, storm{8, 1};
constexpr const char* flood_zh =
    "北京市气象台发布暴雨红色预警信号:预计未来三小时内,"
    "海淀、门头沟、房山等区降雨量将达一百毫米以上,"
    "山区极易发生山洪、泥石流等次生灾害。请立即转移到安全地带,"
    "远离河道、低洼处和地下空间。电话12345。";
constexpr const char* flood_en =
    "Beijing: RED rainstorm warning [now]. Over 100 mm within 3 hours in Haidian, Mentougou, "
    "Fangshan. Flash floods and debris flows likely. Move to safety at once; keep away from "
    "rivers.";

std::uint64_t cell(int i) {
    return to_number(
        {Radio::gsm, 460, 0, false, std::uint64_t(1001 + i / 2) << 16 | std::uint64_t(101 + i)});
}

/// A desk, a loop, and the channel opened from settings as the server does.
class Bench final : public Desk {
public:
    Bench(const Lab& lab, const std::string& bsc, const std::string& more = "") {
        log::threshold(log::Severity::error);
        std::ofstream cells(lab.folder / "cells.csv");
        cells << "cgi,lon,lat,azimuth,beam,range_m,technology,bsc\n";
        for (int i = 0; i < 5; ++i)
            cells << cell_text(cell(i)) << ",116.4,39.9,,360,500,gsm,bsc-1\n";
        cells.close();
        toml_ = fmt::format(
            "cells = \"{0}/cells.csv\"\nstate = \"{0}/state\"\nair = \"{1}:4729\"\n"
            "air_interface = \"127.0.0.1\"\nreconnect = \"200ms\"\nreconnect_max = \"500ms\"\n"
            "status_first = \"500ms\"\nstatus_max = \"1s\"\n{2}\n[[bsc]]\nname = \"bsc-1\"\n{3}\n",
            lab.folder.string(), lab.group(), more, bsc);
        open();
    }
    ~Bench() override { close(); }

    void open() {
        Complaints complaints;
        const auto settings = Settings::parse(toml_, "bench.toml", complaints);
        REQUIRE(settings.has_value());
        auto opened = cbsp::open(*settings, loop_, *this);
        INFO((opened ? "" : opened.error().what));
        REQUIRE(opened.has_value());
        CHECK(complaints.list().empty());
        channel_ = std::move(*opened);
    }
    void close() {
        if (channel_) channel_->stop();
        channel_.reset();
        run(20ms);
    }

    static Message order(OrderId id, Action action, std::vector<std::uint64_t> cells) {
        Message m{};
        m.id = id;
        m.mode = Mode::live;
        m.depth = Depth::terminal;
        m.action = action;
        m.shown = action == Action::publish ? std::uint16_t(0) : std::uint16_t(id.revision - 1);
        m.level = Level::red;
        m.expires = now() + 10min;
        m.facts.event = "暴雨";
        m.footprint = Cells{std::move(cells)};
        return m;
    }
    void carry(Message m, Peer peer = Peer::live) {
        auto cleared = Gate::clear(std::make_shared<const Message>(m), m.mode,
                                   Outlet{"cb", peer, Depth::terminal}, now());
        REQUIRE(cleared.has_value());
        std::visit([&](const auto& order) { channel_->carry(order); }, *cleared);
    }
    bool until(const std::function<bool()>& so, std::chrono::milliseconds patience) {
        const auto end = std::chrono::steady_clock::now() + patience;
        while (!so()) {
            if (std::chrono::steady_clock::now() > end) return false;
            run(10ms);
        }
        return true;
    }
    void run(std::chrono::milliseconds time) {
        io_.restart();
        io_.run_for(time);
    }
    const Evidence* of(OrderId id, Said said) const {
        const Evidence* last = nullptr;
        for (const auto& one : evidence)
            if (one.order == id && one.said == said) last = &one;
        return last;
    }
    bool reaches(OrderId id, Said said, std::uint32_t cells, std::chrono::milliseconds patience) {
        return until([&] { return of(id, said) && of(id, said)->reached == cells; }, patience);
    }
    bool comes_up() {
        return until([&] { return !links.empty() && links.back() == LinkState::up; }, 10s);
    }
    void probe() { channel_->probe(); }

    std::vector<Evidence> evidence;
    std::vector<LinkState> links;
    std::vector<Probed> probes;
    int forgotten = 0;

    void report(Evidence one) override { evidence.push_back(std::move(one)); }
    void link(LinkState state, std::optional<Instant>) override { links.push_back(state); }
    void forgot() override { ++forgotten; }
    void budgets(std::vector<Budget>) override {}
    void probed(Probed result) override { probes.push_back(std::move(result)); }
    void heard(std::string, std::string) override {}
    void serve(std::string, std::string, std::string) override {}

private:
    boost::asio::io_context io_{1};
    Loop loop_{io_};
    std::string toml_;
    std::unique_ptr<Channel> channel_;
};

std::string dial(const Lab&, const Relay& relay) {
    return fmt::format("host = \"127.0.0.1\"\nport = {}", relay.port());
}

/// Another decoder than ours, of what each cell sent.
class Receiver {
public:
    explicit Receiver(const Lab& lab, int seconds)
        : python_({"python3", "tests/peers/cell_broadcast/air_listen.py", "--group", lab.group(),
                   "--seconds", std::to_string(seconds)}) {}
    struct Heard {
        std::int64_t channel, identifier;
        std::string serial, text;
        auto operator<=>(const Heard&) const = default;
    };
    std::set<Heard> end() {
        std::set<Heard> out;
        const auto said = python_.end();
        for (std::size_t at = 0; at < said.size();) {
            const auto stop = said.find('\n', at);
            const auto line = boost::json::parse(said.substr(at, stop - at)).as_object();
            at = stop + 1;
            if (!line.contains("text")) continue;
            out.insert({line.at("arfcn").as_int64(), line.at("msgid").as_int64(),
                        boost::json::value_to<std::string>(line.at("serial")),
                        boost::json::value_to<std::string>(line.at("text"))});
        }
        return out;
    }

private:
    Process python_;
};

/// tshark knows CBSP from others' hands: no packet may look malformed to it.
void check_bytes(Relay& relay, const Lab& lab) {
    const auto file = lab.folder / "run.pcap";
    relay.write_pcap(file);
    const auto shark = [&](const std::string& filter) {
        return run(fmt::format("(tshark -r {} -Y '{}' -T fields -e frame.number 2>/dev/null)",
                               file.string(), filter));
    };
    CHECK(shark("cbsp") != "");
    const auto bad = shark("_ws.malformed || (cbsp && _ws.expert.severity >= 0x600000)");
    INFO(run(fmt::format("tshark -r {} -Y '_ws.malformed' -O cbsp | head -60", file.string())));
    CHECK(bad == "");
}

TEST_CASE(
    "A12 E4: osmo-bsc shows it, two cells send the very words; update replaces, cancel kills") {
    Lab lab(31);
    INFO(lab.said());
    REQUIRE(lab.well());
    Relay relay(lab.address(), 48049);
    Receiver receiver(lab, 300);
    Bench bench(lab, dial(lab, relay), "all_clear = \"0s\"");
    REQUIRE(bench.comes_up());

    auto first = Bench::order(flood, Action::publish, {cell(0), cell(1)});
    first.texts = {{Form::cb, "zh-CN", flood_zh}, {Form::cb, "en-US", flood_en}};
    bench.carry(first);
    CHECK(bench.reaches(flood, Said::accepted, 2, 5s));
    const auto table = lab.shown(0);
    INFO(table);
    CHECK(table.find("1113 |  4071 |  3") != table.npos);
    CHECK(table.find("1120 |  4071 |  2") != table.npos);
    CHECK(bench.reaches(flood, Said::verified, 2, 60s));

    auto second = Bench::order(flood_again, Action::update, {cell(0), cell(1)});
    second.texts = {{Form::cb, "zh-CN", "暴雨红色预警继续生效。"},
                    {Form::cb, "en-US", "RED rainstorm warning remains in force."}};
    bench.carry(second);
    CHECK(bench.reaches(flood_again, Said::accepted, 2, 5s));
    const auto updated = lab.shown(1);
    INFO(updated);
    CHECK(updated.find("4072") != updated.npos);
    CHECK(updated.find("4071") == updated.npos);
    CHECK(bench.reaches(flood_again, Said::verified, 2, 60s));

    bench.carry(Bench::order(flood_over, Action::withdraw, {cell(0), cell(1)}));
    CHECK(bench.until([&] { return bench.of(flood_over, Said::gone); }, 5s));
    CHECK(lab.shown(0).find("407") == std::string::npos);
    CHECK(lab.shown(1).find("407") == std::string::npos);

    const auto heard = receiver.end();
    for (const std::int64_t channel : {600, 601}) {
        CAPTURE(channel);
        CHECK(heard.contains({channel, 4371, "0x4071", flood_zh}));
        CHECK(heard.contains({channel, 4384, "0x4071", flood_en}));
        CHECK(heard.contains({channel, 4371, "0x4072", "暴雨红色预警继续生效。"}));
        CHECK(heard.contains({channel, 4384, "0x4072", "RED rainstorm warning remains in force."}));
    }
    CHECK(heard.size() == 8);
    bench.probe();
    CHECK(bench.until([&] { return !bench.probes.empty(); }, 5s));
    CHECK(bench.probes.back().well);
    check_bytes(relay, lab);
    lab.stop();
    CHECK(lab.survived());
}

TEST_CASE("A7: a drill is on air under a test identifier alone, and says so in its words") {
    Lab lab(32);
    REQUIRE(lab.well());
    Relay relay(lab.address(), 48049);
    Receiver receiver(lab, 300);
    Bench bench(lab, dial(lab, relay));
    REQUIRE(bench.comes_up());
    auto drill = Bench::order(storm, Action::publish, {cell(0), cell(1)});
    drill.mode = Mode::exercise;
    drill.facts.event = "地震";
    drill.facts.urgency = "Immediate";  // its alarm goes out on a test identifier as well
    drill.texts = {{Form::cb, "zh-CN", "演练 地震演练,无须避险。 演练"},
                   {Form::cb, "en-US", "EXERCISE earthquake drill EXERCISE"}};
    bench.carry(drill, Peer::sandbox);
    CHECK(bench.reaches(storm, Said::accepted, 2, 5s));
    const auto table = lab.shown(0);
    INFO(table);
    CHECK(table.find("111d |  4081") != table.npos);
    CHECK(table.find("112a |  4081") != table.npos);
    CHECK(table.find("1113") == table.npos);
    CHECK(bench.reaches(storm, Said::verified, 2, 60s));
    CHECK(bench.of(storm, Said::verified)->text == "");  // the alarm was taken as well
    auto over = Bench::order({8, 2}, Action::withdraw, {cell(0), cell(1)});
    over.mode = Mode::exercise;
    over.texts = {{Form::cb, "zh-CN", "演练 演练结束 演练"}};
    bench.carry(over, Peer::sandbox);
    CHECK(bench.until([&] { return bench.of({8, 2}, Said::gone); }, 5s));
    CHECK(lab.shown(0).find("111d |  4082") != std::string::npos);  // the words that it is over
    CHECK(lab.shown(0).find("4081") == std::string::npos);
    for (const auto& heard : receiver.end()) {
        CHECK((heard.identifier == 4381 || heard.identifier == 4394));
        const bool marked = heard.text.starts_with("演练") || heard.text.starts_with("EXERCISE");
        CHECK(marked);
    }
    check_bytes(relay, lab);
    lab.stop();
    CHECK(lab.survived());
}

TEST_CASE(
    "F9: what only some cells took is partial, with the others named; COMPLETE is not on air") {
    Lab lab(33, {"CB_BTS=4", "CB_NOCBCH=3"});
    REQUIRE(lab.well());
    Relay relay(lab.address(), 48049);
    Bench bench(lab, dial(lab, relay));
    REQUIRE(bench.comes_up());
    // 0, 1 live; 2 has no transmitter, 3 no broadcast channel, 4 is not osmo-bsc's at all.
    auto order =
        Bench::order(flood, Action::publish, {cell(0), cell(1), cell(2), cell(3), cell(4)});
    order.texts = {{Form::cb, "zh-CN", "暴雨红色预警"}};
    bench.carry(order);
    CHECK(bench.reaches(flood, Said::accepted, 3, 5s));
    const auto* accepted = bench.of(flood, Said::accepted);
    CHECK(accepted->of == 5);
    CHECK(accepted->missed == std::vector{cell_text(cell(3)), cell_text(cell(4))});
    CHECK(bench.reaches(flood, Said::on_air, 2, 60s));
    const auto* on_air = bench.of(flood, Said::on_air);
    CHECK(on_air->missed ==
          std::vector{cell_text(cell(2)), cell_text(cell(3)), cell_text(cell(4))});
    CHECK_FALSE(bench.of(flood, Said::verified));
    check_bytes(relay, lab);
    lab.stop();
    CHECK(lab.survived());
}

TEST_CASE(
    "F7: after a cut nothing is doubled, and after its restart osmo-bsc has the message again") {
    Lab lab(34);
    REQUIRE(lab.well());
    Relay relay(lab.address(), 48049);
    Bench bench(lab, dial(lab, relay));
    REQUIRE(bench.comes_up());
    auto order = Bench::order(flood, Action::publish, {cell(0), cell(1)});
    order.texts = {{Form::cb, "zh-CN", "暴雨红色预警"}, {Form::cb, "en-US", "Red rainstorm"}};
    bench.carry(order);
    CHECK(bench.reaches(flood, Said::accepted, 2, 5s));
    const auto has_it = [&] {
        const auto table = lab.shown(0);
        return table.find("1113 |  4071") != table.npos && table.find("1120 |  4071") != table.npos;
    };
    CHECK(has_it());

    relay.cut();
    CHECK(bench.until([&] { return bench.links.back() == LinkState::down; }, 5s));
    CHECK(bench.comes_up());
    bench.run(500ms);
    CHECK(has_it());

    lab.stop();
    CHECK(lab.survived());
    CHECK(bench.until([&] { return bench.links.back() == LinkState::down; }, 10s));
    REQUIRE(lab.start());
    REQUIRE(bench.comes_up());
    CHECK(bench.until(has_it, 10s));

    // Our own restart: nothing is asked for again, and the withdrawal finds what was written.
    bench.close();
    bench.forgotten = 0;
    bench.links.clear();
    bench.open();
    REQUIRE(bench.comes_up());
    CHECK(bench.forgotten == 0);
    bench.run(500ms);
    CHECK(has_it());
    bench.carry(Bench::order(flood_again, Action::withdraw, {cell(0)}));  // another plan than then
    CHECK(bench.until([&] { return bench.of(flood_again, Said::gone); }, 5s));
    CHECK(lab.shown(0).find("4071") == std::string::npos);
    CHECK(lab.shown(1).find("4071") == std::string::npos);
    check_bytes(relay, lab);
    lab.stop();
    CHECK(lab.survived());
}

TEST_CASE(
    "H3: fifteen full pages are put together again by another decoder, to the last character") {
    Lab lab(36, {"CB_BTS=1", "CB_LIVE=1"});
    REQUIRE(lab.well());
    Relay relay(lab.address(), 48049);
    Receiver receiver(lab, 300);
    Bench bench(lab, dial(lab, relay));
    REQUIRE(bench.comes_up());
    std::string words = "暴雨红色预警:";
    for (int i = 0; i < 600; ++i) words += i % 10 == 9 ? "," : "雨";
    words += "完";
    auto order = Bench::order(flood, Action::publish, {cell(0)});
    order.texts = {{Form::cb, "zh-CN", words + std::string(7, '.')}};
    bench.carry(order);
    CHECK(bench.reaches(flood, Said::verified, 1, 120s));
    CHECK(lab.shown(0).find("1113 |  4071 | 15") != std::string::npos);
    CHECK(receiver.end().contains({600, 4371, "0x4071", words + std::string(7, '.')}));
    check_bytes(relay, lab);
    lab.stop();
    CHECK(lab.survived());
}

TEST_CASE("a controller that dials us is served the same") {
    constexpr std::uint16_t door = 48149;
    Lab* lab = nullptr;
    Lab folder_only(35, {"CB_MODE=client", fmt::format("CB_PORT={}", door)});
    lab = &folder_only;
    REQUIRE(lab->well());
    Bench bench(*lab, fmt::format("listen = \"{}:{}\"", lab->address(), door));
    REQUIRE(bench.until([&] { return !bench.links.empty() && bench.links.back() == LinkState::up; },
                        30s));
    auto order = Bench::order(flood, Action::publish, {cell(0), cell(1)});
    order.texts = {{Form::cb, "zh-CN", "暴雨红色预警"}};
    bench.carry(order);
    CHECK(bench.reaches(flood, Said::accepted, 2, 5s));
    const auto table = lab->shown(0);
    INFO(table);
    CHECK(table.find("1113 |  4071") != table.npos);
    lab->stop();
    CHECK(lab->survived());
}

}  // namespace
}  // namespace tocsin::peers
