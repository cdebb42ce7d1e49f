#include "server/base/digest.hpp"
#include "server/base/time.hpp"
#include "server/ledger/testing.hpp"

namespace tocsin::ledger::testing {
namespace {

/// One CAP message in short.
struct Message {
    Kind kind{};
    std::string identifier;
    int minute = 0;
    std::vector<Triple> references;
    std::string words = "cap";
    std::chrono::minutes life{60};
    Mode mode = Mode::live;
};

const Instant noon = now() - 1h;

Triple triple(const std::string& identifier, int minute) {
    return {"sender@example.org", identifier, rfc3339(noon + std::chrono::minutes(minute))};
}

Acceptance acceptance(const Message& m, const View& view) {
    Acceptance a;
    a.mode = m.mode;
    a.id = make_alert_id(m.mode);
    a.triple = triple(m.identifier, m.minute);
    a.digest = sha256_hex(m.words + m.identifier);
    a.kind = m.kind;
    a.sent = noon + std::chrono::minutes(m.minute);
    a.expires = now() + m.life;
    a.view = view;
    a.references = m.references;
    a.cap = m.words;
    a.plan = "plan of " + m.identifier;
    a.facts = "{}";
    a.audit = R"({"who":"test"})";
    return a;
}

View look(Bench& bench, const Message& m) {
    return bench.sure<View>([&](auto then) {
        bench.ledger().look(m.mode, triple(m.identifier, m.minute), m.references, std::move(then));
    });
}

Accepted accept(Bench& bench, const Message& m) {
    const auto view = look(bench, m);
    return bench.sure<Accepted>(
        [&](auto then) { bench.ledger().accept(acceptance(m, view), std::move(then)); });
}

AlertRecord record(Bench& bench, const std::string& id) {
    auto got = bench.sure<std::optional<AlertRecord>>(
        [&](auto then) { bench.ledger().alert(id, std::move(then)); });
    REQUIRE(got);
    return *got;
}

std::vector<std::string> in_force(Bench& bench, Instant at = now(), Mode mode = Mode::live) {
    std::vector<std::string> out;
    for (const auto& one : bench.sure<std::vector<AlertRecord>>(
             [&](auto then) { bench.ledger().in_force(mode, at, std::move(then)); }))
        out.push_back(one.triple.identifier);
    return out;
}

/// A small dispatcher with one endpoint: what the fan-out does with each entry, by the book.
struct Screen {
    explicit Screen(Bench& bench) : bench(bench) {}

    void withdraw(const AlertRecord& head) {
        const Want want{head.newest, contract::Action::withdraw, contract::Level::red, head.expires,
                        head.id};
        bench.sure<Wanted>(
            [&](auto then) { bench.ledger().want("e", Mode::live, want, std::move(then)); });
    }
    void fan_out() {
        for (const auto& entry : bench.sure<std::vector<OutboxEntry>>(
                 [&](auto then) { bench.ledger().outbox(100, std::move(then)); })) {
            const auto alert = record(bench, entry.alert);
            for (const auto& chain : entry.other_chains)
                withdraw(*bench.sure<std::optional<AlertRecord>>([&](auto then) {
                    bench.ledger().chain_head(entry.mode, chain, std::move(then));
                }));
            const bool over = alert.state == "cancelled" || alert.kind == Kind::cancel;
            using contract::Action;
            const Want want{alert.order,
                            over                        ? Action::withdraw
                            : alert.kind == Kind::alert ? Action::publish
                                                        : Action::update,
                            contract::Level::red, alert.expires, alert.id};
            if (alert.state != "superseded")
                bench.sure<Wanted>([&](auto then) {
                    bench.ledger().want("e", Mode::live, want, std::move(then));
                });
            bench.sure<Done>([&](auto then) { bench.ledger().drained(entry, std::move(then)); });
        }
    }
    void carry() {
        const auto lease =
            bench.sure<Lease>([&](auto then) { bench.ledger().lease("e", 1min, std::move(then)); });
        REQUIRE(lease.mine);
        for (const auto& r : bench.sure<std::vector<WantRecord>>(
                 [&](auto then) { bench.ledger().wants("e", Mode::live, std::move(then)); })) {
            const auto order = r.want.order;
            const auto intent = bench.sure<Intent>([&](auto then) {
                bench.ledger().intend("e", Mode::live, lease.fence, order, std::move(then));
            });
            if (intent.answer != Intent::Answer::go) continue;
            CHECK(order.revision > highest[order.ordinal]);  // never backwards on the wire
            highest[order.ordinal] = order.revision;
            const bool over = r.want.action == contract::Action::withdraw;
            if (over)
                up.erase(order.ordinal);
            else
                up[order.ordinal] = r.want.alert;
            ++handed;
            bench.sure<Done>([&](auto then) {
                bench.ledger().settle("e", Mode::live, order, over ? Phase::ended : Phase::up,
                                      std::move(then));
            });
        }
    }

    Bench& bench;
    std::map<std::uint32_t, std::string> up;
    std::map<std::uint32_t, std::uint16_t> highest;
    int handed = 0;
};

TEST_CASE(
    "E5: all orders of arrival of Alert, Update and Cancel end alike, carried at once or late") {
    both([](Bench& bench) {
        const std::vector<std::vector<std::pair<const char*, int>>> cancel_names = {
            {{"A", 0}, {"U", 10}}, {{"U", 10}}, {{"A", 0}}};
        for (std::size_t names = 0; names < cancel_names.size(); ++names)
            for (const bool at_once : {true, false}) {
                std::vector<int> order{0, 1, 2};
                do {
                    const auto salt =
                        fmt::format("{}{}{}{}{}", names, at_once, order[0], order[1], order[2]);
                    CAPTURE(salt);
                    std::vector<Triple> cancelled;
                    for (const auto& [name, minute] : cancel_names[names])
                        cancelled.push_back(triple(name + salt, minute));
                    const Message messages[] = {
                        {Kind::alert, "A" + salt, 0, {}},
                        {Kind::update, "U" + salt, 10, {triple("A" + salt, 0)}},
                        {Kind::cancel, "C" + salt, 20, cancelled}};
                    Screen screen(bench);
                    std::string ids[3];
                    for (const auto i : order) {
                        const auto accepted = accept(bench, messages[i]);
                        REQUIRE(accepted.outcome == Accepted::Outcome::accepted);
                        ids[i] = accepted.alert;
                        if (at_once) screen.fan_out(), screen.carry();
                    }
                    screen.fan_out();
                    screen.carry();
                    CHECK(screen.up.empty());
                    if (!at_once)
                        CHECK(screen.handed == 0);  // nothing was shown: nothing to take back
                    CHECK(record(bench, ids[0]).state != "active");
                    CHECK(record(bench, ids[1]).state == "cancelled");
                    CHECK(record(bench, ids[2]).state == "active");
                } while (std::ranges::next_permutation(order).found);
            }
        for (const auto& shown : in_force(bench)) CHECK(shown.front() == 'C');
    });
}

TEST_CASE("E5: an Update before its Alert stays up, and the late Alert is superseded") {
    both([](Bench& bench) {
        Screen screen(bench);
        const Message update{Kind::update, "U", 10, {triple("A", 0)}};
        CHECK(look(bench, update).unknown == std::vector<std::size_t>{0});
        const auto up = accept(bench, update);
        screen.fan_out(), screen.carry();
        const Message alert{Kind::alert, "A", 0, {}};
        const auto view = look(bench, alert);
        CHECK(view.late);
        CHECK_FALSE(view.closed);
        CHECK(view.head == up.alert);
        const auto late = accept(bench, alert);
        CHECK(late.state == "superseded");
        CHECK(late.chain == up.chain);
        CHECK(late.order.ordinal == up.order.ordinal);
        screen.fan_out(), screen.carry();
        CHECK(screen.up.begin()->second == up.alert);
        CHECK(record(bench, late.alert).withdrawn_by == up.alert);
        CHECK(record(bench, late.alert).head == up.alert);
        CHECK(in_force(bench) == std::vector<std::string>{"U"});
    });
}

TEST_CASE("E4: an update replaces what it updates, and is shown alone") {
    both([](Bench& bench) {
        const auto first = accept(bench, {Kind::alert, "A", 0, {}});
        const Message update{Kind::update, "U", 10, {triple("A", 0)}};
        const auto view = look(bench, update);
        CHECK(view.head == first.alert);
        CHECK(view.head_plan == "plan of A");
        CHECK(view.chain == first.chain);
        CHECK(view.unknown.empty());
        const auto second = accept(bench, update);
        CHECK(second.order.ordinal == first.order.ordinal);
        CHECK(second.order.revision == first.order.revision + 1);
        CHECK(record(bench, first.alert).state == "superseded");
        CHECK(record(bench, second.alert).state == "active");
        CHECK(in_force(bench) == std::vector<std::string>{"U"});
        CHECK(in_force(bench, now() + 2h).empty());
    });
}

TEST_CASE(
    "E1 E2 B4: same bytes give the same answer, other bytes a conflict, and nothing changes") {
    both([](Bench& bench) {
        const Message message{Kind::alert, "A", 0, {}};
        const auto first = accept(bench, message);
        CHECK(look(bench, message).already == first.alert);
        CHECK(look(bench, message).already_digest == sha256_hex("capA"));
        const auto again = accept(bench, message);
        CHECK(again.outcome == Accepted::Outcome::same);
        CHECK(again.alert == first.alert);
        CHECK(again.order == first.order);
        auto other = message;
        other.words = "other cap";
        const auto conflict = accept(bench, other);
        CHECK(conflict.outcome == Accepted::Outcome::conflict);
        CHECK(conflict.alert == first.alert);
        CHECK(bench
                  .sure<std::vector<OutboxEntry>>(
                      [&](auto then) { bench.ledger().outbox(10, std::move(then)); })
                  .size() == 1);
        CHECK(record(bench, first.alert).cap == "cap");
    });
}

TEST_CASE("D2: other forms of the same instant are the same triple") {
    both([](Bench& bench) {
        const auto at = noon;
        Message message{Kind::alert, "A", 0, {}};
        const auto first = accept(bench, message);
        const auto same = bench.sure<View>([&](auto then) {
            bench.ledger().look(Mode::live, {"sender@example.org", "A", rfc3339(at, -0min)}, {},
                                std::move(then));
        });
        CHECK(same.already == first.alert);
    });
}

TEST_CASE("a plan made for another state of its chain is sent back: moved") {
    both([](Bench& bench) {
        accept(bench, {Kind::alert, "A", 0, {}});
        const Message update{Kind::update, "U", 10, {triple("A", 0)}};
        const auto old = look(bench, update);
        accept(bench, {Kind::cancel, "C", 20, {triple("A", 0)}});
        const auto moved = bench.sure<Accepted>(
            [&](auto then) { bench.ledger().accept(acceptance(update, old), std::move(then)); });
        CHECK(moved.outcome == Accepted::Outcome::moved);
        CHECK(look(bench, update).closed);
        CHECK(accept(bench, update).state == "cancelled");
    });
}

TEST_CASE("a tombstone moves the plan of the message that it is for, too") {
    both([](Bench& bench) {
        const Message alert{Kind::alert, "A", 0, {}};
        const auto old = look(bench, alert);
        accept(bench, {Kind::cancel, "C", 20, {triple("A", 0)}});
        const auto moved = bench.sure<Accepted>(
            [&](auto then) { bench.ledger().accept(acceptance(alert, old), std::move(then)); });
        CHECK(moved.outcome == Accepted::Outcome::moved);
        const auto late = accept(bench, alert);
        CHECK(late.state == "cancelled");
        CHECK(record(bench, late.alert).withdrawn_by ==
              record(bench, record(bench, late.alert).head).id);
    });
}

TEST_CASE("B17a: a reference with a wrong time is matched by sender and identifier") {
    both([](Bench& bench) {
        const auto first = accept(bench, {Kind::alert, "A", 0, {}});
        const Message update{Kind::update, "U", 10, {triple("A", 10)}};  // the new message's time
        const auto view = look(bench, update);
        CHECK(view.by_name == std::vector<std::size_t>{0});
        CHECK(view.unknown.empty());
        CHECK(view.matched[0].sent == triple("A", 0).sent);
        CHECK(view.head == first.alert);
        CHECK(accept(bench, update).chain == first.chain);
        CHECK(record(bench, first.alert).state == "superseded");
    });
}

TEST_CASE("B17a E5: a Cancel with a wrong reference time that comes first still cancels") {
    both([](Bench& bench) {
        accept(bench, {Kind::cancel, "C", 20, {triple("A", 20)}});
        CHECK(accept(bench, {Kind::alert, "A", 0, {}}).state == "cancelled");
        // What is newer than the Cancel is another message (B5), and not taken back by it.
        CHECK(accept(bench, {Kind::alert, "A", 30, {}}).state == "accepted");
    });
}

TEST_CASE("B5: a true reference to something unseen takes back nothing else of that identifier") {
    both([](Bench& bench) {
        accept(bench, {Kind::cancel, "C", 20, {triple("A", 5)}});
        CHECK(accept(bench, {Kind::alert, "A", 10, {}}).state == "accepted");
        CHECK(accept(bench, {Kind::alert, "A", 5, {}}).state == "cancelled");
    });
}

TEST_CASE("E3: references to cancelled and several live alerts end alike in any order") {
    both([](Bench& bench) {
        int salt = 0;
        std::vector<int> order{0, 1, 2};
        do {
            const auto s = std::to_string(++salt);
            CAPTURE(s);
            const auto gone = accept(bench, {Kind::alert, "X" + s, 0, {}});
            accept(bench, {Kind::cancel, "C" + s, 1, {triple("X" + s, 0)}});
            const auto older = accept(bench, {Kind::alert, "A" + s, 2, {}});
            const auto newer = accept(bench, {Kind::alert, "B" + s, 3, {}});
            const Triple names[] = {triple("X" + s, 0), triple("A" + s, 2), triple("B" + s, 3)};
            const Message update{
                Kind::update, "U" + s, 9, {names[order[0]], names[order[1]], names[order[2]]}};
            const auto view = look(bench, update);
            CHECK_FALSE(view.closed);
            CHECK(view.chain == older.chain);
            CHECK(view.other_chains == std::vector{newer.chain});
            Screen screen(bench);
            screen.fan_out(), screen.carry();
            const auto merged = accept(bench, update);
            screen.fan_out(), screen.carry();
            CHECK(screen.up.size() == 1);
            CHECK(screen.up.at(older.order.ordinal) == merged.alert);
            CHECK(record(bench, older.alert).state == "superseded");
            CHECK(record(bench, newer.alert).state == "superseded");
            CHECK(record(bench, newer.alert).withdrawn_by == merged.alert);
            CHECK(record(bench, gone.alert).state == "cancelled");
            // What names only the chain that was taken over goes on with the one that took it.
            CHECK(look(bench, {Kind::update, "V" + s, 12, {names[2]}}).chain == older.chain);
            const auto end = accept(bench, {Kind::cancel, "Z" + s, 15, {names[2]}});
            CHECK(end.chain == older.chain);
            screen.fan_out(), screen.carry();
            CHECK(screen.up.empty());
        } while (std::ranges::next_permutation(order).found);
    });
}

TEST_CASE("E4: a late update of two chains takes over nothing that is newer than itself") {
    both([](Bench& bench) {
        for (const bool in_order : {true, false}) {
            const auto s = std::to_string(in_order);
            CAPTURE(s);
            Screen screen(bench);
            accept(bench, {Kind::alert, "A" + s, 0, {}});
            accept(bench, {Kind::alert, "B" + s, 1, {}});
            const Message older{Kind::update, "U" + s, 9, {triple("A" + s, 0), triple("B" + s, 1)}};
            const Message newer{Kind::update, "V" + s, 12, {triple("B" + s, 1)}};
            screen.fan_out(), screen.carry();
            const auto first = accept(bench, in_order ? older : newer);
            screen.fan_out(), screen.carry();
            const auto second = accept(bench, in_order ? newer : older);
            screen.fan_out(), screen.carry();
            REQUIRE(screen.up.size() == 1);
            CHECK(screen.up.begin()->second == (in_order ? second : first).alert);
            CHECK(record(bench, (in_order ? first : second).alert).state == "superseded");
        }
    });
}

TEST_CASE("a Cancel of several alerts ends each chain") {
    both([](Bench& bench) {
        Screen screen(bench);
        const auto a = accept(bench, {Kind::alert, "A", 0, {}});
        const auto b = accept(bench, {Kind::alert, "B", 0, {}});
        screen.fan_out(), screen.carry();
        CHECK(screen.up.size() == 2);
        const auto c = accept(bench, {Kind::cancel, "C", 5, {triple("B", 0), triple("A", 0)}});
        screen.fan_out(), screen.carry();
        CHECK(screen.up.empty());
        CHECK(record(bench, a.alert).state == "cancelled");
        CHECK(record(bench, b.alert).state == "cancelled");
        CHECK(record(bench, b.alert).withdrawn_by == c.alert);
        CHECK(accept(bench, {Kind::update, "V", 9, {triple("B", 0)}}).state == "cancelled");
    });
}

TEST_CASE("A4: a drill's Cancel cannot name a live chain") {
    both([](Bench& bench) {
        const auto live = accept(bench, {Kind::alert, "A", 0, {}});
        Message cancel{Kind::cancel, "C", 5, {triple("A", 0)}};
        cancel.mode = Mode::exercise;
        CHECK(look(bench, cancel).unknown.size() == 1);
        accept(bench, cancel);
        CHECK(record(bench, live.alert).state == "active");
        CHECK(in_force(bench) == std::vector<std::string>{"A"});
        CHECK(in_force(bench, now(), Mode::exercise) == std::vector<std::string>{"C"});
    });
}

TEST_CASE("A3: a Cancel is accepted after expiry, and one that came late still closes its chain") {
    both([](Bench& bench) {
        Message old{Kind::alert, "A", 0, {}};
        old.life = -5min;
        const auto a = accept(bench, old);
        CHECK(record(bench, a.alert).state == "expired");
        accept(bench, {Kind::update, "U", 10, {triple("A", 0)}});
        // Sent before the Update, but a Cancel: it counts.
        const auto c = accept(bench, {Kind::cancel, "C", 5, {triple("A", 0)}});
        CHECK(c.state == "accepted");
        CHECK(in_force(bench) == std::vector<std::string>{"C"});
        CHECK(accept(bench, {Kind::update, "V", 30, {triple("A", 0)}}).state == "cancelled");
    });
}

TEST_CASE("a Cancel stays in force until what it cancels would have ended") {
    both([](Bench& bench) {
        accept(bench, {Kind::alert, "A", 0, {}});
        Message cancel{Kind::cancel, "C", 5, {triple("A", 0)}};
        cancel.life = 1min;
        accept(bench, cancel);
        CHECK(in_force(bench, now() + 30min) == std::vector<std::string>{"C"});
        CHECK(in_force(bench, now() + 61min).empty());
    });
}

TEST_CASE("alerts are listed newest first, all modes together, page by page") {
    both([](Bench& bench) {
        std::vector<std::string> expected;
        for (int i = 0; i < 7; ++i) {
            Message message{Kind::alert, std::to_string(i), i, {}};
            message.mode = Mode(i % 4 + 1);
            expected.insert(expected.begin(), accept(bench, message).alert);
        }
        std::vector<std::string> got;
        std::string cursor;
        int pages = 0;
        do {
            const auto page = bench.sure<AlertPage>(
                [&](auto then) { bench.ledger().alerts(3, cursor, std::move(then)); });
            for (const auto& item : page.items) {
                got.push_back(item.id);
                CHECK(item.cap.empty());
                CHECK(item.state == "active");
                CHECK(item.mode == mode_of_id(item.id));
            }
            cursor = page.next;
            ++pages;
        } while (!cursor.empty());
        CHECK(got == expected);
        CHECK(pages == 3);
        CHECK(
            bench
                .wait<AlertPage>([&](auto then) { bench.ledger().alerts(3, "x", std::move(then)); })
                .has_error());
    });
}

TEST_CASE("an order leads to its alert, days later too") {
    both([](Bench& bench) {
        const auto a = accept(bench, {Kind::alert, "A", 0, {}});
        const auto u = accept(bench, {Kind::update, "U", 1, {triple("A", 0)}});
        const auto of = [&](OrderId order) {
            return bench.sure<std::string>(
                [&](auto then) { bench.ledger().alert_of(order, std::move(then)); });
        };
        CHECK(of(a.order) == a.alert);
        CHECK(of(u.order) == u.alert);
        CHECK(of({999, 1}).empty());
    });
}

TEST_CASE("what was accepted is read back as it was, and unknown ids are unknown") {
    both([](Bench& bench) {
        Message message{Kind::alert, "A", 0, {}};
        message.words = std::string("\0binary\xff 预警", 16) + std::string(100'000, 'x');
        const auto accepted = accept(bench, message);
        const auto got = record(bench, accepted.alert);
        CHECK(got.cap == message.words);
        CHECK(got.plan == "plan of A");
        CHECK(got.facts == "{}");
        CHECK(got.kind == Kind::alert);
        CHECK(got.order == accepted.order);
        CHECK(got.sent == noon);
        CHECK(got.triple.identifier == "A");
        CHECK(now() - got.accepted_at < 1min);
        for (const auto* id : {"", "nonsense", "l01j8zzzzzzzzzzzzzzzzzzzzzz"})
            CHECK_FALSE(bench.sure<std::optional<AlertRecord>>(
                [&](auto then) { bench.ledger().alert(id, std::move(then)); }));
    });
}

}  // namespace
}  // namespace tocsin::ledger::testing
