#include "server/base/log.hpp"
#include "server/base/settings.hpp"
#include "server/contract/catalogue.hpp"
#include "server/contract/gate.hpp"
#include "server/contract/loop.hpp"
#include "tests/peers/process.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <numbers>
#include <set>
#include <sstream>
#include <thread>

/// Area messages against a strict message centre of our own, and the bytes of the whole run before
/// tshark's dissector, which nobody here wrote.
namespace tocsin::smpp_area {
contract::Open open;
}

namespace tocsin::peers {
namespace {

using namespace contract;
using namespace std::chrono_literals;

constexpr OrderId flood{7, 1}, flood_again{7, 2}, flood_over{7, 3}, storm{8, 1};

struct Notes final : Desk {
    void report(Evidence evidence) override { evidences.push_back(std::move(evidence)); }
    void link(LinkState state, std::optional<Instant> until) override {
        up = state == LinkState::up, retry = until;
    }
    void forgot() override {}
    void budgets(std::vector<Budget>) override {}
    void probed(Probed) override {}
    void heard(std::string, std::string) override {}
    void serve(std::string, std::string, std::string) override {}
    const Evidence* find(OrderId id, Said said) const {
        for (const auto& evidence : evidences)
            if (evidence.order == id && evidence.said == said) return &evidence;
        return nullptr;
    }
    std::vector<Evidence> evidences;
    bool up = false;
    std::optional<Instant> retry;
};

class Area {
public:
    explicit Area(const std::string& settings, const std::vector<std::string>& peer_options = {})
        : folder_(std::filesystem::temp_directory_path() /
                  fmt::format("tocsin-area-{}", getpid())) {
        log::threshold(static_cast<log::Severity>(int(log::Severity::error) + 1));
        std::filesystem::create_directories(folder_);
        std::vector<std::string> command{"python3", "-B", "tests/peers/area_smsc/area_smsc.py",
                                         "--pcap", capture()};
        command.insert(command.end(), peer_options.begin(), peer_options.end());
        peer_ = std::make_unique<Process>(command);
        const auto port = peer_->port();
        REQUIRE(port != 0);
        Complaints complaints;
        const auto table = Settings::parse(
            fmt::format("host = \"127.0.0.1\"\nport = {}\nsystem_id = \"tocsin\"\n"
                        "source = \"12379\"\nquery_first = \"10ms\"\nquery = \"50ms\"\n{}",
                        port, settings),
            "test.toml", complaints);
        auto opened = smpp_area::open(*table, loop_, notes);
        REQUIRE(complaints.list().empty());
        REQUIRE(opened.has_value());
        channel_ = std::move(*opened);
    }
    ~Area() {
        channel_.reset();
        io_.poll();
        std::filesystem::remove_all(folder_);
    }
    void carry(OrderId id, Action action, std::uint16_t shown, const std::string& geometry = {}) {
        Message m{};
        m.id = id, m.action = action, m.shown = shown, m.mode = Mode::live, m.level = Level::red;
        m.expires = now() + 10min;
        m.texts = {{Form::sms, "zh-CN", fmt::format("暴雨红色预警 第{}版🌊", id.revision)},
                   {Form::sms, "en-US", fmt::format("Rainstorm, revision {}", id.revision)}};
        m.footprint = Regions{{"110105", "110108"}, geometry};
        auto cleared = Gate::clear(std::make_shared<Message>(m), Mode::live,
                                   {"area", Peer::live, Depth::platform}, now());
        channel_->carry(std::get<Order<Live>>(*cleared));
    }
    bool until(const std::function<bool()>& so) {
        const auto end = std::chrono::steady_clock::now() + 10s;
        while (!so()) {
            if (std::chrono::steady_clock::now() > end) return false;
            io_.restart();
            io_.poll();
            std::this_thread::sleep_for(1ms);
        }
        return true;
    }
    bool says(OrderId id, Said said) {
        return until([&] { return notes.find(id, said) != nullptr; });
    }
    /// The peer's summary; it saw nothing that its protocol forbids.
    void stop() {
        channel_->stop();
        CHECK(until([&] { return !notes.up; }));
        const auto summary = peer_->end();
        CAPTURE(summary);
        CHECK(peer_->status() == 0);
        CHECK(summary.find("\"closed_without_unbind\": 0") != std::string::npos);
    }
    std::string capture() const { return folder_ / "run.pcap"; }

    Notes notes;

private:
    std::filesystem::path folder_;
    boost::asio::io_context io_;
    Loop loop_{io_};
    std::unique_ptr<Process> peer_;
    std::unique_ptr<Channel> channel_;
};

/// What tshark prints of a capture's SMPP packets.
std::vector<std::string> tshark(const std::string& capture, std::vector<std::string> options) {
    std::vector<std::string> command{"tshark", "-r", capture, "-d", "tcp.port==2775,smpp"};
    command.insert(command.end(), options.begin(), options.end());
    Process program(command);
    std::vector<std::string> out;
    for (auto line = program.line(); !line.empty(); line = program.line()) out.push_back(line);
    program.end();
    REQUIRE(program.status() == 0);
    return out;
}

std::multiset<std::string> values(const std::string& capture,
                                  const char* filter,
                                  const char* field) {
    std::multiset<std::string> out;
    for (const auto& line :
         tshark(capture, {"-Y", fmt::format("({}) && {}", filter, field), "-T", "fields", "-E",
                          "aggregator=/s", "-E", "occurrence=a", "-e", field})) {
        std::istringstream words(line);
        for (std::string word; words >> word;) out.insert(word);
    }
    return out;
}

std::string circle_of_64() {
    std::string points;
    for (int i = 0; i <= 64; ++i) {
        const double angle = 2 * std::numbers::pi * (i % 64) / 64;
        points +=
            fmt::format("{}[{:.6f},{:.6f}]", points.empty() ? "" : ",",
                        116.4 + 0.05 * std::cos(angle) / 0.767, 39.9 + 0.05 * std::sin(angle));
    }
    return fmt::format(R"({{"type":"MultiPolygon","coordinates":[[[{}]],)"
                       R"([[[116.0,39.0],[116.5,39.0],[116.5,39.4],[116.2,39.6],[116.0,39.0]]]]}})",
                       points);
}

TEST_CASE("names and shapes, an update and a withdrawal: strict centre and tshark find no fault") {
    Area area("areas = \"both\"\nrepetitions = 20\ninterval = \"30s\"\nmessage_class = 1",
              {"--success", "110108=40"});
    REQUIRE(area.until([&] { return area.notes.up; }));
    area.carry(flood, Action::publish, 0, circle_of_64());
    CHECK(area.says(flood, Said::on_air));
    // Two languages in four areas each; one of them takes 40 % of its stations.
    const auto* seen = area.notes.find(flood, Said::on_air);
    REQUIRE(seen);
    CHECK(seen->of == 8);
    CHECK(seen->reached == 6);
    CHECK(seen->missed == std::vector<std::string>{"110108: 40 %", "110108: 40 %"});
    area.carry(flood_again, Action::update, 1);
    CHECK(area.says(flood_again, Said::on_air));
    area.carry(flood_over, Action::withdraw, 2);
    CHECK(area.says(flood_over, Said::gone));
    CHECK_FALSE(area.notes.find(flood, Said::delivered));
    area.stop();

    const auto file = area.capture();
    const auto malformed =
        tshark(file, {"-Y", "_ws.malformed || _ws.expert.severity >= \"Error\" || _ws.short", "-T",
                      "fields", "-e", "frame.number"});
    CHECK(malformed.empty());
    const auto commands = values(file, "smpp", "smpp.command_id");
    CHECK(commands.count("0x00000111") == 6);  // two languages: published, updated, lifted
    CHECK(commands.count("0x00000113") == 2);
    CHECK(commands.count("0x80000111") == 6);
    CHECK(commands.count("0x00000112") >= 4);
    CHECK(commands.count("0x00000006") == 1);
    const auto formats =
        values(file, "smpp.command_id == 0x111", "smpp.broadcast_area_identifier.format");
    CHECK(formats.count("0x00") == 12);
    CHECK(formats.count("0x01") + formats.count("0x02") == 4);
    CHECK(formats.count("0x02") >= 2);
    CHECK(values(file, "smpp", "smpp.broadcast_content_type.type").count("0x0001") == 6);
    // broadcast_rep_num is not in the capture (tests/peers/area_smsc/pcap.py): the centre read it.
    CHECK(values(file, "smpp", "smpp.broadcast_frequency_interval.unit").count("0x08") == 6);
    CHECK(values(file, "smpp", "smpp.broadcast_frequency_interval.value").count("30") == 6);
    CHECK(values(file, "smpp", "smpp.broadcast_message_class").count("0x01") == 6);
    CHECK(values(file, "smpp", "smpp.user_message_reference").count("0x0038") >= 3);
    CHECK(
        values(file, "smpp.command_id == 0x80000112", "smpp.broadcast_area_success").count("40") >=
        2);
    CHECK(values(file, "smpp", "smpp.interface_version").count("80") == 1);
}

TEST_CASE("areas that the peer does not take are told by name") {
    Area area("", {"--fail-area", "110108"});
    REQUIRE(area.until([&] { return area.notes.up; }));
    area.carry(storm, Action::publish, 0);
    CHECK(area.says(storm, Said::accepted));
    const auto* taken = area.notes.find(storm, Said::accepted);
    REQUIRE(taken);
    CHECK(taken->reached == 2);
    CHECK(taken->of == 4);
    CHECK(taken->missed.front() == "110108: ESME_RBCASTFAIL");
    CHECK(area.says(storm, Said::on_air));
    CHECK(area.notes.find(storm, Said::on_air)->reached == 2);
    area.stop();
}

TEST_CASE("a wrong password is told, and not tried again within minutes") {
    Area area("", {"--password", "other"});
    CHECK(area.until([&] { return area.notes.retry.has_value(); }));
    REQUIRE(area.notes.retry);
    CHECK(*area.notes.retry - now() > 4min);
}

}  // namespace
}  // namespace tocsin::peers
