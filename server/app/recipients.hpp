#pragma once
#include "server/api/recipients.hpp"
#include "server/dispatch/bulk_port.hpp"
#include "server/dispatch/stand_in.hpp"

namespace tocsin::app {

/// Finds an alert's campaigns among the bulk endpoints and reads them page by page. Core loop.
class CampaignRecipients final : public api::Recipients {
public:
    /// All bulk endpoints by name, as of now.
    using Endpoints = std::function<std::vector<std::pair<std::string, dispatch::BulkReports*>>()>;
    CampaignRecipients(ledger::Ledger& ledger, Endpoints endpoints, dispatch::FindKin kin)
        : ledger_(ledger), endpoints_(std::move(endpoints)), kin_(std::move(kin)) {}

    void page(const std::string& alert,
              const std::string& state,
              const std::string& cursor,
              ledger::Then<api::RecipientPage> then) override;
    void find(const std::string& alert,
              std::uint64_t number,
              ledger::Then<std::vector<api::Recipient>> then) override;

private:
    struct Alert;
    struct Earlier;
    struct Walk;
    struct Search;
    struct Locate;
    void read(const std::string& id, bool goes_on, ledger::Then<std::shared_ptr<const Alert>> then);
    ledger::Ledger& ledger_;
    Endpoints endpoints_;
    dispatch::FindKin kin_;
    std::shared_ptr<const Alert> last_;  // that was read
};

}  // namespace tocsin::app
