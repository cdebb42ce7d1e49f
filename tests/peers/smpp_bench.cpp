#include "tests/peers/smpp_bench.hpp"

#include "server/base/log.hpp"
#include "server/contract/gate.hpp"
#include "server/contract/loop.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace tocsin::smpp {
contract::Open open;
}

namespace tocsin::peers {
namespace {

using namespace contract;
using namespace std::chrono_literals;

Message message(OrderId id, const std::string& words, const std::string& language) {
    Message m{};
    m.id = id;
    m.mode = Mode::live;
    m.action = Action::publish;
    m.level = Level::red;
    m.expires = now() + 10min;
    m.texts = {{Form::sms, language, words}};
    m.footprint = Audience{"test", 1};
    return m;
}

std::filesystem::path password_file_name() {
    return std::filesystem::temp_directory_path() /
           ("tocsin-peer-" + std::to_string(getpid()) + ".password");
}
std::filesystem::path password_file() {
    const auto file = password_file_name();
    std::ofstream(file) << "secret\n";
    return file;
}

}  // namespace

struct SmppBench::Inside {
    boost::asio::io_context io;
    Loop loop{io};
};

SmppBench::SmppBench(contract::Open& open, const std::string& toml)
    : inside_(std::make_unique<Inside>()) {
    log::threshold(log::Severity::error);
    Complaints complaints;
    const auto table = Settings::parse(toml, "test.toml", complaints);
    if (!table) throw std::runtime_error(table.error().what);
    auto opened = open(*table, inside_->loop, desk);
    for (const auto& complaint : complaints.list()) throw std::runtime_error(complaint);
    if (!opened) throw std::runtime_error(opened.error().what);
    channel_ = std::move(*opened);
}

SmppBench::SmppBench(std::uint16_t port, const std::string& settings)
    : SmppBench(smpp::open,
                fmt::format("host = \"127.0.0.1\"\nport = {}\nsystem_id = \"tocsin\"\n"
                            "password_file = \"{}\"\nsource = \"12379\"\n{}",
                            port,
                            password_file().string(),
                            settings)) {
    std::filesystem::remove(password_file_name());
}

SmppBench::~SmppBench() { stop(); }

void SmppBench::tick() {
    auto& bulk = static_cast<BulkChannel&>(*channel_);
    inside_->io.restart();
    inside_->io.poll();
    bulk.tick(now());
    bulk.durable(Ticket(desk.tickets));
}

bool SmppBench::until(const std::function<bool()>& so, std::chrono::milliseconds patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!so()) {
        if (std::chrono::steady_clock::now() > end) return false;
        const auto next = std::chrono::steady_clock::now() + tick_every;
        tick();
        std::this_thread::sleep_until(next);
    }
    return true;
}

void SmppBench::run(std::chrono::milliseconds time) {
    until([] { return false; }, time);
}

void SmppBench::stop() {
    if (std::exchange(stopped_, true)) return;
    channel_->stop();
    until([&] { return desk.state() == LinkState::down; }, 9s);
}

void SmppBench::invite(OrderId order, std::size_t people) {
    std::vector<std::uint64_t> numbers(people);
    for (std::size_t i = 0; i < people; ++i) numbers[i] = 8613800000000 + i;
    desk.invite(order, std::move(numbers));
}

void SmppBench::carry(OrderId order, const std::string& words, const std::string& language) {
    auto cleared = Gate::clear(std::make_shared<Message>(message(order, words, language)),
                               Mode::live, {"smsc", Peer::live, Depth::platform}, now());
    channel_->carry(std::get<Order<Live>>(*cleared));
}

void SmppBench::carry_drill(OrderId order, const std::string& words) {
    auto drill = message(order, words, "zh-CN");
    drill.mode = Mode::exercise;
    drill.depth = Depth::terminal;
    auto cleared = Gate::clear(std::make_shared<Message>(drill), Mode::exercise,
                               {"smsc", Peer::sandbox, Depth::terminal}, now());
    channel_->carry(std::get<Order<Drill>>(*cleared));
}

}  // namespace tocsin::peers
