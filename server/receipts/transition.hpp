#pragma once
#include "server/receipts/delivery.hpp"

#include <algorithm>
#include <optional>

/// How a delivery's ending moves (design.md 7). The grade is not in here: it only rises, and what
/// is looked up is the stage that it has reached after rising. An absent row is an answer too: it
/// may not happen, or says nothing about this delivery.
namespace tocsin::receipts {

/// All that may ever be asked of an ending is how far the delivery got, in three steps.
enum class Stage : std::uint8_t {
    waiting = 1,  // queued
    sent = 2,     // handed, accepted: the peer may have it, nobody saw it
    shown = 4     // on_air and better
};
enum class On : std::uint8_t {
    // Evidence.
    proof,       // any grade, less than the channel's best
    best,        // the best that the channel can prove, and of all of it
    refuse,      // for good
    fail,        // it goes again
    gone,        // taken down before its time
    over,        // no longer up, and its time was over
    taken_back,  // a withdraw's own answer: it is gone
    displace,
    lose,
    // The dispatcher.
    finish,
    give_up,
    time_out,
    lapse,
    cancel,
    supersede,
    withdraw,  // a withdraw order took it down
};

struct Step {
    Ended from;
    std::uint8_t stages;
    On on;
    Ended to;
};

namespace table {
using enum Ended;
using enum On;

inline constexpr auto waiting = std::uint8_t(Stage::waiting);
inline constexpr auto sent = std::uint8_t(Stage::sent);
inline constexpr auto shown = std::uint8_t(Stage::shown);
inline constexpr auto any = std::uint8_t(waiting | sent | shown);
inline constexpr auto unseen = std::uint8_t(waiting | sent);

// clang-format off
inline constexpr Step steps[] = {
    {open,       any,    proof,      open},
    {open,       any,    best,       complete},
    {open,       unseen, refuse,     failed},      // shown and refused: a peer that contradicts itself
    {open,       any,    fail,       open},
    {open,       any,    gone,       withdrawn},   // waiting too: the word may overtake the proof
    {open,       any,    over,       complete},
    {open,       any,    taken_back, complete},
    {open,       any,    displace,   open},
    {open,       any,    lose,       open},
    {open,       shown,  finish,     complete},
    {open,       unseen, give_up,    failed},
    {open,       unseen, time_out,   timed_out},
    {open,       shown,  time_out,   complete},    // it was seen up, and its time is over
    {open,       unseen, lapse,      expired},
    {open,       shown,  lapse,      complete},
    {open,       unseen, cancel,     cancelled},   // the ledger says whether it may be in the air
    {open,       shown,  cancel,     withdrawn},
    {open,       unseen, supersede,  superseded},
    {open,       shown,  supersede,  complete},
    {open,       any,    withdraw,   withdrawn},

    {complete,   any,    proof,      complete},
    {complete,   any,    best,       complete},
    {complete,   any,    fail,       complete},    // going again after it was lost
    {complete,   any,    gone,       withdrawn},
    {complete,   any,    displace,   complete},
    {complete,   any,    lose,       complete},
    {complete,   any,    withdraw,   withdrawn},

    // A late proof overturns what we thought. Less than shown raises the grade and no more.
    {failed,     unseen, proof,      failed},
    {failed,     shown,  proof,      complete},
    {failed,     any,    best,       complete},
    {failed,     any,    taken_back, complete},
    {failed,     unseen, fail,       failed},
    {timed_out,  unseen, proof,      timed_out},
    {timed_out,  shown,  proof,      complete},
    {timed_out,  any,    best,       complete},
    {timed_out,  any,    taken_back, complete},
    {timed_out,  unseen, refuse,     failed},      // silence has become an answer
    {timed_out,  unseen, fail,       timed_out},
    {timed_out,  any,    gone,       withdrawn},
    {timed_out,  any,    over,       complete},
    {timed_out,  any,    withdraw,   withdrawn},
    {expired,    unseen, proof,      expired},
    {expired,    shown,  proof,      complete},
    {expired,    any,    best,       complete},
    {expired,    unseen, fail,       expired},
    {cancelled,  unseen, proof,      cancelled},
    {cancelled,  shown,  proof,      complete},
    {cancelled,  any,    best,       complete},
    {cancelled,  unseen, fail,       cancelled},
    {cancelled,  any,    withdraw,   withdrawn},
    {superseded, unseen, proof,      superseded},
    {superseded, shown,  proof,      complete},
    {superseded, any,    best,       complete},
    {superseded, unseen, fail,       superseded},
    {superseded, any,    withdraw,   withdrawn},

    {withdrawn,  any,    proof,      withdrawn},   // it was up: how far is still worth knowing
    {withdrawn,  any,    best,       withdrawn},
};
// clang-format on
}  // namespace table

constexpr Stage stage(Grade grade) {
    if (grade == Grade::queued) return Stage::waiting;
    return grade < Grade::on_air ? Stage::sent : Stage::shown;
}

/// Nothing means "not allowed": the ending stays as it is and the evidence says nothing.
constexpr std::optional<Ended> next(Ended from, Stage stage, On on) {
    for (const auto& step : table::steps)
        if (step.from == from && step.on == on && (step.stages & std::uint8_t(stage)))
            return step.to;
    return std::nullopt;
}

static_assert(!next(Ended::open, Stage::shown, On::refuse), "what was seen up did not fail");
static_assert(next(Ended::timed_out, Stage::shown, On::proof) == Ended::complete);
static_assert(!next(Ended::withdrawn, Stage::shown, On::finish), "what is over stays over");

}  // namespace tocsin::receipts
