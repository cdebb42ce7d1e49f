#include "tests/channel/line.hpp"

#include "server/base/settings.hpp"
#include "server/contract/loop.hpp"

#include <thread>

namespace tocsin::conformance {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto tick_every = 2ms;
constexpr auto brisk_within = 2s;    // far above any honest call, far below any peer's timeout
constexpr auto goodbye_within = 4s;  // a peer may be told properly that we leave
constexpr auto echo = 10ms;          // what was posted before the end would come now

}  // namespace

struct Line::Inside {
    boost::asio::io_context io{1};
    Loop loop{io};
};

Line::Line(const Listed& channel, Stage& stage, Peer peer, Depth drills)
    : desk(channel.can, stage),
      listed(channel),
      outlet{std::string(channel.name), peer, drills},
      stage_(stage),
      inside_(std::make_unique<Inside>()) {}

Line::~Line() { close(); }

template <class Call> void Line::brisk(const char* what, Call call) {
    if (desk.telling()) desk.complain(fmt::format("{} from within a desk's call", what));
    const auto begun = steady_clock::now();
    call();
    if (steady_clock::now() - begun > brisk_within)
        desk.complain(fmt::format("{} blocks the loop", what));
}

bool Line::open() {
    Complaints complaints;
    const auto settings = Settings::parse(stage_.settings(), "stage.toml", complaints);
    if (!settings) return desk.complain(settings.error().what), false;
    const bool opened = open_with(*settings);
    for (const auto& complaint : complaints.list()) desk.complain(complaint);
    return opened;
}

bool Line::open_with(const Settings& settings) {
    desk.channel_there = true;
    brisk("open", [&] {
        auto opened = listed.open(settings, inside_->loop, desk);
        if (opened)
            channel_ = std::move(*opened);
        else
            desk.complain(opened.error().what);
    });
    return is_open();
}

void Line::close() {
    if (!channel_) return;
    brisk("stop", [&] { channel_->stop(); });
    if (listed.can.bulk && !until([&] { return !desk.up(); }, goodbye_within))
        desk.complain("the link is still up long after stop");
    brisk("the end of the channel", [&] { channel_.reset(); });
    desk.channel_there = false;
    run(echo);
}

bool Line::carry(const Message& message, std::uint32_t people) {
    auto cleared =
        Gate::clear(std::make_shared<const Message>(message), message.mode, outlet, now());
    if (cleared.has_error()) return false;
    desk.expect(message.id, people);
    brisk("carry",
          [&] { std::visit([&](const auto& order) { channel_->carry(order); }, *cleared); });
    return true;
}

void Line::probe() {
    brisk("probe", [&] { channel_->probe(); });
}

void Line::tick() {
    inside_->io.restart();
    brisk("a turn of the loop", [&] { inside_->io.poll(); });
    if (!channel_ || !listed.can.bulk) return;
    auto& bulk = static_cast<BulkChannel&>(*channel_);
    brisk("tick", [&] { bulk.tick(now()); });
    brisk("durable", [&] { bulk.durable(desk.tickets); });
}

bool Line::until(const std::function<bool()>& so, std::chrono::milliseconds patience) {
    const auto end = steady_clock::now() + patience;
    while (!so()) {
        if (steady_clock::now() > end) return false;
        tick();
        std::this_thread::sleep_for(tick_every);
    }
    return true;
}

void Line::run(std::chrono::milliseconds time) {
    until([] { return false; }, time);
}

}  // namespace tocsin::conformance
