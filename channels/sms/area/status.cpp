#include "channels/sms/area/status.hpp"

#include <fmt/format.h>

namespace tocsin::smpp_area {

bool is_busy(std::uint32_t code) {
    switch (code) {
        case status::system_error:
        case status::queue_full:
        case status::throttled:
        case status::temporary:
        case status::service_unavailable: return true;
        default: return false;
    }
}

bool is_absent(std::uint32_t code) {
    return code == status::invalid_message_id || code == status::broadcast_query_failed;
}

std::string word_of(std::uint32_t code) {
    struct Row {
        std::uint32_t code;
        const char* word;
    };
    static constexpr Row rows[] = {
        {0x01, "ESME_RINVMSGLEN"},
        {0x02, "ESME_RINVCMDLEN"},
        {0x03, "ESME_RINVCMDID"},
        {0x04, "ESME_RINVBNDSTS"},
        {0x05, "ESME_RALYBND"},
        {0x06, "ESME_RINVPRTFLG"},
        {0x08, "ESME_RSYSERR"},
        {0x0A, "ESME_RINVSRCADR"},
        {0x0C, "ESME_RINVMSGID"},
        {0x0D, "ESME_RBINDFAIL"},
        {0x0E, "ESME_RINVPASWD"},
        {0x0F, "ESME_RINVSYSID"},
        {0x13, "ESME_RREPLACEFAIL"},
        {0x14, "ESME_RMSGQFUL"},
        {0x15, "ESME_RINVSERTYP"},
        {0x54, "ESME_RINVREPFLAG"},
        {0x58, "ESME_RTHROTTLED"},
        {0x62, "ESME_RINVEXPIRY"},
        {0x64, "ESME_RX_T_APPN"},
        {0xC2, "ESME_RINVTLVLEN"},
        {0xC3, "ESME_RMISSINGTLV"},
        {0xC4, "ESME_RINVTLVVAL"},
        {0x100, "ESME_RSERTYPUNAUTH"},
        {0x101, "ESME_RPROHIBITED"},
        {0x102, "ESME_RSERTYPUNAVAIL"},
        {0x103, "ESME_RSERTYPDENIED"},
        {0x104, "ESME_RINVDCS"},
        {0x107, "ESME_RINVBCASTFREQINT"},
        {0x108, "ESME_RINVBCASTALIAS_NAME"},
        {0x109, "ESME_RINVBCASTAREAFMT"},
        {0x10A, "ESME_RINVNUMBCAST_AREAS"},
        {0x10B, "ESME_RINVBCASTCNTTYPE"},
        {0x10C, "ESME_RINVBCASTMSGCLASS"},
        {0x10D, "ESME_RBCASTFAIL"},
        {0x10E, "ESME_RBCASTQUERYFAIL"},
        {0x10F, "ESME_RBCASTCANCELFAIL"},
        {0x110, "ESME_RINVBCAST_REP"},
    };
    for (const auto& row : rows)
        if (row.code == code) return row.word;
    return fmt::format("status {:#x}", code);
}

}  // namespace tocsin::smpp_area
