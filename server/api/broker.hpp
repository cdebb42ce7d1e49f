#pragma once
#include "server/api/http.hpp"
#include "server/api/metrics.hpp"
#include "server/authority/authority.hpp"
#include "server/ledger/ledger.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

/// Who watches what: from the ledger's events to open SSE streams, without loss and without repeat.
/// A watcher is first told what it missed, read from the ledger; what happens meanwhile waits.
namespace tocsin::api {

/// "id: …\nevent: …\ndata: …\n\n". Pure.
std::string sse(std::string_view id, std::string_view name, std::string_view data);
/// Stream ids "ms-n" by their numbers: is `a` later than `b`? Everything is later than "". Pure.
bool later(std::string_view a, std::string_view b);
/// The event's JSON with the alert's id in it, for streams of many alerts. Pure.
std::string with_alert_id(const std::string& data, std::string_view alert);

class Broker {
public:
    using AuthorityNow = std::function<std::shared_ptr<const authority::Authority>()>;
    Broker(boost::asio::io_context& core,
           ledger::Ledger& ledger,
           AuthorityNow authority,
           std::function<Instant()> clock,
           std::chrono::milliseconds heartbeat,
           Metrics& metrics);
    ~Broker();
    Broker(const Broker&) = delete;
    Broker& operator=(const Broker&) = delete;

    /// Before the first watcher: the event loops that connections live on.
    void open(const std::vector<boost::asio::io_context*>& loops);
    void close();

    /// On the exchange's thread; the right to read was checked. `alert` empty: all that `who` may
    /// read. `after` empty: from the alert's beginning; of all: from now.
    void watch(Exchange& exchange,
               const authority::Principal& who,
               std::string alert,
               std::string after);

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace tocsin::api
