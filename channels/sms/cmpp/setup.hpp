#pragma once
#include "channels/sms/cmpp/frame.hpp"
#include "channels/sms/cmpp/result.hpp"
#include "channels/sms/shared/office.hpp"
#include "server/base/settings.hpp"

#include <filesystem>

/// The [endpoint.cmpp] table as values. README.md describes each key.
namespace tocsin::cmpp {

/// As whom a link sends.
struct Sender {
    std::string source_addr;  // SP_Id: of CONNECT, and Msg_src
    std::string source, test_source, service_id, test_service_id;
    bool operator==(const Sender&) const = default;
};
/// Links that send alike share one encoding.
struct MessageForm {
    Layout layout = Layout::v3;
    Sender sender;
    bool flash = false;
    bool operator==(const MessageForm&) const = default;
};

struct Link {
    std::string host;
    std::uint16_t port = 7890;
    bool tls = false;
    std::filesystem::path tls_ca;  // empty: the system's
    std::string secret;
    Layout layout = Layout::v3;
    Sender sender;
    bool proof_required = true;
    std::vector<Exception> results;
    std::chrono::milliseconds refused_wait{5 * 60 * 1000};
    sms::LaneSetup lane;
    sms::Times times;
    std::string account_name;
    std::size_t account = 0;
    std::string tag;  // of the account, in each message id: see receipt.hpp
};

struct Setup {
    std::vector<Link> links;
    std::vector<MessageForm> forms;

    std::uint8_t fee_user_type = 2;  // 2: the sender pays
    std::string fee_terminal, fee_type, fee_code;
    std::uint8_t protocol_id = 0, priority_most = 3;
    bool ascii = true, absolute_validity = true;
    std::uint8_t flash_levels = 0;  // a bit each: 1 << Level
    std::string signature;          // 【...】, before every text that lacks it
    std::uint32_t pages = 3;        // of 70; what the plan may use
    std::uint32_t per_page = 70;    // less the signature's share
    std::uint8_t parts_most = 4;
    std::shared_ptr<const sms::Portability> ported;
    std::chrono::milliseconds receipts_within{60000}, validity_most{30 * 60 * 1000};
};

/// Complaints go to `settings`; a fault when there was one that leaves nothing to try.
[[nodiscard]] Result<Setup> read_setup(const Settings& settings);

}  // namespace tocsin::cmpp
