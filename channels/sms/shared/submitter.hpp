#pragma once
#include "channels/sms/shared/campaign.hpp"
#include "channels/sms/shared/lane.hpp"
#include "channels/sms/shared/protocol.hpp"

#include <functional>
#include <map>
#include <memory>

/// Decides which segment goes to which peer next and what its answer means. Pulls recipients from
/// the desk while windows, paces and buffers of all lanes together have room; knows nothing of binds
/// and sockets. A lane that dies gives back what it had; what throttles slows its lane only.
namespace tocsin::sms {

using contract::MessageId;
using Jitter = std::function<double()>;  // [0, 1)

struct SubmitterSetup {
    std::vector<LaneSetup> lanes;
    std::shared_ptr<const Portability> ported;
    std::uint8_t parts_most = 4;
    std::chrono::milliseconds validity_most{30 * 60 * 1000};
};

class Submitter {
public:
    enum class Wants : std::uint8_t { nothing, rebind };

    Submitter(const SubmitterSetup& setup,
              contract::BulkDesk& desk,
              const Protocol& protocol,
              Jitter jitter);

    /// The same order again goes on; a later revision of its chain ends it.
    void carry(Campaign campaign);
    /// What may leave now, into the lanes' outboxes.
    void fill(Instant now);
    /// `id`: the peer's, as receipts will be matched by; empty if it gave none.
    Wants answered(
        Lane& lane, std::uint32_t sequence, std::uint32_t status, const MessageId& id, Instant now);
    /// True when so many in a row went unanswered that the lane's link must be dead.
    bool overdue(Lane& lane, Instant now);
    void opened(Lane& lane);
    /// In order: its answers may still come, nothing new goes.
    void closing(Lane& lane);
    void lost(Lane& lane);
    /// Gives back what waits: nothing more will be sent.
    void give_back();
    /// What waits and may not go any more; fill() does the same while a lane is open.
    void expire(Instant now);
    /// Everything learnt since the last call, to the desk in batches.
    void report();

    std::size_t lanes() const { return lanes_.size(); }
    Lane& lane(std::size_t index) { return *lanes_[index]; }
    const Lane& lane(std::size_t index) const { return *lanes_[index]; }
    bool any_open() const { return open_ != 0; }
    /// A window that was full is half empty already: the peer is faster than our ticks.
    bool hurried() const { return hurried_; }
    Lane::Counters counters() const;  // of all lanes

private:
    Campaign* find(std::uint32_t serial);
    void begin(Campaign& campaign, Instant now);
    void set_validity(Campaign& campaign, Instant now);
    void measure_room(Instant now);
    std::uint32_t room_for(const Campaign& campaign) const;
    void keep_turn(const Campaign& campaign);
    Lanes usable(const Campaign& campaign, const Route& route) const;

    void send_waiting(Campaign& campaign, Instant now);
    bool send_waiting(Campaign& campaign, std::deque<Job>& queue, Instant now);
    Lane* lane_for(const Campaign& campaign, const Job& job, Lanes lanes);
    bool stranded(const Campaign& campaign, const Job& job, Lanes lanes) const;
    void send(Lane& lane, Campaign& campaign, Job job, Instant now);

    void place(Campaign& campaign, const contract::Slice& slice, Instant now);
    void place_run(Campaign& campaign,
                   std::uint8_t text,
                   RouteId route,
                   std::uint32_t first,
                   std::span<const std::uint64_t> numbers,
                   Instant now);
    void send_run(Lane& lane,
                  Campaign& campaign,
                  std::uint8_t text,
                  RouteId route,
                  std::uint32_t first,
                  std::span<const std::uint64_t> numbers,
                  Instant now);
    void refuse_run(Campaign& campaign,
                    std::uint8_t text,
                    std::uint32_t first,
                    std::span<const std::uint64_t> numbers,
                    std::uint32_t code);
    void wait(Campaign& campaign, const Job& job, bool first);

    void accept(Lane& lane, Campaign& campaign, const Job& job, MessageId id);
    void refused(Lane& lane, Campaign& campaign, Job job, std::uint32_t status, Instant now);
    void refused_alike(Lane& lane, Campaign& campaign, Job job, std::uint32_t status, Instant now);
    void next_form(Lane& lane, Campaign& campaign, Job job, std::uint32_t status, Instant now);
    void reroute(Lane& lane, Campaign& campaign, Job job, std::uint32_t status, Instant now);
    void try_later(Campaign& campaign, Job job, std::uint32_t status, bool slow, Instant now);
    void answer(Campaign& campaign, const Job& job, std::uint32_t code, const MessageId& id = {});
    void finish(Campaign& campaign, const Job& job, std::uint32_t code);
    void unknown(Campaign& campaign, const Job& job);
    void drop_waiting(Campaign& campaign, Instant now);
    std::uint32_t drop_code(const Campaign& campaign, const Job& job, Instant now) const;
    void forget_old(Instant now);

    contract::BulkDesk& desk_;
    const Protocol& protocol_;
    Jitter jitter_;
    std::uint8_t parts_most_;
    std::chrono::milliseconds validity_most_;
    std::vector<std::unique_ptr<Lane>> lanes_;
    Router router_;
    Lanes open_ = 0;
    bool hurried_ = false;
    Instant now_{};                                     // of the last fill()
    std::size_t turn_ = 0;                              // the lane that is asked first
    std::vector<std::unique_ptr<Campaign>> campaigns_;  // gravest first
    std::uint32_t serials_ = 0;
    std::multimap<Instant, Job> later_;
};

}  // namespace tocsin::sms
