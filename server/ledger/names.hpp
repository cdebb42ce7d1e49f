#pragma once
#include "server/ledger/ledger.hpp"

/// What a CAP message is looked up by. Pure.
namespace tocsin::ledger {

/// A triple as the store compares it.
struct Named {
    std::string digest;     // SHA-256 of sender, identifier and the instant of `sent`
    std::string name;       // SHA-256 of sender and identifier (rule B17a)
    std::int64_t sent = 0;  // milliseconds; 0: not a time, then its letters are hashed
};
Named name_of(const Triple& triple);

/// Dedupe keys and tombstones live this much longer than their alert (rule B9).
inline constexpr std::chrono::hours dedupe_after_expiry{30 * 24};

const char* word(Kind kind);  // "alert", "update", "cancel"
std::optional<Kind> kind_of(std::string_view word);
char letter(contract::Action action);  // p, u, w
std::optional<contract::Action> action_of(char letter);

/// The one word shown: `stored` is "accepted", "cancelled" or "superseded".
std::string state_now(std::string_view stored, Instant expires, Instant now);

}  // namespace tocsin::ledger
