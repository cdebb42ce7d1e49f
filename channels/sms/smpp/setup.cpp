#include "channels/sms/smpp/setup.hpp"

#include "channels/sms/shared/link_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace tocsin::smpp {
namespace {

using sms::Layers;

/// TON 5 for names, else as set; a short code has TON 0.
Address read_source(const Layers& settings, const std::string& prefix, const Address& fallback) {
    Address out;
    out.digits = settings.text(prefix, fallback.digits);
    const bool digits = out.digits.find_first_not_of("0123456789") == out.digits.npos;
    const bool own = out.digits != fallback.digits;
    if (own && out.digits.size() > (digits ? 20 : 11))
        settings.complain(prefix, "has 20 digits at most, or a name 11 characters");
    out.ton = settings.small(prefix + "_ton", !digits ? 5 : own ? 0 : fallback.ton, 7);
    out.npi = settings.small(prefix + "_npi", !digits ? 0 : own ? 1 : fallback.npi, 18);
    return out;
}

std::string read_password(const Layers& settings) {
    auto out = sms::read_secret(settings, "password_file");
    if (out.size() > 64) settings.complain("password_file", "a password of more than 64 bytes");
    return out;
}

shared::LongForm read_long_form(const Layers& settings) {
    const auto name = settings.choice("long_form", "udh8", {"udh8", "udh16", "sar", "payload"});
    if (name == "udh16") return shared::LongForm::udh16;
    if (name == "sar") return shared::LongForm::sar;
    return name == "payload" ? shared::LongForm::payload : shared::LongForm::udh8;
}

Reading read_reading(const Layers& settings) {
    const std::vector<std::string_view> names = {"same", "resp_hex_receipt_dec",
                                                 "resp_dec_receipt_hex"};
    const auto form = [&](std::string_view key) {
        const auto name = settings.choice(key, "same", names);
        return name == names[1]   ? IdForm::resp_hex_receipt_dec
               : name == names[2] ? IdForm::resp_dec_receipt_hex
                                  : IdForm::same;
    };
    return {settings.flag("receipt_tlv", true), form("tlv_id_form"), form("id_form")};
}

std::optional<std::uint32_t> hex_number(std::string_view text) {
    std::uint32_t value = 0;
    if (!text.starts_with("0x")) return std::nullopt;
    const auto [end, fault] =
        std::from_chars(text.data() + 2, text.data() + text.size(), value, 16);
    if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// permanent_statuses = ["0x45"], retry_statuses, throttle_statuses, form_statuses
std::vector<Exception> read_statuses(const Layers& settings) {
    struct Row {
        std::string_view key;
        Meaning meaning;
    };
    constexpr Row rows[] = {{"permanent_statuses", Meaning::permanent},
                            {"retry_statuses", Meaning::retry},
                            {"throttle_statuses", Meaning::throttle},
                            {"form_statuses", Meaning::form}};
    std::vector<Exception> out;
    for (const auto& [key, meaning] : rows)
        for (const auto& text : settings.texts(key)) {
            const auto value = hex_number(text);
            if (value && *value != 0)
                out.push_back({*value, meaning});
            else
                settings.complain(key, fmt::format("'{}' is no status such as 0x45", text));
        }
    return out;
}

/// tlvs = ["0x1400=text"]: what operators of some countries demand.
std::string read_tlvs(const Layers& settings) {
    std::string out;
    for (const auto& text : settings.texts("tlvs")) {
        const auto equals = text.find('=');
        const auto tag = hex_number(text.substr(0, equals));
        if (equals == text.npos || !tag || *tag > 0xFFFF || text.size() - equals > 255)
            settings.complain("tlvs", fmt::format("'{}' is not 0xTAG=text", text));
        else
            put_tlv(out, std::uint16_t(*tag), text.substr(equals + 1));
    }
    return out;
}

MessageForm read_form(const Layers& settings) {
    MessageForm out;
    out.source = read_source(settings, "source", {});
    out.test_source = read_source(settings, "test_source", out.source);
    out.service_type = settings.text("service_type");
    out.test_service_type = settings.text("test_service_type", out.service_type);
    out.priority_most = settings.small("priority_max", 3, 3);
    out.protocol_id = settings.small("protocol_id", 0);
    out.gsm7_coding = settings.small("data_coding_gsm7", 0x00);
    out.ucs2_coding = settings.small("data_coding_ucs2", 0x08);
    out.flash_gsm7_coding = settings.small("data_coding_flash_gsm7", 0x10);
    out.flash_ucs2_coding = settings.small("data_coding_flash_ucs2", 0x18);
    out.flash_levels = sms::read_flash_levels(settings);
    out.long_form = read_long_form(settings);
    out.reference_tlv = settings.flag("reference_tlv", false);
    out.tlvs = read_tlvs(settings);
    return out;
}

std::string required(const Layers& settings, std::string_view key) {
    auto out = settings.text(key);
    if (out.empty()) settings.complain(key, "is missing");
    return out;
}

LinkSettings read_link(const Layers& settings, const std::string& name) {
    LinkSettings out;
    out.name = name;
    out.host = required(settings, "host");
    out.port = std::uint16_t(settings.number("port", 2775, 1, 65535));
    out.tls = settings.flag("tls", false);
    out.tls_ca = settings.file("tls_ca");
    out.pair = settings.choice("mode", "transceiver", {"transceiver", "pair"}) == "pair";
    out.bind.system_id = required(settings, "system_id");
    out.bind.password = read_password(settings);
    out.bind.system_type = settings.text("system_type");
    out.bind.range = {settings.small("bind_ton", 0, 7), settings.small("bind_npi", 0, 18),
                      settings.text("address_range")};
    out.account =
        settings.text("account", fmt::format("{}:{}/{}", out.host, out.port, out.bind.system_id));
    if (out.bind.system_id.size() > 15)
        settings.complain("system_id", "is longer than 15 characters");
    out.form = read_form(settings);
    out.gsm7 = settings.flag("gsm7", true);
    out.window = std::uint32_t(settings.number("window", 100, 10, 4000));
    out.rate = settings.real("rate", 0, 0, 1e6);
    out.filter = sms::read_filter(settings);
    out.reading = read_reading(settings);
    out.id_is_receipt = settings.flag("id_is_receipt", true);
    const auto letters =
        settings.choice("reply_alphabet", "gsm7", {"gsm7", "latin1", "ucs2", "gbk"});
    out.letters = letters == "latin1" ? sms::Letters::latin1
                  : letters == "ucs2" ? sms::Letters::ucs2
                  : letters == "gbk"  ? sms::Letters::gbk
                                      : sms::Letters::gsm7;
    out.statuses = read_statuses(settings);
    out.response_within = std::max(settings.duration("response_timeout", out.response_within),
                                   std::chrono::milliseconds(1));
    out.already_bound_wait = settings.duration("reconnect_already_bound", out.already_bound_wait);
    out.refused_wait = settings.duration("reconnect_refused", out.refused_wait);
    sms::read_times(settings, "enquire", out.times);
    return out;
}

bool is_payload(const LinkSettings& link) {
    return link.form.long_form == shared::LongForm::payload;
}

}  // namespace

Result<Setup> read_setup(const Settings& settings) {
    Setup out;
    out.pages = std::uint32_t(settings.number("pages", 3, 1, 10));
    // Alone 70 units fit, in a part 66 or 67: so one part more than pages of 70, never a cut.
    out.parts_most = std::uint8_t(out.pages == 1 ? 1 : out.pages + 1);
    out.receipts_within = settings.duration("receipts_within", out.receipts_within);
    out.validity_most = std::max(settings.duration("validity_max", out.validity_most),
                                 std::chrono::milliseconds(1));
    sms::each_link(settings, [&](const Layers& layers, const std::string& name) {
        out.links.push_back(read_link(layers, name));
        // All links cut a text at the same places; a whole one is not cut.
        if (is_payload(out.links.back()) != is_payload(out.links.front()))
            layers.complain("long_form", "payload for all links of an endpoint, or for none");
    });
    out.ported = sms::read_ported(settings);
    settings.finish();
    for (const auto& link : out.links)
        if (link.host.empty() || link.bind.system_id.empty())
            return Fault{Cause::malformed, "an SMPP endpoint needs host and system_id"};
    return out;
}

}  // namespace tocsin::smpp
