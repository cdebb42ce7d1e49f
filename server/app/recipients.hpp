#pragma once
#include "server/api/recipients.hpp"
#include "server/dispatch/bulk_port.hpp"

namespace tocsin::app {

/// Finds an alert's campaigns among the bulk endpoints and reads them page by page. Core loop.
class CampaignRecipients final : public api::Recipients {
public:
    /// All bulk endpoints by name, as of now.
    using Endpoints = std::function<std::vector<std::pair<std::string, dispatch::BulkReports*>>()>;
    CampaignRecipients(ledger::Ledger& ledger, Endpoints endpoints)
        : ledger_(ledger), endpoints_(std::move(endpoints)) {}

    void page(const std::string& alert,
              const std::string& state,
              const std::string& cursor,
              ledger::Then<api::RecipientPage> then) override;
    void find(const std::string& alert,
              std::uint64_t number,
              ledger::Then<std::vector<api::Recipient>> then) override;

private:
    struct Walk;
    struct Search;
    ledger::Ledger& ledger_;
    Endpoints endpoints_;
};

}  // namespace tocsin::app
