#include "channels/sms/cmpp/setup.hpp"

#include "channels/shared/sms_text.hpp"
#include "channels/sms/cmpp/receipt.hpp"
#include "channels/sms/shared/link_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace tocsin::cmpp {
namespace {

using namespace std::chrono_literals;
using sms::Layers;

bool is_digits(std::string_view text) {
    return text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string field(const Layers& settings,
                  std::string_view key,
                  std::string_view fallback,
                  std::size_t most) {
    auto out = settings.text(key, fallback);
    if (out.size() > most) settings.complain(key, fmt::format("has {} characters at most", most));
    return out;
}

Sender read_sender(const Layers& settings) {
    Sender out;
    out.source_addr = settings.text("source_addr");
    // Its six bytes are hashed: a shorter one would be padded, and gateways differ in how.
    if (out.source_addr.size() != source_addr_bytes)
        settings.complain("source_addr", "is the SP_Id of 6 characters");
    out.source = field(settings, "source", "", 21);
    out.test_source = settings.text("test_source", out.source);
    if (!is_digits(out.source)) settings.complain("source", "is a number");
    if (out.test_source != out.source &&
        (out.test_source.size() > 21 || !is_digits(out.test_source)))
        settings.complain("test_source", "is a number of 21 digits at most");
    out.service_id = field(settings, "service_id", "", 10);
    out.test_service_id = settings.text("test_service_id", out.service_id);
    if (out.test_service_id != out.service_id && out.test_service_id.size() > 10)
        settings.complain("test_service_id", "has 10 characters at most");
    return out;
}

/// permanent_results = ["9"], retry_results, throttle_results, order_results
std::vector<Exception> read_results(const Layers& settings) {
    struct Row {
        std::string_view key;
        Meaning meaning;
    };
    constexpr Row rows[] = {{"permanent_results", Meaning::permanent},
                            {"retry_results", Meaning::retry},
                            {"throttle_results", Meaning::throttle},
                            {"order_results", Meaning::campaign}};
    std::vector<Exception> out;
    for (const auto& [key, meaning] : rows)
        for (const auto& text : settings.texts(key)) {
            std::uint32_t value = 0;
            const auto [end, fault] =
                std::from_chars(text.data(), text.data() + text.size(), value);
            if (fault == std::errc() && end == text.data() + text.size() && value != 0)
                out.push_back({value, meaning});
            else
                settings.complain(key, fmt::format("'{}' is no Result such as 9", text));
        }
    return out;
}

std::uint8_t form_of(const MessageForm& form, std::vector<MessageForm>& forms) {
    const auto found = std::ranges::find(forms, form);
    if (found != forms.end()) return std::uint8_t(found - forms.begin());
    forms.push_back(form);
    return std::uint8_t(forms.size() - 1);
}

/// Links of one account share its number and its tag; the first account has no tag.
void join_account(Link& link, const std::vector<Link>& others) {
    std::size_t next = 0;
    for (const auto& other : others) {
        next = std::max(next, other.account + 1);
        if (other.account_name != link.account_name) continue;
        link.account = other.account;
        link.tag = other.tag;
        return;
    }
    link.account = next;
    if (next > 0) link.tag = tag_of(link.account_name);
}

Link read_link(const Layers& settings, const std::string& name, Setup& setup) {
    Link out;
    out.host = settings.text("host");
    if (out.host.empty()) settings.complain("host", "is missing");
    out.port = std::uint16_t(settings.number("port", 7890, 1, 65535));
    out.tls = settings.flag("tls", false);
    out.tls_ca = settings.file("tls_ca");
    out.secret = sms::read_secret(settings, "secret_file");
    out.layout =
        settings.choice("version", "3.0", {"3.0", "2.0"}) == "2.0" ? Layout::v2 : Layout::v3;
    out.proof_required =
        settings.choice("gateway_proof", "required", {"required", "ignored"}) == "required";
    out.sender = read_sender(settings);
    out.results = read_results(settings);
    out.lane.name = name;
    out.lane.window = std::uint32_t(settings.number("window", 16, 1, 4000));
    if (out.lane.window < setup.parts_most)
        settings.complain("window",
                          fmt::format("is less than a text's {} segments", setup.parts_most));
    out.lane.rate = settings.real("rate", 0, 0, 1e6);
    out.lane.filter = sms::read_filter(settings);
    out.lane.response_within =
        std::max(settings.duration("response_timeout", 60s), std::chrono::milliseconds(1));
    out.lane.forms.clear();
    if (setup.flash_levels)
        out.lane.forms.push_back(form_of({out.layout, out.sender, true}, setup.forms));
    out.lane.forms.push_back(form_of({out.layout, out.sender, false}, setup.forms));
    sms::read_times(settings, "active_test", out.times);
    out.times.enquire_within =
        std::max(settings.duration("active_test_timeout", 20s), std::chrono::milliseconds(1));
    out.times.enquiries_missed_most = std::uint8_t(settings.number("active_tests", 3, 1, 10));
    out.refused_wait = settings.duration("reconnect_refused", out.refused_wait);
    out.account_name = settings.text(
        "account", fmt::format("{}:{}/{}", out.host, out.port, out.sender.source_addr));
    join_account(out, setup.links);
    return out;
}

void read_fees(const Settings& settings, Setup& out) {
    out.fee_user_type = std::uint8_t(settings.number("fee_user_type", 2, 0, 3));
    out.fee_terminal = settings.text("fee_terminal");
    out.fee_type = settings.choice("fee_type", "01", {"01", "02", "03", "04", "05"});
    out.fee_code = settings.text("fee_code", "000000");
    if (out.fee_code.size() > 6 || !is_digits(out.fee_code))
        settings.complain("fee_code", "has 6 digits at most");
    if (out.fee_terminal.size() > 21 || !is_digits(out.fee_terminal))
        settings.complain("fee_terminal", "is a number");
    if ((out.fee_user_type == 3) == out.fee_terminal.empty())
        settings.complain("fee_terminal", "belongs to fee_user_type 3, and only to it");
}

/// The plan counts characters without the signature: its share is taken off each page's room.
void read_words(const Settings& settings, Setup& out) {
    out.ascii = settings.flag("ascii", true);
    out.signature = settings.text("signature");
    out.pages = std::uint32_t(settings.number("pages", 3, 1, 10));
    // Alone 70 units fit, in a part 67: so one part more than pages of 70, never a cut.
    out.parts_most = std::uint8_t(out.pages == 1 ? 1 : out.pages + 1);
    const auto units = shared::to_ucs2(out.signature);
    const auto size = units ? units->size() / 2 : 0;
    if (!units || size > 30)
        settings.complain("signature", "has 30 characters at most");
    else
        out.per_page = 70 - std::uint32_t((size + out.pages - 1) / out.pages);
}

}  // namespace

Result<Setup> read_setup(const Settings& settings) {
    Setup out;
    read_words(settings, out);
    read_fees(settings, out);
    out.protocol_id = std::uint8_t(settings.number("protocol_id", 0, 0, 255));
    out.priority_most = std::uint8_t(settings.number("priority_max", 3, 0, 3));
    out.absolute_validity =
        settings.choice("valid_time", "absolute", {"absolute", "relative"}) == "absolute";
    out.flash_levels = sms::read_flash_levels({settings, settings});
    out.receipts_within = settings.duration("receipts_within", out.receipts_within);
    out.validity_most = std::max(settings.duration("validity_max", out.validity_most),
                                 std::chrono::milliseconds(1));
    out.ported = sms::read_ported(settings);
    sms::each_link(settings, [&](const Layers& own, const std::string& name) {
        out.links.push_back(read_link(own, name, out));
    });
    settings.finish();
    for (const auto& link : out.links)
        if (link.host.empty() || link.sender.source_addr.empty())
            return Fault{Cause::malformed, "a CMPP endpoint needs host and source_addr"};
    return out;
}

}  // namespace tocsin::cmpp
