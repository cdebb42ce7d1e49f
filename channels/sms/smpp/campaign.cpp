#include "channels/sms/smpp/campaign.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::smpp {
namespace {

using contract::Message;
using shared::LongForm;

constexpr std::uint8_t user_data_header_bit = 0x40;

std::string_view primary(std::string_view language) {
    return language.substr(0, language.find('-'));
}

/// Gravest highest; a drill never goes before anything.
std::uint8_t priority(const Message& message, bool drill, const Setup& setup) {
    const auto by_level = std::uint8_t(std::uint8_t(message.level) - 1);
    return drill ? 0 : std::min(by_level, setup.priority_most);
}

Submit common(const Message& message, bool drill, const Setup& setup, shared::Alphabet alphabet) {
    Submit submit;
    submit.service_type = drill ? setup.test_service_type : setup.service_type;
    submit.source = drill ? setup.test_source : setup.source;
    submit.priority = priority(message, drill, setup);
    submit.protocol_id = setup.protocol_id;
    submit.data_coding = alphabet == shared::Alphabet::gsm7 ? setup.gsm7_coding : setup.ucs2_coding;
    submit.tlvs = setup.tlvs;
    if (setup.reference_tlv) put_tlv(submit.tlvs, 0x0204, big_endian(reference_of(message.id)));
    return submit;
}

void number_part(Submit& submit, LongForm form, std::uint16_t reference, int parts, int part) {
    if (form == LongForm::sar) {
        put_tlv(submit.tlvs, 0x020C, big_endian(reference));
        put_tlv(submit.tlvs, 0x020E, std::string(1, char(parts)));
        put_tlv(submit.tlvs, 0x020F, std::string(1, char(part)));
        return;
    }
    submit.esm_class |= user_data_header_bit;
    submit.words =
        shared::user_data_header(form, reference, std::uint8_t(parts), std::uint8_t(part)) +
        submit.words;
}

Result<Worded> encode(const contract::Text& text,
                      const Message& message,
                      bool drill,
                      const Setup& setup) {
    const auto segments = shared::segment(text.words, setup.long_form, setup.gsm7);
    if (!segments) return segments.error();
    const auto parts = segments->parts.size();
    const auto alone = shared::units_alone(segments->alphabet) *
                       (segments->alphabet == shared::Alphabet::ucs2 ? 2 : 1);
    const bool payload = setup.long_form == LongForm::payload && segments->parts[0].size() > alone;
    if (parts > setup.parts_most)
        return Fault{Cause::over_limit,
                     fmt::format("{} segments, the endpoint takes {}", parts, setup.parts_most)};
    Worded out{text.language, {}};
    for (std::size_t part = 0; part < parts; ++part) {
        auto submit = common(message, drill, setup, segments->alphabet);
        submit.words = segments->parts[part];
        submit.payload = payload;
        if (parts > 1)
            number_part(submit, setup.long_form, reference_of(message.id), int(parts),
                        int(part + 1));
        auto made = SubmitTemplate::make(submit);
        if (!made) return made.error();
        out.parts.push_back(std::move(*made));
    }
    return out;
}

}  // namespace

std::uint8_t Campaign::text_for(std::string_view language) const {
    for (std::size_t i = 0; i < texts.size(); ++i)
        if (texts[i].language == language) return std::uint8_t(i);
    for (std::size_t i = 0; i < texts.size(); ++i)
        if (primary(texts[i].language) == primary(language)) return std::uint8_t(i);
    return 0;
}

std::uint16_t reference_of(contract::OrderId id) {
    // 101 is odd and no small step: revisions of a chain differ in the low byte too (udh8).
    return std::uint16_t(id.ordinal + id.revision * 101u);
}

Result<Campaign> make_campaign(const Message& message, bool drill, const Setup& setup) {
    Campaign out;
    out.id = message.id;
    out.level = message.level;
    out.retraction = message.action == contract::Action::withdraw;
    out.expires = message.expires;
    for (const auto& text : message.texts) {
        if (text.form != contract::Form::sms || out.texts.size() == 255) continue;
        auto worded = encode(text, message, drill, setup);
        if (!worded)
            return std::move(worded).error().during(
                fmt::format("encoding the {} text of order {}.{}", text.language,
                            message.id.ordinal, message.id.revision));
        out.parts_most = std::max(out.parts_most, std::uint8_t(worded->parts.size()));
        out.texts.push_back(std::move(*worded));
    }
    if (out.texts.empty())
        return Fault{Cause::refused, fmt::format("order {}.{} has no text for SMS",
                                                 message.id.ordinal, message.id.revision)};
    return out;
}

}  // namespace tocsin::smpp
