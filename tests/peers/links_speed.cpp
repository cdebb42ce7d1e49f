// What the SMPP channel itself costs: no Redis, a desk that only counts, the simulator as peer.
//
//   bench-links SMSC MESSAGES LINKS WINDOW TICK_MS [RATE [SMSC_OPTION...]]    prints one JSON line
// RATE: messages a second offered; 0: flat out, no tick but what sockets allow.
#include "server/base/log.hpp"
#include "server/base/settings.hpp"
#include "server/contract/bulk.hpp"
#include "server/contract/catalogue.hpp"
#include "server/contract/gate.hpp"
#include "server/contract/loop.hpp"
#include "tests/peers/process.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>

#include <iostream>
#include <numeric>
#include <thread>

namespace tocsin::smpp {
contract::Open open;
}

namespace {

using namespace tocsin::contract;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class CountingDesk final : public BulkDesk {
public:
    explicit CountingDesk(std::size_t people) : numbers_(people) {
        std::iota(numbers_.begin(), numbers_.end(), 8613800000000U);
        for (auto& number : numbers_)
            number = 8613800000000U + (number - 8613800000000U) % 99999999;
    }
    Slice take(OrderId, std::uint32_t at_most) override {
        const auto most = std::min<std::size_t>({at_most, allowed - taken, 1000 - taken % 1000});
        const Slice slice{std::uint32_t(taken), {numbers_.data() + taken, most}, "zh-CN"};
        taken += most;
        return slice;
    }
    void answered(OrderId, std::span<const Answer> answers) override {
        for (const auto& answer : answers) accepted += answer.code == 0;
    }
    Ticket settled(std::span<const Receipt> receipts) override {
        for (const auto& receipt : receipts) delivered += receipt.said == Said::delivered;
        return Ticket(++tickets);
    }
    void unknown(OrderId, std::span<const std::uint32_t> recipients) override {
        lost += recipients.size();
    }
    void report(Evidence) override {}
    void link(LinkState, std::optional<Instant>) override {}
    void forgot() override {}
    void budgets(std::vector<Budget>) override {}
    void probed(Probed) override {}
    void heard(std::string, std::string) override {}
    void serve(std::string, std::string, std::string) override {}

    void hurry() override { hurried = true; }

    bool hurried = false;
    std::size_t taken = 0, allowed = 0, accepted = 0, delivered = 0, lost = 0;
    std::uint64_t tickets = 0;

private:
    std::vector<std::uint64_t> numbers_;
};

std::pair<double, double> cpu() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
        return double(t.tv_sec) + double(t.tv_usec) / 1e6;
    };
    return {seconds(usage.ru_utime), seconds(usage.ru_stime)};
}

std::string setting(std::uint16_t port, int links, int window) {
    auto out = fmt::format(
        "host = \"127.0.0.1\"\nport = {}\nsystem_id = \"tocsin\"\nsource = \"12379\"\n"
        "window = {}\n",
        port, window);
    for (int i = 0; i < links; ++i) out += fmt::format("[[link]]\nname = \"{}\"\n", i + 1);
    return out;
}

}  // namespace

int main(int count, char** words) {
    if (count < 6) return std::cerr << "bench-links SMSC MESSAGES LINKS WINDOW TICK_MS [RATE]\n", 2;
    const auto messages = std::stoul(words[2]);
    const auto rate = count > 6 ? std::stod(words[6]) : 0;
    tocsin::log::threshold(tocsin::log::Severity::error);
    std::vector<std::string> command{words[1], "--port", "0"};
    command.insert(command.end(), words + std::min(count, 7), words + count);
    tocsin::peers::Process smsc(command);
    tocsin::Complaints complaints;
    const auto table = tocsin::Settings::parse(
        setting(smsc.port(), std::stoi(words[3]), std::stoi(words[4])), "bench", complaints);
    boost::asio::io_context io;
    Loop loop{io};
    CountingDesk desk(messages);
    auto opened = tocsin::smpp::open(*table, loop, desk);
    if (!opened) return std::cerr << opened.error().what << '\n', 1;
    auto& channel = static_cast<BulkChannel&>(**opened);
    Message m{};
    m.id = {1, 1};
    m.mode = Mode::live;
    m.level = Level::red;
    m.expires = tocsin::now() + 10min;
    m.texts = {{Form::sms, "zh-CN",
                "北京市气象台发布暴雨红色预警信号：预计未来三小时本市大部分地区将出现特大暴雨，"
                "请立即停止户外活动，远离低洼和山洪沟道。【北京预警】"}};
    m.footprint = Audience{"bench", 1};
    const auto cleared = Gate::clear(std::make_shared<Message>(m), Mode::live,
                                     {"smsc", Peer::live, Depth::platform}, tocsin::now());
    channel.carry(std::get<Order<Live>>(*cleared));
    const auto begun = Clock::now();
    const auto [user, system] = cpu();
    const auto tick = std::chrono::microseconds(std::int64_t(std::stod(words[5]) * 1000));
    constexpr std::chrono::microseconds soonest(1000);
    auto next = Clock::now();
    while (desk.delivered < messages) {
        const auto past = std::chrono::duration<double>(Clock::now() - begun).count();
        if (past > 120) return std::cerr << "too slow\n", 1;
        desk.allowed = rate > 0 ? std::min(messages, std::size_t(rate * past)) : messages;
        io.restart();
        io.poll();
        channel.tick(tocsin::now());
        channel.durable(Ticket(desk.tickets));
        const bool soon = std::exchange(desk.hurried, false);
        std::this_thread::sleep_until(next += soon ? std::min(tick, soonest) : tick);
        if (Clock::now() > next) next = Clock::now();
    }
    const auto took = std::chrono::duration<double>(Clock::now() - begun).count();
    const auto [user_end, system_end] = cpu();
    channel.stop();
    for (int i = 0; i < 400; ++i) {
        channel.tick(tocsin::now()), io.restart(), io.poll();
        std::this_thread::sleep_for(1ms);
    }
    const auto summary = smsc.end();
    const auto field = [&](std::string_view name) {
        const auto at = summary.find(fmt::format("\"{}\":", name));
        return at == summary.npos ? 0.0 : std::stod(summary.substr(at + name.size() + 3));
    };
    const auto each = [&](double seconds) { return seconds * 1e6 / double(messages); };
    fmt::print(
        "{{\"per_second\": {:.0f}, \"cpu_us\": {:.3f}, \"user_us\": {:.3f}, \"system_us\": {:.3f}, "
        "\"smsc_us\": {:.3f}, \"smsc_user_us\": {:.3f}, \"violations\": {}, \"lost\": {}}}\n",
        double(messages) / took, each(user_end - user + system_end - system), each(user_end - user),
        each(system_end - system), each(field("user_s") + field("system_s")), each(field("user_s")),
        int(field("violations")), desk.lost);
}
