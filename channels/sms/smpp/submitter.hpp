#pragma once
#include "channels/sms/shared/pace.hpp"
#include "channels/sms/shared/window.hpp"
#include "channels/sms/smpp/campaign.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>

/// Decides which segment goes to the peer next and what its answer means. Pulls recipients from the
/// desk while the window, the pace and the buffer have room; knows nothing of binds and sockets.
namespace tocsin::smpp {

using sms::Job, sms::Pace, sms::Window;
using Jitter = std::function<double()>;  // [0, 1)

class Submitter {
public:
    struct Counters {
        std::uint64_t submitted = 0, accepted = 0, refused = 0, throttled = 0, retried = 0,
                      timed_out = 0, late = 0, stray = 0, lost = 0;
    };
    enum class Wants : std::uint8_t { nothing, rebind };

    Submitter(const Setup& setup,
              contract::BulkDesk& desk,
              Learner& learner,
              Jitter jitter,
              std::uint32_t first_sequence);

    /// The same order again goes on; a later revision of its chain ends it.
    void carry(Campaign campaign);
    void fill(Instant now, std::string& out, std::size_t bytes_most);
    Wants answered(std::uint32_t sequence, std::uint32_t status, std::string_view id, Instant now);
    /// True when so many in a row went unanswered that the link must be dead.
    bool overdue(Instant now);
    void link_up();
    void link_lost();
    /// Gives back what waits to go again: nothing more will be sent.
    void give_back();
    /// What waits to go again and may not any more; fill() does the same while there is a link.
    void expire(Instant now);
    /// Everything learnt since the last call, to the desk in batches.
    void report();

    std::uint32_t next_sequence() { return window_.next_sequence(); }
    std::uint32_t in_flight() const { return window_.in_use(); }
    std::optional<Instant> paused_until(Instant now) const { return pace_.paused_until(now); }
    const Counters& counters() const { return counters_; }

private:
    Campaign* find(std::uint32_t serial);
    void send(Campaign& campaign, const Job& job, Instant now, std::string& out);
    void send_again(Instant now, std::uint32_t& room, std::string& out, std::size_t bytes_most);
    bool dropped(Campaign& campaign, const Job& job, Instant now);
    void send_slice(Campaign& campaign,
                    const contract::Slice& slice,
                    Instant now,
                    std::string& out);
    void begin(Campaign& campaign, Instant now);
    void prepare(Campaign& campaign, Instant now);
    void accept(Campaign& campaign, const Job& job, std::string_view id);
    void answer(Campaign& campaign, const Job& job, std::uint32_t code, MessageId id = {});
    void finish(Campaign& campaign, const Job& job, std::uint32_t code);
    void refuse_campaign(Campaign& campaign, std::uint32_t status, Instant now);
    void try_later(Campaign& campaign, Job job, std::uint32_t status, bool slow, Instant now);
    void forget_old(Instant now);

    const Setup& setup_;
    contract::BulkDesk& desk_;
    Learner& learner_;
    Jitter jitter_;
    Window window_;
    Pace pace_;
    std::vector<std::unique_ptr<Campaign>> campaigns_;  // gravest first
    std::uint32_t serials_ = 0;
    std::deque<Job> ready_;  // sent before anything new
    std::multimap<Instant, Job> later_;
    std::uint32_t unanswered_in_a_row_ = 0;
    MessageId last_id_{};
    std::uint32_t same_id_in_a_row_ = 0;
    Counters counters_;
};

}  // namespace tocsin::smpp
