#pragma once
#include "channels/sms/shared/protocol.hpp"
#include "channels/sms/smpp/setup.hpp"

/// One endpoint's SMPP: orders into submit_sm, once for each form its links need, and statuses.
namespace tocsin::smpp {

class SmppProtocol final : public sms::Protocol {
public:
    explicit SmppProtocol(const Setup& setup);

    std::string_view name() const override { return "smpp"; }
    Result<sms::Campaign> encode(const contract::Message& message, bool drill) const override;
    Meaning meaning(std::size_t lane, std::uint32_t status) const override;
    std::uint32_t expired() const override { return status::expired; }
    std::uint32_t invalid_number() const override { return status::invalid_destination; }

    /// The forms of link `lane`, the next one for when its peer refuses one.
    const std::vector<std::uint8_t>& forms(std::size_t lane) const { return forms_of_[lane]; }

private:
    Result<sms::Worded> encode(const contract::Text& text,
                               const contract::Message& message,
                               bool drill) const;
    std::uint8_t intern(const MessageForm& form);

    std::vector<MessageForm> forms_;
    std::vector<std::vector<std::uint8_t>> forms_of_;  // by lane
    std::vector<std::vector<Exception>> statuses_;     // by lane
    bool gsm7_ = true;                                 // on all links, or a text is UCS2 on all
    shared::LongForm split_{};                         // all links cut a text at the same places
    std::uint8_t parts_most_;
};

}  // namespace tocsin::smpp
