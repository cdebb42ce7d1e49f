#include "server/base/log.hpp"
#include "tests/peers/process.hpp"
#include "tests/peers/smpp_bench.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

/// The channel against a switching centre: another codec, a store that can be read, no receipts, and
/// one id for everything.
namespace tocsin::peers {
namespace {

using namespace std::chrono_literals;
using contract::LinkState;
using contract::OrderId;

constexpr OrderId flood{7, 1};

struct Folder {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() / fmt::format("tocsin-osmo-msc-{}", getpid());
    Folder() { std::filesystem::remove_all(path), std::filesystem::create_directories(path); }
    ~Folder() { std::filesystem::remove_all(path); }
};

class Centre {
public:
    explicit Centre(const std::string& password = "secret")
        : process_({"tests/peers/osmo-msc/run.sh", folder_.path.string()},
                   {"PASSWORD=" + password}) {
        port = process_.port();
        REQUIRE_MESSAGE(port != 0, "osmo-msc did not start");
    }
    ~Centre() {
        if (process_.status() < 0) process_.end();
    }
    Centre(const Centre&) = delete;
    Centre& operator=(const Centre&) = delete;

    /// What it keeps: "destination source parts words".
    std::multiset<std::string> stored() {
        process_.end();
        Process reader(
            {"python3", "tests/peers/osmo-msc/stored.py", (folder_.path / "sms.db").string()});
        std::multiset<std::string> out;
        for (auto line = reader.line(); !line.empty(); line = reader.line()) out.insert(line);
        return out;
    }
    std::uint16_t port;

private:
    Folder folder_;
    Process process_;
};

/// What goes to standard error meanwhile.
class Said {
public:
    explicit Said(const std::filesystem::path& file) : file_(file), before_(dup(STDERR_FILENO)) {
        const int to = open(file_.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
        dup2(to, STDERR_FILENO);
        close(to);
    }
    ~Said() { restore(); }
    std::size_t times(const std::string& words) {
        restore();
        std::ifstream in(file_);
        const std::string all(std::istreambuf_iterator<char>(in), {});
        std::size_t found = 0;
        for (auto at = all.find(words); at != all.npos; at = all.find(words, at + 1)) ++found;
        return found;
    }

private:
    void restore() {
        if (before_ < 0) return;
        dup2(before_, STDERR_FILENO);
        close(std::exchange(before_, -1));
    }
    std::filesystem::path file_;
    int before_;
};

std::string rain(std::size_t characters) {
    static constexpr const char* word[] = {"暴", "雨", "红", "色", "预", "警"};
    std::string out;
    for (std::size_t i = 0; i < characters; ++i) out += word[i % 6];
    return out;
}

/// Characters `from` to `to` of rain().
std::string rain(std::size_t from, std::size_t to) { return rain(to).substr(from * 3); }

TEST_CASE("H3: each form of a long Chinese text is in a foreign store as it was said") {
    struct Row {
        std::string form;
        std::size_t characters, parts;
        std::vector<std::string> words;  // a row each in its store
    };
    const Row rows[] = {
        {"udh8", 70, 1, {rain(70)}},
        {"udh8", 150, 3, {rain(150)}},
        {"udh16", 150, 3, {rain(150)}},
        // It takes the SAR TLVs and drops them: each part is a message there.
        {"sar", 150, 1, {rain(0, 66), rain(66, 132), rain(132, 150)}},
        // It counts octets in 8 bits, keeps 300 - 256 of them, and says accepted.
        {"payload", 150, 1, {rain(22)}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.form);
        CAPTURE(row.characters);
        Centre peer;
        SmppBench bench(peer.port, fmt::format("long_form = \"{}\"", row.form));
        bench.invite(flood, 20);
        bench.carry(flood, rain(row.characters));
        CHECK(bench.until([&] { return bench.desk.accepted(flood) == 20; }));
        bench.run(50ms);
        bench.stop();
        CHECK(bench.desk.delivered(flood) == 0);
        std::multiset<std::string> wanted;
        for (int i = 0; i < 20; ++i)
            for (const auto& words : row.words)
                wanted.insert(fmt::format("{} 12379 {} {}", 8613800000000 + i, row.parts, words));
        CHECK(peer.stored() == wanted);
    }
}

TEST_CASE("one id for every message: noticed, told once, accepted is claimed and no more") {
    Folder folder;
    Centre peer;
    Said said(folder.path.string() + ".log");
    SmppBench bench(peer.port);
    bench.invite(flood, 200);
    bench.carry(flood, "暴雨红色预警");
    CHECK(bench.until([&] { return bench.desk.accepted(flood) == 200; }));
    bench.run(100ms);
    bench.stop();
    CHECK(said.times("smpp.ids_constant") == 1);
    CHECK(bench.desk.delivered(flood) == 0);
    CHECK(bench.desk.receipts == 0);
    const auto stored = peer.stored();
    CHECK(stored.size() == 200);
    CHECK(std::set<std::string>(stored.begin(), stored.end()).size() == 200);
    std::filesystem::remove(folder.path.string() + ".log");
}

TEST_CASE("the window is kept by the channel, though this peer would take any number") {
    for (const std::int64_t window : {10, 50}) {
        CAPTURE(window);
        Centre peer;
        Process relay({"python3", "tests/peers/osmo-msc/relay.py", fmt::format("{}", peer.port)});
        SmppBench bench(relay.port(), fmt::format("window = {}", window));
        bench.invite(flood, 1000);
        bench.carry(flood, "暴雨红色预警");
        CHECK(bench.until([&] { return bench.desk.accepted(flood) == 1000; }));
        bench.stop();
        const auto told = boost::json::parse(relay.end()).as_object();
        CHECK(told.at("submits").as_int64() == 1000);
        CHECK(told.at("answers").as_int64() == 1000);
        CHECK(told.at("most_unanswered").as_int64() == window);  // used to its end, never beyond
        CHECK(told.at("ids").as_int64() == 1);
        CHECK(told.at("broken").as_int64() == 0);
    }
}

TEST_CASE("a wrong password is told, and not tried again within minutes") {
    Centre peer("other");
    SmppBench bench(peer.port);
    bench.invite(flood, 1);
    bench.carry(flood, "暴雨");
    CHECK(bench.until([&] { return bench.desk.links.back().second.has_value(); }, 10s));
    CHECK(bench.desk.state() == LinkState::down);
    const auto again = bench.desk.links.back().second;
    REQUIRE(again);
    CHECK(*again - now() > 4min);
    bench.stop();
    CHECK(bench.desk.accepted(flood) == 0);
    CHECK(peer.stored().empty());
}

TEST_CASE("cut in mid-campaign it binds again: all are reached, at most a window twice") {
    Centre peer;
    Process relay(
        {"python3", "tests/peers/osmo-msc/relay.py", fmt::format("{}", peer.port), "150"});
    SmppBench bench(relay.port(), "window = 20\nreconnect = \"20ms\"");
    bench.invite(flood, 400);
    bench.carry(flood, "暴雨");
    CHECK(bench.until([&] { return bench.desk.accepted(flood) == 400; }));
    bench.stop();
    const auto told = boost::json::parse(relay.end()).as_object();
    CHECK(told.at("cuts").as_int64() == 1);
    const auto stored = peer.stored();
    CHECK(std::set<std::string>(stored.begin(), stored.end()).size() == 400);
    CHECK(stored.size() <= 420);
}

}  // namespace
}  // namespace tocsin::peers
