#include "channels/sms/smpp/status.hpp"

namespace tocsin::smpp {
namespace {

using enum Meaning;

// Ranges, in order; what is in none is permanent.
struct Row {
    std::uint32_t first, last;
    Meaning meaning;
};
// clang-format off
constexpr Row rows[] = {
    {0x00,  0x00,  accepted},
    {0x04,  0x04,  rebind},
    {0x08,  0x08,  retry_slow},
    {0x06,  0x07,  campaign},    // priority, registered_delivery: configuration of the bind
    {0x0A,  0x0A,  campaign},    // source address
    {0x14,  0x14,  congestion},
    {0x15,  0x15,  campaign},    // service type
    {0x43,  0x43,  campaign},    // esm_class
    {0x45,  0x45,  form_perhaps},  // submit failed; some say it when the window is overrun
    {0x48,  0x49,  campaign},    // source TON, NPI
    {0x53,  0x53,  campaign},    // system type
    {0x58,  0x58,  throttle},
    {0x61,  0x63,  campaign},    // schedule, validity, default message id: clock or format
    {0x64,  0x64,  retry_slow},  // temporary application error
    {0xC0,  0xC4,  form},        // TLVs
    {0xFE,  0xFF,  retry},
    {0x102, 0x102, retry},
    {0x104, 0x104, form},        // data coding
    {0x400, 0x4FF, retry},       // vendor's: once more, then it stands
};
// clang-format on

}  // namespace

Meaning meaning_of(std::uint32_t status, const std::vector<Exception>& own) {
    for (const auto& [code, meaning] : own)
        if (code == status) return meaning;
    for (const auto& [first, last, meaning] : rows)
        if (status >= first && status <= last) return meaning;
    return permanent;
}

bool is_slow_to_mend(std::uint32_t bind_status) {
    return bind_status == status::already_bound || bind_status == status::bind_failed ||
           bind_status == status::invalid_password || bind_status == status::invalid_system_id;
}

}  // namespace tocsin::smpp
