#include "channels/sms/smpp/bench_for_tests.hpp"

#include <set>

namespace tocsin::smpp {
namespace {

using sms::Network;

Setup links(std::size_t count, std::uint32_t window = 20) {
    Setup out;
    for (std::size_t i = 0; i < count; ++i) {
        out.links.push_back(link(fmt::format("link {}", i + 1)));
        out.links.back().window = window;
        out.links.back().account = fmt::format("operator {}", i + 1);
    }
    return out;
}

/// Several peers that answer by hand; `up` binds each that wishes to connect.
struct Several : Bench {
    using Bench::Bench;
    void up() {
        tick();
        for (const auto i : std::exchange(wished, {}))
            bind_one(i, office.session(i).role() == sms::Role::receiver ? Command::bind_receiver
                        : office.session(i).role() == sms::Role::transmitter
                            ? Command::bind_transmitter
                            : Command::bind_transceiver);
    }
    /// One tick; by link, what it was asked to submit.
    std::vector<std::vector<Seen>> all(std::chrono::milliseconds later = 5ms) {
        std::vector<std::vector<Seen>> out(settings.links.size());
        out[0] = submits(later);
        for (std::size_t link = 1; link < out.size(); ++link) out[link] = submits_of(link * 2);
        return out;
    }
    void answer_all(const std::vector<Seen>& sent, std::size_t link, std::uint32_t status = 0) {
        for (const auto& one : sent)
            if (status == 0)
                answer(one.sequence, fmt::format("{:X}", ++ids), link * 2);
            else
                bare(response(Command::submit_sm), one.sequence, status, link * 2);
    }
    std::uint64_t ids = 0x1000;
};

std::string number_of(const Seen& submit) {
    const auto from = submit.body.find("86");
    return submit.body.substr(from, submit.body.find('\0', from) - from);
}

TEST_CASE("the windows of all links together, and each answer makes room on its own") {
    Several bench(links(3));
    bench.order(flood, 100);
    bench.up();
    auto sent = bench.all();
    for (const auto& one : sent) CHECK(one.size() == 20);
    CHECK(bench.all()[0].empty());
    bench.answer_all({sent[1].begin(), sent[1].begin() + 5}, 1);
    sent = bench.all();
    CHECK(sent[0].empty());
    CHECK(sent[1].size() == 5);
    CHECK(sent[2].empty());
}

TEST_CASE("an endpoint is up while one link is, throttled only when all that are up are") {
    Several bench(links(2));
    bench.order(flood, 1000);
    bench.tick();
    CHECK(bench.desk.state() == LinkState::down);
    bench.bind_one(2, Command::bind_transceiver);
    CHECK(bench.desk.state() == LinkState::up);
    bench.bind_one(0, Command::bind_transceiver);
    auto sent = bench.all();
    bench.answer_all(sent[0], 0, status::throttled);
    bench.tick();
    CHECK(bench.desk.state() == LinkState::up);
    bench.answer_all(sent[1], 1, status::queue_full);
    bench.tick();
    CHECK(bench.desk.state() == LinkState::throttled);
    bench.office.session(0).broke("cut", bench.now);
    CHECK(bench.desk.state() == LinkState::throttled);
    bench.office.session(2).broke("cut", bench.now);
    CHECK(bench.desk.state() == LinkState::down);
}

TEST_CASE("0x58 and 0x14 slow one link only; what it refused leaves first, on the others") {
    for (const auto said : {status::throttled, status::queue_full}) {
        Several bench(links(2));
        bench.order(flood, 1000);
        bench.up();
        auto sent = bench.all();
        bench.answer_all(sent[0], 0, said);
        bench.answer_all(sent[1], 1);
        std::set<std::string> refused, next;
        for (const auto& one : sent[0]) refused.insert(number_of(one));
        sent = bench.all();
        CHECK(sent[0].empty());  // silent
        for (const auto& one : sent[1]) next.insert(number_of(one));
        CHECK(next == refused);
        CHECK(bench.desk.count(flood, [](const auto& p) { return p.unknown > 0; }) == 0);
    }
}

TEST_CASE("a link that dies gives back its window, others go on at once, and it takes up again") {
    Several bench(links(2));
    bench.order(flood, 100);
    bench.up();
    auto sent = bench.all();
    std::set<std::string> lost, next;
    for (const auto& one : sent[0]) lost.insert(number_of(one));
    bench.office.session(0).broke("cut", bench.now);
    CHECK(bench.desk.state() == LinkState::up);
    bench.answer_all(sent[1], 1);
    sent = bench.all();
    CHECK(sent[0].empty());
    for (const auto& one : sent[1]) next.insert(number_of(one));
    CHECK(next == lost);
    // And the other way round, once the first is back.
    bench.tick(2s);
    REQUIRE(bench.wished.back() == 0);
    bench.bind_one(0, Command::bind_transceiver);
    bench.office.session(2).broke("cut", bench.now);
    CHECK(bench.desk.state() == LinkState::up);
    sent = bench.all();
    CHECK(sent[0].size() == 20);
    CHECK(sent[1].empty());
    CHECK(bench.desk.count(flood, [](const auto& p) { return p.taken > 2; }) <= 20);
}

TEST_CASE("a receipt may come by any link of the account, acknowledged where it came") {
    auto with = links(2);
    with.links[1].account = with.links[0].account;
    Several bench(with);
    bench.order(flood, 2);
    bench.up();
    const auto sent = bench.all();
    std::size_t link = sent[0].empty() ? 1 : 0;
    bench.answer(sent[link][0].sequence, "A1", link * 2);
    bench.answer(sent[link][1].sequence, "A2", link * 2);
    bench.delivered(1, "A1", 0);
    bench.delivered(1, "A2", 2);
    bench.tick();
    CHECK(bench.desk.delivered(flood) == 2);
    bench.office.durable(Ticket(bench.desk.tickets));
    CHECK(has(bench.read(0), response(Command::deliver_sm)));
    CHECK(has(bench.read(2), response(Command::deliver_sm)));
}

TEST_CASE("F11: two operators may give the same id to different messages: each its own receipt") {
    for (const std::string id :
         {"A1", "a-rather-long-id-x", "no-less-than-19-byte", "6ba7b810-9dad-11d1-80b4"}) {
        CAPTURE(id);
        Several bench(links(2, 10));
        bench.order(flood, 11);
        bench.up();
        const auto sent = bench.all();
        REQUIRE(sent[0].size() == 10);
        REQUIRE(sent[1].size() == 1);
        bench.answer(sent[0][0].sequence, id, 0);
        bench.answer(sent[1][0].sequence, id, 2);
        bench.tick();
        bench.delivered(1, id, 2);
        bench.tick();
        CHECK(bench.desk.delivered(flood) == 1);
        CHECK(bench.desk.campaigns[flood].people[10].delivered());
        bench.delivered(1, id, 0);
        bench.tick();
        CHECK(bench.desk.delivered(flood) == 2);
    }
}

TEST_CASE("a pair: messages by the transmitter, receipts by the receiver") {
    auto with = links(1);
    with.links[0].pair = true;
    Several bench(with);
    bench.order(flood, 2);
    bench.tick();
    REQUIRE(bench.wished == std::vector<std::size_t>{0, 1});
    bench.bind_one(1, Command::bind_receiver);
    CHECK(bench.desk.links.size() == 0);  // a receiver alone sends nothing
    CHECK(bench.all()[0].empty());
    bench.bind_one(0, Command::bind_transmitter);
    CHECK(bench.desk.state() == LinkState::up);
    const auto sent = bench.all();
    REQUIRE(sent[0].size() == 2);
    bench.delivered(9, "1001", 1);  // before its answer
    bench.tick();
    bench.answer_all(sent[0], 0);
    bench.delivered(10, "1002", 1);
    bench.tick();
    CHECK(bench.desk.delivered(flood) == 2);
    bench.office.session(1).broke("cut", bench.now);
    CHECK(bench.desk.state() == LinkState::up);
}

TEST_CASE("a peer that knows no transceiver gets a pair at once") {
    Several bench(links(1));
    bench.order(flood, 2);
    bench.tick();
    bench.bind_one(0, Command::bind_transceiver, status::invalid_command);
    bench.wished.clear();
    bench.tick();
    CHECK(bench.closes == 1);
    bench.tick();
    CHECK(std::set(bench.wished.begin(), bench.wished.end()) == std::set<std::size_t>{0, 1});
    bench.bind_one(0, Command::bind_transmitter);
    bench.bind_one(1, Command::bind_receiver);
    CHECK(bench.all()[0].size() == 2);
    CHECK(bench.desk.state() == LinkState::up);
    bench.office.stop();
    for (int i = 0; i < 2000 && !bench.office.ended(); ++i) bench.tick();
    CHECK(bench.office.ended());
}

TEST_CASE("numbers go by network, ported ones by who has them now, the rest where no filter is") {
    auto with = links(3);
    with.links[0].filter.networks = {Network::cmcc};
    with.links[1].filter.networks = {Network::cucc, Network::ctcc};
    with.ported = *sms::Portability::parse("13800000002 cucc\n# moved\n+8618600000001,cmcc\n", "p");
    Several bench(with);
    bench.desk.invite(flood, {8613800000001, 8613800000002, 8618600000001, 8618600000002,
                              8618900000001, 8619200000001, 85291234567});
    bench.office.carry(message(flood, "暴雨"), false);
    bench.up();
    const auto sent = bench.all();
    const auto on = [&](std::size_t link) {
        std::set<std::string> out;
        for (const auto& one : sent[link]) out.insert(number_of(one));
        return out;
    };
    CHECK(on(0) == std::set<std::string>{"8613800000001", "8618600000001"});
    CHECK(on(1) == std::set<std::string>{"8613800000002", "8618600000002", "8618900000001"});
    CHECK(sent[2].size() == 2);
}

TEST_CASE("an unfiltered link stands in for those that are down, and only then") {
    auto with = links(2);
    with.links[0].filter.networks = {Network::cmcc};
    Several bench(with);
    bench.order(flood, 60);  // all 138
    bench.up();
    auto sent = bench.all();
    CHECK(sent[0].size() == 20);
    CHECK(sent[1].empty());
    bench.office.session(0).broke("cut", bench.now);
    sent = bench.all();
    CHECK(sent[1].size() == 20);
}

TEST_CASE("a route that is down for 10 s goes by any link rather than not at all") {
    auto with = links(2);
    with.links[0].filter.networks = {Network::cmcc};
    with.links[1].filter.networks = {Network::cucc};
    Several bench(with);
    bench.order(flood, 10);  // all 138
    bench.up();
    REQUIRE(bench.all()[0].size() == 10);
    bench.office.session(0).broke("cut", bench.now);
    CHECK(bench.all()[1].empty());
    CHECK(bench.all(9s)[1].empty());
    CHECK(bench.all(1s)[1].size() == 10);
}

TEST_CASE("a link whose route refuses the order alike does not hold up the others") {
    auto with = links(2);
    with.links[0].filter.networks = {Network::cmcc};
    with.links[1].filter.networks = {Network::cucc};
    Several bench(with);
    bench.order(flood, 100);  // all 138
    bench.up();
    auto sent = bench.all();
    bench.answer_all(sent[0], 0, status::invalid_source);
    for (int i = 0; i < 10; ++i) {
        sent = bench.all();
        CHECK(sent[0].empty());
        bench.answer_all(sent[1], 1);
    }
    bench.tick();
    CHECK(bench.desk.accepted(flood) == 100);
}

TEST_CASE("a number that no link serves is answered with a code of its own, for good") {
    auto with = links(1);
    with.links[0].filter.prefixes = {"139", "+852"};
    Several bench(with);
    bench.desk.invite(flood, {8613900000001, 8613800000001, 85291234567});
    bench.office.carry(message(flood, "暴雨", Action::publish), false);
    bench.up();
    CHECK(bench.all()[0].size() == 2);
    bench.tick();
    const auto& people = bench.desk.campaigns[flood].people;
    REQUIRE(people[1].parts.size() == 1);
    CHECK(people[1].parts[0].code == contract::no_route);
    CHECK_FALSE(people[0].parts.size());
}

TEST_CASE("a slice of a network whose link is full waits for it, others' numbers go on") {
    auto with = links(2);
    with.links[0].filter.networks = {Network::cmcc};
    with.links[1].filter.networks = {Network::cucc};
    Several bench(with);
    std::vector<std::uint64_t> people;
    for (std::uint64_t i = 0; i < 60; ++i) people.push_back(8613800000000 + i);
    for (std::uint64_t i = 0; i < 20; ++i) people.push_back(8618600000000 + i);
    bench.desk.invite(flood, people);
    bench.office.carry(message(flood, "暴雨"), false);
    bench.up();
    auto sent = bench.all();
    CHECK(sent[0].size() == 20);
    CHECK(sent[1].size() == 20);
    for (int round = 0; round < 2; ++round) {
        bench.answer_all(sent[0], 0);
        sent = bench.all();
        CHECK(sent[0].size() == 20);
    }
    CHECK(bench.desk.count(flood, [](const auto& p) { return p.taken != 1; }) == 0);
}

TEST_CASE("a red order overtakes what waits of a yellow one, on every link") {
    Several bench(links(2, 10));
    auto yellow = message(flood, "黄");
    yellow.level = Level::yellow;
    bench.desk.invite(flood, numbers(100));
    bench.office.carry(yellow, false);
    bench.up();
    auto sent = bench.all();
    bench.answer_all(sent[0], 0, status::throttled);  // ten wait now
    bench.order({8, 1}, 100, "红");
    bench.answer_all(sent[1], 1);
    sent = bench.all();
    const auto red = [](const Seen& one) { return one.body.find("\x7E\xA2") != one.body.npos; };
    CHECK(sent[1].size() == 10);
    CHECK(std::ranges::all_of(sent[1], red));
}

TEST_CASE("links of different form get each its own bytes, cut at the same places") {
    auto with = links(2);
    with.links[0].form.long_form = shared::LongForm::udh8;
    with.links[1].form.long_form = shared::LongForm::udh16;
    with.links[1].form.source = {5, 0, "BEIJING"};
    with.links[1].form.tlvs = std::string("\x14\0\0\2AB", 6);
    Several bench(with);
    std::string words;
    for (int i = 0; i < 71; ++i) words += "雨";
    bench.desk.invite(flood, numbers(20));
    bench.office.carry(message(flood, words), false);
    bench.up();
    const auto sent = bench.all();
    REQUIRE(sent[0].size() == 20);
    REQUIRE(sent[1].size() == 20);
    CHECK(sent[0][0].body.find("\x05\x00\x03"s) != std::string::npos);
    CHECK(sent[1][0].body.find("\x06\x08\x04"s) != std::string::npos);
    CHECK(sent[1][0].body.find("\5\0BEIJING\0"s) != std::string::npos);
    CHECK(sent[1][0].body.ends_with("\x14\0\0\2AB"s));
    // 66 characters and a header of 7 octets, in both.
    CHECK(sent[1][0].body.find(char(66 * 2 + 7) + "\x06"s) != std::string::npos);
    CHECK(sent[0][0].body.find(char(66 * 2 + 6) + "\x05"s) != std::string::npos);
}

TEST_CASE("a part of a long text is retried in the form of its others, or the whole goes again") {
    auto with = links(2);
    with.links[1].form.source = {5, 0, "BEIJING"};
    Several bench(with);
    std::string words;
    for (int i = 0; i < 71; ++i) words += "雨";
    bench.desk.invite(flood, numbers(1));
    bench.office.carry(message(flood, words), false);
    bench.up();
    const auto sent = bench.all();
    const std::size_t link = sent[0].empty() ? 1 : 0, other = 1 - link;
    REQUIRE(sent[link].size() == 2);
    bench.answer(sent[link][0].sequence, "A1", link * 2);
    bench.bare(response(Command::submit_sm), sent[link][1].sequence, 0x58, link * 2);
    CHECK(bench.all()[other].empty());
    bench.desk.resend = true;
    bench.office.session(link * 2).broke("cut", bench.now);
    bench.tick();  // told to the desk, which gives it again
    const auto again = bench.all();
    CHECK(again[other].size() == 2);
    CHECK(bench.desk.campaigns[flood].people[0].unknown == 1);
}

TEST_CASE("flash: class 0 first, then the display subunit, then plain, as the peer takes it") {
    auto with = links(1);
    with.links[0].form.flash_levels = 1 << std::uint8_t(Level::red);
    Several bench(with);
    bench.order(flood, 1);
    bench.up();
    auto sent = bench.all();
    const auto coding = [](const Seen& one) {
        return std::uint8_t(one.body[one.body.find("000R\0"s) + 7]);
    };
    REQUIRE(sent[0].size() == 1);
    CHECK(coding(sent[0][0]) == 0x18);
    bench.answer_all(sent[0], 0, 0x104);
    sent = bench.all();
    REQUIRE(sent[0].size() == 1);
    CHECK(coding(sent[0][0]) == 0x08);
    CHECK(sent[0][0].body.ends_with("\0\5\0\1\1"s));
    bench.answer_all(sent[0], 0, 0xC1);
    sent = bench.all();
    REQUIRE(sent[0].size() == 1);
    CHECK(coding(sent[0][0]) == 0x08);
    CHECK_FALSE(sent[0][0].body.ends_with("\0\5\0\1\1"s));
    bench.answer_all(sent[0], 0);
    bench.tick();
    CHECK(bench.desk.accepted(flood) == 1);
    CHECK(bench.desk.evidences.empty());
}

TEST_CASE("0x45 is a refusal of the form only while nothing in it was taken") {
    auto with = links(1);
    with.links[0].form.flash_levels = 1 << std::uint8_t(Level::red);
    Several bench(with);
    bench.order(flood, 2, "rain");
    bench.up();
    auto sent = bench.all();
    REQUIRE(sent[0].size() == 2);
    CHECK(sent[0][0].body.find("R\0\1\0\x10\0"s) != std::string::npos);
    bench.answer(sent[0][0].sequence, "A1");
    bench.bare(response(Command::submit_sm), sent[0][1].sequence, 0x45);
    CHECK(bench.all()[0].empty());  // a second later, and as it was
    sent = bench.all(1s);
    REQUIRE(sent[0].size() == 1);
    CHECK(sent[0][0].body.find(char(0x10) + "\0\4rain"s) != std::string::npos);
}

TEST_CASE("a link that refuses every recipient alike is left out; the order stops when all do") {
    Several bench(links(2));
    bench.order(flood, 30);
    bench.up();
    auto sent = bench.all();
    bench.answer_all(sent[0], 0, status::invalid_source);
    bench.answer_all(sent[1], 1);
    std::size_t first = 0, second = 0;
    for (int i = 0; i < 10; ++i) {
        sent = bench.all();
        first += sent[0].size(), second += sent[1].size();
        bench.answer_all(sent[1], 1);
    }
    bench.tick();
    CHECK(first == 0);
    CHECK(bench.desk.accepted(flood) == 30);
    CHECK(bench.desk.evidences.empty());
    bench.order({9, 1}, 40);
    sent = bench.all();
    bench.answer_all(sent[0], 0, status::invalid_source);
    bench.answer_all(sent[1], 1, status::invalid_source);
    bench.tick();
    REQUIRE(bench.desk.evidences.size() == 1);
    CHECK(bench.desk.evidences[0].said == Said::refused);
}

TEST_CASE("a retry avoids the link that failed it") {
    Several bench(links(2));
    bench.order(flood, 1);
    bench.up();
    auto sent = bench.all();
    const std::size_t link = sent[0].empty() ? 1 : 0;
    bench.answer_all(sent[link], link, status::system_error);
    sent = bench.all(1s);
    CHECK(sent[link].empty());
    CHECK(sent[1 - link].size() == 1);
}

TEST_CASE("each link's rate is measured while it has work") {
    Several bench(links(2, 100));
    bench.order(flood, 100'000);
    bench.up();
    auto sent = bench.all();
    for (int i = 0; i < 1000; ++i) {  // 5 s: 10 and 5 a tick are 2,000 and 1,000 a second
        bench.answer_all(
            {sent[0].begin(), sent[0].begin() + std::min<int>(10, int(sent[0].size()))}, 0);
        if (!sent[0].empty()) sent[0].erase(sent[0].begin(), sent[0].begin() + 10);
        bench.answer_all({sent[1].begin(), sent[1].begin() + 5}, 1);
        sent[1].erase(sent[1].begin(), sent[1].begin() + 5);
        const auto more = bench.all();
        for (std::size_t link = 0; link < 2; ++link)
            sent[link].insert(sent[link].end(), more[link].begin(), more[link].end());
    }
    CHECK(bench.office.submitter().lane(0).rate() == doctest::Approx(2000).epsilon(0.05));
    CHECK(bench.office.submitter().lane(1).rate() == doctest::Approx(1000).epsilon(0.05));
}

TEST_CASE("a probe is well when one link answers and names those that are down") {
    Several bench(links(2));
    bench.tick();
    bench.bind_one(0, Command::bind_transceiver);
    bench.office.probe();
    const auto seen = bench.tick();
    REQUIRE(has(seen, Command::enquire_link));
    bench.bare(response(Command::enquire_link), seen[0].sequence);
    REQUIRE(bench.desk.probes.size() == 1);
    CHECK(bench.desk.probes[0].well);
    CHECK(bench.desk.probes[0].what.find("link 2") != std::string::npos);
}

TEST_CASE("F3: an account without receipts is an alarm, though another brings its own") {
    Several bench(links(2));
    bench.order(flood, 40);
    bench.up();
    const auto sent = bench.all();
    bench.answer_all(sent[0], 0);
    bench.answer_all(sent[1], 1);
    bench.tick();
    for (int i = 0; i < 15; ++i) {
        bench.delivered(std::uint32_t(i + 1), fmt::format("{:X}", 0x1001 + i));
        bench.tick(5s);
    }
    REQUIRE(bench.desk.probes.size() == 1);
    CHECK_FALSE(bench.desk.probes[0].well);
}

TEST_CASE("a phone's message in segments is joined, whatever their order and header") {
    Bench bench;
    bench.bind();
    const auto rain = "\x66\xB4\x96\xE8"s, stop = "\x50\x5C\x6B\x62"s;
    bench.deliver(1, "\5\0\3\7\2\2"s + stop, 0x40, 8);
    CHECK(bench.desk.messages.empty());
    bench.deliver(2, "\5\0\3\7\2\1"s + rain, 0x40, 8);
    REQUIRE(bench.desk.messages.size() == 1);
    CHECK(bench.desk.messages[0].second == "暴雨停止");
    CHECK(bench.desk.messages[0].first == "86138");
    bench.deliver(3, "\6\x08\4\1\2\3\1"s + "\xD8\x3D"s, 0x40, 8);
    bench.deliver(4, "\6\x08\4\1\2\3\3"s + "\0!"s, 0x40, 8);
    bench.deliver(5, "\6\x08\4\1\2\3\2"s + "\xDE\x00"s, 0x40, 8);
    REQUIRE(bench.desk.messages.size() == 2);
    CHECK(bench.desk.messages[1].second == "😀!");
    // One that lacks its end is handed on after a minute.
    bench.deliver(6, "\5\0\3\x08\2\1"s + "TD", 0x40, 0);
    bench.tick(61s);
    REQUIRE(bench.desk.messages.size() == 3);
    CHECK(bench.desk.messages[2].second == "TD…");
}

TEST_CASE("phones' words are read in every coding") {
    struct Row {
        std::uint8_t coding;
        std::string octets, words;
    };
    const Row rows[] = {
        {0x00, "T\0D"s, "T@D"},
        {0x01, "stop", "stop"},
        {0x03, "\xE9t\xE9"s, "été"},
        {0x04, "\xE9"s, "é"},
        {0x06, "\xB4\xD0"s, "Да"},
        {0x07, "\xF9"s, "ש"},
        {0x08, "\x90\x00\x8B\xA2"s, "退订"},
        {0x0F, "\xCD\xCB\xB6\xA9"s, "退订"},
        {0x10, "TD", "TD"},
        {0x18, "\x90\x00"s, "退"},
        {0xF0, "1", "1"},
        {0xF4, "1", "1"},
        {0xE0, "\0001"s, "1"},
        {0x0E, "\xB0\xA1"s, "가"},
    };
    Bench bench;
    bench.bind();
    std::uint32_t sequence = 0;
    for (const auto& row : rows) {
        CAPTURE(int(row.coding));
        bench.desk.messages.clear();
        bench.deliver(++sequence, row.octets, 0, row.coding);
        REQUIRE(bench.desk.messages.size() == 1);
        CHECK(bench.desk.messages[0].second == row.words);
    }
}

TEST_CASE("an account's tag depends on its name only, and no two accounts have the same") {
    CHECK(tag_of("smsc:2775/city", {}) == tag_of("smsc:2775/city", {}));
    std::vector<Tag> taken;
    for (int i = 0; i < 600; ++i) taken.push_back(tag_of(std::to_string(i), taken));
    CHECK(std::set(taken.begin(), taken.end()).size() == 600);
}

TEST_CASE("messages that lack a part are bounded: the oldest makes room") {
    MemoryDesk desk;
    sms::Replies replies(desk);
    for (int i = 0; i < 1500; ++i)
        replies.took(std::to_string(i), {"x", sms::Letters::gsm7, 1, 1, 2}, noon + i * 1ms);
    CHECK(replies.open() == 1000);
    CHECK(desk.messages.size() == 500);
}

}  // namespace
}  // namespace tocsin::smpp
