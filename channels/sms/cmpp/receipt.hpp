#pragma once
#include "channels/sms/cmpp/frame.hpp"
#include "server/contract/bulk.hpp"

/// What a status report means (CMPP 3.0, 8.4.3.3 and its appendix of Stat words).
namespace tocsin::cmpp {

/// The 8 bytes of Msg_Id, then the account's tag; 0 is none. Msg_Id names its gateway, but resellers'
/// gateways all call themselves the same: without a tag, one's receipt could be another's.
contract::MessageId key_of(std::uint64_t message_id, std::string_view tag = {});
/// 4 bytes, the same in every run.
std::string tag_of(std::string_view account);

struct Meant {
    contract::Said said;
    std::uint16_t code;  // kind << 12 | the number behind the colon, 4095 if larger or none
};
Meant meaning_of_stat(std::string_view stat);

}  // namespace tocsin::cmpp
