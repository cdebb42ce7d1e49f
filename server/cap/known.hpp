#pragma once
#include "server/cap/judge.hpp"

#include <span>

/// Rules between messages (the manual's table of rules, B4, B5, B15 to B17a), for those who have
/// the earlier messages in hand: `tocsin validate --known`, and tests. The server asks its ledger.
namespace tocsin::cap {

struct Known {
    Alert alert;
    std::string sha256;  // of its bytes; "" if not to be compared
};

/// duplicate, identifier-reused, references-foreign, references-unknown, references-order,
/// references-sent. `sha256` is of this message's bytes: the same bytes again are no fault.
std::vector<Violation> judge_known(const Alert& alert,
                                   std::span<const Known> known,
                                   const Lines& lines = {},
                                   std::string_view sha256 = {});

}  // namespace tocsin::cap
