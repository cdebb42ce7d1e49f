#pragma once
#include "channels/sms/shared/protocol.hpp"
#include "channels/sms/smpp/frame.hpp"

#include <vector>

/// What a command_status in a submit_sm_resp means for us (sms.md 6); a bind may differ by settings.
namespace tocsin::smpp {

using sms::Meaning;

struct Exception {
    std::uint32_t status;
    Meaning meaning;
};
Meaning meaning_of(std::uint32_t status, const std::vector<Exception>& own);

/// Binds: already bound, bind failed, password, system id. Knocking soon again makes it worse.
bool is_slow_to_mend(std::uint32_t bind_status);

}  // namespace tocsin::smpp
