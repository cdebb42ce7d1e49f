#pragma once
#include "server/base/time.hpp"
#include "server/ledger/ledger.hpp"

#include <optional>
#include <string>
#include <vector>

/// Receipts of single recipients, as reports read them. On the core loop.
namespace tocsin::api {

struct Recipient {
    std::uint64_t number = 0;
    std::string endpoint, region, network, language, state;
    std::uint32_t code = 0;  // the peer's own
    std::optional<Instant> at;
};

struct RecipientPage {
    std::vector<Recipient> rows;
    std::string next;  // cursor; empty: no more
};

class Recipients {
public:
    virtual ~Recipients() = default;
    /// `state` empty: all. A page is what can be had at once (some thousand rows).
    virtual void page(const std::string& alert,
                      const std::string& state,
                      const std::string& cursor,
                      ledger::Then<RecipientPage> then) = 0;
    virtual void find(const std::string& alert,
                      std::uint64_t number,
                      ledger::Then<std::vector<Recipient>> then) = 0;
};

}  // namespace tocsin::api
