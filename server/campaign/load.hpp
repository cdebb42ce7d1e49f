#pragma once
#include "server/campaign/store.hpp"
#include "server/campaign/wire.hpp"

/// Reading a campaign back from Redis, page by page, without holding up the loop.
namespace tocsin::campaign {

struct Loaded {
    std::optional<Record> record;        // nothing: there is no such campaign
    std::unique_ptr<Campaign> campaign;  // null if it is closed: then only its record counts
    std::string fault;                   // it is there and cannot be read
};
using WhenLoaded = std::function<void(Loaded)>;

/// Makes it from `fresh` unless it is there; raises its fence, so that an earlier owner's late words
/// are refused; reads what it wrote. `fresh` empty: only if it is there.
void load_own(Wire& wire,
              std::string name,
              Fields fresh,
              Limits limits,
              std::function<Instant()> clock,
              WhenLoaded then);

/// As it stands, without touching it: to see whom an earlier campaign reached.
void load_to_read(
    Wire& wire, std::string name, Limits limits, std::function<Instant()> clock, WhenLoaded then);

/// A stream of one field, entry by entry; `each` gets id and bytes, `done` when all were read.
void read_stream(Wire& wire,
                 std::string key,
                 std::string after,
                 std::function<void(std::string_view, std::string_view)> each,
                 std::function<void()> done);

/// A hash as HGETALL gives it.
Fields fields_in(const ledger::Reply& reply);

}  // namespace tocsin::campaign
