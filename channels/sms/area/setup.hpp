#pragma once
#include "channels/sms/area/frame.hpp"
#include "server/base/settings.hpp"

#include <filesystem>
#include <map>

/// The [endpoint.smpp_area] table as values. README.md describes each key.
namespace tocsin::smpp_area {

/// What a broadcast says of itself; drills have their own.
struct Manner {
    Address source;
    std::string service_type = "CBS";
    std::uint8_t content_network = 0;
    std::uint16_t content_type = 1;
    std::optional<std::uint8_t> message_class;
};

struct Setup {
    std::string host;
    std::uint16_t port = 2775;
    bool tls = false;
    std::filesystem::path tls_ca;
    Command bind_as = Command::bind_transmitter;
    Bind bind;
    Manner live, drill;

    bool shapes = false, names = true;  // which area identifiers go
    std::map<std::string, std::string> aliases;
    std::size_t areas_max = 255;  // in one broadcast_sm
    bool gsm7 = true;
    std::uint8_t gsm7_coding = 0x00, ucs2_coding = 0x08;
    std::uint32_t pages = 3;
    std::uint16_t repetitions = 0, interval = 0;
    std::uint8_t interval_unit = 0;
    bool replace = true, immediate = false;
    std::chrono::milliseconds all_clear{5 * 60'000};  // how long words lift a warning

    std::uint32_t window = 10;
    std::chrono::milliseconds query_first{200}, query_every{30'000};
    std::chrono::milliseconds retry_first{1000}, retry_most{60'000};  // busy peers
    std::chrono::milliseconds response_within{30'000}, enquire_after{30'000};
    std::chrono::milliseconds connect_within{5000}, bind_within{5000};
    std::chrono::milliseconds reconnect_first{1000}, reconnect_most{60'000};
    std::chrono::milliseconds already_bound_wait{30'000}, refused_wait{5 * 60'000};
    std::string source_name() const;  // of evidence
};

/// Complaints go to `settings`; a fault when there was one that leaves nothing to try.
[[nodiscard]] Result<Setup> read_setup(const Settings& settings);

}  // namespace tocsin::smpp_area
