#include "server/campaign/campaign.hpp"

#include <cstring>

/// Ids, receipts and what a recipient became by them.
namespace tocsin::campaign {

using contract::MessageId;

namespace {
std::string_view raw(const std::uint64_t& hash) {
    return {reinterpret_cast<const char*>(&hash), sizeof hash};
}
std::optional<State> outcome_of(Said said) {
    switch (said) {
        case Said::delivered:
        case Said::verified: return State::delivered;
        case Said::refused:
        case Said::failed:  // its time at the peer is over: who asks again would be told the same
        case Said::lost: return State::failed;
        case Said::gone: return State::expired;
        case Said::handed:
        case Said::accepted:
        case Said::on_air:
        case Said::displaced: return std::nullopt;  // on its way
    }
    return std::nullopt;
}
}  // namespace

Table& Campaign::table(std::size_t part) {
    while (tables_.size() <= part) tables_.emplace_back(std::size_t(total_));
    return tables_[part];
}

Campaign::Parts& Campaign::parts_of(std::uint32_t recipient, std::uint8_t parts) {
    if (parts_.empty()) parts_.resize(end());
    parts_[recipient].parts = std::max(parts_[recipient].parts, parts);
    return parts_[recipient];
}

std::uint8_t Campaign::parts_count(std::uint32_t recipient) const {
    return parts_.empty() ? 1 : parts_[recipient].parts;
}

/// From now on a receipt with this id is this recipient's.
void Campaign::name(std::uint32_t recipient,
                    std::uint8_t part,
                    std::uint8_t parts,
                    const MessageId& id) {
    if (id.length == 0) return;
    const auto hash = hash_of(id);
    const auto exact = part == 0 ? text_of(id) : raw(hash);
    if (!table(part).insert(hash, exact, recipient)) ++tallies_.same_id;
    if (part > 0) {
        parts_log_.push_back({recipient, part, parts, hash});
        return;
    }
    const auto page = recipient / page_recipients;
    if (parts == 1) return;           // accept() puts it on record
    if (!pages_[page].image) return;  // a late second answer: the first one's id is on record
    Submit submit;                    // state none: named, and not yet accepted with all its parts
    submit.id = id;
    submit.parts = parts;
    const auto at = recipient % page_recipients;
    put(submit,
        std::span<char, submit_bytes>(image(page).submit.data() + at * submit_bytes, submit_bytes));
    dirty(page, at, at + 1);
}

std::optional<Match> Campaign::find(std::uint64_t hash, const MessageId& id) const {
    for (std::size_t part = 0; part < tables_.size(); ++part)
        if (const auto at = tables_[part].find(hash, part == 0 ? text_of(id) : raw(hash)))
            return Match{*at, std::uint8_t(part)};
    return std::nullopt;
}

Settled Campaign::settle(Match match, Said said, std::uint16_t code, Instant now) {
    const auto state = outcome_of(said);
    if (!state) return Settled::noted;
    const auto settled = apply(match, *state, code, ms(now));
    if (settled == Settled::fresh)
        log_.push_back({match.recipient, *state, match.part, code, ms(now)});
    return settled;
}

/// The first final outcome stands; what we ended ourselves, a delivery overturns.
bool Campaign::overturns(const Cell& cell, State state) const {
    if (cell.state == State::accepted) return true;
    const bool by_us =
        cell.state == State::stopped || (cell.state == State::expired && !(cell.flags & took));
    return by_us && state == State::delivered;
}

Settled Campaign::apply(Match match, State state, std::uint16_t error, std::uint32_t ms) {
    auto& cell = cells_[match.recipient];
    if (final_here(cell.state) && !overturns(cell, state)) {
        if (cell.state == state) return Settled::repeat;
        cell.flags |= contradicted;
        ++tallies_.conflicts;
        return Settled::conflict;
    }
    if (const auto parts = parts_count(match.recipient); state == State::delivered && parts > 1) {
        auto& bits = parts_[match.recipient];
        const auto with = std::uint16_t(bits.delivered | 1U << match.part);
        if (with == bits.delivered) return Settled::repeat;
        bits.delivered = with;
        if (with != (1U << parts) - 1) return Settled::fresh;
    }
    const bool waits = cell.flags & queued;
    never_again(match.recipient);
    become(match.recipient, state, error, ms);
    if (waits) answered_for_good(match.recipient);
    return Settled::fresh;
}

/// The only place where a state changes: all counts hang on it.
void Campaign::become(std::uint32_t recipient, State state, std::uint16_t error, std::uint32_t ms) {
    auto& cell = cells_[recipient];
    auto& page = pages_[recipient / page_recipients];
    const auto count = [&](State which, int by) {
        if (which == State::delivered) delivered_ += std::uint64_t(by);
        if (which == State::failed) failed_ += std::uint64_t(by);
        if (which == State::expired) expired_ += std::uint64_t(by);
        if (which == State::stopped) tallies_.stopped += std::uint64_t(by);
        if (!final_here(which)) return;
        finals_ += std::uint64_t(by);
        page.finals = std::uint16_t(page.finals + by);
    };
    const bool proves =
        state == State::handed || state == State::accepted || state == State::delivered;
    if (cell.state == State::none && proves) ++handed_;
    if (state == State::delivered && !(cell.flags & took)) {
        cell.flags |= took;
        ++accepted_;
    }
    count(cell.state, -1);
    count(state, 1);
    cell.state = state;
    cell.error = error;
    cell.ms = ms;
    page.folded = false;
    if (page.finals == page.meant || retiring_) queue_fold(recipient / page_recipients);
}

std::string Campaign::take_log() {
    return log_.empty() ? std::string() : pack(std::exchange(log_, {}));
}

std::string Campaign::take_parts() {
    return parts_log_.empty() ? std::string() : pack(std::exchange(parts_log_, {}));
}

}  // namespace tocsin::campaign
