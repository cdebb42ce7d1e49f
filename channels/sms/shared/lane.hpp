#pragma once
#include "channels/sms/shared/outbox.hpp"
#include "channels/sms/shared/pace.hpp"
#include "channels/sms/shared/routes.hpp"
#include "channels/sms/shared/window.hpp"
#include "server/contract/bulk.hpp"

/// The sending side of one link: what may be unanswered on it, how fast, and what came of it.
namespace tocsin::sms {

struct LaneSetup {
    std::string name;
    std::uint32_t window = 100;
    double rate = 0;  // segments a second; 0: no limit
    Filter filter = {};
    std::vector<std::uint8_t> forms = {
        0};  // of Worded::forms, the next one when a peer refuses one
    std::chrono::milliseconds response_within{30000};
    std::uint32_t first_sequence = 1;
};

class Lane {
public:
    struct Counters {
        std::uint64_t submitted = 0, accepted = 0, refused = 0, throttled = 0, retried = 0,
                      timed_out = 0, late = 0, stray = 0, lost = 0;
    };
    Lane(const LaneSetup& setup, std::uint8_t index, std::uint32_t parts_most)
        : setup_(setup),
          index_(index),
          window_(setup.window, setup.first_sequence),
          pace_(setup.rate, parts_most) {}

    const std::string& name() const { return setup_.name; }
    std::uint8_t index() const { return index_; }
    bool open() const { return open_; }
    Lanes bit() const { return Lanes(1) << index_; }
    std::uint8_t form() const { return setup_.forms[form_at_]; }
    std::uint32_t next_sequence() { return window_.next_sequence(); }
    std::uint32_t in_flight() const { return window_.in_use(); }
    std::optional<Instant> paused_until(Instant now) const { return pace_.paused_until(now); }
    const Counters& counters() const { return counters_; }
    /// Answers a second, measured while it had work; 0: not yet.
    double rate() const { return rate_; }
    Outbox& outbox() { return outbox_; }

private:
    friend class Submitter;
    void measure(Instant now);

    LaneSetup setup_;
    std::uint8_t index_;
    std::size_t form_at_ = 0;
    bool open_ = false, form_taken_ = false;  // the peer accepted a message in this form
    std::optional<Instant> closed_since_;     // as far as known
    Window window_;
    Pace pace_;
    Outbox outbox_;
    std::uint32_t room_ = 0;  // in this tick
    bool full_ = false;       // its window, when the last tick ended
    std::uint32_t unanswered_in_a_row_ = 0, same_id_in_a_row_ = 0;
    contract::MessageId last_id_{};
    double rate_ = 0;
    std::uint64_t answers_ = 0, answers_before_ = 0;
    std::optional<Instant> measured_from_;
    Counters counters_;
};

}  // namespace tocsin::sms
