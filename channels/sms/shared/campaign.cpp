#include "channels/sms/shared/campaign.hpp"

namespace tocsin::sms {
namespace {

std::string_view primary(std::string_view language) {
    return language.substr(0, language.find('-'));
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

}  // namespace tocsin::sms
