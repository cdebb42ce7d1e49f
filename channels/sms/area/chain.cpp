#include "channels/sms/area/chain.hpp"

#include "channels/sms/area/status.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::smpp_area {
namespace {

using Want = Slot::Want;

constexpr std::size_t named_most = 20;

void miss(Evidence& out, std::string what) {
    if (out.missed.size() < named_most) out.missed.push_back(std::move(what));
}

bool answered(const Slot& slot) { return slot.refused || (slot.there && slot.want == Want::watch); }

bool on_air(const Slot& slot) {
    return slot.seen && (slot.state == State::enroute || slot.state == State::delivered) &&
           std::ranges::any_of(slot.reached, [](const Reached& reached) {
               return reached.success > 0 && reached.success <= 100;
           });
}

}  // namespace

bool is_over(State state) {
    switch (state) {
        case State::expired:
        case State::deleted:
        case State::undeliverable:
        case State::rejected:
        case State::skipped: return true;
        default: return false;
    }
}

std::string_view word(State state) {
    constexpr std::string_view words[] = {"SCHEDULED", "ENROUTE",       "DELIVERED", "EXPIRED",
                                          "DELETED",   "UNDELIVERABLE", "ACCEPTED",  "UNKNOWN",
                                          "REJECTED",  "SKIPPED"};
    return std::size_t(state) < std::size(words) ? words[std::size_t(state)] : "UNKNOWN";
}

void Chain::fill(std::size_t count) {
    while (slots.size() < count) {
        Slot slot;
        slot.broadcast.reference = reference_of(id.ordinal, slots.size());
        slots.push_back(std::move(slot));
    }
}

void Chain::renew(const contract::Message& message,
                  bool is_drill,
                  std::vector<Broadcast> broadcasts,
                  bool unknown_past,
                  bool replace) {
    id = message.id;
    drill = is_drill, withdrawn = ending = false;
    expires = message.expires;
    told.reset(), told_reached = 0;
    pieces = broadcasts.size();
    fill(unknown_past ? slots_max : pieces);
    for (std::size_t i = 0; i < slots.size(); ++i) {
        auto& slot = slots[i];
        const bool maybe = slot.there || slot.flying || unknown_past;
        slot.refused.reset(), slot.own_words.clear();
        slot.seen = false, slot.tries = 0, slot.due = {};
        slot.failed.clear(), slot.reached.clear();
        if (i >= pieces) {
            // Somebody else's words under our reference: its source and type are as ours.
            if (slot.broadcast.service_type.empty() && !broadcasts.empty())
                slot.broadcast.service_type = broadcasts[0].service_type,
                slot.broadcast.source = broadcasts[0].source;
            slot.want = maybe ? Want::cancel : Want::nothing;
            continue;
        }
        slot.broadcast = std::move(broadcasts[i]);
        slot.want = maybe && !replace ? Want::clear : Want::put;
    }
}

void Chain::again() {
    told.reset(), told_reached = 0;
    for (std::size_t i = 0; i < slots.size(); ++i) {
        auto& slot = slots[i];
        slot.due = {}, slot.look_again = {};
        if (withdrawn || i >= pieces) {
            if (slot.refused) slot.refused.reset(), slot.tries = 0, slot.want = Want::cancel;
        } else if (!slot.there) {
            slot.refused.reset(), slot.tries = 0, slot.want = Want::put;
        } else {
            slot.seen = false;
        }
    }
}

void Chain::withdraw(OrderId by, bool unknown_past, std::vector<Broadcast> words, Instant until) {
    id = by;
    withdrawn = true, ending = false;
    expires = until;
    told.reset(), told_reached = 0;
    pieces = 0;
    trouble.clear();
    const bool something = unknown_past || std::ranges::any_of(slots, [](const Slot& slot) {
                               return slot.there || slot.flying;
                           });
    lifts = something ? std::move(words) : std::vector<Broadcast>();
    fill(unknown_past ? slots_max : lifts.size());
    for (auto& slot : slots) {
        const bool maybe = slot.there || slot.flying || unknown_past;
        slot.refused.reset(), slot.own_words.clear(), slot.tries = 0, slot.due = {};
        if (maybe)
            slot.want = Want::cancel;
        else
            cancelled(slot);
    }
}

void Chain::cancelled(Slot& slot) {
    const auto at = std::size_t(&slot - slots.data());
    slot.there = false, slot.tries = 0, slot.due = {};
    slot.want = Want::nothing;
    if (!withdrawn || at >= lifts.size()) return;
    slot.broadcast = lifts[at];
    slot.id.clear();
    slot.want = Want::put;
}

void Chain::lift_refused(Slot& slot, std::string_view why) {
    slot.want = Want::nothing;
    trouble = fmt::format("the words that lift it were not taken: {}", why);
}

bool Chain::at_rest() const {
    return std::ranges::all_of(
        slots, [](const Slot& slot) { return slot.want == Want::nothing && !slot.flying; });
}

Evidence Chain::evidence(Said said, const std::string& source) const {
    Evidence out{id, said, {}, source, {}, {}, {}, 1, 1, {}};
    for (const auto& slot : slots)
        if (!slot.id.empty()) out.ref += (out.ref.empty() ? "" : " ") + slot.id;
    return out;
}

std::optional<Evidence> Chain::ended(const std::string& source) {
    if (!at_rest() || told == Said::gone) return std::nullopt;
    const auto stuck =
        std::ranges::find_if(slots, [](const Slot& s) { return s.refused.has_value(); });
    told = Said::gone;
    if (stuck == slots.end()) {
        auto out = evidence(Said::gone, source);
        out.text = trouble;
        return out;
    }
    auto out = evidence(Said::failed, source);
    out.code = fmt::format("{:#010x}", *stuck->refused), out.text = word_of(*stuck->refused);
    return out;
}

void Chain::count_taken(Evidence& out) const {
    out.reached = out.of = 0;
    for (std::size_t i = 0; i < pieces; ++i) {
        const auto& slot = slots[i];
        const auto areas = std::uint32_t(slot.broadcast.areas.size());
        out.of += areas;
        if (slot.refused) {
            out.code = fmt::format("{:#010x}", *slot.refused);
            out.text = slot.own_words.empty() ? word_of(*slot.refused) : slot.own_words;
            for (const auto& area : slot.broadcast.areas) miss(out, to_text(area));
            continue;
        }
        out.reached += areas - std::min(areas, std::uint32_t(slot.failed.size()));
        for (const auto& [status, area] : slot.failed)
            miss(out, fmt::format("{}: {}", to_text(area), word_of(status)));
    }
}

/// An area counts when all its stations took it; those that took less are named with their share.
void Chain::count_reached(Evidence& out) const {
    std::uint32_t per_cent = 0;
    out.of = 0;
    for (std::size_t i = 0; i < pieces; ++i) {
        const auto& slot = slots[i];
        const auto areas = std::uint32_t(slot.broadcast.areas.size());
        out.of += areas;
        std::uint32_t known = 0;
        for (const auto& [area, success] : slot.reached) {
            if (success <= 100) per_cent += success;
            ++known;
            if (success < 100) miss(out, fmt::format("{}: {} %", to_text(area), success));
            if (success > 100) miss(out, fmt::format("{}: not known", to_text(area)));
        }
        for (auto more = known; more < areas && !slot.refused; ++more)
            miss(out, "an area that the peer says nothing of");
        if (slot.refused)
            for (const auto& area : slot.broadcast.areas) miss(out, to_text(area));
    }
    out.reached = std::clamp(per_cent / 100, 1u, std::max(1u, out.of));
}

std::optional<Evidence> Chain::graded(const std::string& source) {
    const std::span own(slots.data(), pieces);
    if (!told &&
        std::ranges::any_of(own, [](const Slot& s) { return s.flying && s.want == Want::put; })) {
        told = Said::handed;
        return evidence(Said::handed, source);
    }
    if (!std::ranges::all_of(own, answered)) return std::nullopt;
    if (std::ranges::all_of(own, [](const Slot& slot) { return slot.refused.has_value(); })) {
        if (told == Said::refused) return std::nullopt;
        told = Said::refused;
        auto out = evidence(Said::refused, source);
        count_taken(out);
        out.reached = out.of = 1;
        return out;
    }
    if (told < Said::accepted) {
        told = Said::accepted;
        auto out = evidence(Said::accepted, source);
        count_taken(out);
        return out;
    }
    // What it replaces must be off before it is called on air.
    for (std::size_t i = pieces; i < slots.size(); ++i)
        if (slots[i].want != Want::nothing) return std::nullopt;
    if (!std::ranges::all_of(own, [](const Slot& slot) { return slot.refused || on_air(slot); }))
        return std::nullopt;
    auto out = evidence(Said::on_air, source);
    count_reached(out);
    if (told == Said::on_air && out.reached == told_reached) return std::nullopt;
    told = Said::on_air, told_reached = out.reached;
    for (const auto& slot : own) out.code = std::string(word(slot.state));
    return out;
}

std::optional<Evidence> Chain::news(const std::string& source) {
    const bool was_up = told == Said::accepted || told == Said::on_air;
    if (withdrawn || (ending && was_up && at_rest())) return ended(source);
    if (told == Said::lost || pieces == 0) return std::nullopt;
    for (std::size_t i = 0; i < pieces; ++i) {
        const auto& slot = slots[i];
        if (ending || !slot.seen || slot.there || slot.refused || slot.want != Want::nothing)
            continue;
        told = Said::lost;
        auto out = evidence(Said::lost, source);
        out.code = std::string(word(slot.state));
        out.text = "it should be on air and is not";
        return out;
    }
    return graded(source);
}

}  // namespace tocsin::smpp_area
