#pragma once
#include "channels/sms/shared/campaign.hpp"
#include "server/contract/order.hpp"

#include <cstdint>

/// What a peer's answer to a submit means for us. A protocol maps its statuses to these.
namespace tocsin::sms {

enum class Meaning : std::uint8_t {
    accepted,
    permanent,     // this recipient, for good
    campaign,      // every recipient alike, on this link: stop the order there, alarm
    form,          // it won't have the message in this form: the link goes to its next one
    form_perhaps,  // the same, if nothing in this form was taken yet; else retry
    retry,         // twice, soon
    retry_slow,    // after 1, 5, 15 s
    throttle,      // slow down; no attempt, no failure
    congestion,    // slow down more
    reroute,       // this link does not serve the number, another may
    rebind         // the peer thinks that we are not bound
};

/// What one endpoint must know of its protocol. Asked for orders and exceptions, never per message.
class Protocol {
public:
    virtual ~Protocol() = default;
    /// Refused: what cannot be sent whole (scars A7, H3). Texts are encoded once for each form.
    virtual Result<Campaign> encode(const contract::Message& message, bool drill) const = 0;
    /// "smpp": begins the names of log events.
    virtual std::string_view name() const = 0;
    /// Of a status other than 0, on lane `lane` (the order of LaneSetup).
    virtual Meaning meaning(std::size_t lane, std::uint32_t status) const = 0;
    /// What our own answers say for a recipient whose time ran out in our hands, and for a number
    /// that cannot be one.
    virtual std::uint32_t expired() const = 0;
    virtual std::uint32_t invalid_number() const = 0;
    virtual Validity validity(std::chrono::seconds left, Instant now) const {
        (void)now;
        return relative_validity(left);
    }
    /// "0000DDhhmmss000R", at most 28 days; 0 and below become one second.
    static Validity relative_validity(std::chrono::seconds left);
};

}  // namespace tocsin::sms
