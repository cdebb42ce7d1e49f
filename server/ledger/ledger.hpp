#pragma once
#include "server/contract/order.hpp"
#include "server/plan/census.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// Everything that is kept, kept in Redis (design.md 9, contract.md 3). An interface, so that its
/// users are tested with a store in memory; RedisLedger (redis_ledger.hpp) is the one that serves.
/// All calls on the core loop; answers come on the core loop, never from inside the call. A fault
/// with Cause::unreachable means "unknown: it may have been done"; every write may be repeated.
namespace tocsin::ledger {

using contract::Mode, contract::OrderId;
template <class T> using Then = std::function<void(Result<T>)>;
struct Done {};

struct Health {
    bool up = false;       // Redis answers
    bool durable = false;  // settings are right and writes are fsynced: 202 may be given
    std::string why;       // if not
};

/// A CAP message's name: sender, identifier, sent.
struct Triple {
    std::string sender, identifier, sent;
};

enum class Kind { alert, update, cancel };

/// What the ledger knows of the message's own triple and of the chain that its references name.
/// References that name several chains: the message goes on with the open chain of the lowest
/// ordinal (whatever their order, scar E3), a late one with the chain of what is newest; the other
/// open ones are withdrawn: merged into it, or closed by a Cancel.
struct View {
    std::string seen;     // opaque: goes back with accept
    std::string chain;    // key of the chain that it will belong to
    std::string already;  // alert id of the very same triple, if it is here
    std::string already_digest;
    bool closed = false;                    // the chain's cancel is here already
    bool late = false;                      // a newer revision is here already
    std::string head;                       // alert id of the newest revision; empty: none here
    std::string head_plan;                  // its packed plan
    std::vector<std::string> other_chains;  // named too: withdrawn when this is accepted
    std::vector<std::size_t> unknown;       // indices of references that nobody here knows
    std::vector<std::size_t> by_name;       // matched by sender and identifier only (rule B17a)
    std::vector<Triple> matched;            // the triple found for each reference (or as given)
};

struct Acceptance {
    Mode mode{};
    std::string id;  // make_alert_id(mode)
    Triple triple;
    std::string digest;  // SHA-256 of the received bytes
    Kind kind{};
    Instant sent{}, expires{};
    View view;  // as look() gave it
    std::vector<Triple> references;
    std::string cap, plan, facts;  // received bytes; packed plan; JSON for lists
    std::string audit;             // JSON: who, credential, request, override
};

struct Accepted {
    enum class Outcome { accepted, same, conflict, moved } outcome{};  // moved: look and plan again
    std::string alert;  // id; of `same` and `conflict` the one that is here
    std::string
        state;  // "accepted", "cancelled", "superseded" (its cancel or successor came first)
    OrderId order{};
    std::string chain;
};

/// As stored; `state` as it is now: active, cancelled, superseded, expired (by `now`). A Cancel is
/// active until its `expires`, then expired: nothing takes a Cancel back. "damaged": its check sum
/// is wrong (only in lists, so that one bad record hides no other; alert() gives a fault).
struct AlertRecord {
    std::string id, chain, state, cap, plan, facts;
    Mode mode{};
    OrderId order{};
    Kind kind{};
    Instant accepted_at{}, expires{};
    std::string head;          // newest revision of its chain
    std::string withdrawn_by;  // the Cancel, or the message of another chain that took this over
    /// Newest revision given in its chain. Of a chain in `other_chains` it is the one reserved for
    /// taking it back: the accepted message itself carries a revision of its own chain.
    OrderId newest{};
    Triple triple;
    Instant sent{};
};

struct AlertPage {
    std::vector<AlertRecord> items;  // without cap and plan
    std::string next;                // opaque cursor; empty: no more
};

struct OutboxEntry {
    std::string entry;  // stream id
    Mode mode{};
    std::string alert;
    std::vector<std::string> other_chains;
};

enum class Phase : char { due = 'd', sent = 's', up = 'u', ended = 'x', forgotten = 'f' };

/// What one endpoint is to show of one chain.
struct Want {
    OrderId order{};
    contract::Action action{};
    contract::Level level{};
    Instant expires{};
    std::string alert;
};
struct Wanted {
    bool due = false;   // false: nothing to do (late, or nothing to take back)
    std::string ended;  // alert whose order was never handed and now never will be; may be empty
};
/// As loaded by an owner.
struct WantRecord {
    Want want;
    std::uint16_t shown = 0, tries = 0;
    Phase phase{};
};
struct Lease {
    bool mine = false;
    std::uint64_t fence = 0;
    std::string holder;
};
struct Intent {
    enum class Answer { go, moved, fenced } answer{};
    std::uint16_t tries = 0, shown = 0;
};

struct Graded {
    bool stored = false;  // false: somebody was faster; `now` holds what is there
    std::uint32_t seq = 0;
    std::string now;
    std::string event;  // stream id
};

struct DeliveryRow {
    std::string endpoint, record;  // receipts::pack
    std::uint32_t seq = 0;
};

/// One change of one alert, as SSE tells it.
struct Event {
    std::string id;  // Last-Event-ID, rising within the alert (or globally in events_all)
    std::string alert;
    std::string name;  // "delivery", "state", "progress"
    std::string data;  // JSON
};

/// One act in the audit chain: SHA-256 over the hash before, the length of the line, the line.
struct AuditLine {
    std::string entry;         // stream id: its time in milliseconds, "-", a number
    std::string line;          // JSON
    std::uint64_t number = 0;  // from 1; 0: not sealed yet
    std::string before, hash;  // hex
};

struct AuditVerdict {
    bool whole = false;
    std::uint64_t sealed = 0, unsealed = 0;
    std::string head;        // hash of the newest sealed line
    std::string where, why;  // the first place that does not fit
};

struct Ledger {
    virtual ~Ledger() = default;
    virtual Health health() const = 0;
    /// Called with each change of health.
    virtual void on_health(std::function<void(const Health&)> tell) = 0;

    // Intake. look -> plan -> accept; `moved` -> again. `sent` counts as a time, not as letters:
    // +08:00 and -00:00 forms of one instant are one triple (D2). The references of an Alert are
    // links only (B18): leave them out here and in Acceptance::references.
    virtual void look(Mode mode,
                      const Triple& own,
                      const std::vector<Triple>& references,
                      Then<View> then) = 0;
    virtual void accept(Acceptance acceptance, Then<Accepted> then) = 0;

    virtual void alert(const std::string& id, Then<std::optional<AlertRecord>> then) = 0;
    /// Newest first, all modes together.
    virtual void alerts(std::size_t limit, const std::string& cursor, Then<AlertPage> then) = 0;
    /// Which alert an order is of; empty if unknown. For evidence that comes days later.
    virtual void alert_of(OrderId order, Then<std::string> then) = 0;
    /// Live alerts in force (not cancelled, superseded or expired at `now`), and cancels whose
    /// alert has not expired: what feeds show.
    virtual void in_force(Mode mode, Instant now, Then<std::vector<AlertRecord>> then) = 0;

    // Fan-out.
    virtual void outbox(std::size_t limit, Then<std::vector<OutboxEntry>> then) = 0;
    virtual void drained(const OutboxEntry& entry, Then<Done> then) = 0;
    virtual void chain_head(Mode mode,
                            const std::string& chain,
                            Then<std::optional<AlertRecord>> then) = 0;

    // One endpoint's queue (contract.md 3).
    virtual void lease(const std::string& endpoint,
                       std::chrono::milliseconds keep,
                       Then<Lease> then) = 0;
    virtual void want(const std::string& endpoint,
                      Mode mode,
                      const Want& want,
                      Then<Wanted> then) = 0;
    virtual void wants(const std::string& endpoint,
                       Mode mode,
                       Then<std::vector<WantRecord>> then) = 0;
    virtual void intend(const std::string& endpoint,
                        Mode mode,
                        std::uint64_t fence,
                        OrderId order,
                        Then<Intent> then) = 0;
    virtual void settle(
        const std::string& endpoint, Mode mode, OrderId order, Phase phase, Then<Done> then) = 0;
    /// Drops ended records whose expiry lies before `before`.
    virtual void sweep(const std::string& endpoint, Mode mode, Instant before, Then<Done> then) = 0;

    // Receipts: compare-and-set by seq (0: there is none yet), with the event that tells of it.
    virtual void deliveries(const std::string& alert, Then<std::vector<DeliveryRow>> then) = 0;
    virtual void grade(const std::string& alert,
                       const std::string& endpoint,
                       std::uint32_t expect_seq,
                       const std::string& record,
                       const Event& event,
                       Then<Graded> then) = 0;
    /// A change of the alert itself (state), or progress.
    virtual void tell(const Event& event, Then<std::string> then) = 0;
    /// Events after `after` ("" from the start), oldest first. Refused: too old to resume.
    virtual void events(const std::string& alert,
                        const std::string& after,
                        std::size_t limit,
                        Then<std::vector<Event>> then) = 0;
    virtual void events_all(const std::string& after,
                            std::size_t limit,
                            Then<std::vector<Event>> then) = 0;
    /// Each stored event, at once, for watchers on this node. `global_id` is its id in events_all.
    virtual void on_event(std::function<void(const Event&, const std::string& global_id)> tell) = 0;

    // Endpoint's own state: paused until, by whom, why (JSON), and link tests of 30 days.
    virtual void put_state(const std::string& endpoint,
                           const std::string& json,
                           Then<Done> then) = 0;
    virtual void states(Then<std::map<std::string, std::string>> then) = 0;
    virtual void note_probe(const std::string& endpoint,
                            const std::string& json,
                            Then<Done> then) = 0;

    // Audiences.
    struct GroupNumbers {
        plan::Group group;
        std::vector<std::uint64_t> numbers;
    };
    /// All pages first, then the index in one step; an old version's pages go after a day.
    virtual void put_audience(const std::string& name,
                              std::vector<GroupNumbers> groups,
                              Then<plan::Audience> then) = 0;
    virtual void audiences(Then<std::vector<plan::Audience>> then) = 0;
    virtual void remove_audience(const std::string& name, Then<bool> then) = 0;

    // Audit: a line (JSON) fsynced; sealed into the hash chain within a second.
    virtual void audit(const std::string& line, Then<Done> then) = 0;
    /// Oldest first, after the entry `after` ("" from the start).
    virtual void audit_lines(const std::string& after,
                             std::size_t limit,
                             Then<std::vector<AuditLine>> then);
    /// Reads all of it back and works the hash chain out anew.
    virtual void verify_audit(Then<AuditVerdict> then);

    /// Link tests of the last 30 days, as noted, oldest first.
    virtual void probes(const std::string& endpoint, Then<std::vector<std::string>> then);
};

/// "l01j8…": the mode's letter (l live, e exercise, t test, r replay), then a ULID.
std::string make_alert_id(Mode mode);
std::optional<Mode> mode_of_id(std::string_view id);
char letter(Mode mode);

}  // namespace tocsin::ledger
