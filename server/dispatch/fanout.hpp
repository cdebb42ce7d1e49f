#pragma once
#include "server/dispatch/station.hpp"

/// Drains the outbox: what an accepted alert's plan orders becomes what each endpoint wants, and a
/// delivery that is queued. Each step may be done twice; an entry leaves the outbox when all of
/// its steps are stored (contract.md 3).
namespace tocsin::dispatch {

/// Where stations are found.
struct Stations {
    virtual ~Stations() = default;
    virtual Station* find(const std::string& endpoint) = 0;
};

class Fanout {
public:
    Fanout(Floor& floor, Stations& stations) : floor_(floor), stations_(stations) {}

    void start();
    void stop() { running_ = false; }
    void stir();
    /// Called with each alert that has been fanned out.
    void on_drained(std::function<void(const Shared&)> tell) { tell_ = std::move(tell); }
    /// `endpoint` cannot carry it: its backup is to, as planned for the backup.
    void back_up(const std::string& endpoint, const std::string& backup, const Shared& alert);

private:
    struct Job;
    using Held = std::shared_ptr<Job>;
    void round();
    void drain(std::vector<ledger::OutboxEntry> entries);
    void next();
    void begin(const Held& job);
    void spread(const Held& job);
    void one(const Held& job, const plan::Order& order);
    void only_if_there(const Held& job, const plan::Order& order);
    void want(const Held& job, const plan::Order& order);
    void wanted(const Held& job,
                const plan::Order& order,
                const ledger::Want& want,
                const ledger::Wanted& answer);
    void end_before(const Held& job,
                    const std::string& endpoint,
                    const std::string& alert,
                    Ended how);
    void take_over(const Held& job, const std::string& chain);
    void reserved(const Held& job, const Shared& head, OrderId from);
    void take_back(const Held& job, const Shared& head, OrderId id);
    void row(const Held& job, const plan::Order& order, OrderId id, Book::Change change);
    void tell_state(const Held& job);
    void step(const Held& job) const;
    void done(const Held& job);
    void fault(const Held& job, const Fault& fault);
    void retry(const Held& job);
    void queue(const Held& job, Result<std::optional<ledger::AlertRecord>> found);
    template <class T> auto answered(const Held& job, std::function<void(T)> then);

    Floor& floor_;
    Stations& stations_;
    Alive alive_;
    bool running_ = false, reading_ = false, again_ = false;
    std::function<void(const Shared&)> tell_;
    std::map<std::string, Held> jobs_;  // by entry
    std::vector<Held> waiting_;         // the gravest last
    std::size_t at_once_ = 0, unread_ = 0;
};

}  // namespace tocsin::dispatch
