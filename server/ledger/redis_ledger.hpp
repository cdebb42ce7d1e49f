#pragma once
#include "server/ledger/address.hpp"
#include "server/ledger/ledger.hpp"

#include <memory>

namespace boost::asio {
class io_context;
}

namespace tocsin::ledger {

class Store;

/// The ledger that serves: everything in Redis (contract.md 3; keys.hpp, lua/). On the core loop.
/// It connects, and connects again, by itself; until Redis is there all is answered "unreachable".
/// Destroy it when its loop no longer runs; what is unanswered then is never answered.
class RedisLedger final : public Ledger {
public:
    struct Options {
        Address at;
        std::string user, password;
        bool own = false;  // our own child (embedded.hpp): wrong settings are put right
        int replicas_required = 0;
        std::string node = "node", boot;  // boot: empty: a new one with each start
        std::size_t connections = 5;      // one for small things, the others for large ones
        std::size_t in_flight_max = 20'000, bytes_max = 64U << 20U;  // of each; over them: 503
        std::chrono::milliseconds patience{5'000};  // a silent connection is given up after that
        std::chrono::milliseconds probe_every{1'000}, probe_within{1'000}, check_every{10'000};
        std::function<std::string()> why_down;  // what the supervisor knows; may be empty
        std::uint32_t events_kept = 100'000;    // of each stream of events, about
        std::chrono::milliseconds audience_grace{std::chrono::hours(24)};
        /// Archived alerts leave so long after their expiry, at least 30 days; none: never.
        std::optional<std::chrono::hours> forget_after;
        std::chrono::milliseconds seal_after{700};  // the audit's lines, so within a second
        std::chrono::milliseconds tidy_every{std::chrono::minutes(10)};
    };

    RedisLedger(boost::asio::io_context& loop, Options options);
    ~RedisLedger() override;

    /// Call before Redis is stopped on purpose: what then ends is no fault, and is logged as none.
    void stopping();
    /// How often Redis came back as another process.
    std::uint64_t restarts() const;
    /// Drops audiences' old pages and archived alerts that are due; runs by itself every
    /// `tidy_every`.
    void tidy();

    Health health() const override;
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

private:
    struct Sealer;
    struct Tidier;
    void wake_sealer();
    void announce(const Event& event, const std::string& global_id);

    std::unique_ptr<Store> store_;
    std::unique_ptr<Sealer> sealer_;
    std::unique_ptr<Tidier> tidier_;
    std::vector<std::function<void(const Event&, const std::string&)>> event_watchers_;
};

}  // namespace tocsin::ledger
