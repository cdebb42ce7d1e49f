#include "channels/sms/area/compose.hpp"

#include "channels/shared/sms_text.hpp"

#include <fmt/format.h>

namespace tocsin::smpp_area {
namespace {

using contract::Level;

/// Of cell broadcast: 0 normal, 1 immediate, 2 high. Immediate makes the peer ignore repetitions
/// (SMPP 5.0, 4.8.4.13): only if the operator says that it means at once and again.
std::uint8_t priority_of(Level level, bool drill, const Setup& setup) {
    if (drill || level < Level::orange) return 0;
    return level == Level::red && setup.immediate ? 1 : 2;
}

Result<std::vector<Area>> areas_of(const contract::Message& message, const Setup& setup) {
    const auto* regions = std::get_if<contract::Regions>(&message.footprint);
    if (!regions) return Fault{Cause::refused, "an area message goes to regions"};
    std::vector<Area> out;
    if (setup.shapes && !regions->geometry.empty()) {
        const auto rings = rings_of(regions->geometry);
        if (!rings) return rings.error();
        for (const auto& ring : *rings) out.push_back(shape_around(ring));
    }
    // Without a shape a name is better than nothing: the peer may know the code.
    if (setup.names || out.empty())
        for (const auto& code : regions->codes) {
            const auto alias = setup.aliases.find(code);
            out.push_back(named(alias == setup.aliases.end() ? code : alias->second));
        }
    if (out.empty()) return Fault{Cause::refused, "no area"};
    return out;
}

Result<void> put_words(Broadcast& out, std::string_view words, const Setup& setup) {
    if (setup.gsm7) {
        if (auto septets = shared::to_gsm7(words)) {
            out.words = std::move(*septets), out.data_coding = setup.gsm7_coding;
            return boost::system::in_place_value;
        }
    }
    auto units = shared::to_ucs2(words);
    if (!units) return units.error();
    out.words = std::move(*units), out.data_coding = setup.ucs2_coding;
    return boost::system::in_place_value;
}

}  // namespace

std::uint16_t reference_of(std::uint32_t ordinal, std::size_t slot) {
    return std::uint16_t((ordinal % (0x10000 / slots_max)) * slots_max + slot);
}

Result<std::vector<Broadcast>> compose(const contract::Message& message,
                                       bool drill,
                                       const Setup& setup) {
    const auto areas = areas_of(message, setup);
    if (!areas) return areas.error();
    const auto& manner = drill ? setup.drill : setup.live;
    std::vector<Broadcast> out;
    for (const auto& text : message.texts) {
        if (text.form != contract::Form::sms) continue;
        for (std::size_t from = 0; from < areas->size(); from += setup.areas_max) {
            Broadcast one;
            one.service_type = manner.service_type;
            one.source = manner.source;
            one.priority = priority_of(message.level, drill, setup);
            const auto count = std::min(setup.areas_max, areas->size() - from);
            one.areas.assign(areas->begin() + std::ptrdiff_t(from),
                             areas->begin() + std::ptrdiff_t(from + count));
            one.content_network = manner.content_network;
            one.content_type = manner.content_type;
            one.repetitions = setup.repetitions;
            one.interval_unit = setup.interval_unit;
            one.interval = setup.interval;
            one.message_class = manner.message_class;
            one.reference = reference_of(message.id.ordinal, out.size());
            if (const auto put = put_words(one, text.words, setup); !put) return put.error();
            if (const auto fits = encode(one, 1); !fits) return fits.error();
            out.push_back(std::move(one));
        }
    }
    if (out.empty()) return Fault{Cause::refused, "no text for an area message"};
    if (out.size() > slots_max)
        return Fault{Cause::over_limit,
                     fmt::format("{} broadcasts for one order, {} at most", out.size(), slots_max)};
    return out;
}

}  // namespace tocsin::smpp_area
