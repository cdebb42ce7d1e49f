#include "channels/sms/cmpp/bench_for_tests.hpp"
#include "channels/sms/cmpp/receipt.hpp"

namespace tocsin::cmpp {
namespace {

using contract::LinkState;
using sms::Phase, sms::Wish;

TEST_CASE("from CONNECT to delivered: each recipient is submitted, answered and reported once") {
    Bench bench;
    bench.order(12);
    bench.bind();
    const auto sent = bench.submits();
    CHECK(bench.desk.state() == LinkState::up);
    REQUIRE(sent.size() == 12);
    for (std::size_t i = 0; i < 12; ++i) {
        const auto number = std::to_string(8613800000000 + i);
        CHECK(sent[i]->submit.numbers == std::vector{std::string_view(number)});
        bench.answer(sent[i]->sequence, 100 + i);
        bench.report(std::uint32_t(i + 1), 100 + i);
    }
    CHECK(bench.submits().empty());
    REQUIRE(bench.desk.answers.size() == 12);
    REQUIRE(bench.desk.receipts.size() == 12);
    for (std::size_t i = 0; i < 12; ++i) {
        CHECK(bench.desk.answers[i].recipient == i);
        CHECK(bench.desk.answers[i].code == 0);
        CHECK(bench.desk.receipts[i].id == bench.desk.answers[i].id);
        CHECK(bench.desk.receipts[i].said == Said::delivered);
    }
}

TEST_CASE("what a SUBMIT says: who pays, who sends, how grave, how long it is valid") {
    Bench bench;
    bench.order(1);
    bench.bind();
    const auto sent = bench.submits();
    REQUIRE(sent.size() == 1);
    const auto& submit = sent[0]->submit;
    CHECK(submit.parts == 1);
    CHECK(submit.part == 1);
    CHECK(submit.level == 3);
    CHECK(submit.service_id == "WARN");
    CHECK(submit.fee_user_type == 2);
    CHECK(submit.fee_terminal == "");
    CHECK(submit.header == 0);
    CHECK(submit.format == 8);
    CHECK(submit.message_source == "106900");
    CHECK(submit.fee_type == "01");
    CHECK(submit.fee_code == "000000");
    CHECK(submit.source == "12379");
    CHECK(submit.at_time == "");
    CHECK(submit.numbers == std::vector{"8613800000000"sv});
    // Expires at 18:50:05, China's time; a started second counts as whole.
    CHECK(submit.valid_time.starts_with("2607211850"));
    CHECK(submit.valid_time.ends_with("032+"));
    CHECK(submit.words.size() == 12);
}

TEST_CASE("nothing is said before CONNECT_RESP, and nothing is asked for but a connection") {
    Bench bench;
    bench.order(5);
    bench.tick();
    CHECK(bench.session.wish() == Wish::connect);
    bench.session.connected(bench.now);
    const auto said = bench.read();
    REQUIRE(said.size() == 1);
    CHECK(said[0].command == Command::connect);
    CHECK(said[0].body.size() == 27);
    CHECK(bench.tick(1s).empty());
    CHECK(bench.desk.cursors.empty());
}

TEST_CASE("a refused CONNECT says why; address, secret and version wait five minutes") {
    struct Row {
        std::uint32_t status;
        std::uint8_t version;
        std::string_view why;
        bool slow;
    };
    const Row rows[] = {
        {1, 0x30, "structure", true},        {2, 0x30, "source address", true},
        {3, 0x30, "secret", true},           {4, 0x20, "the gateway speaks 2.0", true},
        {5, 0x30, "another", false},         {9, 0x30, "another", false},
        {0, 0x20, "version = \"2.0\"", true}};
    for (const auto& row : rows) {
        CAPTURE(row.status);
        Bench bench;
        log::threshold(log::Severity(9));
        const std::string proof(16, '\0');
        bench.bind(0, ConnectAnswer{row.status, proof, row.version});
        CHECK(bench.session.wish() == Wish::close);
        CHECK(bench.session.why().find(row.why) != std::string::npos);
        bench.session.broke("closed", bench.now);
        CHECK((*bench.session.retry_at() - bench.now == 5min) == row.slow);
        CHECK(bench.desk.state() == LinkState::down);
    }
}

TEST_CASE("a gateway that does not know the secret is not believed, unless the settings say so") {
    Bench strict;
    log::threshold(log::Severity(9));
    const std::string liar(16, 'x');
    strict.bind(0, ConnectAnswer{0, liar, 0x30});
    CHECK(strict.session.wish() == Wish::close);
    CHECK(strict.session.why().find("secret") != std::string::npos);
    Bench lenient("gateway_proof = \"ignored\"");
    lenient.bind(0, ConnectAnswer{0, liar, 0x30});
    CHECK(lenient.session.phase() == Phase::bound);
}

TEST_CASE("the window is sixteen, and an answer makes room for the next") {
    Bench bench("pages = 1");
    bench.order(40);
    bench.bind();
    auto sent = bench.submits();
    CHECK(sent.size() == 16);
    CHECK(bench.submits().empty());
    bench.answer(sent[3]->sequence, 33);
    CHECK(bench.submits().size() == 1);
}

TEST_CASE(
    "a report is acknowledged only when it is durable, and not at all if the link went first") {
    Bench bench;
    bench.order(1);
    bench.bind();
    const auto sent = bench.submits();
    bench.answer(sent[0]->sequence, 77);
    bench.report(41, 77);
    CHECK_FALSE(has(bench.tick(), Command::deliver_answer));
    REQUIRE(bench.desk.answers.size() == 1);
    CHECK(bench.desk.answers[0].id == key_of(77));
    REQUIRE(bench.desk.receipts.size() == 1);
    CHECK(bench.desk.receipts[0].id == key_of(77));
    CHECK(bench.desk.receipts[0].said == Said::delivered);
    bench.office.durable(contract::Ticket(0));
    CHECK_FALSE(has(bench.tick(), Command::deliver_answer));
    bench.office.durable(contract::Ticket(1));
    const auto said = bench.tick();
    REQUIRE(said.size() == 1);
    CHECK(said[0].sequence == 41);
    // The outer Msg_Id, that of the DELIVER.
    CHECK(*decode({said[0].command, 41, said[0].body}, Layout::v3) == Body(DeliverAnswer{1041, 0}));
    bench.report(42, 77);
    bench.tick();
    bench.session.broke("reset", bench.now);
    bench.office.durable(contract::Ticket(2));
    CHECK(bench.session.outbox().waiting().empty());
}

TEST_CASE(
    "F11: reports early, twice, late, in the short form or of an unknown id all reach the desk") {
    Bench bench;
    bench.order(1);
    bench.bind();
    const auto sent = bench.submits();
    bench.report(1, 77, "ACCEPTD");
    bench.report(2, 77);
    bench.answer(sent[0]->sequence, 77);
    bench.report(3, 77);
    bench.report(4, 12345, "MK:0012");
    const auto narrow = encode_report({77, "UNDELIV", "", "", "13800000000", 1}, Layout::v2);
    Deliver deliver;
    deliver.message_id = 9;
    deliver.registered = 1;
    deliver.words = narrow;
    bench.say(deliver, 5);
    bench.tick();
    REQUIRE(bench.desk.receipts.size() == 5);
    CHECK(bench.desk.receipts[0].said == Said::accepted);
    CHECK(bench.desk.receipts[3].said == Said::refused);
    CHECK(bench.desk.receipts[3].code == (10 << 12 | 12));
    CHECK(bench.desk.receipts[4].said == Said::refused);
    CHECK(bench.desk.receipts[4].id == key_of(77));
    bench.office.durable(contract::Ticket(bench.desk.tickets));
    CHECK(bench.tick().size() == 5);
}

TEST_CASE("a report that cannot be read is answered so, and hurts nothing") {
    Bench bench;
    log::threshold(log::Severity(9));
    bench.bind();
    Deliver deliver;
    deliver.message_id = 9;
    deliver.registered = 1;
    deliver.words = "too short";
    bench.say(deliver, 5);
    const auto said = bench.tick();
    REQUIRE(said.size() == 1);
    CHECK(*decode({said[0].command, 5, said[0].body}, Layout::v3) == Body(DeliverAnswer{9, 1}));
    CHECK(bench.session.brought().unreadable == 1);
    CHECK(bench.desk.receipts.empty());
    CHECK(bench.session.phase() == Phase::bound);
}

TEST_CASE("Result 8 slows the link and fails nobody; what it hit goes again") {
    Bench bench;
    bench.order(2);
    bench.bind();
    const auto sent = bench.submits();
    REQUIRE(sent.size() == 2);
    bench.answer(sent[0]->sequence, 0, result::flow);
    bench.answer(sent[1]->sequence, 2);
    CHECK(bench.submits().empty());
    CHECK(bench.desk.state() == LinkState::throttled);
    const auto again = bench.submits(0, 1500ms);
    REQUIRE(again.size() == 1);
    CHECK(again[0]->submit.numbers == sent[0]->submit.numbers);
    bench.answer(again[0]->sequence, 3);
    bench.tick();
    REQUIRE(bench.desk.answers.size() == 2);
    CHECK(bench.desk.answers[0].code == 0);
    CHECK(bench.desk.answers[1].code == 0);
    CHECK(bench.desk.state() == LinkState::up);
}

TEST_CASE("each Result has its meaning: this recipient, another link, later, or the whole order") {
    struct Row {
        std::uint32_t result;
        bool stops, later;
    };
    const Row rows[] = {{1, true, false},  {2, true, false},  {3, false, true},  {4, true, false},
                        {5, true, false},  {6, true, false},  {7, true, false},  {9, false, false},
                        {10, true, false}, {11, true, false}, {12, true, false}, {13, false, false},
                        {77, false, true}};
    for (const auto& row : rows) {
        CAPTURE(row.result);
        Bench bench;
        log::threshold(log::Severity(9));
        bench.order(1);
        bench.bind();
        bench.answer(bench.submits()[0]->sequence, 0, row.result);
        bench.tick();
        CHECK(bench.desk.answers.empty() == row.later);
        CHECK(bench.desk.evidences.empty() == !row.stops);
        if (row.stops) CHECK(bench.desk.evidences[0].said == Said::refused);
        if (!row.later) CHECK(bench.desk.answers[0].code == row.result);
        if (!row.later) continue;
        for (int i = 0; i < 2; ++i)
            bench.answer(bench.submits(0, 1100ms)[0]->sequence, 0, row.result);
        bench.tick();
        REQUIRE(bench.desk.answers.size() == 1);
        CHECK(bench.desk.answers[0].code == (row.result | contract::worth_another_try));
    }
    Bench own("permanent_results = [\"77\"]\nthrottle_results = [\"20\"]");
    CHECK(own.protocol.meaning(0, 77) == Meaning::permanent);
    CHECK(own.protocol.meaning(0, 20) == Meaning::throttle);
}

TEST_CASE("a long text goes in numbered parts of one reference; each part has its own id") {
    Bench bench;
    std::string words;
    for (int i = 0; i < 71; ++i) words += "雨";
    bench.order(1, words);
    bench.bind();
    const auto sent = bench.submits();
    REQUIRE(sent.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
        const auto& submit = sent[i]->submit;
        CHECK(submit.parts == 2);
        CHECK(submit.part == i + 1);
        CHECK(submit.header == 1);
        const std::string header{5, 0, 3, char(sms::reference_of(flood)), 2, char(i + 1)};
        CHECK(submit.words.starts_with(header));
        bench.answer(sent[i]->sequence, 100 + i);
    }
    bench.tick();
    REQUIRE(bench.desk.answers.size() == 2);
    CHECK(bench.desk.answers[1].part == 2);
    CHECK(bench.desk.answers[1].parts == 2);
    CHECK(bench.desk.answers[1].id == key_of(101));
}

TEST_CASE("A7: a text that needs more parts than the endpoint takes is refused, not cut") {
    Bench bench("pages = 1");
    log::threshold(log::Severity(9));
    std::string words;
    for (int i = 0; i < 71; ++i) words += "雨";
    bench.order(1, words);
    bench.tick();
    REQUIRE(bench.desk.evidences.size() == 1);
    CHECK(bench.desk.evidences[0].said == Said::refused);
    CHECK(bench.desk.evidences[0].text.find("2 segments") != std::string::npos);
}

TEST_CASE("A4: a drill goes out under its own source and is never urgent") {
    Bench bench("test_service_id = \"TEST\"");
    bench.order(1, "演练", contract::Level::red, true);
    bench.bind();
    const auto sent = bench.submits();
    REQUIRE(sent.size() == 1);
    CHECK(sent[0]->submit.source == "12370");
    CHECK(sent[0]->submit.service_id == "TEST");
    CHECK(sent[0]->submit.level == 0);
}

TEST_CASE("the signature stands at the head, once, and its room is taken off the budget") {
    Bench bench("signature = \"【北京气象】\"\npages = 2");
    bench.order(1, "Flood");
    bench.order(1, "【北京气象】Flood", contract::Level::red, false, {8, 1});
    bench.bind();
    const auto sent = bench.submits();
    REQUIRE(sent.size() == 2);
    CHECK(sent[0]->submit.words == sent[1]->submit.words);
    CHECK(sent[0]->submit.format == 8);
    CHECK(sent[0]->submit.words.size() == 2 * (6 + 5));
    CHECK(bench.protocol.setup().per_page == 67);
}

TEST_CASE("flash: at once on the screen by its class; a gateway that won't have it gets it plain") {
    Bench bench("flash_levels = [\"red\"]");
    log::threshold(log::Severity(9));
    bench.order(1);
    bench.order(1, "Rain", contract::Level::yellow, false, {8, 1});
    bench.bind();
    auto sent = bench.submits();
    REQUIRE(sent.size() == 2);
    CHECK(sent[0]->submit.format == 0x18);
    CHECK(sent[1]->submit.format == 0);
    bench.answer(sent[0]->sequence, 0, result::structure);
    sent = bench.submits();
    REQUIRE(sent.size() == 1);
    CHECK(sent[0]->submit.format == 8);
    CHECK(bench.desk.evidences.empty());
}

TEST_CASE("a link of 2.0 writes and reads 2.0") {
    Bench bench("version = \"2.0\"");
    bench.order(1);
    bench.bind();
    const auto sent = bench.submits();
    REQUIRE(sent.size() == 1);
    CHECK(sent[0]->body.size() + header_bytes == 138 + 21 + 12);
    CHECK(sent[0]->submit.numbers == std::vector{"8613800000000"sv});
    bench.answer(sent[0]->sequence, 77);
    bench.report(3, 77);
    bench.tick();
    CHECK(bench.desk.receipts[0].id == bench.desk.answers[0].id);
    bench.office.durable(contract::Ticket(1));
    const auto said = bench.tick();
    REQUIRE(said.size() == 1);
    CHECK(said[0].body.size() == 9);
}

TEST_CASE("links that send under different accounts say so in each SUBMIT") {
    Bench bench(
        "[[link]]\nname = \"a\"\nprefixes = [\"138\"]\n"
        "[[link]]\nname = \"b\"\nsource_addr = \"106901\"\nsource = \"1069012379\"\n"
        "prefixes = [\"139\"]\n");
    CHECK(bench.protocol.setup().forms.size() == 2);
    CHECK(bench.protocol.setup().links[1].account == 1);
    bench.order(1);
    bench.desk.invited[flood].push_back(8613900000000);
    bench.bind(0);
    bench.bind(2);
    const auto first = bench.submits();
    REQUIRE(first.size() == 1);
    CHECK(first[0]->submit.message_source == "106900");
    CHECK(first[0]->submit.numbers == std::vector{"8613800000000"sv});
    const auto second = bench.read(2);
    REQUIRE(second.size() == 1);
    const auto other =
        std::get<Submit>(*decode({second[0].command, 0, second[0].body}, Layout::v3));
    CHECK(other.message_source == "106901");
    CHECK(other.source == "1069012379");
    CHECK(other.numbers == std::vector{"8613900000000"sv});
}

TEST_CASE("R1: two accounts give the same Msg_Id to different people; each report finds its own") {
    Bench bench(
        "[[link]]\nname = \"a\"\nprefixes = [\"138\"]\n"
        "[[link]]\nname = \"b\"\nhost = \"other\"\nprefixes = [\"139\"]\n");
    bench.order(1);
    bench.desk.invited[flood].push_back(8613900000000);
    bench.bind(0);
    bench.bind(2);
    const auto sent = bench.submits();
    REQUIRE(sent.size() == 1);
    const auto other = bench.read(2);
    REQUIRE(other.size() == 1);
    bench.answer(sent[0]->sequence, 77);
    bench.say(SubmitAnswer{77, 0}, other[0].sequence, 2);
    bench.report(1, 77);
    bench.tick();
    REQUIRE(bench.desk.answers.size() == 2);
    REQUIRE(bench.desk.receipts.size() == 1);
    CHECK_FALSE(bench.desk.answers[0].id == bench.desk.answers[1].id);
    CHECK(bench.desk.receipts[0].id == bench.desk.answers[0].id);
}

TEST_CASE("a phone's reply is heard with its number in E.164 and acknowledged when durable") {
    Bench bench;
    bench.bind();
    Deliver deliver;
    deliver.message_id = 9;
    deliver.from = "13800000001";
    deliver.to = "12379";
    deliver.format = 15;
    deliver.words = "\xcd\xcb\xb6\xa9";
    bench.say(deliver, 5);
    CHECK(bench.tick().empty());
    REQUIRE(bench.desk.replies.size() == 1);
    CHECK(bench.desk.replies[0] == std::pair("8613800000001"s, "退订"s));
    bench.office.durable(contract::Ticket(bench.desk.tickets));
    const auto said = bench.tick();
    REQUIRE(said.size() == 1);
    CHECK(*decode({said[0].command, 5, said[0].body}, Layout::v3) == Body(DeliverAnswer{9, 0}));
    // In two parts, the second first, a character torn between them.
    deliver.format = 8;
    deliver.header = 1;
    deliver.words = "\x05\x00\x03\x07\x02\x02\x00"sv;
    bench.say(deliver, 6);
    deliver.words = "\x05\x00\x03\x07\x02\x01\x90"sv;
    bench.say(deliver, 7);
    bench.tick();
    REQUIRE(bench.desk.replies.size() == 2);
    CHECK(bench.desk.replies[1].second == "退");
}

TEST_CASE("ACTIVE_TEST is answered before all that waits, with its one reserved byte") {
    Bench bench;
    bench.order(10);
    bench.bind();
    bench.now += 10ms;
    bench.office.tick(bench.now);  // ten SUBMITs wait in the outbox
    bench.say(ActiveTest{}, 99);
    const auto said = bench.read();
    REQUIRE(said.size() == 11);
    CHECK(said[0].command == Command::active_test_answer);
    CHECK(said[0].sequence == 99);
    CHECK(said[0].body == "\0"s);
}

TEST_CASE(
    "a silent gateway is asked three times, then the link is dead and all it had is unknown") {
    Bench bench("active_test = \"30s\"\nactive_test_timeout = \"20s\"\nresponse_timeout = \"10m\"");
    log::threshold(log::Severity(9));
    bench.order(1);
    bench.bind();
    CHECK(bench.submits().size() == 1);
    int asked = 0;
    for (int second = 0; second < 85 && bench.session.wish() != Wish::close; ++second)
        asked += has(bench.tick(1s), Command::active_test);
    CHECK(asked == 3);
    CHECK(bench.session.wish() != Wish::close);
    for (int second = 0; second < 10; ++second) bench.tick(1s);
    CHECK(bench.session.wish() == Wish::close);
    bench.session.broke("closed", bench.now);
    CHECK(bench.desk.unknowns == std::vector<std::uint32_t>{0});
}

TEST_CASE("R14: a SUBMIT unanswered for T is unknown and goes back; three in a row end the link") {
    Bench bench("response_timeout = \"60s\"\nactive_test = \"10m\"");
    log::threshold(log::Severity(9));
    bench.order(4);
    bench.bind();
    const auto sent = bench.submits();
    REQUIRE(sent.size() == 4);
    bench.tick(59s);
    CHECK(bench.desk.unknowns.empty());
    bench.tick(2s);
    CHECK(bench.desk.unknowns.size() == 4);
    CHECK(bench.session.wish() == Wish::close);
}

TEST_CASE("a probe is an ACTIVE_TEST") {
    Bench bench;
    bench.bind();
    bench.office.probe();
    const auto said = bench.tick();
    REQUIRE(said.size() == 1);
    CHECK(said[0].command == Command::active_test);
    CHECK(bench.desk.probes.empty());
    bench.say(ActiveTestAnswer{}, said[0].sequence);
    REQUIRE(bench.desk.probes.size() == 1);
    CHECK(bench.desk.probes[0].well);
}

TEST_CASE("stop: what is with the gateway is awaited, then TERMINATE, then its answer") {
    Bench bench;
    bench.order(1);
    bench.bind();
    const auto sent = bench.submits();
    bench.office.stop();
    CHECK_FALSE(has(bench.tick(), Command::terminate));
    bench.answer(sent[0]->sequence, 1);
    auto said = bench.tick();
    for (int i = 0; i < 3 && said.empty(); ++i) said = bench.tick();
    REQUIRE(said.size() == 1);
    CHECK(said[0].command == Command::terminate);
    bench.say(TerminateAnswer{}, said[0].sequence);
    CHECK(bench.session.wish() == Wish::close);
    bench.session.broke("closed", bench.now);
    CHECK(bench.office.ended());
    CHECK(bench.desk.answers.size() == 1);
}

TEST_CASE("a gateway that says TERMINATE is answered, and the link comes back") {
    Bench bench;
    log::threshold(log::Severity(9));
    bench.bind();
    bench.say(Terminate{}, 50);
    const auto said = bench.read();
    REQUIRE(said.size() == 1);
    CHECK(said[0].command == Command::terminate_answer);
    CHECK(said[0].sequence == 50);
    CHECK(bench.session.wish() == Wish::close);
    bench.session.broke("closed", bench.now);
    bench.tick(5s);
    CHECK(bench.session.wish() == Wish::connect);
}

TEST_CASE("a stream that makes no sense is given up; an unknown command is only counted") {
    Bench bench;
    log::threshold(log::Severity(9));
    bench.bind();
    bench.session.received("\0\0\0\x0c\0\0\0\x09\0\0\0\x01"s, bench.now);
    CHECK(bench.session.phase() == Phase::bound);
    CHECK(bench.session.brought().unreadable == 1);
    bench.session.received("GET / HTTP/1.0\r\n"s, bench.now);
    CHECK(bench.session.wish() == Wish::close);
}

}  // namespace
}  // namespace tocsin::cmpp
