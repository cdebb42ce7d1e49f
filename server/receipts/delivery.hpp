#pragma once
#include "server/contract/channel.hpp"

#include <optional>
#include <string>
#include <vector>

/// How far one delivery (alert revision x endpoint) provably got, and how it ended (design.md 7).
/// Pure: evidence in, delivery out. The transition table is in transition.hpp.
namespace tocsin::receipts {

enum class Grade : std::uint8_t { queued, handed, accepted, on_air, delivered, verified };
enum class Ended : std::uint8_t {
    open,  // not yet
    complete,
    failed,
    timed_out,
    expired,
    cancelled,
    superseded,
    withdrawn
};

/// Of a bulk delivery, or of cells, screens. Each includes the next: handed >= accepted >= delivered.
struct Counts {
    std::uint64_t total = 0, handed = 0, accepted = 0, delivered = 0, failed = 0, expired = 0;
    bool operator==(const Counts&) const = default;
};

/// Of a bulk delivery: what was out and what was final at three moments, the first two some ten
/// seconds apart (pace.hpp).
struct Pace {
    struct Mark {
        Instant at{};
        std::uint64_t handed = 0, final = 0;
        bool operator==(const Mark&) const = default;
    };
    Mark base, middle, last;
    bool operator==(const Pace&) const = default;
};

struct Seen {  // one piece of evidence, raw, beside our reading of it
    Instant at{};
    contract::Said said{};
    std::string source, code, text, ref;
    bool operator==(const Seen&) const = default;
};

struct Delivery {
    std::string endpoint, channel;
    contract::OrderId order{};
    contract::Action action{};
    Grade grade = Grade::queued;
    Ended ended = Ended::open;
    bool partial = false, displaced = false;
    std::uint16_t tries = 0;
    Counts counts;
    std::vector<std::string> missed;
    std::optional<Instant> queued_at, handed_at, accepted_at, delivered_at, ended_at;
    std::vector<Seen> evidence;      // the last 32
    std::optional<Instant> expires;  // of the order; a `gone` after it is its end, not a withdrawal
    bool bulk = false;               // counts are recipients; else cells or screens
    std::optional<Pace> pace;        // since the first hand-over
    bool operator==(const Delivery&) const = default;
};

/// What the channel can prove at best: a delivery that reached it is complete.
struct Bounds {
    Grade highest = Grade::handed;
};

/// Nothing: the evidence changes nothing that is kept (a repeat, or an absent row of the table).
std::optional<Delivery> fold(const Delivery& before,
                             const contract::Evidence& evidence,
                             const Bounds& bounds);
/// The dispatcher ends it (expired, cancelled, superseded, failed, timed_out). Nothing: not allowed.
std::optional<Delivery> end(const Delivery& before, Ended how, Instant at, const Bounds& bounds);
/// Bulk: new totals. Grades follow from the counts; they never fall.
std::optional<Delivery> count(const Delivery& before,
                              const Counts& counts,
                              Instant at,
                              const Bounds& bounds);

/// The one word shown as `state`: the ending where it ended short, else the grade.
const char* state(const Delivery& delivery);
bool terminal(const Delivery& delivery);
const char* word(Grade grade);
const char* word(Ended ended);
const char* word(contract::Said said);

/// Events, feeds and `GET …/deliveries` show it like this: one JSON object.
std::string to_json(const Delivery& delivery, bool with_evidence);

std::string pack(const Delivery& delivery);
Result<Delivery> unpack(std::string_view bytes);

}  // namespace tocsin::receipts
