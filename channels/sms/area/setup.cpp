#include "channels/sms/area/setup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

namespace tocsin::smpp_area {
namespace {

Address read_source(const Settings& settings, const std::string& key, const Address& fallback) {
    Address out;
    out.digits = settings.text(key, fallback.digits);
    const bool digits = out.digits.find_first_not_of("0123456789") == out.digits.npos;
    if (out.digits.size() > (digits ? 20 : 11))
        settings.complain(key, "has 20 digits at most, or a name 11 characters");
    out.ton = std::uint8_t(settings.number(key + "_ton", digits ? fallback.ton : 5, 0, 7));
    out.npi = std::uint8_t(settings.number(key + "_npi", digits ? fallback.npi : 0, 0, 18));
    return out;
}

Manner read_manner(const Settings& settings, const std::string& prefix, const Manner& fallback) {
    Manner out = fallback;
    out.source = read_source(settings, prefix + "source", fallback.source);
    out.service_type = settings.text(prefix + "service_type", fallback.service_type);
    if (out.service_type.size() > 5)
        settings.complain(prefix + "service_type", "is longer than 5 characters");
    out.content_network =
        std::uint8_t(settings.number(prefix + "content_network", fallback.content_network, 0, 3));
    out.content_type =
        std::uint16_t(settings.number(prefix + "content_type", fallback.content_type, 0, 0xFFFF));
    const auto none = fallback.message_class ? int(*fallback.message_class) : -1;
    if (const auto own = settings.number(prefix + "message_class", none, -1, 3); own >= 0)
        out.message_class = std::uint8_t(own);
    return out;
}

std::string read_password(const Settings& settings) {
    const auto file = settings.file("password_file");
    if (file.empty()) return {};
    std::ifstream in(file);
    std::string line;
    if (!in || !std::getline(in, line)) {
        settings.complain("password_file", fmt::format("cannot read {}", file.string()));
        return {};
    }
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.size() > 64) settings.complain("password_file", "a password of more than 64 bytes");
    return line;
}

/// names = ["110105=Chaoyang"]: how the operator calls what we know by its code.
void read_areas(const Settings& settings, Setup& out) {
    const auto which = settings.choice("areas", "names", {"names", "shapes", "both"});
    out.names = which != "shapes";
    out.shapes = which != "names";
    for (const auto& text : settings.texts("names")) {
        const auto equals = text.find('=');
        if (equals == 0 || equals == text.npos || equals + 1 == text.size())
            settings.complain("names", fmt::format("'{}' is not CODE=name", text));
        else if (text.size() - equals - 1 > 99)
            settings.complain("names", fmt::format("'{}': a name of more than 99 bytes", text));
        else
            out.aliases[text.substr(0, equals)] = text.substr(equals + 1);
    }
    out.areas_max = std::size_t(settings.number("areas_max", 255, 1, 255));
}

void read_repeats(const Settings& settings, Setup& out) {
    out.repetitions = std::uint16_t(settings.number("repetitions", 0, 0, 0xFFFF));
    const auto interval = settings.duration("interval", std::chrono::milliseconds(0)).count();
    if (interval % 1000 != 0 || interval / 1000 > 0xFFFF)
        settings.complain("interval", "is whole seconds, 65535 at most");
    out.interval = std::uint16_t(std::clamp<std::int64_t>(interval / 1000, 0, 0xFFFF));
    constexpr std::uint8_t seconds = 0x08;
    out.interval_unit = out.interval > 0 ? seconds : 0;
}

void read_times(const Settings& settings, Setup& out) {
    out.query_first = settings.duration("query_first", out.query_first);
    out.query_every = settings.duration("query", out.query_every);
    out.retry_first = settings.duration("retry", out.retry_first);
    out.retry_most = settings.duration("retry_max", out.retry_most);
    out.response_within = settings.duration("response_timeout", out.response_within);
    out.enquire_after = settings.duration("enquire", out.enquire_after);
    out.connect_within = settings.duration("connect_timeout", out.connect_within);
    out.bind_within = settings.duration("bind_timeout", out.bind_within);
    out.reconnect_first = settings.duration("reconnect", out.reconnect_first);
    out.reconnect_most = settings.duration("reconnect_max", out.reconnect_most);
    out.already_bound_wait = settings.duration("reconnect_already_bound", out.already_bound_wait);
    out.refused_wait = settings.duration("reconnect_refused", out.refused_wait);
    for (auto* time : {&out.query_first, &out.query_every, &out.retry_first, &out.retry_most,
                       &out.response_within, &out.enquire_after, &out.connect_within,
                       &out.bind_within, &out.reconnect_first, &out.reconnect_most})
        *time = std::max(*time, std::chrono::milliseconds(1));
}

}  // namespace

std::string Setup::source_name() const { return fmt::format("{}:{}", host, port); }

Result<Setup> read_setup(const Settings& settings) {
    Setup out;
    out.host = settings.required("host");
    out.port = std::uint16_t(settings.number("port", 2775, 1, 65535));
    out.tls = settings.flag("tls", false);
    out.tls_ca = settings.file("tls_ca");
    if (settings.choice("bind", "transmitter", {"transmitter", "transceiver"}) == "transceiver")
        out.bind_as = Command::bind_transceiver;
    out.bind.system_id = settings.required("system_id");
    if (out.bind.system_id.size() > 15)
        settings.complain("system_id", "is longer than 15 characters");
    out.bind.password = read_password(settings);
    out.bind.system_type = settings.text("system_type");
    if (out.bind.system_type.size() > 12)
        settings.complain("system_type", "is longer than 12 characters");
    out.live = read_manner(settings, "", {});
    auto quiet = out.live;
    constexpr std::uint16_t network_information = 0x71;  // no emergency, whatever the handset does
    quiet.content_type = network_information;
    out.drill = read_manner(settings, "test_", quiet);
    read_areas(settings, out);
    out.gsm7 = settings.flag("gsm7", true);
    out.gsm7_coding = std::uint8_t(settings.number("data_coding_gsm7", 0x00, 0, 255));
    out.ucs2_coding = std::uint8_t(settings.number("data_coding_ucs2", 0x08, 0, 255));
    out.pages = std::uint32_t(settings.number("pages", 3, 1, 15));
    read_repeats(settings, out);
    out.replace = settings.flag("replace", true);
    out.immediate = settings.flag("immediate", false);
    out.all_clear = settings.duration("all_clear", out.all_clear);
    out.window = std::uint32_t(settings.number("window", 10, 1, 1000));
    read_times(settings, out);
    settings.finish();
    if (out.host.empty() || out.bind.system_id.empty())
        return Fault{Cause::malformed, "an area endpoint needs host and system_id"};
    return out;
}

}  // namespace tocsin::smpp_area
