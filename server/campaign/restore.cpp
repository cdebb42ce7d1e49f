#include "server/campaign/campaign.hpp"

#include <cstring>

/// Coming back after a restart: what the pages and segments prove, and who goes again.
namespace tocsin::campaign {

void Campaign::restore_cursor(std::uint32_t cursor, std::uint64_t seq, std::string stopped) {
    restoring_ = true;
    cursor_durable_ = cursor_sent_ = next_ = std::min(cursor, end());
    seq_ = seq;
    stopped_ = std::move(stopped);
    stop_sent_ = !stopped_.empty();
    for (std::uint32_t page = 0; page < begun_pages(); ++page) pages_[page].made = true;
    count_fresh();
}

void Campaign::count_fresh() {
    fresh_ = 0;
    for (auto page = next_ / page_recipients; page < pages(); ++page) {
        if (mask_.empty() && page * page_recipients >= next_) {
            fresh_ += pages_[page].size;
            continue;
        }
        const auto first = std::max(next_, page * page_recipients);
        for (auto i = first; i < page * page_recipients + pages_[page].size; ++i)
            fresh_ += meant(i);
    }
}

/// One bit a recipient; those without are left out, and count nowhere. Before anything is restored.
void Campaign::restore_mask(std::string_view bits) {
    mask_.assign(end(), false);
    total_ = 0;
    for (std::uint32_t page = 0; page < pages(); ++page) {
        auto& p = pages_[page];
        p.meant = 0;
        for (auto i = page * page_recipients; i < page * page_recipients + p.size; ++i) {
            const bool is_meant = i / 8 < bits.size() && (bits[i / 8] >> i % 8 & 1) != 0;
            mask_[i] = is_meant;
            p.meant = std::uint16_t(p.meant + is_meant);
        }
        p.open = p.meant;
        total_ += p.meant;
    }
    count_fresh();
}

void Campaign::restore_page(std::uint32_t page, std::string_view bytes) {
    if (page >= begun_pages() || bytes.empty()) return;
    std::string whole;
    if (bytes.size() < page_bytes) {  // never written so far
        whole.assign(bytes);
        whole.resize(page_bytes);
        bytes = whole;
    }
    auto& p = pages_[page];
    std::uint32_t outcomes = 0;
    for (std::uint32_t i = 0; i < p.size; ++i) {
        const auto recipient = page * page_recipients + i;
        if (!meant(recipient) || recipient >= cursor_durable_) continue;
        const auto submit = get_submit(
            std::span<const char, submit_bytes>(bytes.data() + i * submit_bytes, submit_bytes));
        const auto outcome = get_outcome(std::span<const char, outcome_bytes>(
            bytes.data() + outcome_column + i * outcome_bytes, outcome_bytes));
        if (submit.has_value()) restore_submit(recipient, *submit);
        if (outcome.has_value()) restore_outcome(recipient, *outcome);
        tallies_.rotten += submit.has_error() + outcome.has_error();
        outcomes += outcome.has_value() && outcome->state != State::none;
    }
    if (p.open > 0) restore_image(page, bytes);
    p.folded = outcomes == p.meant;
}

void Campaign::restore_image(std::uint32_t page, std::string_view bytes) {
    auto& held = image(page);
    std::memcpy(held.submit.data(), bytes.data(), held.submit.size());
    for (std::uint32_t i = 0; i < pages_[page].size; ++i) {
        auto record =
            std::span<char, submit_bytes>(held.submit.data() + i * submit_bytes, submit_bytes);
        const auto submit = get_submit(record);
        if (submit.has_value())
            held.attempts[i] = submit->attempts;
        else
            std::ranges::fill(record, '\0');
    }
}

void Campaign::restore_submit(std::uint32_t recipient, const Submit& submit) {
    auto& cell = cells_[recipient];
    const bool handed = submit.attempts > 0 && submit.state != State::none;
    if (submit.parts > 1) parts_of(recipient, std::min(submit.parts, parts_max));
    if (submit.id.length > 0)
        if (!table(0).insert(hash_of(submit.id), text_of(submit.id), recipient)) ++tallies_.same_id;
    if (handed) become(recipient, State::handed, 0, submit.ms);
    cell.flags = std::uint8_t(cell.flags | (submit.flags & repeated));
    if (submit.state == State::accepted) {
        cell.flags |= took;
        ++accepted_;
    }
    const bool ended = submit.state == State::accepted || final(submit.state);
    if (ended || submit.state == State::retrying)
        become(recipient, submit.state, std::uint16_t(std::min(submit.code, 0xffffU)), submit.ms);
    if (ended) answered_for_good(recipient);
}

void Campaign::restore_outcome(std::uint32_t recipient, const Outcome& outcome) {
    if (!final(outcome.state)) return;
    auto& cell = cells_[recipient];
    if (cell.state == State::none) become(recipient, State::handed, 0, outcome.ms);
    become(recipient, outcome.state, outcome.error, outcome.ms);
    cell.flags = std::uint8_t(cell.flags | (outcome.flags & 0xf0));
}

void Campaign::restore_parts(std::string_view segment) {
    const auto records = unpack_parts(segment);
    if (!records) {
        ++tallies_.rotten;
        return;
    }
    for (const auto& r : *records) {
        if (!meant(r.recipient) || r.part >= parts_max) continue;
        parts_of(r.recipient, std::min(r.parts, parts_max));
        const std::string_view exact(reinterpret_cast<const char*>(&r.hash), sizeof r.hash);
        if (!table(r.part).insert(r.hash, exact, r.recipient)) ++tallies_.same_id;
    }
}

void Campaign::restore_log(std::string_view segment) {
    const auto records = unpack_log(segment);
    if (!records) {
        ++tallies_.rotten;
        return;
    }
    for (const auto& r : *records) {
        if (!meant(r.recipient)) continue;
        if (cells_[r.recipient].state == State::none) become(r.recipient, State::handed, 0, r.ms);
        apply({r.recipient, std::uint8_t(r.flags & 0xf)}, r.state, r.error, r.ms);
    }
}

/// Below the cursor and neither answered nor ended: perhaps handed. It goes again, marked.
void Campaign::restore_open(std::uint32_t recipient) {
    auto& cell = cells_[recipient];
    if (cell.flags & answered_flag) return;
    if (final_here(cell.state)) return answered_for_good(recipient);
    const bool refused_for_now = cell.state == State::retrying;
    if (!refused_for_now) become(recipient, State::handed, 0, cell.ms);
    if (!stopped_.empty()) {
        if (refused_for_now) become(recipient, end_state(), cell.error, cell.ms);
        return answered_for_good(recipient);
    }
    if (!refused_for_now) cell.flags |= repeated;
    enqueue(cell);
    again_.insert(recipient);
    need_numbers(recipient / page_recipients);
}

void Campaign::restored(Instant now) {
    for (std::uint32_t i = 0; i < cursor_durable_; ++i)
        if (meant(i)) restore_open(i);
    restoring_ = false;
    for (std::uint32_t page = 0; page < begun_pages(); ++page) {
        if (pages_[page].finals == pages_[page].meant) queue_fold(page);
        maybe_drop(page);
    }
    if (!stopped_.empty()) {
        unsent_ = std::exchange(fresh_, 0);
        finals_ += unsent_;
    }
    tick(now);  // its time may have run out meanwhile
}

}  // namespace tocsin::campaign
