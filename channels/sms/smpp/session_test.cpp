#include "channels/sms/smpp/bench_for_tests.hpp"

namespace tocsin::smpp {
namespace {

TEST_CASE(
    "from connecting to delivered: each recipient is submitted, answered and receipted once") {
    Bench bench;
    bench.order(flood, 25);
    bench.bind();
    CHECK(bench.desk.state() == LinkState::up);
    const auto sent = bench.submits();
    REQUIRE(sent.size() == 25);
    for (std::size_t i = 0; i < 25; ++i) {
        CHECK(sent[i].body.find(std::to_string(8613800000000 + i) + "\0"s) != std::string::npos);
        bench.answer(sent[i].sequence, fmt::format("{:X}", 0xA0 + i));
    }
    bench.tick();
    CHECK(bench.desk.accepted(flood) == 25);
    CHECK(bench.desk.delivered(flood) == 0);
    for (std::size_t i = 0; i < 25; ++i)
        bench.delivered(std::uint32_t(i + 1), fmt::format("{:X}", 0xA0 + i));
    bench.tick();
    CHECK(bench.desk.delivered(flood) == 25);
    CHECK(bench.submits().empty());
}

TEST_CASE("nothing is said before the peer answered the bind, and it asks for nothing but a bind") {
    Bench bench;
    bench.order(flood, 5);
    bench.tick();
    CHECK(bench.connects == 1);
    bench.session.connected(bench.now);
    CHECK(bench.read().size() == 1);
    CHECK(bench.tick(1s).empty());
    CHECK(bench.desk.takes == 0);
}

TEST_CASE(
    "a receipt is acknowledged only when it is durable, and not at all if the link went first") {
    Bench bench;
    bench.order(flood, 1);
    bench.bind();
    const auto sent = bench.submits();
    bench.answer(sent[0].sequence, "7");
    bench.delivered(41, "7");
    CHECK_FALSE(has(bench.tick(), response(Command::deliver_sm)));
    CHECK(bench.desk.tickets == 1);
    bench.office.durable(Ticket(0));
    CHECK_FALSE(has(bench.tick(), response(Command::deliver_sm)));
    bench.office.durable(Ticket(1));
    const auto seen = bench.tick();
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].command == response(Command::deliver_sm));
    CHECK(seen[0].sequence == 41);
    CHECK(seen[0].status == 0);
    CHECK(seen[0].body.size() == 1);
    bench.delivered(42, "7");
    bench.tick();
    bench.session.broke("reset", bench.now);
    bench.office.durable(Ticket(2));
    CHECK(bench.session.outbox().waiting().empty());
}

TEST_CASE("F11: receipts early, twice and of unknown ids end in the same state") {
    Bench bench;
    bench.order(flood, 2);
    bench.bind();
    const auto sent = bench.submits();
    bench.delivered(1, "a1");
    bench.tick();
    CHECK(bench.desk.parked == 1);
    bench.answer(sent[0].sequence, "A1");
    bench.answer(sent[1].sequence, "A2");
    bench.delivered(2, "a1");
    bench.delivered(3, "ffff");
    bench.receipt(4, "id:A2 stat:UNDELIV err:001");
    bench.delivered(5, "A2");  // after its end: counted, not believed
    bench.tick();
    CHECK(bench.desk.delivered(flood) == 1);
    CHECK(bench.desk.campaigns[flood].people[1].parts[0].said == Said::refused);
    CHECK(bench.desk.receipts == 5);  // R3: in = matched + parked
    CHECK(bench.desk.matched == 4);
    CHECK(bench.desk.repeated == 2);
    CHECK(bench.desk.parked == 1);
}

TEST_CASE("several segments: a recipient is accepted and delivered only when all parts are") {
    Bench bench;
    std::string words;
    for (int i = 0; i < 135; ++i) words += "雨";
    bench.order(flood, 2, words);
    bench.bind();
    const auto sent = bench.submits();
    REQUIRE(sent.size() == 6);
    const std::string header("\5\0\3", 3);
    const auto low = char(sms::reference_of(flood) & 0xFF);
    for (int i = 0; i < 6; ++i) {
        CHECK(sent[i].body.find(header + low + "\3"s + char(i % 3 + 1)) != std::string::npos);
        bench.answer(sent[i].sequence, std::to_string(100 + i));
    }
    for (const auto id : {"100", "101", "102", "103", "104"}) bench.delivered(1, id);
    bench.tick();
    CHECK(bench.desk.accepted(flood) == 2);
    CHECK(bench.desk.delivered(flood) == 1);
    bench.delivered(1, "105");
    bench.tick();
    CHECK(bench.desk.delivered(flood) == 2);
}

TEST_CASE("a text of more parts than the endpoint takes is refused whole, never cut") {
    Bench bench;
    std::string words;
    for (int i = 0; i < 67 * 4 + 1; ++i) words += "雨";
    bench.order(flood, 1, words);
    bench.bind();
    CHECK(bench.submits().empty());
    REQUIRE(bench.desk.evidences.size() == 1);
    CHECK(bench.desk.evidences[0].said == Said::refused);
    CHECK(bench.desk.evidences[0].at >= noon);
    CHECK(bench.desk.evidences[0].text.find("5 segments, the endpoint takes 4") == 0);
}

TEST_CASE("the slice's language chooses the text, its primary language next, else the first") {
    struct Row {
        const char* language;
        const char* words;
    };
    for (const auto& row : {Row{"en-US", "Rain"}, Row{"en-GB", "Rain"}, Row{"ug", "Yamghur"},
                            Row{"fr", "Yamghur"}, Row{"", "Yamghur"}}) {
        CAPTURE(row.language);
        Bench bench;
        bench.desk.invite(flood, numbers(1), row.language);
        auto m = message(flood, "");
        m.texts = {{Form::cb, "fr", "wrong form"},
                   {Form::sms, "ug", "Yamghur"},
                   {Form::sms, "en-US", "Rain"}};
        bench.office.carry(m, false);
        bench.bind();
        const auto sent = bench.submits();
        REQUIRE(sent.size() == 1);
        CHECK(sent[0].body.ends_with(row.words));
    }
}

TEST_CASE("A4: a drill has its own source and service type and no priority") {
    auto with = setup();
    with.links[0].form.test_source = {5, 0, "DRILL"};
    with.links[0].form.test_service_type = "TEST";
    Bench bench(with);
    bench.order(flood, 1);
    bench.desk.invite({8, 1}, numbers(1));
    bench.office.carry(message({8, 1}, "演练 暴雨 演练"), true);
    bench.bind();
    const auto sent = bench.submits();
    REQUIRE(sent.size() == 2);
    CHECK(
        sent[0].body.starts_with("\0\0\1"
                                 "12379\0\1\1"s));
    CHECK(sent[1].body.starts_with("TEST\0\5\0DRILL\0\1\1"s));
    CHECK(sent[0].body.substr(25).starts_with("\0\0\3\0"s));
    CHECK(sent[1].body.substr(29).starts_with("\0\0\0\0"s));
}

TEST_CASE("never more than the window is unanswered, and each answer makes room for one") {
    auto with = setup();
    with.links[0].window = 10;
    Bench bench(with);
    bench.order(flood, 30);
    bench.bind();
    const auto sent = bench.submits();
    CHECK(sent.size() == 10);
    CHECK(bench.submits().empty());
    bench.answer(sent[9].sequence, "1");  // out of order
    bench.answer(sent[3].sequence, "2");
    bench.answer(sent[3].sequence, "2");  // twice: counted, no room
    CHECK(bench.submits().size() == 2);
    CHECK(bench.session.lane()->counters().stray == 1);
}

TEST_CASE("a lost answer never shrinks the window for ever; three in a row mean a dead link") {
    auto with = setup();
    with.links[0].window = 10;
    Bench bench(with);
    bench.order(flood, 100);
    bench.bind();
    auto sent = bench.submits();
    for (std::size_t i = 2; i < sent.size(); ++i) bench.answer(sent[i].sequence, std::to_string(i));
    bench.desk.resend = false;
    const auto second = bench.submits(29s);
    CHECK(second.size() == 8);
    CHECK(bench.submits(2s).size() == 2);  // room again
    CHECK(bench.desk.campaigns[flood].people[0].unknown == 1);
    CHECK(bench.desk.campaigns[flood].people[1].unknown == 1);
    CHECK(bench.desk.state() == LinkState::up);
    bench.answer(sent[0].sequence, "late");  // R8: matched, not dropped
    bench.tick();
    CHECK(bench.desk.campaigns[flood].people[0].accepted());
    CHECK(bench.session.lane()->counters().late == 1);
    bench.delivered(5, "late");
    bench.tick();
    CHECK(bench.desk.campaigns[flood].people[0].delivered());
    bench.tick(31s);
    CHECK(bench.closes == 1);
    CHECK(bench.desk.state() == LinkState::down);
}

TEST_CASE(
    "E8: what was unanswered when the link died is unknown, once a recipient, and goes again "
    "with the same reference") {
    Bench bench;
    std::string words;
    for (int i = 0; i < 71; ++i) words += "雨";
    bench.order(flood, 10, words);
    bench.bind();
    const auto first = bench.submits();
    REQUIRE(first.size() == 20);
    for (int i = 0; i < 7; ++i) bench.answer(first[i].sequence, std::to_string(i));
    bench.session.broke("reset", bench.now);
    int unknown = 0;
    for (const auto& person : bench.desk.campaigns[flood].people) unknown += person.unknown;
    CHECK(unknown == 7);  // three whole, one by half of ten
    bench.now += 2s;
    bench.bind();
    std::vector<Seen> again;
    for (int i = 0; i < 10; ++i)
        for (auto& seen : bench.submits()) again.push_back(seen);
    REQUIRE(again.size() == 14);
    for (const auto& seen : again) {
        const auto same =
            std::ranges::any_of(first, [&](const Seen& s) { return s.body == seen.body; });
        CHECK(same);  // validity apart: no second has passed for this text
    }
}

TEST_CASE(
    "F11: a throttled segment waits, goes first and is no attempt; the link says until when") {
    auto with = setup();
    with.links[0].rate = 1000;
    Bench bench(with);
    bench.order(flood, 1000);
    bench.bind();
    bench.tick();
    const auto sent = bench.submits(20ms);
    REQUIRE(sent.size() >= 20);
    for (std::size_t i = 0; i < sent.size(); ++i) {
        if (i % 2)
            bench.answer(sent[i].sequence, std::to_string(i));
        else
            bench.bare(response(Command::submit_sm), sent[i].sequence, status::throttled);
    }
    CHECK(bench.submits().empty());
    CHECK(bench.desk.state() == LinkState::throttled);
    CHECK(bench.desk.links.back().second > bench.now);
    CHECK(bench.submits(240ms).empty());
    const auto again = bench.submits(20ms);
    CHECK(bench.desk.state() == LinkState::up);
    REQUIRE(!again.empty());
    const auto refused_before = [&](const std::string& body) {
        for (std::size_t i = 0; i < sent.size(); i += 2)
            if (sent[i].body.substr(0, 25) == body.substr(0, 25)) return true;
        return false;
    };
    CHECK(refused_before(again[0].body));
    for (const auto& person : bench.desk.campaigns[flood].people)
        for (const auto& part : person.parts) CHECK(part.code == 0);
}

TEST_CASE("a system error is tried after 1, 5 and 15 s, then given back as worth another try") {
    Bench bench;
    bench.order(flood, 1);
    bench.bind();
    auto sent = bench.submits();
    for (const auto wait : {1s, 5s, 15s}) {
        REQUIRE(sent.size() == 1);
        bench.bare(response(Command::submit_sm), sent[0].sequence, status::system_error);
        CHECK(bench.submits(wait - 10ms).empty());
        sent = bench.submits(15ms);
    }
    REQUIRE(sent.size() == 1);
    bench.bare(response(Command::submit_sm), sent[0].sequence, status::system_error);
    CHECK(bench.submits(1min).empty());
    CHECK(bench.desk.campaigns[flood].people[0].parts[0].code == (8 | worth_another_try));
}

TEST_CASE("statuses by class: a number's fault is his alone, a campaign's fault stops it") {
    Bench bench;
    bench.order(flood, 300);
    bench.bind();
    auto sent = bench.submits();
    bench.bare(response(Command::submit_sm), sent[0].sequence, status::invalid_destination);
    CHECK(bench.submits().size() == 1);
    CHECK(bench.desk.campaigns[flood].people[0].parts[0].code == status::invalid_destination);
    CHECK(bench.desk.evidences.empty());
    bench.bare(response(Command::submit_sm), sent[1].sequence, status::invalid_source);
    bench.bare(response(Command::submit_sm), sent[2].sequence, status::invalid_source);
    CHECK(bench.submits().empty());
    REQUIRE(bench.desk.evidences.size() == 1);
    CHECK(bench.desk.evidences[0].code == "0x0A");
    bench.office.carry(message(flood, "暴雨"), false);  // mended, carried anew
    CHECK(bench.submits().size() == 2);
}

TEST_CASE("what a status means can be set for a bind") {
    auto with = setup();
    with.links[0].statuses = {{0x45, Meaning::permanent}};
    Bench bench(with);
    bench.order(flood, 1);
    bench.bind();
    const auto sent = bench.submits();
    bench.bare(response(Command::submit_sm), sent[0].sequence, status::submit_failed);
    bench.tick();
    CHECK(bench.desk.campaigns[flood].people[0].parts[0].code == status::submit_failed);
}

TEST_CASE("a generic_nack to a submit is its answer") {
    Bench bench;
    bench.order(flood, 1);
    bench.bind();
    const auto sent = bench.submits();
    bench.bare(Command::generic_nack, sent[0].sequence, status::invalid_command);
    bench.tick();
    CHECK(bench.desk.campaigns[flood].people[0].parts[0].code == status::invalid_command);
}

TEST_CASE("D5: what waits to go again does not go after expiry, nor when a later revision came") {
    for (const bool superseded : {false, true}) {
        CAPTURE(superseded);
        Bench bench;
        bench.order(flood, 1);
        bench.bind();
        const auto sent = bench.submits();
        bench.bare(response(Command::submit_sm), sent[0].sequence, status::system_error);
        bench.tick();
        bench.desk.campaigns[flood].granted = false;
        if (superseded) {
            bench.desk.invite({7, 2}, {});
            bench.office.carry(message({7, 2}, "雨停", Action::withdraw), false);
        }
        CHECK(bench.submits(superseded ? 2s : 61min).empty());
        const auto code = bench.desk.campaigns[flood].people[0].parts[0].code;
        CHECK(code == (superseded ? 8 | worth_another_try : std::uint32_t(status::expired)));
    }
}

TEST_CASE("D5: what waits to go again expires while the link is down as well") {
    Bench bench;
    bench.order(flood, 1);
    bench.bind();
    const auto sent = bench.submits();
    bench.bare(response(Command::submit_sm), sent[0].sequence, status::system_error);
    bench.tick();
    bench.session.broke("reset", bench.now);
    bench.tick(61min);
    CHECK(bench.desk.campaigns[flood].people[0].parts[0].code == status::expired);
}

TEST_CASE("A3: words that take something back go out after its expiry too") {
    Bench bench;
    bench.desk.invite({7, 2}, numbers(1));
    auto m = message({7, 2}, "更正", Action::withdraw);
    m.expires = noon - 1h;
    bench.office.carry(m, false);
    bench.bind();
    CHECK(bench.submits().size() == 1);
}

TEST_CASE("an expired order takes nobody, and the validity of what goes is what remains") {
    Bench bench;
    bench.order(flood, 3);
    bench.desk.campaigns[flood].granted = false;
    bench.bind();
    bench.tick(55min);
    bench.desk.campaigns[flood].granted = true;
    const auto sent = bench.submits();
    REQUIRE(!sent.empty());
    CHECK(sent[0].body.find("00000000045") != std::string::npos);  // 4 min 5x s
    Bench late;
    late.order(flood, 3);
    late.bind();
    late.now = noon + 1h;
    CHECK(late.submits().empty());
    CHECK(late.desk.takes == 0);
}

TEST_CASE("holes in a slice are nobody, and an impossible number is answered without being sent") {
    Bench bench;
    bench.desk.invite(flood, {8613800000000, 0, 1'000'000'000'000'000});
    bench.office.carry(message(flood, "暴雨"), false);
    bench.bind();
    CHECK(bench.submits().size() == 1);
    CHECK(bench.desk.campaigns[flood].people[1].parts.empty());
    CHECK(bench.desk.campaigns[flood].people[2].parts[0].code == status::invalid_destination);
}

TEST_CASE("the graver order goes first, and a retraction before all") {
    auto with = setup();
    with.links[0].window = 10;
    Bench bench(with);
    auto yellow = message({1, 1}, "yellow");
    yellow.level = Level::yellow;
    bench.desk.invite({1, 1}, numbers(10));
    bench.office.carry(yellow, false);
    bench.desk.invite({2, 1}, numbers(5));
    bench.office.carry(message({2, 1}, "red"), false);
    bench.desk.invite({3, 2}, numbers(2));
    bench.office.carry(message({3, 2}, "over", Action::withdraw), false);
    bench.bind();
    const auto sent = bench.submits();
    REQUIRE(sent.size() == 10);
    CHECK(sent[0].body.ends_with("over"));
    CHECK(sent[2].body.ends_with("red"));
    CHECK(sent[7].body.ends_with("yellow"));
}

TEST_CASE("sequence numbers wrap at 0x7FFFFFFF to 1, skip those still waiting, and match") {
    auto with = setup();
    with.links[0].window = 10;
    Bench bench(with, sequence_max - 12);
    bench.order(flood, 5000);
    bench.bind();
    auto held = bench.submits();
    const auto stuck = held[0];
    held.erase(held.begin());
    std::unordered_set<std::uint32_t> used{stuck.sequence};
    for (int round = 0; round < 60; ++round) {
        for (const auto& seen : held) {
            CHECK(used.insert(seen.sequence).second);
            CHECK(seen.sequence >= 1);
            CHECK(seen.sequence <= sequence_max);
            bench.answer(seen.sequence, std::to_string(seen.sequence));
        }
        held = bench.submits(1ms);
        CHECK(held.size() == 9);
    }
    CHECK(used.contains(1));
    CHECK(used.contains(sequence_max));
    bench.answer(stuck.sequence, "stuck");
    bench.tick();
    CHECK(bench.desk.campaigns[flood].people[0].accepted());
    CHECK(bench.session.lane()->counters().stray == 0);
}

TEST_CASE("an enquiry of the peer is answered before everything that waits") {
    Bench bench;
    bench.order(flood, 100);
    bench.bind();
    bench.office.tick(bench.now);
    bench.session.outbox().sent(30);  // the first submit has left in part
    const auto begun = std::string(bench.session.outbox().waiting());
    bench.bare(Command::enquire_link, 555);
    const auto waiting = bench.session.outbox().waiting();
    const auto at = waiting.find("\0\0\0\x10\x80\0\0\x15"s);
    CHECK(at < 150);
    CHECK(waiting.substr(0, at) == begun.substr(0, at));
}

TEST_CASE("a silent peer is asked twice, then the link is dead; any word resets") {
    Bench bench;
    bench.bind();
    CHECK(bench.tick(29s).empty());
    auto seen = bench.tick(1s);
    REQUIRE(has(seen, Command::enquire_link));
    bench.bare(response(Command::enquire_link), seen[0].sequence);
    CHECK(bench.tick(29s).empty());
    CHECK(has(bench.tick(1s), Command::enquire_link));
    CHECK(has(bench.tick(5s), Command::enquire_link));
    CHECK(bench.closes == 0);
    bench.tick(5s);
    CHECK(bench.closes == 1);
    CHECK(bench.desk.state() == LinkState::down);
}

TEST_CASE(
    "a probe is an enquire_link's round trip, and fails loudly when not bound or unanswered") {
    Bench bench;
    bench.office.probe();
    bench.tick();
    REQUIRE(bench.desk.probes.size() == 1);
    CHECK_FALSE(bench.desk.probes[0].well);
    bench.session.broke("x", bench.now);
    bench.now += 5s;
    bench.bind();
    bench.office.probe();
    auto seen = bench.tick();
    REQUIRE(has(seen, Command::enquire_link));
    bench.now += 12ms;
    bench.bare(response(Command::enquire_link), seen[0].sequence);
    REQUIRE(bench.desk.probes.size() == 2);
    CHECK(bench.desk.probes[1].well);
    CHECK(bench.desk.probes[1].took == 12ms);
    bench.office.probe();
    bench.tick();
    bench.tick(6s);
    REQUIRE(bench.desk.probes.size() == 3);
    CHECK_FALSE(bench.desk.probes[2].well);
    bench.office.probe();
    bench.tick();
    bench.session.broke("reset", bench.now);
    REQUIRE(bench.desk.probes.size() == 4);
    CHECK_FALSE(bench.desk.probes[3].well);
    CHECK(bench.desk.probes[3].what == "reset");
}

TEST_CASE("F3: a network that accepts and brings no receipts for 60 s is an alarm, until it does") {
    Bench bench;
    bench.order(flood, 10);
    bench.bind();
    const auto sent = bench.submits();
    for (std::size_t i = 0; i < 9; ++i) bench.answer(sent[i].sequence, std::to_string(i));
    bench.tick(20s);
    bench.answer(sent[9].sequence, "9");
    bench.tick();
    CHECK(bench.desk.probes.empty());
    for (int i = 0; i < 13; ++i)
        for (const auto& pdu : bench.tick(5s)) bench.bare(response(pdu.command), pdu.sequence);
    REQUIRE(bench.desk.probes.size() == 1);
    CHECK_FALSE(bench.desk.probes[0].well);
    bench.office.probe();
    for (const auto& pdu : bench.tick()) bench.bare(response(pdu.command), pdu.sequence);
    REQUIRE(bench.desk.probes.size() == 2);
    CHECK_FALSE(bench.desk.probes[1].well);
    bench.delivered(1, "0");
    bench.tick();
    bench.office.probe();
    for (const auto& pdu : bench.tick()) bench.bare(response(pdu.command), pdu.sequence);
    CHECK(bench.desk.probes.back().well);
}

TEST_CASE("it knocks with growing waits, starts over after a healthy minute, slowly when refused") {
    Bench bench;
    bench.jitter = 0.999999;
    const auto waits_until_knock = [&] {
        const auto before = bench.connects;
        auto waited = 0ms;
        while (bench.connects == before && waited < 20min) bench.tick(100ms), waited += 100ms;
        return waited;
    };
    bench.tick();
    for (const auto expected : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
        bench.session.broke("refused", bench.now);
        CHECK(waits_until_knock() == expected);
    }
    bench.session.connected(bench.now);
    auto seen = bench.read();
    std::string ok;
    put_taken(ok, response(Command::bind_transceiver), 0, seen[0].sequence);
    bench.say(ok);
    for (int i = 0; i < 13; ++i) {
        for (const auto& pdu : bench.tick(5s)) bench.bare(response(pdu.command), pdu.sequence);
    }
    bench.session.broke("reset", bench.now);
    CHECK(waits_until_knock() == 1s);

    struct Row {
        std::uint32_t status;
        std::chrono::milliseconds wait;
    };
    for (const auto& row : {Row{0x05, 60s}, Row{0x0D, 5min}, Row{0x0E, 5min}, Row{0x0F, 5min}}) {
        CAPTURE(row.status);
        bench.session.connected(bench.now);
        seen = bench.read();
        std::string refused;
        put_bare(refused, response(Command::bind_transceiver), row.status, seen[0].sequence);
        bench.say(refused);
        bench.tick();
        CHECK(bench.session.phase() == Phase::closed);
        CHECK(waits_until_knock() == row.wait);
    }
}

TEST_CASE("no connection and no answer to the bind within 5 s each") {
    Bench bench;
    bench.tick();
    bench.tick(4990ms);
    CHECK(bench.closes == 0);
    bench.tick(20ms);
    CHECK(bench.closes == 1);
    bench.tick(2s);
    CHECK(bench.connects == 2);
    bench.session.connected(bench.now);
    bench.tick(5010ms);
    CHECK(bench.closes == 2);
}

TEST_CASE("R11 A8: stop sends nothing new, waits for answers, unbinds, then closes") {
    Bench bench;
    bench.order(flood, 1000);
    bench.bind();
    const auto sent = bench.submits();
    bench.bare(response(Command::submit_sm), sent[0].sequence, status::system_error);
    bench.office.stop();
    CHECK(bench.tick().empty());
    for (std::size_t i = 1; i < sent.size(); ++i) {
        CHECK_FALSE(has(bench.tick(), Command::unbind));
        bench.answer(sent[i].sequence, std::to_string(i));
    }
    bench.tick();
    const auto last = bench.tick();
    REQUIRE(last.size() == 1);
    CHECK(last[0].command == Command::unbind);
    CHECK(bench.closes == 0);
    bench.bare(response(Command::unbind), last[0].sequence);
    bench.tick();
    CHECK(bench.closes == 1);
    CHECK(bench.office.ended());
    bench.tick(10min);
    CHECK(bench.connects == 1);
    CHECK(bench.desk.campaigns[flood].people[0].parts[0].code == (8 | worth_another_try));
    CHECK(bench.desk.accepted(flood) == sent.size() - 1);
}

TEST_CASE("a peer that never answers holds up a stop for 7 s, not for ever") {
    Bench bench;
    bench.order(flood, 10);
    bench.bind();
    bench.submits();
    bench.office.stop();
    bench.tick();
    bench.tick(4s);
    CHECK_FALSE(bench.office.ended());
    CHECK(has(bench.tick(1010ms), Command::unbind));
    bench.tick(2010ms);
    CHECK(bench.office.ended());
    CHECK(bench.desk.campaigns[flood].people[0].unknown == 1);
}

TEST_CASE("the peer's unbind is answered; a status 'not bound' leads to a new bind") {
    Bench bench;
    bench.order(flood, 2);
    bench.bind();
    const auto sent = bench.submits();
    bench.bare(response(Command::submit_sm), sent[0].sequence, status::invalid_bind_status);
    bench.answer(sent[1].sequence, "1");
    bench.tick();
    CHECK(has(bench.tick(), Command::unbind));
    bench.bare(Command::unbind, 77);
    CHECK(has(bench.tick(), response(Command::unbind)));
    CHECK(bench.closes == 1);
    bench.now += 2s;
    bench.bind();
    CHECK(bench.submits().size() == 1);  // the refused one
}

TEST_CASE("a lost stream is nacked with status 2 and closed, never searched for a next PDU") {
    Bench bench;
    bench.bind();
    bench.say("GET / HTTP/1.1\r\n\r\n");
    const auto seen = bench.tick();
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].command == Command::generic_nack);
    CHECK(seen[0].status == status::invalid_command_length);
    CHECK(bench.closes == 1);
}

TEST_CASE("a request that is not known is nacked with status 3 and the link lives on") {
    Bench bench;
    bench.bind();
    bench.bare(Command(0x111), 9);
    const auto seen = bench.tick();
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].command == Command::generic_nack);
    CHECK(seen[0].status == status::invalid_command);
    CHECK(seen[0].sequence == 9);
    CHECK(bench.closes == 0);
}

TEST_CASE(
    "a phone's words are acknowledged when durable, a broken deliver_sm is rejected at once") {
    Bench bench;
    bench.bind();
    const auto words = *shared::to_ucs2("退订");
    std::string out;
    const auto body = "\0\1\1"s + "8613912345678\0\0\1"s + "12379\0\0\0\0\0\0\0\0\x08\0"s +
                      char(words.size()) + words;
    put_bare(out, Command::deliver_sm, 0, 5);
    out[3] = char(16 + body.size());
    bench.say(out + body);
    bench.bare(Command::deliver_sm, 6);
    const auto seen = bench.tick();
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].status == 0x65);
    REQUIRE(bench.desk.messages.size() == 1);
    bench.office.durable(Ticket(1));
    const auto later = bench.tick();
    REQUIRE(later.size() == 1);
    CHECK(later[0].command == response(Command::deliver_sm));
    CHECK(later[0].status == 0);
    CHECK(later[0].sequence == 5);
    CHECK(bench.desk.messages[0] == std::pair("8613912345678"s, "退订"s));
}

TEST_CASE("R1: an id form is learnt in the run, and the receipts that missed are handed on again") {
    Bench bench;
    bench.order(flood, 20);
    bench.bind();
    const auto sent = bench.submits();
    for (std::size_t i = 0; i < 20; ++i)
        bench.answer(sent[i].sequence, fmt::format("{:X}", 0x10000000 + i));
    for (std::size_t i = 0; i < 20; ++i) {
        bench.delivered(std::uint32_t(i), fmt::format("{}", 0x10000000 + i));
        bench.tick();
    }
    CHECK(bench.desk.delivered(flood) == 20);
    CHECK(name(bench.reading()) == "tlv same, else text resp_hex_receipt_dec");
}

TEST_CASE("a peer with one id for all is accepted without receipts that would mean anything") {
    Bench bench;
    bench.order(flood, 40);
    bench.bind();
    const auto sent = bench.submits();
    for (const auto& seen : sent) bench.answer(seen.sequence, "msg_id_not_implemented");
    bench.delivered(1, "msg_id_not_implemented");
    bench.tick();
    CHECK(bench.desk.accepted(flood) == 40);
    CHECK(bench.desk.delivered(flood) <= 1);
}

TEST_CASE("the pace: no more than the rate in any second, and segments of one message fit") {
    auto with = setup();
    with.links[0].rate = 200;
    with.links[0].window = 4000;
    Bench bench(with);
    bench.order(flood, 3000);
    bench.bind();
    std::size_t total = 0;
    for (int i = 0; i < 1000; ++i) {
        const auto sent = bench.submits(10ms);
        total += sent.size();
        for (const auto& seen : sent) bench.answer(seen.sequence, std::to_string(seen.sequence));
    }
    CHECK(total <= 2005);
    CHECK(total >= 1985);
}

TEST_CASE(
    "a throttled pace falls to 70 % at once and climbs back by 2 % of the contract a second") {
    sms::Pace pace(1000, 4);
    auto now = noon;
    pace.available(now);
    pace.throttled(now, 0.7, 0.0);
    CHECK(pace.rate() == doctest::Approx(700));
    pace.throttled(now, 0.7, 0.0);  // of the same burst
    CHECK(pace.rate() == doctest::Approx(700));
    CHECK(pace.paused_until(now) == now + 250ms);
    now += 5s;
    pace.available(now);
    CHECK(pace.rate() == doctest::Approx(800));
    now += 1min;
    pace.available(now);
    CHECK(pace.rate() == doctest::Approx(1000));
    pace.available(now - 1h);  // a clock that steps back
    CHECK(pace.available(now - 1h + 10ms) <= 25);
}

TEST_CASE("one 0x58 in a hundred slows nothing; what the peer takes is not undercut") {
    sms::Pace pace(1000, 4);
    auto now = noon;
    for (int second = 0; second < 20; ++second)
        for (int tick = 0; tick < 100; ++tick, now += 10ms) {
            const auto room = std::min(pace.available(now), 10U);
            pace.spent(room);
            for (std::uint32_t i = 1; i < room; ++i) pace.answered();
            if (room == 10 && tick % 10 == 9) pace.throttled(now, 0.7, 0.0);  // 1 in 100
        }
    CHECK(pace.rate() == doctest::Approx(1000));
    // Now it takes 400 a second and refuses the others.
    for (int second = 0; second < 60; ++second)
        for (int tick = 0, taken = 0; tick < 100; ++tick, now += 10ms) {
            const auto room = pace.available(now);
            pace.spent(room);
            for (std::uint32_t i = 0; i < room; ++i)
                ++taken <= 400 ? pace.answered() : pace.throttled(now, 0.7, 0.5);
        }
    CHECK(pace.rate() > 250);
    CHECK(pace.rate() < 700);
}

TEST_CASE("without an agreed rate a throttled pace starts from what was really sent") {
    sms::Pace pace(0, 4);
    auto now = noon;
    for (int i = 0; i < 100; ++i) {
        CHECK(pace.available(now) > 1000);
        pace.spent(20);
        now += 10ms;
    }
    pace.available(now);
    pace.throttled(now, 0.7, 0.0);
    CHECK(pace.rate() == doctest::Approx(1400).epsilon(0.02));
}

TEST_CASE("references differ between neighbouring orders in their low byte too") {
    for (std::uint32_t ordinal = 1; ordinal < 300; ++ordinal)
        for (std::uint16_t revision = 1; revision < 20; ++revision) {
            const auto low = [](OrderId id) { return sms::reference_of(id) & 0xFF; };
            CHECK(low({ordinal, revision}) != low({ordinal + 1, revision}));
            CHECK(low({ordinal, revision}) != low({ordinal, std::uint16_t(revision + 1)}));
        }
}

}  // namespace
}  // namespace tocsin::smpp
