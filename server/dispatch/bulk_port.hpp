#pragma once
#include "server/contract/bulk.hpp"
#include "server/ledger/ledger.hpp"
#include "server/receipts/delivery.hpp"

#include <functional>

/// Between a bulk endpoint's station (core loop) and its campaigns (bulk loop, server/campaign).
/// Only grants and totals cross. Both directions are posted, never called across threads.
namespace tocsin::dispatch {

struct CampaignSpec {
    contract::OrderId order{};
    contract::Mode mode{};
    std::string endpoint, alert;
    Instant expires{};
    contract::Level level{};
    std::string audience;             // "<name>/<version>"
    std::vector<plan::Group> groups;  // those chosen, with `index` into the audience
    std::vector<std::uint32_t> indices;
    std::uint16_t only_reached_by =
        0;                       // withdraw: only those that this revision's campaign reached
    bool receipts = true;        // false: accepted is all that this peer can prove, and so is final
    bool over_opt_outs = false;  // it reaches those, too, who replied "stop"
};

class BulkEvents {
public:
    virtual ~BulkEvents() = default;
    virtual void opened(contract::OrderId order, bool well, std::string why) = 0;
    virtual void asked(contract::OrderId order) = 0;      // the slice is used up: wants another
    virtual void exhausted(contract::OrderId order) = 0;  // nobody left to hand over
    virtual void totals(contract::OrderId order, receipts::Counts counts, bool all_final) = 0;
    virtual void rate(double per_second) = 0;
    /// Replies of phones are on disk, to be taken from the endpoint's stream (campaign/heard.hpp).
    virtual void replies() {}
};

class BulkPort {
public:
    virtual ~BulkPort() = default;
    /// Durable and idempotent: the campaign exists, or goes on at its cursor after a restart.
    virtual void open(CampaignSpec spec) = 0;
    virtual void grant(contract::OrderId order, std::uint32_t recipients) = 0;
    /// Nothing more is taken; receipts still count. `why`: "expired", "cancelled", "superseded".
    virtual void stop(contract::OrderId order, std::string why) = 0;
};

/// One person of a campaign. The number is for the answer's body only: never for a log.
struct Recipient {
    std::uint64_t number = 0;
    std::string
        state;  // queued, handed, accepted, delivered, failed, expired, timed_out, or why stopped
    std::uint16_t error = 0;  // the peer's own code
    std::uint8_t attempts = 0, parts = 1;
    bool repeated = false;                           // handed again after an unknown outcome
    std::optional<Instant> answered_at, settled_at;  // the peer's answer; the last change
    std::string message_id;                          // the first part's; hex if it is no text
    std::string regions, network, language, role;    // of his group; regions with blanks between
};
struct RecipientPage {
    std::vector<Recipient> recipients;
    std::optional<std::uint32_t> next;  // page to ask for then; nothing: that was the last
};

/// What became of each recipient, page by page: whoever reads them holds one page at a time. Asked
/// and answered on the core loop; also long after the campaign's end, while it is kept.
class BulkReports {
public:
    virtual ~BulkReports() = default;
    /// Refused: there is no such campaign here.
    virtual void recipients(contract::OrderId order,
                            contract::Mode mode,
                            std::uint32_t page,
                            ledger::Then<RecipientPage> then) = 0;
    /// Nothing: not among its recipients.
    virtual void find(contract::OrderId order,
                      contract::Mode mode,
                      std::uint64_t number,
                      ledger::Then<std::optional<Recipient>> then) = 0;
};

}  // namespace tocsin::dispatch
