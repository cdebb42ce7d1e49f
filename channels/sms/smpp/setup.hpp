#pragma once
#include "channels/shared/sms_text.hpp"
#include "channels/sms/shared/session.hpp"
#include "channels/sms/smpp/ids.hpp"
#include "channels/sms/smpp/status.hpp"
#include "server/base/settings.hpp"

#include <filesystem>

/// The [endpoint.smpp] table, with its [[endpoint.smpp.link]], as values. README.md describes each key.
namespace tocsin::smpp {

/// How a message looks on a link. Links whose forms are equal share what is encoded.
struct MessageForm {
    enum class Flash : std::uint8_t { none, by_class, by_subunit };

    Address source, test_source;  // drills go out under the second, if it differs
    std::string service_type, test_service_type;
    std::uint8_t priority_most = 3, protocol_id = 0;
    std::uint8_t gsm7_coding = 0x00, ucs2_coding = 0x08;
    shared::LongForm long_form = shared::LongForm::udh8;
    bool reference_tlv = false;
    std::string tlvs;  // static ones, ready made
    Flash flash = Flash::none;
    std::uint8_t flash_levels = 0;  // a bit each: 1 << Level
    std::uint8_t flash_gsm7_coding = 0x10, flash_ucs2_coding = 0x18;
    bool operator==(const MessageForm&) const = default;
};

/// One link.
struct LinkSettings {
    std::string name, host;
    std::string account;  // receipts may come by any link of it; ids are unique within it
    std::uint16_t port = 2775;
    bool tls = false;
    std::filesystem::path tls_ca;  // empty: the system's
    bool pair = false;             // transmitter and receiver from the first

    Bind bind;
    MessageForm form;
    bool gsm7 = true;
    std::uint32_t window = 100;
    double rate = 0;
    sms::Filter filter;
    Reading reading{true, IdForm::same, IdForm::same};
    bool id_is_receipt = true;
    sms::Letters letters = sms::Letters::gsm7;  // what data_coding 0 is in a phone's message
    std::vector<Exception> statuses;

    sms::Times times;
    std::chrono::milliseconds response_within{30000};
    std::chrono::milliseconds already_bound_wait{30000};  // and as much again at most, by jitter
    std::chrono::milliseconds refused_wait{5 * 60 * 1000};
};

/// One endpoint. What is the same for all its links stands here.
struct Setup {
    std::vector<LinkSettings> links;
    std::shared_ptr<const sms::Portability> ported;
    std::uint32_t pages = 3;      // of 70; what the plan may use
    std::uint8_t parts_most = 4;  // 3 x 70 = 210 units need 4 parts
    std::chrono::milliseconds receipts_within{60000};
    std::chrono::milliseconds validity_most{30 * 60 * 1000};
};

/// Complaints go to `settings`; a fault when there was one that leaves nothing to try.
[[nodiscard]] Result<Setup> read_setup(const Settings& settings);

}  // namespace tocsin::smpp
