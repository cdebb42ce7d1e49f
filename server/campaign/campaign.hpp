#pragma once
#include "server/campaign/layout.hpp"
#include "server/campaign/table.hpp"
#include "server/receipts/delivery.hpp"

#include <deque>
#include <functional>
#include <map>
#include <set>

/// One message to one audience, each recipient with exactly one record (design.md 9, bulk). Decides
/// who is handed over next and what that came to. Owns no socket, clock or Redis: what is to be
/// written comes out of next_commit() and take_log(), and what was written goes into committed().
///
/// The cursor is the intent: nobody at or above it was ever handed over; who stands below it and has
/// an empty submit record may have been, and goes again after a crash.
namespace tocsin::campaign {

using contract::Instant, contract::OrderId, contract::Said;
using std::chrono::milliseconds;

/// One group of the audience: a recipient's index is page * 1,000 + offset over the groups' pages
/// one after another; a group's last page may be short.
struct GroupPages {
    std::uint32_t index = 0, count = 0;                  // index into the audience's groups
    std::string language, network{}, role{}, regions{};  // regions: codes, with blanks between
    bool operator==(const GroupPages&) const = default;
};

/// Fixed when the campaign begins; stands in its hash.
struct Plan {
    OrderId order{};
    contract::Mode mode{};
    std::string endpoint, alert, audience;
    contract::Level level{};
    Instant started{}, expires{};
    std::uint16_t only_reached_by = 0;
    bool receipts = true;        // false: accepted is all that this peer can prove
    bool over_opt_outs = false;  // policy: this one reaches those, too, who replied "stop"
    std::vector<GroupPages> groups;
    bool operator==(const Plan&) const = default;
};

struct Limits {
    std::uint16_t tries = 6;          // answered with "another try is worth it"
    std::uint16_t unknown_tries = 3;  // unanswered when their link broke
    milliseconds retry_first{2000}, retry_longest{60'000};
    std::uint32_t head_start = 20'000;      // intents at most so far ahead of what was taken
    std::uint32_t read_ahead = 32;          // audience pages
    milliseconds receipt_grace{600'000};    // after expiry: then who has no receipt has timed out
    milliseconds matching{24 * 3'600'000};  // after expiry: so long late receipts find their order
    milliseconds withdraw_within{3'600'000};  // a correction has its own time (promise 12)
};

/// Error codes of our own, beside the peer's.
inline constexpr std::uint16_t error_no_number = 0xfff0;  // its audience page is gone
inline constexpr std::uint16_t error_no_route = 0xfff1;   // contract::no_route
inline constexpr std::uint16_t error_opted_out = 0xfff2;  // replied "stop" since the import

struct Span {
    std::uint32_t page = 0, offset = 0;
    std::string data;  // empty: make the page
};
struct Commit {
    std::uint64_t seq = 0;
    std::vector<std::pair<std::string, std::string>> fields;
    std::vector<Span> spans;
};

enum class Settled { fresh, repeat, conflict, noted };
struct Match {
    std::uint32_t recipient;
    std::uint8_t part;  // from 0
};

struct Tallies {  // beside receipts::Counts; all are metrics
    std::uint64_t stopped = 0, repeated = 0, retried = 0, unknown = 0, duplicates = 0,
                  conflicts = 0;
    std::uint64_t strange = 0, same_id = 0, rotten = 0;
};

/// Where a recipient's record is now, for reports.
struct Cell {
    State state{};
    std::uint8_t flags = 0;
    std::uint16_t error = 0;
    std::uint32_t ms = 0;
};

class Campaign {
public:
    Campaign(Plan plan, Limits limits, std::uint64_t fence);

    // Coming back: pages, then parts, then log, then restored().
    void restore_cursor(std::uint32_t cursor, std::uint64_t seq, std::string stopped);
    void restore_mask(std::string_view bits);
    void restore_page(std::uint32_t page, std::string_view bytes);
    void restore_parts(std::string_view segment);
    void restore_log(std::string_view segment);
    void restored(Instant now);

    // Numbers. Pages that are needed and were not asked for yet; each is loaded or missing.
    std::vector<std::uint32_t> pages_wanted();
    /// Of these nobody is told whom `opted_out` names.
    void page_loaded(std::uint32_t page,
                     std::vector<std::uint64_t> numbers,
                     Instant now,
                     const std::function<bool(std::uint64_t)>& opted_out = {});
    void page_missing(std::uint32_t page, Instant now);
    void page_unread(std::uint32_t page);  // ask again
    std::uint32_t pages() const { return std::uint32_t(pages_.size()); }
    std::uint32_t begun_pages() const;
    struct Place {
        std::uint32_t group, page;  // group: index into the audience's; page within the group
        std::uint32_t recipients;
    };
    Place place(std::uint32_t page) const;
    const GroupPages& group_of(std::uint32_t page) const {
        return plan_.groups[pages_[page].group];
    }

    // Sending.
    void grant(std::uint32_t recipients);
    void stop(std::string why, Instant now);
    contract::Slice take(std::uint32_t at_most, Instant now);
    /// Many answers, receipts are to follow: what they will touch is on its way from memory then.
    void expect(std::span<const contract::Answer> answers) const;
    void expect(std::uint64_t hash) const {
        for (const auto& table : tables_) table.expect(hash);
    }
    void expect(Match match) const { __builtin_prefetch(&cells_[match.recipient], 1); }
    void answered(const contract::Answer& answer, Instant now);
    void unknown(std::uint32_t recipient, Instant now);
    void tick(Instant now);

    // Receipts.
    std::optional<Match> find(std::uint64_t hash, const contract::MessageId& id) const;
    Settled settle(Match match, Said said, std::uint16_t code, Instant now);

    // Writing. At most one commit for each call; several may be under way, answered in order.
    std::optional<Commit> next_commit(Instant now);
    void committed(std::uint64_t seq, bool well);
    std::string take_log();
    std::string take_parts();

    // What core is told.
    receipts::Counts counts() const;
    const Tallies& tallies() const { return tallies_; }
    void ask_again() { asked_ = false; }  // core forgot
    bool asks();  // once a grant: its half is used up and there is more to do
    /// Intents on disk that nobody took yet.
    std::uint32_t in_hand() const { return cursor_durable_ > next_ ? cursor_durable_ - next_ : 0; }
    bool wants_more() const {
        return stopped_.empty() && !retiring_ && (fresh_ > 0 || !again_.empty());
    }
    bool exhausted() const;
    bool all_final(Instant now) const;
    bool idle() const { return in_flight_ == 0 && granted_ == 0; }
    std::uint64_t in_flight() const { return in_flight_; }
    std::optional<Instant> next_retry() const;
    bool wants_commit() const;
    /// Nothing is to be expected any more, or not for long: its pages may be closed.
    bool may_retire(Instant now) const;
    void retire(Instant now);  // the last commits fold what is left
    bool retired() const {
        return retiring_ && under_way_.empty() && !wants_commit() && log_.empty() &&
               parts_log_.empty();
    }

    const Plan& plan() const { return plan_; }
    std::uint64_t fence() const { return fence_; }
    std::uint32_t cursor() const { return cursor_durable_; }
    const std::string& stopped() const { return stopped_; }
    Cell cell(std::uint32_t recipient, Instant now) const;
    bool meant(std::uint32_t recipient) const;
    bool reached(std::uint32_t recipient) const;
    /// One bit a recipient, page after page: those that this campaign reached.
    std::string reached_mask() const;
    std::size_t images() const { return images_; }

private:
    // Of a cell, in memory only: the low nibble of its flags.
    static constexpr std::uint8_t in_air = 1, answered_flag = 2, queued = 4, took = 8;
    struct Image {
        std::vector<std::uint64_t> numbers;
        std::array<char, outcome_column> submit{};
        std::array<std::uint8_t, page_recipients> attempts{}, lost{};
        std::uint32_t low = page_recipients, high = 0;  // dirty, to be written
    };
    struct Page {
        std::uint32_t group = 0, in_group = 0;  // group: index into plan_.groups
        std::uint16_t size = 0, meant = 0;      // meant: without the skipped
        std::uint16_t open = 0;                 // not answered for good
        std::uint16_t finals = 0, in_air = 0, commits = 0;
        std::uint16_t spared = 0;  // ended before their turn came
        bool made = false, wanted = false, folded = false, queued = false;
        std::unique_ptr<Image> image;
    };
    struct Parts {
        std::uint16_t accepted = 0, delivered = 0;
        std::uint8_t parts = 1;
    };
    struct UnderWay {
        std::uint64_t seq;
        std::uint32_t cursor;
        bool stop;
        std::vector<std::uint32_t> made, folds;
        struct Range {
            std::uint32_t page, low, high;
        };
        std::vector<Range> ranges;
    };

    bool known(std::uint32_t recipient) const;
    bool over(Instant now) const { return now >= deadline_; }
    std::uint32_t end() const { return std::uint32_t(pages_.size()) * page_recipients; }
    std::uint32_t ms(Instant now) const;
    Image& image(std::uint32_t page);
    void maybe_drop(std::uint32_t page);
    std::uint32_t normal(std::uint32_t recipient) const;
    std::uint32_t advance(std::uint32_t from, std::uint32_t recipients) const;
    bool numbers_here(std::uint32_t page) const;
    void need_numbers(std::uint32_t page);
    void spare(std::uint32_t recipient, std::uint16_t why, Instant now);
    void write_spared(std::uint32_t from, std::uint32_t to);
    bool final_here(State state) const;

    contract::Slice take_repeats(std::uint32_t at_most, Instant now);
    contract::Slice take_fresh(std::uint32_t at_most, Instant now);
    void show(std::uint32_t recipient, Instant now);
    contract::Slice shown(std::uint32_t first) const;
    void hand(std::uint32_t recipient, Instant now);
    void land(std::uint32_t recipient);
    void accept(std::uint32_t recipient, const contract::MessageId& id, Instant now);
    void refuse(std::uint32_t recipient, std::uint32_t code, Instant now);
    void retry(std::uint32_t recipient, std::uint32_t code, Instant now);
    void answered_for_good(std::uint32_t recipient);
    void never_again(std::uint32_t recipient);
    void write(std::uint32_t recipient, State state, std::uint32_t code, Instant now);
    void write(std::uint32_t recipient,
               State state,
               std::uint32_t code,
               const contract::MessageId& id,
               Instant now);
    contract::MessageId id_on_record(std::uint32_t recipient) const;
    void name(std::uint32_t recipient,
              std::uint8_t part,
              std::uint8_t parts,
              const contract::MessageId& id);
    void dirty(std::uint32_t page, std::uint32_t low, std::uint32_t high);
    Parts& parts_of(std::uint32_t recipient, std::uint8_t parts);
    std::uint8_t parts_count(std::uint32_t recipient) const;
    Table& table(std::size_t part);
    Settled apply(Match match, State state, std::uint16_t error, std::uint32_t ms);
    bool overturns(const Cell& cell, State state) const;
    void become(std::uint32_t recipient, State state, std::uint16_t error, std::uint32_t ms);
    void end_one(std::uint32_t recipient, Instant now);
    void end_queued(Instant now);
    void end_untaken(Instant now);
    State end_state() const;
    void enqueue(Cell& cell);
    void dequeue(Cell& cell);
    void queue_fold(std::uint32_t page);
    std::uint32_t target() const;
    void add_cursor(Commit& commit, UnderWay& under_way);
    void add_spans(Commit& commit, UnderWay& under_way);
    void add_folds(Commit& commit, UnderWay& under_way);
    std::string outcome_column_of(std::uint32_t page) const;
    void uncommit(const UnderWay& lost);
    void count_fresh();
    void restore_submit(std::uint32_t recipient, const Submit& submit);
    void restore_open(std::uint32_t recipient);
    void restore_image(std::uint32_t page, std::string_view bytes);
    void restore_outcome(std::uint32_t recipient, const Outcome& outcome);

    Plan plan_;
    Limits limits_;
    std::uint64_t fence_, seq_ = 0;
    Instant deadline_;
    std::vector<Page> pages_;
    std::unique_ptr<Cell[], void (*)(void*)> cells_;
    std::vector<bool> mask_;     // empty: all are meant
    std::vector<Parts> parts_;   // empty while each message is one segment
    std::vector<Table> tables_;  // by part
    std::uint64_t total_ = 0;

    std::uint32_t next_ = 0;  // the next that was never taken
    std::uint32_t cursor_durable_ = 0, cursor_sent_ = 0;
    std::uint64_t granted_ = 0;
    std::uint32_t last_grant_ = 0;
    bool asked_ = false;
    std::uint64_t in_flight_ = 0;
    std::set<std::uint32_t> again_;                // may go now
    std::multimap<Instant, std::uint32_t> later_;  // may go then
    std::set<std::uint32_t> needed_;               // pages whose numbers are not here
    std::string stopped_;
    bool stop_sent_ = false;
    std::vector<std::uint64_t> shown_;  // the slice that was taken last
    std::deque<UnderWay> under_way_;
    std::set<std::uint32_t> dirty_;  // pages
    std::deque<std::uint32_t> folds_;
    bool retiring_ = false;
    std::uint32_t retire_ms_ = 0;
    std::vector<LogRecord> log_;
    std::vector<PartRecord> parts_log_;
    std::uint64_t handed_ = 0, accepted_ = 0, delivered_ = 0, failed_ = 0, expired_ = 0;
    std::uint64_t unsent_ = 0;  // stopped before they were taken: beyond next_
    std::uint64_t fresh_ = 0;   // meant, not yet taken
    std::uint64_t finals_ = 0, waiting_ = 0;
    bool restoring_ = false;
    std::size_t images_ = 0;
    Tallies tallies_;
};

}  // namespace tocsin::campaign
