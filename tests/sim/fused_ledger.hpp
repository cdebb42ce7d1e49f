#pragma once
#include "tests/sim/world.hpp"

/// Every call is a step of the fuse: done or not done, then perhaps the process is dead and the
/// answer goes nowhere.
namespace tocsin::sim {

class FusedLedger final : public ledger::Ledger {
public:
    FusedLedger(ledger::Ledger& real, Fuse& fuse, Loop& loop)
        : real_(real), fuse_(fuse), loop_(loop) {}

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
        run(std::move(then), [&](auto then) { real_.alert(id, std::move(then)); });
    }
    void alerts(std::size_t limit,
                const std::string& cursor,
                Then<ledger::AlertPage> then) override {
        run(std::move(then), [&](auto then) { real_.alerts(limit, cursor, std::move(then)); });
    }
    void alert_of(OrderId order, Then<std::string> then) override {
        run(std::move(then), [&](auto then) { real_.alert_of(order, std::move(then)); });
    }
    void in_force(Mode, Instant, Then<std::vector<ledger::AlertRecord>>) override {}
    void outbox(std::size_t limit, Then<std::vector<ledger::OutboxEntry>> then) override {
        run(std::move(then), [&](auto then) { real_.outbox(limit, std::move(then)); });
    }
    void drained(const ledger::OutboxEntry& entry, Then<Done> then) override {
        run(std::move(then), [&](auto then) { real_.drained(entry, std::move(then)); });
    }
    void chain_head(Mode mode,
                    const std::string& chain,
                    Then<std::optional<ledger::AlertRecord>> then) override {
        run(std::move(then), [&](auto then) { real_.chain_head(mode, chain, std::move(then)); });
    }
    void lease(const std::string& endpoint, milliseconds keep, Then<ledger::Lease> then) override {
        run(std::move(then), [&](auto then) { real_.lease(endpoint, keep, std::move(then)); });
    }
    void want(const std::string& endpoint,
              Mode mode,
              const ledger::Want& want,
              Then<ledger::Wanted> then) override {
        run(std::move(then), [&](auto then) { real_.want(endpoint, mode, want, std::move(then)); });
    }
    void wants(const std::string& endpoint,
               Mode mode,
               Then<std::vector<ledger::WantRecord>> then) override {
        run(
            std::move(then), [&](auto then) { real_.wants(endpoint, mode, std::move(then)); },
            false);
    }
    void intend(const std::string& endpoint,
                Mode mode,
                std::uint64_t fence,
                OrderId order,
                Then<ledger::Intent> then) override {
        run(std::move(then),
            [&](auto then) { real_.intend(endpoint, mode, fence, order, std::move(then)); });
    }
    void settle(const std::string& endpoint,
                Mode mode,
                OrderId order,
                ledger::Phase phase,
                Then<Done> then) override {
        run(std::move(then),
            [&](auto then) { real_.settle(endpoint, mode, order, phase, std::move(then)); });
    }
    void sweep(const std::string& endpoint, Mode mode, Instant before, Then<Done> then) override {
        run(
            std::move(then),
            [&](auto then) { real_.sweep(endpoint, mode, before, std::move(then)); }, false);
    }
    void deliveries(const std::string& alert,
                    Then<std::vector<ledger::DeliveryRow>> then) override {
        run(std::move(then), [&](auto then) { real_.deliveries(alert, std::move(then)); });
    }
    void grade(const std::string& alert,
               const std::string& endpoint,
               std::uint32_t seq,
               const std::string& record,
               const ledger::Event& event,
               Then<ledger::Graded> then) override {
        run(std::move(then),
            [&](auto then) { real_.grade(alert, endpoint, seq, record, event, std::move(then)); });
    }
    void tell(const ledger::Event& event, Then<std::string> then) override {
        run(
            std::move(then), [&](auto then) { real_.tell(event, std::move(then)); }, false);
    }
    void events(const std::string&,
                const std::string&,
                std::size_t,
                Then<std::vector<ledger::Event>>) override {}
    void events_all(const std::string&, std::size_t, Then<std::vector<ledger::Event>>) override {}
    void put_state(const std::string& endpoint, const std::string& json, Then<Done> then) override {
        run(std::move(then), [&](auto then) { real_.put_state(endpoint, json, std::move(then)); });
    }
    void states(Then<std::map<std::string, std::string>> then) override {
        run(std::move(then), [&](auto then) { real_.states(std::move(then)); });
    }
    void note_probe(const std::string& endpoint,
                    const std::string& json,
                    Then<Done> then) override {
        run(
            std::move(then), [&](auto then) { real_.note_probe(endpoint, json, std::move(then)); },
            false);
    }
    void probes(const std::string&, Then<std::vector<std::string>>) override {}
    void put_audience(const std::string&,
                      std::vector<GroupNumbers>,
                      Then<plan::Audience>) override {}
    void audiences(Then<std::vector<plan::Audience>> then) override {
        run(std::move(then), [&](auto then) { real_.audiences(std::move(then)); });
    }
    void remove_audience(const std::string&, Then<bool>) override {}
    void audit(const std::string&, Then<Done>) override {}
    void audit_lines(const std::string&,
                     std::size_t,
                     Then<std::vector<ledger::AuditLine>>) override {}
    void verify_audit(Then<ledger::AuditVerdict>) override {}

private:
    /// An answer to a dead process goes nowhere.
    template <class T, class F> void run(Then<T> then, F what, bool counts = true) {
        const auto [doing, way] = fuse_.step(counts);
        if (way == Fuse::Way::well)
            return what(Then<T>([&fuse = fuse_, then = std::move(then)](Result<T> answer) {
                if (!fuse.dead) then(std::move(answer));
            }));
        if (doing) what(Then<T>([](Result<T>) {}));
        if (way == Fuse::Way::nowhere) return;
        loop_.post([&fuse = fuse_, then = std::move(then)] {
            if (!fuse.dead) then(Fault{Cause::unreachable, "the store does not answer"});
        });
    }

    ledger::Ledger& real_;
    Fuse& fuse_;
    Loop& loop_;
};

}  // namespace tocsin::sim
