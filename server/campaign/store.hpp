#pragma once
#include "server/campaign/campaign.hpp"
#include "server/campaign/heard.hpp"

/// What a campaign is called in Redis, what its hash says, and the scripts that write it.
namespace tocsin::campaign {

using Fields = std::vector<std::pair<std::string, std::string>>;

/// "<mode letter>.<endpoint>.<ordinal>.<revision>:0": found again from the order alone. The number
/// behind the colon is the shard.
std::string name_of(contract::Mode mode, std::string_view endpoint, OrderId order);
/// Campaigns of this endpoint that are not closed (a set), and receipts nobody knew (a stream).
std::string open_campaigns_key(std::string_view endpoint);
std::string orphans_key(std::string_view endpoint);

Fields fields_of(const Plan& plan);

/// A campaign's hash, read.
struct Record {
    Plan plan;
    std::uint64_t fence = 0, seq = 0;
    std::uint32_t cursor = 0;
    std::string stopped;  // why; empty: it was not
    bool masked = false, closed = false;
    receipts::Counts counts;  // of a closed one
};
/// Refused: a newer layout. Malformed: a field is missing or nonsense.
Result<Record> record_of(const Fields& fields);
std::string counts_text(const receipts::Counts& counts);

/// KEYS hash; ARGV field value...: makes it unless it is there, raises its fence, gives all fields.
/// Without ARGV it only raises. Nothing: there is none.
extern const std::string_view open_script;
/// KEYS hash page...; ARGV fence seq fields (field value)... then (key, offset, data)...: data empty
/// makes the page. "ok", "fenced" (another owner), "old" (a later one is here already).
extern const std::string_view commit_script;
/// KEYS hash; ARGV fence (field value)...: as above, for the last words.
extern const std::string_view close_script;

}  // namespace tocsin::campaign
