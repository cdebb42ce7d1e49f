#pragma once
#include "server/ledger/ledger.hpp"
#include "server/ledger/names.hpp"

#include <set>

/// The ledger's semantics in memory, for tests and simulation: what RedisLedger answers, this
/// answers (the same tests run against both). Forgets all when it goes; dedupe keys never expire.
namespace tocsin::ledger {

class MemoryLedger final : public Ledger {
public:
    /// Runs a call later, in order: an event loop's post, or a simulation's queue.
    using Post = std::function<void(std::function<void()>)>;
    using Clock = std::function<Instant()>;
    explicit MemoryLedger(Post post, Clock clock = now, std::string node = "memory");

    /// For tests of those who use a ledger.
    void set_health(Health health);
    /// While true each call is answered "unreachable"; `did`: but done nevertheless.
    void fail(bool failing, bool did = false) { failing_ = failing, did_ = did; }
    /// The next lease of anybody is another node's: `node` is who we are from now on.
    void become(std::string node) { node_ = std::move(node), ++boot_; }

    Health health() const override { return health_; }
    void on_health(std::function<void(const Health&)> tell) override;
    void look(Mode, const Triple&, const std::vector<Triple>&, Then<View>) override;
    void accept(Acceptance, Then<Accepted>) override;
    void alert(const std::string& id, Then<std::optional<AlertRecord>>) override;
    void alerts(std::size_t limit, const std::string& cursor, Then<AlertPage>) override;
    void alert_of(OrderId, Then<std::string>) override;
    void in_force(Mode, Instant now, Then<std::vector<AlertRecord>>) override;
    void outbox(std::size_t limit, Then<std::vector<OutboxEntry>>) override;
    void drained(const OutboxEntry&, Then<Done>) override;
    void chain_head(Mode, const std::string& chain, Then<std::optional<AlertRecord>>) override;
    void lease(const std::string& endpoint, std::chrono::milliseconds keep, Then<Lease>) override;
    void want(const std::string& endpoint, Mode, const Want&, Then<Wanted>) override;
    void wants(const std::string& endpoint, Mode, Then<std::vector<WantRecord>>) override;
    void intend(
        const std::string& endpoint, Mode, std::uint64_t fence, OrderId, Then<Intent>) override;
    void settle(const std::string& endpoint, Mode, OrderId, Phase, Then<Done>) override;
    void sweep(const std::string& endpoint, Mode, Instant before, Then<Done>) override;
    void deliveries(const std::string& alert, Then<std::vector<DeliveryRow>>) override;
    void grade(const std::string& alert,
               const std::string& endpoint,
               std::uint32_t expect_seq,
               const std::string& record,
               const Event&,
               Then<Graded>) override;
    void tell(const Event&, Then<std::string>) override;
    void events(const std::string& alert,
                const std::string& after,
                std::size_t limit,
                Then<std::vector<Event>>) override;
    void events_all(const std::string& after, std::size_t limit, Then<std::vector<Event>>) override;
    void on_event(std::function<void(const Event&, const std::string&)> tell) override;
    void put_state(const std::string& endpoint, const std::string& json, Then<Done>) override;
    void states(Then<std::map<std::string, std::string>>) override;
    void note_probe(const std::string& endpoint, const std::string& json, Then<Done>) override;
    void probes(const std::string& endpoint, Then<std::vector<std::string>>) override;
    void put_audience(const std::string& name,
                      std::vector<GroupNumbers> groups,
                      Then<plan::Audience>) override;
    void audiences(Then<std::vector<plan::Audience>>) override;
    void remove_audience(const std::string& name, Then<bool>) override;
    void audit(const std::string& line, Then<Done>) override;
    void audit_lines(const std::string& after,
                     std::size_t limit,
                     Then<std::vector<AuditLine>>) override;
    void verify_audit(Then<AuditVerdict>) override;

    /// The bytes of one page, as Redis holds them (keys.hpp); empty: none.
    std::string page(const std::string& key) const;

private:
    struct Known {  // of a triple, or of a name: a message that is here, or a tombstone
        std::string digest, alert, chain, early, early_by;
        Triple triple;          // of a name: its latest
        std::int64_t sent = 0;  // of a name: of its latest, or until when its tombstone holds
        std::string latest;     // of a name: digest of its latest triple
    };
    struct Chain {
        std::uint32_t ordinal = 0;
        std::uint16_t revision = 0;
        std::string head, closed, into;
        std::int64_t sent = 0;
    };
    struct Shelf {  // one mode's
        std::map<std::string, Known> ids, names;
        std::map<std::string, Chain> chains;
        std::map<std::string, OutboxEntry> outbox;  // by stream id
    };
    struct Found;  // what resolve() makes of a triple and its references
    struct Stored {
        AlertRecord record;
        std::string digest;
        std::uint64_t number = 0;  // of acceptance
        bool showing = false;      // in feeds until `show_until`
        Instant show_until{};
    };
    struct Leased {
        std::string node;
        std::uint64_t boot = 0, fence = 0;
        Instant until{};
    };
    struct Row {
        WantRecord record;
        std::string ended;  // what the newest one replaced before it was handed over
    };
    struct Delivered {
        std::uint32_t seq = 0;
        std::string record;
    };

    /// Does `work` and answers later, as a store across a socket would.
    template <class T> void answer(Then<T> then, std::function<Result<T>()> work);
    std::string follow(Shelf& shelf, std::string chain) const;
    Found resolve(Shelf& shelf,
                  const Named& own,
                  const std::vector<Triple>& references,
                  const std::vector<Named>& named) const;
    View view_of(Found& found) const;
    Result<Accepted> take(Acceptance& acceptance);
    void replace_head(Shelf& shelf, const std::string& head, const Acceptance& by, bool cancelled);
    void take_over(Shelf& shelf,
                   const std::string& other,
                   const Acceptance& by,
                   const Found& found,
                   const std::string& state);
    void leave_tombstones(Shelf& shelf, const Acceptance& acceptance, const Found& found);
    AlertRecord shown(const Stored& stored, Instant now) const;
    Event keep(Event event);
    Result<std::vector<Event>> since(const std::vector<Event>& from,
                                     const std::string& after,
                                     std::size_t limit) const;
    std::string next_id();
    void note(std::string line);

    Post post_;
    Clock clock_;
    std::string node_;
    std::uint64_t boot_ = 1;
    Health health_{true, true, ""};
    std::vector<std::function<void(const Health&)>> health_watchers_;
    std::vector<std::function<void(const Event&, const std::string&)>> event_watchers_;
    bool failing_ = false, did_ = false;

    std::map<Mode, Shelf> shelves_;
    std::map<std::string, Stored> alerts_;
    std::map<std::uint64_t, std::string> recent_;  // by number of acceptance
    std::map<OrderId, std::string> orders_;
    std::uint32_t ordinal_ = 0;
    std::uint64_t accepted_ = 0, last_ms_ = 0, last_seq_ = 0, versions_ = 0;
    std::map<std::pair<std::string, Mode>, std::map<std::uint32_t, Row>> wants_;
    std::map<std::string, Leased> leases_;
    std::map<std::string, std::map<std::string, Delivered>> deliveries_;
    std::map<std::string, std::vector<Event>> events_;
    std::vector<Event> all_events_;
    std::map<std::string, std::string> states_;
    std::map<std::string, std::vector<std::string>> probes_;
    std::map<std::string, plan::Audience> audiences_;
    std::map<std::string, std::string> pages_;
    std::vector<AuditLine> audit_;
};

template <class T> void MemoryLedger::answer(Then<T> then, std::function<Result<T>()> work) {
    Result<T> result = Fault{Cause::unreachable, "the store does not answer"};
    if (!failing_)
        result = work();
    else if (did_)
        (void)work();
    post_([then = std::move(then), result = std::move(result)]() mutable {
        then(std::move(result));
    });
}

}  // namespace tocsin::ledger
