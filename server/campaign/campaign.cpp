#include "server/campaign/campaign.hpp"

#include <cstdlib>
#include <new>

/// Who goes next, and what the peer answered. Receipts: outcome.cpp; writing: commit.cpp; coming
/// back: restore.cpp.
namespace tocsin::campaign {

using contract::Answer, contract::Slice;

namespace {
constexpr std::uint32_t gap_most = 8;  // a hole in a slice is cheaper than another slice
}  // namespace

Campaign::Campaign(Plan plan, Limits limits, std::uint64_t fence)
    : plan_(std::move(plan)), limits_(limits), fence_(fence), cells_(nullptr, std::free) {
    deadline_ = plan_.expires;
    if (plan_.only_reached_by != 0)
        deadline_ = std::max(deadline_, plan_.started + limits_.withdraw_within);
    for (std::uint32_t g = 0; g < plan_.groups.size(); ++g)
        for (std::uint32_t done = 0; done < plan_.groups[g].count; done += page_recipients) {
            Page page;
            page.group = g;
            page.in_group = done / page_recipients;
            page.size = std::uint16_t(std::min(page_recipients, plan_.groups[g].count - done));
            page.meant = page.open = page.size;
            total_ += page.size;
            pages_.push_back(std::move(page));
        }
    fresh_ = total_;
    cells_.reset(static_cast<Cell*>(std::calloc(std::max(1U, end()), sizeof(Cell))));
    if (!cells_) throw std::bad_alloc();
}

Campaign::Place Campaign::place(std::uint32_t page) const {
    const auto& p = pages_[page];
    return {plan_.groups[p.group].index, p.in_group, p.size};
}

std::uint32_t Campaign::begun_pages() const {
    return std::min(pages(), (cursor_durable_ + page_recipients - 1) / page_recipients);
}

std::uint32_t Campaign::ms(Instant now) const {
    return std::uint32_t(std::max<std::int64_t>(0, (now - plan_.started).count()));
}

bool Campaign::final_here(State state) const {
    return final(state) || (state == State::accepted && !plan_.receipts);
}

bool Campaign::meant(std::uint32_t recipient) const {
    return recipient < end() &&
           recipient % page_recipients < pages_[recipient / page_recipients].size &&
           (mask_.empty() || mask_[recipient]);
}

bool Campaign::known(std::uint32_t recipient) const {
    return meant(recipient) && recipient < next_;
}

std::uint32_t Campaign::normal(std::uint32_t recipient) const {
    if (recipient >= end()) return end();
    const auto page = recipient / page_recipients;
    return recipient % page_recipients < pages_[page].size ? recipient
                                                           : (page + 1) * page_recipients;
}

std::uint32_t Campaign::advance(std::uint32_t from, std::uint32_t recipients) const {
    from = normal(from);
    while (recipients > 0 && from < end()) {
        const auto left = pages_[from / page_recipients].size - from % page_recipients;
        const auto step = mask_.empty() ? std::min(recipients, left) : 1;
        recipients -= mask_.empty() || mask_[from] ? step : 0;
        from = normal(from + step);
    }
    return from;
}

// Numbers.

bool Campaign::numbers_here(std::uint32_t page) const {
    return pages_[page].image && !pages_[page].image->numbers.empty();
}

void Campaign::need_numbers(std::uint32_t page) {
    if (!numbers_here(page)) needed_.insert(page);
}

std::vector<std::uint32_t> Campaign::pages_wanted() {
    std::vector<std::uint32_t> wanted;
    if (!stopped_.empty()) return wanted;
    const auto want = [&](std::uint32_t page) {
        auto& p = pages_[page];
        if (p.wanted || p.meant == 0 || p.open == 0 || numbers_here(page)) return;
        p.wanted = true;
        wanted.push_back(page);
    };
    for (const auto page : needed_) want(page);
    const auto first = next_ / page_recipients;
    if (fresh_ > 0)
        for (auto page = first; page < std::min(pages(), first + limits_.read_ahead); ++page)
            want(page);
    return wanted;
}

void Campaign::page_unread(std::uint32_t page) { pages_[page].wanted = false; }

void Campaign::page_loaded(std::uint32_t page,
                           std::vector<std::uint64_t> numbers,
                           Instant now,
                           const std::function<bool(std::uint64_t)>& opted_out) {
    auto& p = pages_[page];
    p.wanted = false;
    needed_.erase(page);
    if (!stopped_.empty()) return;
    numbers.resize(p.size);  // what is not there is 0: nobody can be reached by that
    std::vector<std::pair<std::uint32_t, std::uint16_t>> nobody;
    for (std::uint32_t i = 0; i < p.size; ++i) {
        const auto recipient = page * page_recipients + i;
        if (numbers[i] == 0)
            nobody.emplace_back(recipient, error_no_number);
        else if (opted_out && !plan_.over_opt_outs && opted_out(numbers[i]))
            nobody.emplace_back(recipient, error_opted_out);
    }
    image(page).numbers = std::move(numbers);
    for (const auto& [recipient, why] : nobody)  // the last one may drop the image
        if (meant(recipient) && !final_here(cells_[recipient].state)) spare(recipient, why, now);
}

/// Not told, and why is on record: at once, or when the cursor comes by. Perhaps he was told before
/// he asked us not to; then only a receipt can say more.
void Campaign::spare(std::uint32_t recipient, std::uint16_t why, Instant now) {
    const auto& cell = cells_[recipient];
    const bool perhaps_told =
        why == error_opted_out && recipient < next_ && cell.state != State::retrying;
    if (perhaps_told && !(cell.flags & queued)) return;
    if (recipient >= next_) --fresh_;
    never_again(recipient);
    if (!perhaps_told) {
        become(recipient, State::failed, why, ms(now));
        ++pages_[recipient / page_recipients].spared;
        if (recipient < cursor_sent_) write(recipient, State::failed, why, now);
    }
    answered_for_good(recipient);
}

void Campaign::page_missing(std::uint32_t page, Instant now) { page_loaded(page, {}, now); }

// Sending.

void Campaign::grant(std::uint32_t recipients) {
    granted_ += recipients;
    last_grant_ = recipients;
    asked_ = false;
}

bool Campaign::asks() {
    if (asked_ || !stopped_.empty() || granted_ > last_grant_ / 2) return false;
    if (fresh_ <= granted_ && again_.empty()) return false;
    return asked_ = true;
}

Slice Campaign::take(std::uint32_t at_most, Instant now) {
    shown_.clear();
    if (!stopped_.empty() || over(now) || retiring_) return {};
    at_most = std::uint32_t(std::min<std::uint64_t>(at_most, granted_));
    if (at_most == 0) return {};
    if (const auto slice = take_repeats(at_most, now); !slice.numbers.empty()) return slice;
    return take_fresh(at_most, now);
}

/// One recipient of the slice; nobody where none may be handed over.
void Campaign::show(std::uint32_t recipient, Instant now) {
    const auto number =
        pages_[recipient / page_recipients].image->numbers[recipient % page_recipients];
    const bool goes = number != 0 && meant(recipient) && !final_here(cells_[recipient].state);
    shown_.push_back(goes ? number : 0);
    if (goes) hand(recipient, now);
}

Slice Campaign::shown(std::uint32_t first) const {
    const auto& group = plan_.groups[pages_[first / page_recipients].group];
    return {first, shown_, group.language, group.network, group.regions};
}

Slice Campaign::take_repeats(std::uint32_t at_most, Instant now) {
    auto at = again_.begin();
    while (at != again_.end() && !numbers_here(*at / page_recipients))
        at = again_.lower_bound((*at / page_recipients + 1) * page_recipients);
    if (at == again_.end()) return {};
    const auto first = *at;
    auto last = first;
    while (at != again_.end() && *at - first < at_most && *at - last <= gap_most &&
           *at / page_recipients == first / page_recipients) {
        for (++last; last < *at; ++last) shown_.push_back(0);
        last = *at;
        at = again_.erase(at);
        if (cells_[last].flags & repeated) ++tallies_.repeated;
        show(last, now);
        if (last == first && shown_.back() == 0) shown_.pop_back();
        if (shown_.empty()) return {};
    }
    return shown(first);
}

Slice Campaign::take_fresh(std::uint32_t at_most, Instant now) {
    const auto goes = [&](std::uint32_t i) { return meant(i) && !final_here(cells_[i].state); };
    next_ = normal(next_);
    while (next_ < cursor_durable_ && !goes(next_)) next_ = normal(next_ + 1);
    const auto page = next_ / page_recipients;
    if (next_ >= cursor_durable_ || !numbers_here(page)) return {};
    const auto first = next_;
    const auto stop =
        std::min({first + at_most, cursor_durable_, page * page_recipients + pages_[page].size});
    for (std::uint32_t hole = 0; next_ < stop && hole <= gap_most; ++next_) {
        hole = goes(next_) ? 0 : hole + 1;
        if (hole == 0) --fresh_;
        show(next_, now);
    }
    return shown(first);
}

void Campaign::hand(std::uint32_t recipient, Instant now) {
    auto& cell = cells_[recipient];
    auto& page = pages_[recipient / page_recipients];
    auto& attempts = page.image->attempts[recipient % page_recipients];
    if (attempts < 255) ++attempts;
    if (!parts_.empty()) parts_[recipient].accepted = 0;  // of this copy
    become(recipient, State::handed, 0, ms(now));
    dequeue(cell);
    cell.flags |= in_air;
    ++page.in_air;
    ++in_flight_;
    if (granted_ > 0) --granted_;
}

/// It is no longer in the air.
void Campaign::land(std::uint32_t recipient) {
    auto& cell = cells_[recipient];
    if (!(cell.flags & in_air)) return;
    cell.flags &= std::uint8_t(~in_air);
    --pages_[recipient / page_recipients].in_air;
    --in_flight_;
}

void Campaign::expect(std::span<const Answer> answers) const {
    for (const auto& answer : answers) {
        if (answer.recipient < end()) expect(Match{answer.recipient, 0});
        if (answer.code == 0) expect(hash_of(answer.id));
    }
}

void Campaign::answered(const Answer& answer, Instant now) {
    const auto recipient = answer.recipient;
    if (!known(recipient)) {
        ++tallies_.strange;
        return;
    }
    const auto parts = std::clamp<std::uint8_t>(answer.parts, 1, parts_max);
    const auto part = std::uint8_t(std::clamp<std::uint8_t>(answer.part, 1, parts) - 1);
    if (answer.code == 0) {
        name(recipient, part, parts, answer.id);
        if (parts > 1) {
            auto& bits = parts_of(recipient, parts);
            bits.accepted = std::uint16_t(bits.accepted | 1U << part);
            if (bits.accepted != (1U << parts) - 1) return;
        }
        return accept(recipient, parts > 1 ? id_on_record(recipient) : answer.id, now);
    }
    if (!(cells_[recipient].flags & in_air)) {
        ++tallies_.duplicates;  // a late one: its recipient went as unknown, or was answered
        return;
    }
    const auto code = answer.code & ~contract::worth_another_try;
    if (answer.code & contract::worth_another_try) return retry(recipient, code, now);
    refuse(recipient, code, now);
}

void Campaign::accept(std::uint32_t recipient, const contract::MessageId& id, Instant now) {
    auto& cell = cells_[recipient];
    if (cell.flags & took && cell.flags & answered_flag) {
        ++tallies_.duplicates;
        return;
    }
    land(recipient);
    never_again(recipient);
    if (!(cell.flags & took)) ++accepted_;
    cell.flags |= took;
    write(recipient, State::accepted, 0, id, now);
    if (!final_here(cell.state)) become(recipient, State::accepted, 0, ms(now));
    answered_for_good(recipient);
}

void Campaign::refuse(std::uint32_t recipient, std::uint32_t code, Instant now) {
    land(recipient);
    // A delivery stands, also after a restart: the log comes after this record then.
    if (cells_[recipient].state == State::delivered)
        write(recipient, State::accepted, 0, now);
    else
        write(recipient, State::failed, code, now);
    if (!final_here(cells_[recipient].state))
        become(recipient, State::failed, std::uint16_t(std::min(code, 0xffffU)), ms(now));
    answered_for_good(recipient);
}

void Campaign::retry(std::uint32_t recipient, std::uint32_t code, Instant now) {
    const auto page = recipient / page_recipients;
    const auto attempts = image(page).attempts[recipient % page_recipients];
    if (final_here(cells_[recipient].state) || attempts >= limits_.tries)
        return refuse(recipient, code, now);
    land(recipient);
    become(recipient, State::retrying, std::uint16_t(std::min(code, 0xffffU)), ms(now));
    if (!stopped_.empty()) return end_one(recipient, now);
    write(recipient, State::retrying, code, now);
    const auto pause = std::min(limits_.retry_first * (1 << std::min<int>(attempts - 1, 10)),
                                limits_.retry_longest);
    later_.emplace(now + pause, recipient);
    enqueue(cells_[recipient]);
    ++tallies_.retried;
}

void Campaign::unknown(std::uint32_t recipient, Instant) {
    if (!known(recipient) || !(cells_[recipient].flags & in_air)) {
        ++tallies_.strange;
        return;
    }
    auto& cell = cells_[recipient];
    const auto page = recipient / page_recipients;
    land(recipient);
    ++tallies_.unknown;
    const auto lost = ++image(page).lost[recipient % page_recipients];
    if (final_here(cell.state) || !stopped_.empty() || lost >= limits_.unknown_tries)
        return answered_for_good(recipient);  // handed; only a receipt can tell more
    cell.flags |= repeated;
    enqueue(cell);
    again_.insert(recipient);
    need_numbers(page);
}

void Campaign::tick(Instant now) {
    if (over(now)) return stop("expired", now);
    while (!later_.empty() && later_.begin()->first <= now) {
        const auto recipient = later_.begin()->second;
        later_.erase(later_.begin());
        if (!(cells_[recipient].flags & queued)) continue;
        again_.insert(recipient);
        need_numbers(recipient / page_recipients);
    }
}

std::optional<Instant> Campaign::next_retry() const {
    return later_.empty() ? std::nullopt : std::optional(later_.begin()->first);
}

// Ends.

State Campaign::end_state() const {
    return stopped_ == "expired" ? State::expired : State::stopped;
}

void Campaign::stop(std::string why, Instant now) {
    if (!stopped_.empty()) return;
    stopped_ = why.empty() ? "stopped" : std::move(why);
    granted_ = 0;
    end_queued(now);
    end_untaken(now);
    needed_.clear();
    for (std::uint32_t page = 0; page < pages(); ++page) maybe_drop(page);
}

/// Refused for now: it ends. Perhaps handed: that stays so, and only a receipt can tell more.
void Campaign::end_queued(Instant now) {
    auto queue = std::exchange(again_, {});
    for (const auto& [_, recipient] : std::exchange(later_, {})) queue.insert(recipient);
    for (const auto recipient : queue) {
        if (!(cells_[recipient].flags & queued)) continue;
        if (cells_[recipient].state == State::retrying)
            end_one(recipient, now);
        else
            answered_for_good(recipient);
    }
}

void Campaign::end_one(std::uint32_t recipient, Instant now) {
    write(recipient, end_state(), 0, now);
    become(recipient, end_state(), cells_[recipient].error, ms(now));
    answered_for_good(recipient);
}

/// Who has an intent and was not taken gets a record, so that nobody takes him for handed later.
void Campaign::end_untaken(Instant now) {
    for (; next_ < cursor_sent_; next_ = normal(next_ + 1)) {
        if (!meant(next_) || final_here(cells_[next_].state)) continue;
        --fresh_;
        end_one(next_, now);
    }
    unsent_ = std::exchange(fresh_, 0);
    finals_ += unsent_;
}

void Campaign::answered_for_good(std::uint32_t recipient) {
    auto& cell = cells_[recipient];
    dequeue(cell);
    if (cell.flags & answered_flag) return;
    cell.flags |= answered_flag;
    const auto page = recipient / page_recipients;
    --pages_[page].open;
    maybe_drop(page);
}

void Campaign::enqueue(Cell& cell) {
    waiting_ += cell.flags & queued ? 0 : 1;
    cell.flags |= queued;
}

void Campaign::dequeue(Cell& cell) {
    waiting_ -= cell.flags & queued ? 1 : 0;
    cell.flags &= std::uint8_t(~queued);
}

void Campaign::never_again(std::uint32_t recipient) {
    auto& cell = cells_[recipient];
    if (!(cell.flags & queued)) return;
    dequeue(cell);
    again_.erase(recipient);  // if it waits in later_, the flag tells
}

Campaign::Image& Campaign::image(std::uint32_t page) {
    auto& held = pages_[page].image;
    if (!held) {
        held = std::make_unique<Image>();
        ++images_;
    }
    return *held;
}

/// A page's image goes when all its answers are in and written.
void Campaign::maybe_drop(std::uint32_t page) {
    auto& p = pages_[page];
    if (!p.image || p.commits > 0 || p.image->low < p.image->high || p.in_air > 0) return;
    if (p.open > 0 && stopped_.empty()) return;
    p.image.reset();
    --images_;
}

// What core is told.

receipts::Counts Campaign::counts() const {
    receipts::Counts counts;
    counts.total = total_;
    counts.handed = handed_;
    counts.accepted = accepted_;
    counts.delivered = delivered_;
    counts.failed = failed_;
    counts.expired = expired_ + (end_state() == State::expired ? unsent_ : 0);
    return counts;
}

bool Campaign::exhausted() const { return fresh_ == 0 && in_flight_ == 0 && waiting_ == 0; }

bool Campaign::all_final(Instant now) const {
    return finals_ == total_ || (exhausted() && now >= deadline_ + limits_.receipt_grace);
}

bool Campaign::may_retire(Instant now) const {
    return exhausted() && (finals_ == total_ || now >= deadline_ + limits_.matching);
}

Cell Campaign::cell(std::uint32_t recipient, Instant now) const {
    if (!meant(recipient)) return {State::skipped, 0, 0, 0};
    auto cell = cells_[recipient];
    cell.flags &= 0xf0;
    if (cell.state == State::none && recipient >= next_ && !stopped_.empty())
        cell.state = end_state();
    const bool waits = cell.state == State::handed || cell.state == State::accepted;
    if (waits && !final_here(cell.state) && now >= deadline_ + limits_.receipt_grace)
        cell.state = State::timed_out;
    return cell;
}

bool Campaign::reached(std::uint32_t recipient) const {
    if (!meant(recipient)) return false;
    const auto& cell = cells_[recipient];
    return cell.state == State::handed || cell.state == State::accepted ||
           cell.state == State::delivered || cell.state == State::timed_out ||
           (cell.state == State::retrying && cell.flags & repeated);
}

std::string Campaign::reached_mask() const {
    std::string bits((end() + 7) / 8, '\0');
    for (std::uint32_t i = 0; i < end(); ++i)
        if (reached(i)) bits[i / 8] = char(bits[i / 8] | 1 << i % 8);
    return bits;
}

}  // namespace tocsin::campaign
