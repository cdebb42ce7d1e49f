#pragma once
#include "server/contract/catalogue.hpp"
#include "server/contract/gate.hpp"
#include "tests/channel/orders.hpp"
#include "tests/channel/witness.hpp"

/// A channel as the server runs it: opened from settings, on a loop of one thread, ticked if it is a
/// bulk channel, orders through the gate only. Writes down calls that block and desks that are
/// called at the wrong moment.
namespace tocsin::conformance {

class Line {
public:
    Line(const Listed& channel,
         Stage& stage,
         Peer peer = Peer::live,
         Depth drills = Depth::platform);
    ~Line();

    /// Opens the channel; false, and `desk.wrong` says why, if it will not.
    bool open();
    /// The same with a table of the test's own; complaints are the caller's.
    bool open_with(const Settings& settings);
    bool is_open() const { return channel_ != nullptr; }
    /// In order as the server does: stop, some time to say goodbye, gone.
    void close();

    /// False: the gate objected, and the channel has not seen it.
    bool carry(const Message& message, std::uint32_t people = people_usual);
    void probe();
    bool until(const std::function<bool()>& so,
               std::chrono::milliseconds patience = std::chrono::seconds(8));
    void run(std::chrono::milliseconds time);
    bool comes_up() {
        return until([&] { return desk.up(); });
    }
    bool reaches(OrderId order,
                 Said grade,
                 std::chrono::milliseconds patience = std::chrono::seconds(8)) {
        return until([&] { return desk.reached(order) >= grade; }, patience);
    }

    Witness desk;
    const Listed& listed;
    Outlet outlet;

private:
    struct Inside;  // hides the io_context
    void tick();
    template <class Call> void brisk(const char* what, Call call);

    Stage& stage_;
    std::unique_ptr<Inside> inside_;
    std::unique_ptr<Channel> channel_;
};

}  // namespace tocsin::conformance
