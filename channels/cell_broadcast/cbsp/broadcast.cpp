#include "channels/cell_broadcast/cbsp/broadcast.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::cbsp {
namespace {

using namespace cell_broadcast;
using contract::Form, contract::Level, contract::Message, contract::Text;

std::vector<const Text*> texts_of(const Message& order, const Manner& manner) {
    std::vector<const Text*> out;
    for (const auto& text : order.texts)
        if (text.form == Form::cb && !text.words.empty()) out.push_back(&text);
    // The local language first; where there is none, the first text goes out as local.
    std::stable_partition(out.begin(), out.end(), [&](const Text* text) {
        return two_letters(text->language) == manner.local;
    });
    return out;
}

/// From urgency: what is immediate comes round more often, if the controller bears it.
std::uint16_t period_for(const Message& order, const Manner& manner) {
    if (manner.one_period) return manner.period;
    const int parts = order.facts.urgency == "Immediate"  ? 4
                      : order.facts.urgency == "Expected" ? 2
                                                          : 1;
    return std::uint16_t(std::max(2 * int(pages_max), manner.period / parts));
}

/// On a network that carries both, a drill never goes before a warning.
std::uint8_t category_of(Level level, bool drill) {
    if (drill) return 2;
    switch (level) {
        case Level::red: return 0;
        case Level::blue: return 1;
        default: return 2;
    }
}

Fault of_the_other_side(std::uint16_t identifier, bool drill) {
    return {Cause::refused, fmt::format("identifier {} is {} reserved for tests and exercises",
                                        identifier, drill ? "not" : "")};
}

}  // namespace

Result<Broadcast> compose(const Message& order,
                          const Identity& identity,
                          const Manner& manner,
                          std::uint16_t code,
                          Instant until) {
    Broadcast out;
    out.id = order.id;
    out.drill = identity.drill;
    out.level = order.level;
    out.until = until;
    out.category = category_of(order.level, identity.drill);
    out.period = period_for(order, manner);
    const Serial serial{manner.scope, code, std::uint8_t(order.id.revision % updates)};
    if (identity.alarm)
        out.notices.push_back({identity.alarm->identifier,
                               to_number(alarming(serial)),
                               {},
                               {},
                               identity.alarm->warning_type});
    const std::uint16_t places[] = {identity.words.local, identity.words.additional};
    std::size_t place = 0;
    for (const auto* text : texts_of(order, manner)) {
        if (place == std::size(places) || places[place] == 0) {
            out.left_out.push_back(text->language);
            continue;
        }
        auto pages = paginate(text->words, text->language, manner.layout);
        if (!pages) return std::move(pages).error().during("the text in " + text->language);
        out.notices.push_back(
            {places[place++], to_number(serial), text->language, std::move(*pages), std::nullopt});
    }
    if (place == 0) return Fault{Cause::refused, "no text for cell broadcast"};
    for (const auto& notice : out.notices)
        if (for_drills_only(notice.identifier) != identity.drill)
            return of_the_other_side(notice.identifier, identity.drill);
    return out;
}

std::uint16_t broadcasts(std::chrono::milliseconds life, std::uint16_t period) {
    const auto round = slot.count() * std::max<std::int64_t>(period, 1);
    const auto rounds = 2 * (std::max<std::int64_t>(life.count(), 0) / round + 1);
    return std::uint16_t(std::min<std::int64_t>(rounds, UINT16_MAX));
}

}  // namespace tocsin::cbsp
