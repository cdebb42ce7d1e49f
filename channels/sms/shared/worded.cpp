#include "channels/sms/shared/worded.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::sms {

Result<Campaign> campaign_of(const contract::Message& message,
                             const std::function<Result<Worded>(const contract::Text&)>& encode) {
    const auto order = fmt::format("order {}.{}", message.id.ordinal, message.id.revision);
    Campaign out;
    out.id = message.id;
    out.level = message.level;
    out.retraction = message.action == contract::Action::withdraw;
    out.expires = message.expires;
    for (const auto& text : message.texts) {
        if (text.form != contract::Form::sms || out.texts.size() == 255) continue;
        auto worded = encode(text);
        if (!worded)
            return std::move(worded).error().during(
                fmt::format("encoding the {} text of {}", text.language, order));
        out.parts_most = std::max(out.parts_most, std::uint8_t(worded->parts()));
        out.texts.push_back(std::move(*worded));
    }
    if (out.texts.empty()) return Fault{Cause::refused, order + " has no text for SMS"};
    return out;
}

}  // namespace tocsin::sms
