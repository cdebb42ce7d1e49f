#include "channels/sms/cmpp/protocol.hpp"

#include "channels/shared/sms_text.hpp"
#include "channels/sms/cmpp/words.hpp"
#include "channels/sms/shared/worded.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::cmpp {
namespace {

using contract::Message;

/// Gravest highest; a drill never goes before anything.
std::uint8_t priority(const Message& message, bool drill, const Setup& setup) {
    const auto by_level = std::uint8_t(std::uint8_t(message.level) - 1);
    return drill ? 0 : std::min(by_level, setup.priority_most);
}

bool flashes(const Message& message, const Setup& setup) {
    return setup.flash_levels >> std::uint8_t(message.level) & 1;
}

/// All but the words: views into `setup` and `form`.
Submit common(const Message& message, bool drill, const Setup& setup, const MessageForm& form) {
    Submit submit;
    submit.level = priority(message, drill, setup);
    submit.service_id = drill ? form.sender.test_service_id : form.sender.service_id;
    submit.fee_user_type = setup.fee_user_type;
    submit.fee_terminal = setup.fee_terminal;
    submit.protocol_id = setup.protocol_id;
    submit.message_source = form.sender.source_addr;
    submit.fee_type = setup.fee_type;
    submit.fee_code = setup.fee_code;
    submit.valid_time = "000000000001000R";  // set anew before anything leaves
    submit.source = drill ? form.sender.test_source : form.sender.source;
    return submit;
}

Result<std::vector<sms::Segment>> segments_of(const Parts& parts,
                                              Submit submit,
                                              Layout layout,
                                              std::uint16_t reference) {
    std::vector<sms::Segment> out;
    const auto count = std::uint8_t(parts.bytes.size());
    submit.parts = count;
    submit.header = count > 1;
    for (std::uint8_t part = 1; part <= count; ++part) {
        submit.part = part;
        const auto words =
            (count > 1 ? shared::user_data_header(shared::LongForm::udh8, reference, count, part)
                       : "") +
            parts.bytes[part - 1u];
        submit.words = words;
        auto made = make_segment(submit, layout);
        if (!made) return made.error();
        out.push_back(std::move(*made));
    }
    return out;
}

/// The signature that operators of China demand stands first, once.
std::string signed_words(const std::string& words, const std::string& signature) {
    return words.starts_with(signature) ? words : signature + words;
}

}  // namespace

Result<sms::Worded> Cmpp::worded(const contract::Text& text,
                                 const Message& message,
                                 bool drill) const {
    const auto parts = split(signed_words(text.words, setup_.signature), setup_.ascii);
    if (!parts) return parts.error();
    if (parts->bytes.size() > setup_.parts_most)
        return Fault{Cause::over_limit, fmt::format("{} segments, the endpoint takes {}",
                                                    parts->bytes.size(), setup_.parts_most)};
    const bool flash = flashes(message, setup_);
    sms::Worded out{text.language, {}};
    for (const auto& form : setup_.forms) {
        auto submit = common(message, drill, setup_, form);
        submit.format = parts->format | (flash && form.flash ? format_class : 0);
        auto segments = segments_of(*parts, submit, form.layout, sms::reference_of(message.id));
        if (!segments) return segments.error();
        out.forms.push_back(std::move(*segments));
    }
    return out;
}

Result<sms::Campaign> Cmpp::encode(const Message& message, bool drill) const {
    auto out = sms::campaign_of(
        message, [&](const contract::Text& text) { return worded(text, message, drill); });
    if (out) out->by_form = flashes(message, setup_);
    return out;
}

Meaning Cmpp::meaning(std::size_t lane, std::uint32_t result) const {
    return meaning_of(result, setup_.links[lane].results);
}

/// Absolute by China's clock: a relative time begins anew each time that a gateway hands on.
sms::Validity Cmpp::validity(std::chrono::seconds left, Instant now) const {
    using namespace std::chrono;
    if (!setup_.absolute_validity) return relative_validity(left);
    const auto end = ceil<seconds>(now) + std::max(left, seconds(1)) + hours(8);
    const auto day = floor<days>(end);
    const year_month_day date(day);
    const hh_mm_ss clock(end - day);
    sms::Validity out;
    fmt::format_to_n(out.data(), out.size(), "{:02}{:02}{:02}{:02}{:02}{:02}032+",
                     int(date.year()) % 100, unsigned(date.month()), unsigned(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
    return out;
}

}  // namespace tocsin::cmpp
