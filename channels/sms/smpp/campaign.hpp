#pragma once
#include "channels/sms/smpp/setup.hpp"
#include "server/contract/bulk.hpp"

/// One order, encoded: each language's segments, lacking only the recipient.
namespace tocsin::smpp {

struct Worded {
    std::string language;
    std::vector<SubmitTemplate> parts;
};

struct Campaign {
    std::uint32_t serial = 0;
    contract::OrderId id{};
    contract::Level level{};
    bool retraction = false;
    Instant expires;
    std::vector<Worded> texts;
    std::uint8_t parts_most = 1;

    bool begun = false, superseded = false, stopped = false;
    std::uint32_t jobs = 0;  // with the peer or waiting to go again
    std::vector<contract::Answer> answers;
    std::vector<std::uint32_t> unknown;

    bool in_force(Instant now) const { return !superseded && !stopped && now < expires; }
    /// The text of a slice's language: exactly, else of the same primary language, else the first.
    std::uint8_t text_for(std::string_view language) const;
};

/// The same for the same order on every link and after every restart (scar E8), and different for
/// neighbouring orders to the same handset.
std::uint16_t reference_of(contract::OrderId id);

/// Refused: no text of Form::sms, or one that needs more parts than the endpoint allows. Nothing is
/// cut to fit (scars A7, H3).
[[nodiscard]] Result<Campaign> make_campaign(const contract::Message& message,
                                             bool drill,
                                             const Setup& setup);

}  // namespace tocsin::smpp
