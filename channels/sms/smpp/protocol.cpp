#include "channels/sms/smpp/protocol.hpp"

#include "channels/sms/shared/worded.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::smpp {
namespace {

using contract::Message;
using shared::LongForm;
using Flash = MessageForm::Flash;

constexpr std::uint8_t user_data_header_bit = 0x40;

/// Gravest highest; a drill never goes before anything.
std::uint8_t priority(const Message& message, bool drill, const MessageForm& form) {
    const auto by_level = std::uint8_t(std::uint8_t(message.level) - 1);
    return drill ? 0 : std::min(by_level, form.priority_most);
}

bool flashes(const Message& message, const MessageForm& form) {
    return form.flash != Flash::none && form.flash_levels >> std::uint8_t(message.level) & 1;
}

Submit common(const Message& message,
              bool drill,
              const MessageForm& form,
              shared::Alphabet alphabet) {
    const bool gsm7 = alphabet == shared::Alphabet::gsm7;
    Submit submit;
    submit.service_type = drill ? form.test_service_type : form.service_type;
    submit.source = drill ? form.test_source : form.source;
    submit.priority = priority(message, drill, form);
    submit.protocol_id = form.protocol_id;
    submit.data_coding = gsm7 ? form.gsm7_coding : form.ucs2_coding;
    submit.tlvs = form.tlvs;
    if (form.reference_tlv) put_tlv(submit.tlvs, 0x0204, big_endian(sms::reference_of(message.id)));
    if (!flashes(message, form)) return submit;
    if (form.flash == Flash::by_class)
        submit.data_coding = gsm7 ? form.flash_gsm7_coding : form.flash_ucs2_coding;
    else
        put_tlv(submit.tlvs, 0x0005, "\1");  // dest_addr_subunit: the display
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

Result<std::vector<sms::Segment>> in_form(const shared::Segments& segments,
                                          const Message& message,
                                          bool drill,
                                          const MessageForm& form) {
    const auto parts = segments.parts.size();
    const auto alone = shared::units_alone(segments.alphabet) *
                       (segments.alphabet == shared::Alphabet::ucs2 ? 2 : 1);
    std::vector<sms::Segment> out;
    for (std::size_t part = 0; part < parts; ++part) {
        auto submit = common(message, drill, form, segments.alphabet);
        submit.words = segments.parts[part];
        submit.payload = form.long_form == LongForm::payload && submit.words.size() > alone;
        if (parts > 1)
            number_part(submit, form.long_form, sms::reference_of(message.id), int(parts),
                        int(part + 1));
        auto made = SubmitTemplate::make(submit);
        if (!made) return made.error();
        out.push_back(made->segment());
    }
    return out;
}

}  // namespace

SmppProtocol::SmppProtocol(const Setup& setup) : parts_most_(setup.parts_most) {
    bool alike = true;
    for (const auto& link : setup.links) {
        gsm7_ &= link.gsm7;
        alike &= link.form.long_form == setup.links[0].form.long_form;
        statuses_.push_back(link.statuses);
        std::vector<std::uint8_t> forms;
        auto form = link.form;
        const bool flash = form.flash_levels != 0;
        for (const auto how : {Flash::by_class, Flash::by_subunit, Flash::none}) {
            if (!flash && how != Flash::none) continue;
            form.flash = how;
            forms.push_back(intern(form));
        }
        forms_of_.push_back(std::move(forms));
    }
    // The widest header leaves the least room: what fits beside it fits beside each.
    split_ = alike ? setup.links[0].form.long_form : LongForm::udh16;
}

std::uint8_t SmppProtocol::intern(const MessageForm& form) {
    const auto found = std::ranges::find(forms_, form);
    if (found != forms_.end()) return std::uint8_t(found - forms_.begin());
    forms_.push_back(form);
    return std::uint8_t(forms_.size() - 1);
}

Meaning SmppProtocol::meaning(std::size_t lane, std::uint32_t status) const {
    return meaning_of(status, statuses_[lane]);
}

Result<sms::Worded> SmppProtocol::encode(const contract::Text& text,
                                         const Message& message,
                                         bool drill) const {
    const auto segments = shared::segment(text.words, split_, gsm7_);
    if (!segments) return segments.error();
    if (segments->parts.size() > parts_most_)
        return Fault{Cause::over_limit, fmt::format("{} segments, the endpoint takes {}",
                                                    segments->parts.size(), parts_most_)};
    sms::Worded out{text.language, {}};
    for (const auto& form : forms_) {
        auto made = in_form(*segments, message, drill, form);
        if (!made) return made.error();
        out.forms.push_back(std::move(*made));
    }
    return out;
}

Result<sms::Campaign> SmppProtocol::encode(const Message& message, bool drill) const {
    auto out = sms::campaign_of(
        message, [&](const contract::Text& text) { return encode(text, message, drill); });
    if (out)
        out->by_form = std::ranges::any_of(
            forms_, [&](const MessageForm& form) { return flashes(message, form); });
    return out;
}

}  // namespace tocsin::smpp
