#pragma once
#include "channels/cell_broadcast/cbsp/broadcast.hpp"
#include "channels/cell_broadcast/cbsp/frame.hpp"

#include <map>
#include <unordered_map>

/// What one base station controller has on air, or may have, against what it should have. Says what to
/// ask next; learns from each answer, cell by cell. Owns no link and no clock.
namespace tocsin::cbsp {

struct Limits {
    std::chrono::milliseconds retry_first{1000}, retry_most{30'000};
    std::chrono::milliseconds status_first{2000}, status_most{30'000}, watch{60'000};
    std::uint16_t cells_most = 4000;  // in one list: a longer answer aborts some controllers
    Naming naming = Naming::cgi;
    Manner manner{};
};

/// How far one notice provably got in one cell.
enum class Got : std::uint8_t { nothing, handed, accepted, on_air, heard };
inline constexpr std::size_t gots = 5;

/// ETWS: no words, another memory in the controller, no count.
bool is_alarm(std::uint16_t identifier);

enum class Stand : std::uint8_t {
    absent,
    asked,   // an operation about it is in the air
    unsure,  // it may be there
    there
};
enum class Bar : std::uint8_t {
    none,
    waits,  // goes again at its copy's retry_at
    never   // until the cell restarts or the link is new
};
struct Spot {  // one notice in one cell
    Stand stand = Stand::absent;
    Bar bar = Bar::none;
    Got got = Got::nothing;
    std::uint8_t cause = 0xFF;  // of its last failure
    std::uint16_t period = 0, count = 0;
    bool doubted = false;    // it was unsure before it was asked about
    bool displaced = false;  // makes way for a graver one
};
struct Copy {  // one notice here
    std::uint16_t identifier = 0, serial = 0;
    std::uint8_t pages = 0;  // that its words take; 0 if it has none or nobody remembers
    int notice = -1;         // of the wanted broadcast; -1: not wanted any more
    bool busy = false;
    std::vector<Spot> spots{};
    Instant retry_at = Instant::max(), status_at = Instant::max();
    std::chrono::milliseconds retry_wait{0}, status_wait{0};
};

struct Op {
    Type type = Type::write_replace;
    std::uint32_t ordinal = 0;
    std::uint16_t identifier = 0, serial = 0;  // by which its answer is known
    std::optional<std::uint16_t> old{};
    std::uint16_t period = 0;
    std::vector<std::uint16_t> cells{};
};

/// One order at one controller, in cells.
struct Tally {
    std::uint32_t of = 0;
    std::uint32_t reached[gots] = {};  // at least so far
    std::uint32_t open = 0;            // not answered yet
    std::uint32_t never = 0;           // refused for good
    std::uint32_t dark = 0;
    std::uint32_t displaced = 0;
    std::uint32_t no_alarm = 0;  // where ETWS failed; the words are counted on their own
    std::uint32_t left = 0;      // of older revisions or withdrawn ones: may still be on air
    std::optional<std::uint8_t> cause{};
};

class Holdings {
public:
    /// `cells` are the controller's own, sorted (contract::Cell numbers).
    Holdings(std::vector<std::uint64_t> cells, const Limits& limits);

    /// The newest of its chain in these cells (indices, sorted); what is older is to go.
    void want(Shared broadcast, std::vector<std::uint16_t> cells, Instant now);
    /// Nothing of the chain is to be on air.
    void drop(std::uint32_t ordinal, Instant now);
    /// It may be on air, from a life that nobody remembers: to be taken off.
    void suspect(std::uint32_t ordinal,
                 std::span<const std::uint16_t> identifiers,
                 std::uint16_t serial,
                 Instant now);

    /// What to ask next, if anything: its copies are busy until answered() or unanswered().
    std::optional<Op> next(Instant now);
    Pdu pdu_of(const Op& op, Instant now) const;
    void answered(const Op& op, const Pdu& answer, Instant now);
    /// The whole of it failed, for this cause (ERROR INDICATION).
    void refused(const Op& op, std::uint8_t cause, Instant now);
    void unanswered(const Op& op, Instant now);

    /// The link is new: nothing is certain, and everything may be tried again.
    void doubt(Instant now);
    /// The controller was told to forget everything, and did.
    void emptied(Instant now);
    void restarted(const Pdu& restart, Instant now);
    void failed(const Pdu& failure);
    /// A listener caught a whole notice in this cell.
    bool heard(std::uint16_t cell, std::uint16_t identifier, std::uint16_t serial);

    Tally tally(std::uint32_t ordinal) const;
    /// Cells that have not got so far, at most `most` more.
    void missed(std::uint32_t ordinal,
                Got got,
                std::size_t most,
                std::vector<std::string>& out) const;
    std::optional<Instant> due() const;
    std::vector<std::uint32_t> take_changed();
    bool knows(std::uint32_t ordinal) const { return lines_.contains(ordinal); }

    const std::vector<std::uint64_t>& cells() const { return cells_; }
    std::optional<std::uint16_t> index_of(std::uint64_t cell) const;
    std::vector<std::uint16_t> resolve(Naming naming, const Place& place) const;
    Places all_cells() const;

    struct Kept {  // what must outlive us
        std::uint32_t ordinal;
        std::uint16_t identifier, serial, period;
        std::uint8_t pages;
        std::vector<std::uint64_t> cells;
        bool operator==(const Kept&) const = default;
    };
    std::vector<Kept> kept() const;
    void restore(const Kept& kept);

private:
    struct Line {
        Shared wanted;
        std::vector<std::uint8_t> wants;  // by cell
        std::vector<Copy> copies;
        Instant look_at{};
        bool changed = false;
    };
    friend struct Answering;

    std::optional<Op> next_of(std::uint32_t ordinal, Line& line, Instant now);
    std::optional<Op> take_away(std::uint32_t ordinal, Line& line);
    std::optional<Op> replace(std::uint32_t ordinal, Line& line, Copy& old);
    std::optional<Op> write(std::uint32_t ordinal, Line& line, Instant now);
    std::optional<Op> ask(std::uint32_t ordinal, Line& line, Instant now);
    bool in_the_way(const Line& line, const Copy& fresh, std::size_t cell) const;
    std::uint16_t period_in(std::size_t cell) const;
    std::uint32_t pages_in(std::size_t cell) const;
    std::uint32_t pages_before(const Line& line, std::size_t cell) const;
    bool make_room(const Line& line, std::size_t cell, std::uint32_t pages);
    Copy* copy(std::uint32_t ordinal, std::uint16_t identifier, std::uint16_t serial);
    void wait(Copy& copy, Instant now);
    void wait_later(Copy& copy, Instant now);
    void done_with(const Op& op, Instant now);
    void plan_status(Copy& copy, Instant now);
    void settle(Line& line, Instant now);
    void touch(Line& line, std::uint32_t ordinal);
    void touch_all();
    void forget_empty(std::uint32_t ordinal);
    Got got_in(const Line& line, std::size_t cell) const;
    bool open_in(const Line& line, std::size_t cell) const;

    std::vector<std::uint64_t> cells_;
    std::vector<Place> places_;
    std::unordered_multimap<std::uint32_t, std::uint16_t> by_lac_ci_;
    const Limits& limits_;
    std::map<std::uint32_t, Line> lines_;  // by ordinal
    std::vector<std::uint8_t> dark_;       // by cell
    std::vector<std::uint32_t> changed_;
};

}  // namespace tocsin::cbsp
