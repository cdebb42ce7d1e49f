#include "server/receipts/delivery.hpp"

#include "server/receipts/pace.hpp"
#include "server/receipts/transition.hpp"

#include <algorithm>

namespace tocsin::receipts {
namespace {

using contract::Evidence, contract::Said;

constexpr std::size_t evidence_max = 32;

std::optional<Grade> grade_of(Said said) {
    switch (said) {
        case Said::handed: return Grade::handed;
        case Said::accepted: return Grade::accepted;
        case Said::on_air: return Grade::on_air;
        case Said::delivered: return Grade::delivered;
        case Said::verified: return Grade::verified;
        default: return std::nullopt;
    }
}

On meaning(const Delivery& d, const Evidence& e, const Bounds& bounds) {
    const bool withdraw = d.action == contract::Action::withdraw;
    switch (e.said) {
        case Said::refused: return On::refuse;
        case Said::failed: return On::fail;
        case Said::gone:
            if (withdraw) return On::taken_back;
            return d.expires && e.at >= *d.expires ? On::over : On::gone;
        case Said::displaced: return On::displace;
        case Said::lost: return On::lose;
        default: return d.grade >= bounds.highest && !d.partial ? On::best : On::proof;
    }
}

/// How many of its cells or screens. What a lower grade counted never hides that fewer reached the
/// higher one, whatever order the words come in.
void reach(Delivery& d, const Evidence& e, Grade claimed, Grade before) {
    if (e.of > 1) {
        auto& c = d.counts;
        c.total = std::max<std::uint64_t>(c.total, e.of);
        const bool first = claimed > before || c.delivered == 0;
        if (claimed >= Grade::handed) c.handed = std::max<std::uint64_t>(c.handed, e.reached);
        if (claimed >= Grade::accepted) c.accepted = std::max<std::uint64_t>(c.accepted, e.reached);
        if (claimed >= Grade::on_air && claimed >= d.grade)
            c.delivered = first ? e.reached : std::max<std::uint64_t>(c.delivered, e.reached);
        if (claimed >= d.grade) d.missed = e.missed;
    }
    if (d.counts.total == 0) return;
    const auto got = d.grade >= Grade::on_air     ? d.counts.delivered
                     : d.grade == Grade::accepted ? d.counts.accepted
                                                  : d.counts.handed;
    d.partial = d.grade > Grade::queued && got < d.counts.total;
    if (!d.partial) d.missed.clear();
}

void earliest(std::optional<Instant>& kept, Instant at) {
    if (!kept || at < *kept) kept = at;
}

void date(Delivery& d, Grade claimed, Instant at) {
    if (claimed >= Grade::handed) earliest(d.handed_at, at);
    if (claimed >= Grade::accepted) earliest(d.accepted_at, at);
    if (claimed >= Grade::delivered) earliest(d.delivered_at, at);
}

bool known(const Delivery& d, const Evidence& e) {
    return std::ranges::any_of(d.evidence, [&](const Seen& s) {
        return s.said == e.said && s.source == e.source && s.code == e.code && s.text == e.text &&
               s.ref == e.ref;
    });
}

void keep(Delivery& d, const Evidence& e) {
    // A read-back says the same words every few seconds; only news is worth a line.
    const auto same = std::ranges::find_if(d.evidence, [&](const Seen& s) {
        return s.at == e.at && s.said == e.said && s.source == e.source && s.code == e.code &&
               s.text == e.text && s.ref == e.ref;
    });
    if (same != d.evidence.end()) return;
    if (d.evidence.size() >= evidence_max) d.evidence.erase(d.evidence.begin());
    d.evidence.push_back({e.at, e.said, e.source, e.code, e.text, e.ref});
}

/// By the peer's times, not by the order in which its words came.
bool under_a_graver_one(const Delivery& d) {
    const Seen* newest = nullptr;
    for (const auto& seen : d.evidence) {
        const bool about_air = seen.said == Said::displaced || seen.said == Said::on_air ||
                               seen.said == Said::verified || seen.said == Said::gone ||
                               seen.said == Said::lost;
        if (!about_air || (newest && seen.at < newest->at)) continue;
        if (!newest || seen.at > newest->at || seen.said != Said::displaced) newest = &seen;
    }
    return newest && newest->said == Said::displaced;
}

void conclude(Delivery& d, Ended to, Instant at) {
    if (d.ended == to) return;
    d.ended = to;
    d.ended_at = to == Ended::open ? std::nullopt : std::optional(at);
}

std::optional<On> cause(Ended how) {
    switch (how) {
        case Ended::open: return std::nullopt;
        case Ended::complete: return On::finish;
        case Ended::failed: return On::give_up;
        case Ended::timed_out: return On::time_out;
        case Ended::expired: return On::lapse;
        case Ended::cancelled: return On::cancel;
        case Ended::superseded: return On::supersede;
        case Ended::withdrawn: return On::withdraw;
    }
    return std::nullopt;
}

bool same_but_for_evidence(Delivery a, const Delivery& b) {
    a.evidence = b.evidence;
    return a == b;
}

}  // namespace

std::optional<Delivery> fold(const Delivery& before,
                             const Evidence& evidence,
                             const Bounds& bounds) {
    auto d = before;
    if (const auto said = grade_of(evidence.said)) {
        const auto claimed = std::min(*said, bounds.highest);  // no more than it can prove
        d.grade = std::max(d.grade, claimed);
        date(d, claimed, evidence.at);
        reach(d, evidence, claimed, before.grade);
    }
    const auto to = next(before.ended, stage(d.grade), meaning(d, evidence, bounds));
    if (!to) return std::nullopt;
    conclude(d, *to, evidence.at);
    const bool repeat = known(before, evidence);
    keep(d, evidence);
    d.displaced = under_a_graver_one(d);
    if (repeat && same_but_for_evidence(d, before)) return std::nullopt;
    return d;
}

std::optional<Delivery> end(const Delivery& before, Ended how, Instant at, const Bounds&) {
    const auto on = cause(how);
    if (!on || before.ended == how) return std::nullopt;
    const auto to = next(before.ended, stage(before.grade), *on);
    if (!to || *to == before.ended) return std::nullopt;
    auto d = before;
    d.displaced = false;
    conclude(d, *to, at);
    return d;
}

std::optional<Delivery> count(const Delivery& before,
                              const Counts& counts,
                              Instant at,
                              const Bounds& bounds) {
    auto d = before;
    d.bulk = true;
    auto& c = d.counts;
    c.total = counts.total;  // who is really meant: of a withdrawal those who were reached
    c.handed = std::max(c.handed, counts.handed);
    c.accepted = std::max(c.accepted, counts.accepted);
    c.delivered = std::max(c.delivered, counts.delivered);
    c.failed = counts.failed;    // these two may fall: a late DELIVRD takes its recipient back
    c.expired = counts.expired;  // out of them

    if (c.handed > 0 && c != before.counts) d.pace = paced(d.pace, c, at);

    const auto reached = c.delivered  ? Grade::delivered
                         : c.accepted ? Grade::accepted
                         : c.handed   ? Grade::handed
                                      : Grade::queued;
    const auto claimed = std::min(reached, bounds.highest);
    d.grade = std::max(d.grade, claimed);
    if (claimed >= Grade::handed) earliest(d.handed_at, at);
    if (claimed >= Grade::accepted) earliest(d.accepted_at, at);
    if (claimed >= Grade::delivered) earliest(d.delivered_at, at);

    const auto best = bounds.highest >= Grade::on_air     ? c.delivered
                      : bounds.highest == Grade::accepted ? c.accepted
                                                          : c.handed;
    d.partial = d.grade > Grade::queued && best < c.total;
    if (c.total > 0 && best + c.failed + c.expired >= c.total) {
        const auto on = best > 0 ? On::best : c.failed > 0 ? On::refuse : On::lapse;
        if (const auto to = next(d.ended, stage(d.grade), on)) conclude(d, *to, at);
    } else if (c.total == 0) {  // nobody was reached, so there is nothing to take back
        if (const auto to = next(d.ended, stage(d.grade), On::taken_back)) conclude(d, *to, at);
    } else if (d.grade != before.grade) {
        if (const auto to = next(d.ended, stage(d.grade), On::proof)) conclude(d, *to, at);
    }
    if (d == before) return std::nullopt;
    return d;
}

const char* state(const Delivery& d) {
    // Taking back has no grade of its own: what it proved is that it is gone. Words of correction,
    // where a medium has no taking back, have grades like any other.
    const auto gone = [](const Seen& seen) { return seen.said == Said::gone; };
    if (d.action == contract::Action::withdraw && d.ended == Ended::complete &&
        std::ranges::any_of(d.evidence, gone))
        return word(Ended::withdrawn);
    return d.ended == Ended::open || d.ended == Ended::complete ? word(d.grade) : word(d.ended);
}

bool terminal(const Delivery& d) { return d.ended != Ended::open; }

const char* word(Grade grade) {
    constexpr const char* words[] = {"queued", "handed",    "accepted",
                                     "on_air", "delivered", "verified"};
    return words[std::size_t(grade)];
}

const char* word(Ended ended) {
    constexpr const char* words[] = {"open",    "complete",  "failed",     "timed_out",
                                     "expired", "cancelled", "superseded", "withdrawn"};
    return words[std::size_t(ended)];
}

const char* word(Said said) {
    constexpr const char* words[] = {"handed",  "accepted", "on_air", "delivered", "verified",
                                     "refused", "failed",   "gone",   "displaced", "lost"};
    return words[std::size_t(said)];
}

}  // namespace tocsin::receipts
