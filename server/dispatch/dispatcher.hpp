#pragma once
#include "server/dispatch/closer.hpp"
#include "server/dispatch/fanout.hpp"
#include "server/dispatch/herald.hpp"
#include "server/dispatch/hub.hpp"

/// All of dispatch on one node: a station an endpoint, the fan-out that feeds them, the net below
/// them. On the core loop; owns no thread, socket or Redis connection.
namespace tocsin::dispatch {

class Dispatcher : public Hub, private Stations {
public:
    struct Needs {
        ledger::Ledger& ledger;
        Clock& clock;
        Timers& timers;
        Unpack unpack;                          // plan::unpack
        std::function<std::uint32_t()> random;  // jitter only; empty: the system's
        Tuning tuning = {};
    };
    Dispatcher(Needs needs, std::vector<Definition> endpoints);
    ~Dispatcher() override;

    void start();
    /// Channels are closed in order; nothing is withdrawn (scar A8).
    void stop();
    /// Those that stay go on undisturbed; a new channel behind an old name is a new station.
    void reconfigure(std::vector<Definition> endpoints);
    /// Where app posts what a channel and its campaigns say. Null: no such endpoint (any more).
    Station* find(const std::string& endpoint) override;

    std::vector<EndpointStatus> endpoints() const override;
    bool pause(const std::string& endpoint, const Pause& pause) override;
    bool resume(const std::string& endpoint, const std::string& by) override;
    bool probe(const std::string& endpoint, std::function<void(contract::Probed)> then) override;
    void stir() override { fanout_.stir(); }

    const Metrics& metrics() const { return metrics_; }

private:
    void pace();
    void begin(Station& station, const std::map<std::string, std::string>& states);
    void restore_and_start();
    void tally(const RowKey& key,
               const receipts::Delivery& before,
               const receipts::Delivery& after);

    Tuning tuning_, asked_;
    Metrics metrics_;
    Alerts alerts_;
    Book book_;
    Floor floor_;
    Fanout fanout_;
    Closer closer_;
    Herald herald_;
    Alive alive_;
    bool running_ = false, restored_ = false;
    std::map<std::string, std::string> states_;
    std::map<std::string, std::unique_ptr<Station>> stations_;
};

}  // namespace tocsin::dispatch
