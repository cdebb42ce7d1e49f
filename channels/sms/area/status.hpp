#pragma once
#include <cstdint>
#include <string>

/// command_status of SMPP 5.0, as far as a broadcast meets it.
namespace tocsin::smpp_area {

namespace status {
enum : std::uint32_t {
    ok = 0x00,
    invalid_command = 0x03,
    invalid_bind_status = 0x04,
    already_bound = 0x05,
    system_error = 0x08,
    invalid_message_id = 0x0C,
    bind_failed = 0x0D,
    invalid_password = 0x0E,
    invalid_system_id = 0x0F,
    queue_full = 0x14,
    throttled = 0x58,
    expired = 0x62,  // RINVEXPIRY: also what we say of one whose time ran out in our hands
    temporary = 0x64,
    not_for_us = 0x65,
    service_unavailable = 0x102,
    broadcast_query_failed = 0x10E,
    broadcast_cancel_failed = 0x10F
};
}

/// The peer may take it later.
bool is_busy(std::uint32_t status);
/// There is no such message at the peer.
bool is_absent(std::uint32_t status);
/// "ESME_RINVBCASTAREAFMT", or the number.
std::string word_of(std::uint32_t status);

}  // namespace tocsin::smpp_area
