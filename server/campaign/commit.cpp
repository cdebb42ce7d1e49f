#include "server/campaign/campaign.hpp"

/// What goes to Redis with the fence: cursor, submit records, folded pages.
namespace tocsin::campaign {

namespace {
constexpr std::size_t under_way_most = 8;
constexpr std::size_t folds_most = 16;  // a tick: 256 KB
std::span<char, submit_bytes> record(std::array<char, outcome_column>& column, std::uint32_t at) {
    return std::span<char, submit_bytes>(column.data() + at * submit_bytes, submit_bytes);
}
}  // namespace

void Campaign::dirty(std::uint32_t page, std::uint32_t low, std::uint32_t high) {
    auto& held = image(page);
    held.low = std::min(held.low, low);
    held.high = std::max(held.high, high);
    dirty_.insert(page);
}

/// Of the image, which is ours: its CRC was looked at when it was read.
contract::MessageId Campaign::id_on_record(std::uint32_t recipient) const {
    const auto& held = pages_[recipient / page_recipients].image;
    if (!held) return {};
    return id_in(std::span<const char, submit_bytes>(
        held->submit.data() + recipient % page_recipients * submit_bytes, submit_bytes));
}

/// The submit record in the page's image; the id that it was named by stays.
void Campaign::write(std::uint32_t recipient, State state, std::uint32_t code, Instant now) {
    write(recipient, state, code, code == 0 ? id_on_record(recipient) : contract::MessageId{}, now);
}

void Campaign::write(std::uint32_t recipient,
                     State state,
                     std::uint32_t code,
                     const contract::MessageId& id,
                     Instant now) {
    const auto page = recipient / page_recipients, at = recipient % page_recipients;
    if (!pages_[page].image && cells_[recipient].flags & answered_flag)
        return;  // a late one, all is on record
    auto& held = image(page);
    Submit submit;
    submit.state = state;
    submit.flags = std::uint8_t(cells_[recipient].flags & repeated);
    submit.attempts = held.attempts[at];
    submit.parts = parts_count(recipient);
    submit.ms = ms(now);
    submit.code = code;
    submit.id = id;
    put(submit, record(held.submit, at));
    dirty(page, at, at + 1);
}

/// Intents reach as far as was granted, and no further than the head start: counted from what was
/// taken, not from 0 (after a restart the campaign would stand still).
std::uint32_t Campaign::target() const {
    if (!stopped_.empty() || retiring_) return cursor_sent_;
    const auto ahead = std::uint32_t(std::min<std::uint64_t>(granted_, limits_.head_start));
    return std::max(cursor_sent_, advance(next_, ahead));
}

bool Campaign::wants_commit() const {
    return target() > cursor_sent_ || !dirty_.empty() || !folds_.empty() ||
           (!stopped_.empty() && !stop_sent_);
}

std::optional<Commit> Campaign::next_commit(Instant) {
    if (under_way_.size() >= under_way_most || !wants_commit()) return std::nullopt;
    Commit commit;
    UnderWay under_way{++seq_, 0, false, {}, {}, {}};
    commit.seq = seq_;
    add_cursor(commit, under_way);
    add_spans(commit, under_way);
    add_folds(commit, under_way);
    const auto c = counts();
    commit.fields.emplace_back("counts", fmt::format("{} {} {} {} {} {}", c.total, c.handed,
                                                     c.accepted, c.delivered, c.failed, c.expired));
    if (!stopped_.empty() && !stop_sent_) {
        commit.fields.emplace_back("stopped", stopped_);
        stop_sent_ = under_way.stop = true;
    }
    under_way_.push_back(std::move(under_way));
    return commit;
}

void Campaign::add_cursor(Commit& commit, UnderWay& under_way) {
    const auto to = target();
    for (auto page = cursor_sent_ / page_recipients; page * page_recipients < to && page < pages();
         ++page) {
        auto& p = pages_[page];
        if (p.made || p.meant == 0) continue;
        p.made = true;
        under_way.made.push_back(page);
        commit.spans.push_back({page, 0, {}});
    }
    write_spared(cursor_sent_, to);
    if (to > cursor_sent_) commit.fields.emplace_back("cursor", std::to_string(to));
    under_way.cursor = cursor_sent_ = to;
}

/// Below the cursor an empty record means "perhaps handed": who was left out must not look like it.
void Campaign::write_spared(std::uint32_t from, std::uint32_t to) {
    for (auto page = from / page_recipients; page * page_recipients < to && page < pages();
         ++page) {
        if (pages_[page].spared == 0) continue;
        const auto last = std::min(to, page * page_recipients + pages_[page].size);
        for (auto i = std::max(from, page * page_recipients); i < last; ++i)
            if (cells_[i].state == State::failed && cells_[i].error >= error_no_number) {
                image(page);  // it may have gone: with nobody left to answer, nothing else is in it
                write(i, State::failed, cells_[i].error,
                      plan_.started + milliseconds(cells_[i].ms));
            }
    }
}

/// One range a page: from the lowest to the highest record that changed.
void Campaign::add_spans(Commit& commit, UnderWay& under_way) {
    for (const auto page : std::exchange(dirty_, {})) {
        auto& p = pages_[page];
        if (!p.image || p.image->low >= p.image->high) continue;
        const auto low = std::exchange(p.image->low, page_recipients),
                   high = std::exchange(p.image->high, 0);
        commit.spans.push_back({page, std::uint32_t(low * submit_bytes),
                                std::string(p.image->submit.data() + low * submit_bytes,
                                            (high - low) * submit_bytes)});
        under_way.ranges.push_back({page, low, high});
        ++p.commits;
    }
}

void Campaign::queue_fold(std::uint32_t page) {
    auto& p = pages_[page];
    if (restoring_ || p.queued || p.folded || p.meant == 0 || page >= begun_pages()) return;
    p.queued = true;
    folds_.push_back(page);
}

void Campaign::add_folds(Commit& commit, UnderWay& under_way) {
    for (std::size_t n = 0; n < folds_most && !folds_.empty(); ++n) {
        const auto page = folds_.front();
        folds_.pop_front();
        pages_[page].queued = false;
        if (pages_[page].finals != pages_[page].meant && !retiring_)
            continue;  // overturned meanwhile
        pages_[page].folded = true;
        commit.spans.push_back({page, std::uint32_t(outcome_column), outcome_column_of(page)});
        under_way.folds.push_back(page);
    }
}

std::string Campaign::outcome_column_of(std::uint32_t page) const {
    std::string column(pages_[page].size * outcome_bytes, '\0');
    for (std::uint32_t i = 0; i < pages_[page].size; ++i) {
        const auto recipient = page * page_recipients + i;
        if (!meant(recipient)) continue;
        const auto& cell = cells_[recipient];
        Outcome outcome{cell.state, std::uint8_t(cell.flags & 0xf0), cell.error, cell.ms,
                        std::uint16_t(fence_)};
        if (!final_here(cell.state)) outcome.state = State::timed_out;
        put(outcome,
            std::span<char, outcome_bytes>(column.data() + i * outcome_bytes, outcome_bytes));
    }
    return column;
}

void Campaign::committed(std::uint64_t seq, bool well) {
    if (under_way_.empty() || under_way_.front().seq != seq) return;
    const auto done = std::move(under_way_.front());
    under_way_.pop_front();
    if (well) cursor_durable_ = std::max(cursor_durable_, done.cursor);
    for (const auto& range : done.ranges) --pages_[range.page].commits;
    if (!well) uncommit(done);
    for (const auto& range : done.ranges) maybe_drop(range.page);
}

/// Unknown is not none: it may be written. All of it goes again, as it is by then; the script
/// refuses an older one that still comes after it.
void Campaign::uncommit(const UnderWay& lost) {
    cursor_sent_ = std::max(cursor_durable_, next_);
    for (const auto page : lost.made) pages_[page].made = false;
    for (const auto& range : lost.ranges) dirty(range.page, range.low, range.high);
    for (const auto page : lost.folds) {
        pages_[page].folded = false;
        queue_fold(page);
    }
    if (lost.stop) stop_sent_ = false;
}

void Campaign::retire(Instant now) {
    retiring_ = true;
    retire_ms_ = ms(now);
    for (std::uint32_t page = 0; page < begun_pages(); ++page) queue_fold(page);
}

}  // namespace tocsin::campaign
