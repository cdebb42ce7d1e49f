#pragma once
#include "channels/sms/shared/campaign.hpp"
#include "server/contract/order.hpp"

#include <functional>

namespace tocsin::sms {

/// An order's texts of Form::sms, each by `encode`. Refused: there is none, or one does not go.
[[nodiscard]] Result<Campaign> campaign_of(
    const contract::Message& message,
    const std::function<Result<Worded>(const contract::Text& text)>& encode);

}  // namespace tocsin::sms
