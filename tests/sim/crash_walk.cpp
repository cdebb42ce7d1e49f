/// The server dies at each of its steps in turn: before or after each call to the ledger and each
/// hand-over, with Alert, Update and Cancel arriving in all six orders, carried at once or one
/// after the other. Then it starts again over what was stored, and all must be well.
#include "tests/sim/world.hpp"

#include <doctest/doctest.h>

namespace tocsin::sim {
namespace {

using contract::Action;
using ledger::Kind;
using namespace std::chrono_literals;

struct Case {
    std::array<int, 3> order{};  // 0 alert, 1 update, 2 cancel
    bool at_once = true;
    int manner = 0;  // of the peer
    bool late_words = false;
    std::size_t at = 0;
    bool after = false;
    std::size_t faults = 0;  // instead of dying: so many calls fail
    std::string name() const {
        const char* letters = "AUC";
        return fmt::format("{}{}{} {} manner {} {} {} step {}{}", letters[order[0]],
                           letters[order[1]], letters[order[2]], at_once ? "at once" : "late",
                           manner, late_words ? "late words" : "",
                           faults ? fmt::format("{} faults from", faults) : "killed at", at,
                           after ? " done" : " not done");
    }
};

constexpr int manners = 6;

void behave(Peer& peer, int manner) {
    if (manner == 1) peer.script = {{Said::failed}};
    if (manner == 2) peer.script = {{}};  // silent once
    if (manner == 3) peer.script = {{Said::handed, Said::accepted, Said::accepted}};
    if (manner == 4) peer.answers_in = 700ms;
    if (manner == 5) peer.deaf = true;  // for ever
}

struct Outcome {
    std::size_t steps = 0;
    std::vector<std::string> faults;
    std::vector<std::string> states;  // of all deliveries
};

Outcome walk(const Case& c) {
    dispatch::Tuning slow;  // 28 hours of looking around each second would be most of the work
    slow.look_every = 10min;
    slow.lease_keep = 30min;
    slow.outbox_every = 10min;
    auto board = endpoint("board"), web = endpoint("web");
    if (c.manner == 5) {
        board.limits.answer_within = web.limits.answer_within = 10min;
        board.limits.retry_longest = web.limits.retry_longest = 2h;
    }
    World w({board, web}, slow);
    for (auto& [_, peer] : w.peers) behave(peer, c.manner);
    w.late_words = c.late_words;
    w.fuse.at = c.at;
    w.fuse.after = c.after;
    w.fuse.faults = c.faults;
    w.sent_of["u"] = rfc3339(w.begin + 1s);  // named before it is here
    w.start();
    w.run(50ms);
    std::vector<std::string> alerts;
    for (const auto which : c.order) {
        World::Posted p;
        p.kind = Kind(which);
        p.name = which == 0 ? "a" : which == 1 ? "u" : "c";
        p.sent = milliseconds(1000 * which);
        if (which == 1) p.references = {"a"};
        if (which == 2) p.references = {"a", "u"};
        alerts.push_back(w.post(p).alert);
        if (!c.at_once) w.run(10s);
    }
    w.run(2h);
    const auto open = [&](const std::string& alert) {
        return !std::ranges::all_of(w.rows(alert), receipts::terminal);
    };
    if (std::ranges::any_of(alerts, open)) w.run(26h);  // deadlines of withdrawals

    Outcome out;
    out.steps = w.fuse.steps;
    const auto fault = [&](std::string what) { out.faults.push_back(std::move(what)); };
    if (!w.outbox().empty()) fault("the outbox is not empty");
    for (const auto& [name, peer] : w.peers) {
        if (!peer.shows.empty()) fault(name + " still shows it");
        std::map<std::uint32_t, std::uint16_t> newest;
        std::map<std::uint32_t, bool> withdrawn;
        std::map<OrderId, int> times;
        int repeats = 0;
        for (const auto& told : peer.told) {
            auto& seen = newest[told.id.ordinal];
            if (told.id.revision < seen) fault(name + ": a revision fell on the wire");
            seen = std::max(seen, told.id.revision);
            if (told.action == Action::withdraw)
                withdrawn[told.id.ordinal] = true;
            else if (withdrawn[told.id.ordinal])
                fault(name + ": published after its cancel");
            if (++times[told.id] > 1) ++repeats;
        }
        const int own = c.manner == 1 || c.manner == 2;  // the peer asked for one itself
        if (repeats > 1 + own && !peer.deaf) fault(fmt::format("{}: {} repeats", name, repeats));
    }
    for (const auto& alert : alerts) {
        const auto rows = w.rows(alert);
        if (rows.size() < 2) fault(alert + ": an endpoint without a delivery");
        for (const auto& row : rows) {
            if (!receipts::terminal(row))
                fault(fmt::format("{} at {} has no end: {}", alert, row.endpoint, state(row)));
            out.states.push_back(fmt::format("{} at {}: {}", alert, row.endpoint, state(row)));
        }
    }
    return out;
}

/// Every step, or in the short run some of them, of each of the 72 ways to go.
std::size_t walk_all(std::size_t faults) {
    const bool thorough = std::getenv("TOCSIN_SEEDS") != nullptr;
    std::size_t runs = 0;
    std::array<int, 3> order{0, 1, 2};
    do
        for (const bool at_once : {true, false})
            for (int manner = 0; manner < manners; ++manner) {
                Case c;
                c.order = order;
                c.at_once = at_once;
                c.manner = manner;
                c.late_words = manner % 2;
                const auto whole = walk(c);
                for (const auto& fault : whole.faults) FAIL_CHECK(c.name(), ": ", fault);
                c.faults = faults;
                const std::size_t stride = thorough ? 1 : manner == 0 ? 11 : manner == 5 ? 97 : 43;
                for (c.at = 1 + runs % stride; c.at <= whole.steps; c.at += stride)
                    for (const bool after : {false, true}) {
                        c.after = after;
                        const auto out = walk(c);
                        ++runs;
                        for (const auto& fault : out.faults) FAIL_CHECK(c.name(), ": ", fault);
                        // With time between them nothing of it shows in the receipts either.
                        if (!at_once && manner == 0 && out.states != whole.states)
                            FAIL_CHECK(
                                c.name(), ": ", fmt::format("{}", fmt::join(out.states, ", ")),
                                " instead of ", fmt::format("{}", fmt::join(whole.states, ", ")));
                    }
            }
    while (std::ranges::next_permutation(order).found);
    return runs;
}

TEST_CASE("E3 E5 E6 E8 F8: stopped at any step, in any order of arrival, all ends alike") {
    const auto runs = walk_all(0);
    MESSAGE(runs, " lives cut short");
    CHECK(runs > 200);
}

TEST_CASE("F10: the ledger goes away at any step and comes back, and all ends alike") {
    for (const std::size_t faults : {12, 1}) {
        const auto runs = walk_all(faults);
        MESSAGE(runs, " lives with ", faults, " calls unanswered");
        CHECK(runs > 200);
        if (!std::getenv("TOCSIN_SEEDS")) break;
    }
}

}  // namespace
}  // namespace tocsin::sim
