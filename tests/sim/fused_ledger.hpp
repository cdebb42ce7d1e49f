#pragma once
#include "tests/sim/world.hpp"

/// Every call is a step of the fuse: done or not done, then perhaps the process is dead and the
/// answer goes nowhere.
namespace tocsin::sim {

class FusedLedger final : public ledger::Ledger {
public:
    FusedLedger(ledger::Ledger& real, Fuse& fuse) : real_(real), fuse_(fuse) {}

    using Mode = ledger::Mode;
    template <class T> using Then = ledger::Then<T>;
    using Done = ledger::Done;

    ledger::Health health() const override { return real_.health(); }
    void on_health(std::function<void(const ledger::Health&)>) override {}
    void on_event(std::function<void(const ledger::Event&, const std::string&)>) override {}

    void look(Mode,
              const ledger::Triple&,
              const std::vector<ledger::Triple>&,
              Then<ledger::View>) override {}
    void accept(ledger::Acceptance, Then<ledger::Accepted>) override {}
    void alert(const std::string& id, Then<std::optional<ledger::AlertRecord>> then) override {
        if (fuse_.step()) real_.alert(id, alive(std::move(then)));
    }
    void alerts(std::size_t limit,
                const std::string& cursor,
                Then<ledger::AlertPage> then) override {
        if (fuse_.step()) real_.alerts(limit, cursor, alive(std::move(then)));
    }
    void alert_of(OrderId order, Then<std::string> then) override {
        if (fuse_.step()) real_.alert_of(order, alive(std::move(then)));
    }
    void in_force(Mode, Instant, Then<std::vector<ledger::AlertRecord>>) override {}
    void outbox(std::size_t limit, Then<std::vector<ledger::OutboxEntry>> then) override {
        if (fuse_.step()) real_.outbox(limit, alive(std::move(then)));
    }
    void drained(const ledger::OutboxEntry& entry, Then<Done> then) override {
        if (fuse_.step()) real_.drained(entry, alive(std::move(then)));
    }
    void chain_head(Mode mode,
                    const std::string& chain,
                    Then<std::optional<ledger::AlertRecord>> then) override {
        if (fuse_.step()) real_.chain_head(mode, chain, alive(std::move(then)));
    }
    void lease(const std::string& endpoint, milliseconds keep, Then<ledger::Lease> then) override {
        if (fuse_.step()) real_.lease(endpoint, keep, alive(std::move(then)));
    }
    void want(const std::string& endpoint,
              Mode mode,
              const ledger::Want& want,
              Then<ledger::Wanted> then) override {
        if (fuse_.step()) real_.want(endpoint, mode, want, alive(std::move(then)));
    }
    void wants(const std::string& endpoint,
               Mode mode,
               Then<std::vector<ledger::WantRecord>> then) override {
        if (!fuse_.dead) real_.wants(endpoint, mode, alive(std::move(then)));  // reading: no step
    }
    void intend(const std::string& endpoint,
                Mode mode,
                std::uint64_t fence,
                OrderId order,
                Then<ledger::Intent> then) override {
        if (fuse_.step()) real_.intend(endpoint, mode, fence, order, alive(std::move(then)));
    }
    void settle(const std::string& endpoint,
                Mode mode,
                OrderId order,
                ledger::Phase phase,
                Then<Done> then) override {
        if (fuse_.step()) real_.settle(endpoint, mode, order, phase, alive(std::move(then)));
    }
    void sweep(const std::string& endpoint, Mode mode, Instant before, Then<Done> then) override {
        if (!fuse_.dead) real_.sweep(endpoint, mode, before, alive(std::move(then)));
    }
    void deliveries(const std::string& alert,
                    Then<std::vector<ledger::DeliveryRow>> then) override {
        if (fuse_.step()) real_.deliveries(alert, alive(std::move(then)));
    }
    void grade(const std::string& alert,
               const std::string& endpoint,
               std::uint32_t seq,
               const std::string& record,
               const ledger::Event& event,
               Then<ledger::Graded> then) override {
        if (fuse_.step()) real_.grade(alert, endpoint, seq, record, event, alive(std::move(then)));
    }
    void tell(const ledger::Event& event, Then<std::string> then) override {
        if (!fuse_.dead) real_.tell(event, alive(std::move(then)));
    }
    void events(const std::string&,
                const std::string&,
                std::size_t,
                Then<std::vector<ledger::Event>>) override {}
    void events_all(const std::string&, std::size_t, Then<std::vector<ledger::Event>>) override {}
    void put_state(const std::string& endpoint, const std::string& json, Then<Done> then) override {
        if (fuse_.step()) real_.put_state(endpoint, json, alive(std::move(then)));
    }
    void states(Then<std::map<std::string, std::string>> then) override {
        if (fuse_.step()) real_.states(alive(std::move(then)));
    }
    void note_probe(const std::string& endpoint,
                    const std::string& json,
                    Then<Done> then) override {
        if (!fuse_.dead) real_.note_probe(endpoint, json, alive(std::move(then)));
    }
    void probes(const std::string&, Then<std::vector<std::string>>) override {}
    void put_audience(const std::string&,
                      std::vector<GroupNumbers>,
                      Then<plan::Audience>) override {}
    void audiences(Then<std::vector<plan::Audience>> then) override {
        if (fuse_.step()) real_.audiences(alive(std::move(then)));
    }
    void remove_audience(const std::string&, Then<bool>) override {}
    void audit(const std::string&, Then<Done>) override {}
    void audit_lines(const std::string&,
                     std::size_t,
                     Then<std::vector<ledger::AuditLine>>) override {}
    void verify_audit(Then<ledger::AuditVerdict>) override {}

private:
    /// An answer to a dead process goes nowhere.
    template <class T> Then<T> alive(Then<T> then) {
        if (fuse_.dead) return [](Result<T>) {};
        return [&fuse = fuse_, then = std::move(then)](Result<T> answer) {
            if (!fuse.dead) then(std::move(answer));
        };
    }

    ledger::Ledger& real_;
    Fuse& fuse_;
};

}  // namespace tocsin::sim
