#pragma once
#include "channels/cell_broadcast/cbsp/holdings.hpp"
#include "channels/shared/backoff.hpp"

#include <deque>
#include <functional>

/// One base station controller, from connecting to saying goodbye. Owns no socket and no clock: the
/// link tells it what happened, calls tick() when due() has passed, performs wish() and sends outbox().
namespace tocsin::cbsp {

enum class Reset : std::uint8_t { never, unknown, always };  // unknown: if nobody remembers it

struct Times {
    std::chrono::milliseconds reply_within{5000}, connect_within{5000};
    std::chrono::milliseconds keep_alive{30'000}, keep_alive_within{10'000};
    std::chrono::milliseconds reconnect{1000}, reconnect_most{30'000};
    std::size_t window = 8;
    Reset reset = Reset::unknown;
    bool load_query = false;
};

enum class Phase : std::uint8_t {
    closed,
    connecting,
    greeting,   // connected, and not a word heard yet
    resetting,  // waits until the controller has forgotten all
    up
};
enum class Wish : std::uint8_t { nothing, connect, close };

using Jitter = std::function<double()>;

class Session {
public:
    /// `dials`: we connect; else the controller does, and wish() never says so.
    Session(std::string name,
            std::vector<std::uint64_t> cells,
            const Limits& limits,
            const Times& times,
            bool dials,
            Jitter jitter);

    Holdings& holdings() { return holdings_; }
    const Holdings& holdings() const { return holdings_; }
    /// It was told what this controller held before we started.
    void remembers() { remembered_ = true; }

    void connected(Instant now);
    void received(std::string_view bytes, Instant now);
    void broke(std::string_view why, Instant now);
    void tick(Instant now);
    void stop() { stopped_ = true; }

    Wish wish(Instant now);  // once each
    std::string take_outbox() { return std::exchange(outbox_, {}); }
    std::optional<Instant> due() const;

    const std::string& name() const { return name_; }
    Phase phase() const { return phase_; }
    bool up() const { return phase_ == Phase::up; }
    /// Why it is not up, for people.
    const std::string& trouble() const { return trouble_; }

    void probe(Instant now);
    struct Answer {
        bool well;
        std::chrono::milliseconds took;
        std::string what;
    };
    std::optional<Answer> take_probed() { return std::exchange(probed_, std::nullopt); }

    struct Counters {
        std::uint64_t sent = 0, received = 0, malformed = 0, unanswered = 0, late = 0;
    };
    const Counters& counters() const { return counters_; }

private:
    struct Asked {
        Op op;
        Instant by;
    };

    void send(const Pdu& pdu);
    void pump(Instant now);
    void heard(const Pdu& pdu, Instant now);
    void answer(const Pdu& pdu, Instant now);
    void error_indicated(const Pdu& pdu, Instant now);
    void greet(Instant now);
    void came_up(Instant now);
    void watch(Instant now);
    void keep_alive_answered(Instant now);
    void probe_done(bool well, std::string what, Instant now);
    bool conflicts(const Op& op) const;

    std::string name_;
    Holdings holdings_;
    const Times& times_;
    bool dials_, remembered_ = false, stopped_ = false;
    Jitter jitter_;
    shared::Backoff backoff_;

    Phase phase_ = Phase::closed;
    Wish wish_ = Wish::nothing;
    std::string trouble_ = "not connected yet", outbox_;
    Reader reader_;
    std::optional<Instant> retry_at_, deadline_;
    std::vector<Asked> asked_;
    std::deque<Op> late_;  // given up, and may be answered all the same
    Instant alive_at_{};
    std::optional<Instant> alive_asked_;
    std::optional<Instant> probe_since_;
    bool load_asked_ = false;
    std::optional<Answer> probed_;
    Counters counters_;
};

}  // namespace tocsin::cbsp
