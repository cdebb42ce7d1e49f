#pragma once
#include "channels/sms/shared/protocol.hpp"

#include <vector>

/// What the Result of a SUBMIT_RESP means for us, and the Status of a CONNECT_RESP.
namespace tocsin::cmpp {

using sms::Meaning;

/// Results, those that this code names; all others are only numbers.
namespace result {
enum : std::uint32_t {
    ok = 0,
    structure = 1,
    repeated_sequence = 3,
    flow = 8,
    not_served = 9,
    destination = 13,
    expired = 254  // not CMPP's: what we say of a recipient whose time ran out in our hands
};
}

struct Exception {
    std::uint32_t result;
    Meaning meaning;
};
Meaning meaning_of(std::uint32_t result, const std::vector<Exception>& own);

/// Status of a CONNECT_RESP in words.
std::string_view status_words(std::uint32_t status);
/// Knocking again soon does not help: address, secret, version, structure.
bool is_slow_to_mend(std::uint32_t status);

}  // namespace tocsin::cmpp
