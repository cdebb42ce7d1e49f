#pragma once
#include "server/dispatch/alerts.hpp"
#include "server/dispatch/book.hpp"
#include "server/dispatch/hub.hpp"
#include "server/dispatch/metrics.hpp"
#include "server/dispatch/stand_in.hpp"

/// Runs ONE endpoint on the core loop: holds its lease, reads what it is to show, has the decider
/// say what comes next, and does it: intent -> gate -> channel; evidence -> receipts -> settled.
/// Owns no socket: the channel is behind a Port, and what it says is posted here.
namespace tocsin::dispatch {

/// What all stations share.
struct Floor {
    ledger::Ledger& ledger;
    Clock& clock;
    Timers& timers;
    Alerts& alerts;
    Book& book;
    Metrics& metrics;
    const Tuning& tuning;
    std::function<std::uint32_t()> random;
    FindKin kin;
    /// `endpoint` cannot do it: carry `alert` on `backup`, too.
    std::function<void(const std::string& endpoint, const std::string& backup, const Shared& alert)>
        backup;
};

class Station : public BulkEvents {
public:
    Station(Definition definition, Floor& floor);
    ~Station() override;
    Station(const Station&) = delete;
    Station& operator=(const Station&) = delete;

    void start();
    /// Closes in order and withdraws nothing (scar A8). Nothing happens afterwards.
    void stop();
    /// A hint of the fan-out: this was just written. `due` false: there is nothing to take back.
    void wanted(contract::Mode mode, const ledger::Want& want, bool due, const Shared& alert);

    // From the channel (contract::Desk), posted.
    void heard(contract::Evidence evidence);
    void link(LinkState state, std::optional<Instant> until);
    void forgot();
    void probed(const contract::Probed& result);
    // From the campaigns, posted.
    void opened(OrderId order, bool well, std::string why) override;
    void asked(OrderId order) override;
    void exhausted(OrderId order) override;
    void totals(OrderId order, receipts::Counts counts, bool all_final) override;
    void rate(double per_second) override;

    void pause(const Pause& pause);
    void resume(const std::string& by);
    /// What was kept in the ledger before this start.
    void restore(const std::string& state);
    void probe(std::function<void(contract::Probed)> then);
    EndpointStatus status() const;
    const Definition& definition() const { return definition_; }
    /// New limits, areas, backup; the channel stays as it is.
    void redefine(Definition definition);
    bool mine() const { return decider_.has_value(); }

private:
    struct Order {  // of the newest revision of one chain
        contract::Mode mode{};
        ledger::Want want;
        Shared alert;
        std::uint16_t shown = 0, tries = 0;
        bool go = false;           // the intent was answered in this life
        bool unanswered = false;   // it was handed over, and nobody said a word
        bool older_ended = false;  // what it replaced or took back has its ending
        std::uint32_t holds = 0;   // rows that must be stored before it is settled
        std::vector<Settle> held;
    };
    struct Campaign {
        RowKey row;
        receipts::Counts latest;
        bool armed = false, stopped = false;
        Ended why{};
        contract::Mode mode{};
    };
    struct Named {  // where the row of an order stands
        RowKey key;
        receipts::Delivery blank;
        Shared alert;
    };

    // lease.cpp: becoming and being the owner
    void lease();
    void leased(const ledger::Lease& lease);
    void own(std::uint64_t fence);
    void disown(const char* why);
    void look();
    void load(contract::Mode mode, std::function<void()> then);
    void take(contract::Mode mode, const ledger::WantRecord& record, std::function<void()> done);
    bool stale(contract::Mode mode, const ledger::WantRecord& record);
    void admit(contract::Mode mode,
               const ledger::WantRecord& record,
               const Shared& alert,
               bool anew = false);
    void do_again(contract::Mode mode, const ledger::WantRecord& record);
    void came_up_after_all(OrderId id, contract::Mode mode);
    void unreadable(contract::Mode mode, const ledger::Want& want, const Fault& fault);
    void sweep();

    // station.cpp: actions of the decider
    void step(const Input& input);
    void act(const Intend& action);
    void act(const Hand& action);
    void act(const Grant& action);
    void act(const Stop& action);
    void act(const End& action);
    void act(const Settle& action);
    void act(const Backup& action);
    void act(const Wake& action);
    void intended(OrderId id, const Result<ledger::Intent>& answer);
    void again_later(OrderId id);
    Order* order(OrderId id);

    // hand.cpp: through the gate
    std::shared_ptr<contract::Message> message(OrderId id,
                                               const Order& order,
                                               const plan::Order& planned) const;
    void hand(OrderId id, Order& order, const plan::Order& planned);
    void take_over(OrderId id);
    void refuse(OrderId id, const std::string& why);
    void nothing_to_take_back(OrderId id, const char* why);
    void open(OrderId id, const Order& order, const plan::Order& planned);
    void not_opened(OrderId id, Said said, std::string why);
    void count_handed(OrderId id, Order& order);

    std::optional<plan::Order> planned(const Carried& alert) const {
        return planned_for(alert, name(), floor_.kin);
    }

    // evidence.cpp: what the peer said
    void fold(const Named& named, const contract::Evidence& evidence, std::function<void()> then);
    bool proves(Said said) const;
    void end_older(OrderId id, Order& order, Ended how);
    void end_row(OrderId id, Ended how, bool only_open, std::function<void()> then);
    void end_own(OrderId id, const Order& order, Ended how, std::function<void()> then);
    void release(OrderId id);
    void settle(OrderId id, const Settle& action);
    void find_row(OrderId id, std::function<void(const Named*)> then);
    Named named(OrderId id, const Shared& alert, contract::Action action) const;
    void unmatched(OrderId id, const char* why);
    void flush_totals(OrderId order, bool all_final);

    // probe.cpp
    void arm_probe();
    void probe_now();
    void note(const contract::Probed& result);
    std::string state_word() const;
    void keep_state();

    receipts::Bounds bounds() const;
    Limits limits() const;
    Instant now() const { return floor_.clock.now(); }
    const std::string& name() const { return definition_.endpoint.name; }
    template <class F> void later(milliseconds pause, F then) {
        floor_.timers.after(pause, alive_.guard(std::move(then)));
    }

    Definition definition_;
    Floor& floor_;
    Alive alive_;
    bool running_ = false, loaded_ = false, forgot_ = false, probing_ = false;
    std::uint64_t lease_number_ = 0, fence_ = 0,
                  epoch_ = 0;  // epoch: answers to an earlier ownership are not heard
    std::optional<Decider> decider_;
    std::map<std::uint32_t, Order> orders_;
    std::map<OrderId, Campaign> campaigns_;
    std::map<OrderId, std::uint64_t>
        settling_;  // newest wish; an older one is not written any more
    std::optional<Instant> armed_;
    Linked link_{LinkState::down, {}};
    bool link_known_ = false;
    std::optional<Instant> link_since_, last_evidence_;
    std::optional<Pause> paused_;
    std::optional<EndpointStatus::Probe> last_probe_;
    std::vector<std::function<void(contract::Probed)>> probe_waiters_;
    std::uint64_t probe_number_ = 0;
    std::string holder_;
    double rate_ = 0;
    std::map<std::string, plan::Audience> audiences_;  // by "name/version"
};

}  // namespace tocsin::dispatch
