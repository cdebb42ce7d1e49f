#pragma once
#include "channels/shared/sms_text.hpp"
#include "channels/sms/smpp/ids.hpp"
#include "channels/sms/smpp/status.hpp"
#include "server/base/settings.hpp"

#include <filesystem>

/// The [endpoint.smpp] table as values. README.md describes each key.
namespace tocsin::smpp {

struct Setup {
    std::string host;
    std::uint16_t port = 2775;
    bool tls = false;
    std::filesystem::path tls_ca;  // empty: the system's

    Bind bind;
    Address source, test_source;  // drills go out under the second, if it differs
    std::string service_type, test_service_type;
    std::uint8_t priority_most = 3, protocol_id = 0;

    bool gsm7 = true;
    std::uint8_t gsm7_coding = 0x00, ucs2_coding = 0x08;
    shared::LongForm long_form = shared::LongForm::udh8;
    std::uint32_t pages = 3;      // of 70; what the plan may use
    std::uint8_t parts_most = 4;  // 3 x 70 = 210 units need 4 parts
    bool reference_tlv = false;
    std::string tlvs;  // static ones, ready made

    std::uint32_t window = 100;
    double rate = 0;
    Reading reading{true, IdForm::same, IdForm::same};
    bool id_is_receipt = true;
    std::vector<Exception> statuses;

    std::chrono::milliseconds connect_within{5000}, bind_within{5000}, unbind_within{2000};
    std::chrono::milliseconds response_within{30000}, drain_within{5000};
    std::chrono::milliseconds enquire_after{30000}, enquire_within{5000};
    std::chrono::milliseconds receipts_within{60000};
    std::chrono::milliseconds validity_most{30 * 60 * 1000};
    std::chrono::milliseconds retry_first{1000}, retry_most{60000};
    std::chrono::milliseconds already_bound_wait{30000};  // and as much again at most, by jitter
    std::chrono::milliseconds refused_wait{5 * 60 * 1000};
};

/// Complaints go to `settings`; a fault when there was one that leaves nothing to try.
[[nodiscard]] Result<Setup> read_setup(const Settings& settings);

}  // namespace tocsin::smpp
