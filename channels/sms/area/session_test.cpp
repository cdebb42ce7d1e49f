#include "channels/sms/area/session.hpp"

#include "channels/sms/area/status.hpp"
#include "server/base/log.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <set>

namespace tocsin::smpp_area {
namespace {

using namespace contract;
using namespace std::chrono_literals;

struct Notes final : Desk {
    void report(Evidence evidence) override { evidences.push_back(std::move(evidence)); }
    void link(LinkState state, std::optional<Instant> until) override {
        links.emplace_back(state, until);
    }
    void forgot() override {}
    void budgets(std::vector<Budget>) override {}
    void probed(Probed result) override { probes.push_back(std::move(result)); }
    void heard(std::string, std::string) override {}
    void serve(std::string, std::string, std::string) override {}

    std::vector<Said> said(OrderId id) const {
        std::vector<Said> out;
        for (const auto& evidence : evidences)
            if (evidence.order == id) out.push_back(evidence.said);
        return out;
    }
    const Evidence& last() const { return evidences.back(); }
    std::vector<Evidence> evidences;
    std::vector<std::pair<LinkState, std::optional<Instant>>> links;
    std::vector<Probed> probes;
};

constexpr OrderId flood{7, 1}, flood_again{7, 2}, storm{8, 1};

/// The session, and the peer's end of its line.
struct Bench {
    explicit Bench(std::function<void(Setup&)> change = {}) {
        log::threshold(static_cast<log::Severity>(int(log::Severity::error) + 1));
        setup.host = "mc", setup.bind = {"tocsin", "pw", ""};
        setup.live.source = setup.drill.source = {0, 1, "12379"};
        setup.drill.content_type = 0x71;
        setup.all_clear = 0ms;
        if (change) change(setup);
        session.emplace(setup, notes, [] { return 0.5; });
    }
    void step(std::chrono::milliseconds later = 0ms) {
        at += later;
        session->step(at);
        const auto wish = session->wish();
        if (wish == Wish::connect && connects) session->connected(at);
        if (wish == Wish::close) ++closes;
        auto& outbox = session->outbox();
        decoder.push(outbox.waiting());
        outbox.sent(outbox.waiting().size());
        while (auto pdu = *decoder.next()) sent.push_back(std::move(*pdu));
    }
    void answer(const std::string& pdu) {
        session->received(pdu, at);
        step();
    }
    void bind() {
        step();
        step();
        REQUIRE(!sent.empty());
        answer(bare(Command::bind_transmitter_resp, 0, take().sequence));
        REQUIRE(notes.links.back().first == LinkState::up);
    }
    Pdu take() {
        REQUIRE_FALSE(sent.empty());
        auto out = sent.front();
        sent.erase(sent.begin());
        return out;
    }
    Broadcast broadcast(Pdu* pdu = nullptr) {
        auto got = take();
        REQUIRE(got.command == Command::broadcast_sm);
        if (pdu) *pdu = got;
        return *parse_broadcast(got.body);
    }
    Message message(OrderId id, Action action = Action::publish, std::uint16_t shown = 0) {
        Message out{};
        out.id = id, out.shown = shown, out.action = action;
        out.mode = Mode::live, out.level = Level::red;
        out.expires = at + 10min;
        out.texts = {{Form::sms, "zh-CN", "暴雨"}};
        out.footprint = Regions{{"110105", "110108"}};
        return out;
    }
    void carry(const Message& m, bool drill = false) {
        session->carry(m, drill, at);
        step();
    }
    /// Publishes it and lets the peer say that it is on air.
    void put_up(OrderId id, const std::string& peer_id) {
        carry(message(id));
        accept(peer_id);
        step(setup.query_first);
        told(State::enroute, {100, 100});
        REQUIRE(notes.last().said == Said::on_air);
    }
    void accept(const std::string& peer_id) {
        Pdu pdu;
        broadcast(&pdu);
        answer(encode_answer(BroadcastAnswer{peer_id, {}}, pdu.sequence));
    }
    void told(State state, const std::vector<int>& shares) {
        const auto pdu = take();
        REQUIRE(pdu.command == Command::query_broadcast_sm);
        QueryAnswer out{"x", std::uint8_t(state), {}};
        const char* names[] = {"110105", "110108"};
        for (std::size_t i = 0; i < shares.size(); ++i)
            out.areas.push_back({named(names[i]), std::uint8_t(shares[i])});
        answer(encode_answer(out, pdu.sequence));
    }

    Setup setup;
    Notes notes;
    std::optional<Session> session;
    Decoder decoder;
    std::vector<Pdu> sent;
    Instant at{1'800'000'000s};
    bool connects = true;
    int closes = 0;
};

TEST_CASE("handed, accepted, on air: each when the peer has said it, and delivered never") {
    Bench bench;
    bench.bind();
    bench.carry(bench.message(flood));
    CHECK(bench.notes.said(flood) == std::vector{Said::handed});
    Pdu pdu;
    const auto broadcast = bench.broadcast(&pdu);
    CHECK(broadcast.areas == std::vector{named("110105"), named("110108")});
    CHECK(broadcast.priority == 2);
    CHECK(broadcast.valid_s == 600);
    CHECK(broadcast.replace);
    CHECK(broadcast.reference == reference_of(7, 0));
    CHECK(broadcast.data_coding == 8);
    bench.answer(encode_answer(BroadcastAnswer{"id-1", {}}, pdu.sequence));
    CHECK(bench.notes.last().said == Said::accepted);
    CHECK(bench.notes.last().ref == "id-1");
    CHECK(bench.notes.last().of == 2);
    bench.step(bench.setup.query_first);
    bench.told(State::scheduled, {255, 255});
    CHECK(bench.notes.last().said == Said::accepted);
    bench.step(1s);
    bench.told(State::enroute, {100, 0});
    CHECK(bench.notes.last().said == Said::on_air);
    CHECK(bench.notes.last().reached == 1);
    CHECK(bench.notes.last().of == 2);
    CHECK(bench.notes.last().missed == std::vector<std::string>{"110108: 0 %"});
    bench.step(2s);
    bench.told(State::delivered, {100, 100});
    CHECK(bench.notes.last().said == Said::on_air);
    CHECK(bench.notes.last().reached == 2);
    for (const auto& evidence : bench.notes.evidences) CHECK(evidence.said < Said::delivered);
}

TEST_CASE("areas that the peer did not take are named; the others are accepted") {
    Bench bench;
    bench.bind();
    bench.carry(bench.message(flood));
    Pdu pdu;
    bench.broadcast(&pdu);
    bench.answer(encode_answer(BroadcastAnswer{"id-1", {{0x10D, named("110108")}}}, pdu.sequence));
    CHECK(bench.notes.last().said == Said::accepted);
    CHECK(bench.notes.last().reached == 1);
    CHECK(bench.notes.last().of == 2);
    CHECK(bench.notes.last().missed == std::vector<std::string>{"110108: ESME_RBCASTFAIL"});
}

TEST_CASE("more areas than fit, and each language, go as broadcasts of their own") {
    Bench bench([](Setup& setup) { setup.areas_max = 1; });
    bench.bind();
    auto message = bench.message(flood);
    message.texts.push_back({Form::sms, "en-US", "Rainstorm"});
    bench.carry(message);
    std::set<std::uint16_t> references;
    for (int i = 0; i < 4; ++i) {
        Pdu pdu;
        const auto one = bench.broadcast(&pdu);
        CHECK(one.areas.size() == 1);
        CHECK(one.data_coding == (i < 2 ? 8 : 0));
        references.insert(*one.reference);
        bench.answer(encode_answer(BroadcastAnswer{fmt::format("id-{}", i), {}}, pdu.sequence));
        CHECK((bench.notes.last().said == Said::accepted) == (i == 3));
    }
    CHECK(references.size() == 4);
    CHECK(bench.notes.last().of == 4);
}

TEST_CASE("shapes: the drawn polygon goes, holes and all; without one the names") {
    Bench bench([](Setup& setup) { setup.shapes = true, setup.names = false; });
    bench.bind();
    auto message = bench.message(flood);
    std::get<Regions>(message.footprint).geometry =
        R"({"type":"Polygon","coordinates":[[[116,39],[117,39],[117,40],[116,39]]]})";
    bench.carry(message);
    const auto shaped = bench.broadcast();
    REQUIRE(shaped.areas.size() == 1);
    CHECK(points_of(shaped.areas[0]).size() == 3);
    bench.carry(bench.message(storm));
    CHECK(bench.broadcast().areas.size() == 2);
    auto broken = bench.message({9, 1});
    std::get<Regions>(broken.footprint).geometry = "{";
    bench.carry(broken);
    CHECK(bench.notes.last().said == Said::refused);
    CHECK(bench.sent.empty());
}

TEST_CASE(
    "A12: an update goes under the same reference to replace; what is left over is cancelled "
    "first") {
    Bench bench;
    bench.bind();
    auto two = bench.message(flood);
    two.texts.push_back({Form::sms, "en-US", "Rainstorm"});
    bench.carry(two);
    bench.accept("zh-1");
    bench.accept("en-1");
    bench.step(bench.setup.query_first);
    bench.told(State::enroute, {100, 100});
    bench.told(State::enroute, {100, 100});
    CHECK(bench.notes.last().said == Said::on_air);
    bench.carry(bench.message(flood_again, Action::update, 1));
    Pdu put;
    const auto newer = bench.broadcast(&put);
    CHECK(newer.replace);
    CHECK(newer.reference == reference_of(7, 0));
    const auto cancel = bench.take();
    REQUIRE(cancel.command == Command::cancel_broadcast_sm);
    CHECK(parse_cancel(cancel.body)->message_id == "en-1");
    bench.answer(encode_answer(BroadcastAnswer{"zh-1", {}}, put.sequence));
    CHECK(bench.notes.last().said == Said::accepted);
    bench.step(bench.setup.query_first);
    bench.told(State::enroute, {100, 100});
    CHECK(bench.notes.last().said == Said::accepted);  // the English one is still up
    bench.answer(bare(Command::cancel_broadcast_sm_resp, 0, cancel.sequence));
    CHECK(bench.notes.last().said == Said::on_air);
    CHECK(bench.notes.last().order == flood_again);
}

TEST_CASE("a peer that cannot replace: the old one is cancelled, then the new one goes") {
    Bench bench([](Setup& setup) { setup.replace = false; });
    bench.bind();
    bench.put_up(flood, "id-1");
    bench.carry(bench.message(flood_again, Action::update, 1));
    const auto cancel = bench.take();
    REQUIRE(cancel.command == Command::cancel_broadcast_sm);
    CHECK(parse_cancel(cancel.body)->message_id == "id-1");
    CHECK(bench.sent.empty());
    bench.answer(bare(Command::cancel_broadcast_sm_resp, 0, cancel.sequence));
    CHECK_FALSE(bench.broadcast().replace);
}

TEST_CASE("E4: an older revision that comes late changes nothing") {
    Bench bench;
    bench.bind();
    bench.put_up(flood_again, "id-1");
    const auto before = bench.notes.evidences.size();
    bench.carry(bench.message(flood));
    CHECK(bench.sent.empty());
    CHECK(bench.notes.evidences.size() == before);
}

TEST_CASE("a withdrawal cancels by the peer's id, and is gone when the peer said so") {
    Bench bench;
    bench.bind();
    bench.put_up(flood, "id-1");
    bench.carry(bench.message(flood_again, Action::withdraw, 1));
    const auto cancel = bench.take();
    REQUIRE(cancel.command == Command::cancel_broadcast_sm);
    const auto which = *parse_cancel(cancel.body);
    CHECK(which.message_id == "id-1");
    CHECK_FALSE(which.reference);
    CHECK(which.service_type == "CBS");
    CHECK(bench.notes.said(flood_again).empty());
    bench.answer(bare(Command::cancel_broadcast_sm_resp, 0, cancel.sequence));
    CHECK(bench.notes.said(flood_again) == std::vector{Said::gone});
    CHECK(bench.sent.empty());
}

TEST_CASE("the words that lift it go after the cancellation, for a while, and no longer") {
    Bench bench([](Setup& setup) { setup.all_clear = 5min; });
    bench.bind();
    bench.put_up(flood, "id-1");
    auto lift = bench.message(flood_again, Action::withdraw, 1);
    lift.expires = bench.at - 1min;  // over already: what is up must come down all the same
    bench.carry(lift);
    const auto cancel = bench.take();
    CHECK(bench.sent.empty());
    bench.answer(bare(Command::cancel_broadcast_sm_resp, 0, cancel.sequence));
    Pdu pdu;
    const auto words = bench.broadcast(&pdu);
    CHECK(words.valid_s == 300);
    CHECK(bench.notes.said(flood_again).empty());
    bench.answer(encode_answer(BroadcastAnswer{"id-2", {}}, pdu.sequence));
    CHECK(bench.notes.said(flood_again) == std::vector{Said::gone});
    bench.step(10min);
    for (const auto& pdu_sent : bench.sent) CHECK(pdu_sent.command == Command::enquire_link);
}

TEST_CASE("lifting words that are refused don't keep a withdrawal from being done, and are told") {
    Bench bench([](Setup& setup) { setup.all_clear = 5min; });
    bench.bind();
    bench.put_up(flood, "id-1");
    bench.carry(bench.message(flood_again, Action::withdraw, 1));
    bench.answer(bare(Command::cancel_broadcast_sm_resp, 0, bench.take().sequence));
    bench.answer(bare(Command::broadcast_sm_resp, 0x101, bench.take().sequence));
    CHECK(bench.notes.said(flood_again) == std::vector{Said::gone});
    CHECK(bench.notes.last().text.find("ESME_RPROHIBITED") != std::string::npos);
}

TEST_CASE("A3: after a restart a withdrawal cancels by reference whatever may be there") {
    Bench bench;
    bench.bind();
    bench.carry(bench.message(flood_again, Action::withdraw, 1));
    std::set<std::uint16_t> references;
    for (std::size_t i = 0; i < slots_max; ++i) {
        const auto cancel = bench.take();
        REQUIRE(cancel.command == Command::cancel_broadcast_sm);
        const auto which = *parse_cancel(cancel.body);
        CHECK(which.message_id.empty());
        CHECK(which.source == Address{0, 1, "12379"});
        references.insert(which.reference.value());
        const bool there = i == 0;
        bench.answer(bare(Command::cancel_broadcast_sm_resp, there ? 0u : 0x10Fu, cancel.sequence));
        if (there) continue;
        const auto query = bench.sent.back();
        bench.sent.pop_back();
        REQUIRE(query.command == Command::query_broadcast_sm);
        bench.answer(
            bare(Command::query_broadcast_sm_resp, status::invalid_message_id, query.sequence));
    }
    CHECK(references.size() == slots_max);
    CHECK(bench.notes.said(flood_again) == std::vector{Said::gone});
}

TEST_CASE("a cancellation that fails while it is still on air is tried again, then told") {
    Bench bench;
    bench.bind();
    bench.put_up(flood, "id-1");
    bench.carry(bench.message(flood_again, Action::withdraw, 1));
    for (int i = 0; i < 40 && bench.notes.said(flood_again).empty(); ++i) {
        if (bench.sent.empty()) {
            bench.step(5s);
            continue;
        }
        const auto pdu = bench.take();
        if (pdu.command == Command::cancel_broadcast_sm)
            bench.answer(bare(Command::cancel_broadcast_sm_resp, 0x10F, pdu.sequence));
        else if (pdu.command == Command::query_broadcast_sm)
            bench.answer(encode_answer(
                QueryAnswer{"id-1", std::uint8_t(State::enroute), {{named("110105"), 100}}},
                pdu.sequence));
        else
            bench.answer(bare(Command::enquire_link_resp, 0, pdu.sequence));
    }
    CHECK(bench.notes.said(flood_again) == std::vector{Said::failed});
    CHECK(bench.notes.last().text == "ESME_RBCASTCANCELFAIL");
}

TEST_CASE("E7: chains have references of their own") {
    std::set<std::uint16_t> seen;
    for (std::uint32_t ordinal = 1; ordinal <= 8000; ++ordinal)
        for (std::size_t slot = 0; slot < slots_max; ++slot)
            CHECK(seen.insert(reference_of(ordinal, slot)).second);
}

TEST_CASE(
    "E8: what was unanswered when the link broke goes again under its reference, to replace") {
    Bench bench;
    bench.bind();
    bench.carry(bench.message(flood));
    const auto first = bench.broadcast();
    bench.session->broke("gone", bench.at);
    CHECK(bench.notes.links.back().first == LinkState::down);
    bench.step(2s);
    bench.step();
    bench.answer(bare(Command::bind_transmitter_resp, 0, bench.take().sequence));
    const auto again = bench.broadcast();
    CHECK(again.reference == first.reference);
    CHECK(again.replace);
    CHECK(again.words == first.words);
    CHECK(bench.notes.said(flood) == std::vector{Said::handed});
}

TEST_CASE("D5: after its end nothing is sent, whether the peer was away or busy") {
    Bench bench;
    bench.bind();
    auto brief = bench.message(flood);
    brief.expires = bench.at + 500ms;
    bench.carry(brief);
    bench.answer(bare(Command::broadcast_sm_resp, status::queue_full, bench.take().sequence));
    CHECK(bench.sent.empty());
    for (int i = 0; i < 20; ++i) bench.step(200ms);
    CHECK(bench.sent.empty());
    CHECK(bench.notes.last().said == Said::refused);
    CHECK(bench.notes.last().code == "0x00000062");

    Bench away;
    away.connects = false;
    brief.id = storm;
    away.carry(brief);
    away.step(1s);
    CHECK(away.notes.said(storm) == std::vector{Said::refused});
}

TEST_CASE("F9: a refusal is told in the peer's own code, and not tried again") {
    Bench bench;
    bench.bind();
    bench.carry(bench.message(flood));
    bench.answer(bare(Command::broadcast_sm_resp, 0x108, bench.take().sequence));
    CHECK(bench.notes.last().said == Said::refused);
    CHECK(bench.notes.last().code == "0x00000108");
    CHECK(bench.notes.last().text == "ESME_RINVBCASTALIAS_NAME");
    bench.step(10s);
    CHECK(bench.sent.empty());
}

TEST_CASE("a busy peer is asked again after one, two, four seconds") {
    Bench bench;
    bench.bind();
    bench.carry(bench.message(flood));
    for (const auto wait : {1s, 2s, 4s}) {
        bench.answer(bare(Command::broadcast_sm_resp, status::throttled, bench.take().sequence));
        bench.step(wait - 1ms);
        CHECK(bench.sent.empty());
        bench.step(1ms);
        CHECK(bench.sent.size() == 1);
    }
}

TEST_CASE("what should be on air and is not is lost; handed over once more it goes again") {
    Bench bench;
    bench.bind();
    bench.put_up(flood, "id-1");
    bench.step(1s);
    bench.told(State::deleted, {});
    CHECK(bench.notes.last().said == Said::lost);
    CHECK(bench.notes.last().code == "DELETED");
    bench.carry(bench.message(flood));
    CHECK(bench.broadcast().reference == reference_of(7, 0));
}

TEST_CASE("a peer that takes it and then rejects it: refused, in its word") {
    Bench bench;
    bench.bind();
    bench.carry(bench.message(flood));
    bench.accept("id-1");
    bench.step(bench.setup.query_first);
    bench.told(State::rejected, {});
    CHECK(bench.notes.last().said == Said::refused);
    CHECK(bench.notes.last().text == "REJECTED");
}

TEST_CASE("D4: at its end it is gone when the peer says so; one that goes on is cancelled") {
    for (const auto state : {State::expired, State::enroute}) {
        CAPTURE(int(state));
        Bench bench([](Setup& setup) { setup.enquire_after = 1h; });
        bench.bind();
        bench.put_up(flood, "id-1");
        while (bench.at < Instant(1'800'000'000s) + 10min + 1s) {
            bench.step(1s);
            if (!bench.sent.empty() && bench.at < Instant(1'800'000'000s) + 10min + 1s)
                bench.told(State::enroute, {100, 100});
        }
        bench.told(state, {100, 100});
        if (state == State::enroute) {
            bench.step(2s);
            const auto cancel = bench.take();
            REQUIRE(cancel.command == Command::cancel_broadcast_sm);
            bench.answer(bare(Command::cancel_broadcast_sm_resp, 0, cancel.sequence));
        }
        CHECK(bench.notes.last().said == Said::gone);
        CHECK(bench.sent.empty());
    }
}

TEST_CASE("a drill has its own source and content type, and is never immediate") {
    Bench bench([](Setup& setup) { setup.drill.source = {5, 0, "DRILL"}; });
    bench.bind();
    bench.carry(bench.message(flood), true);
    const auto drill = bench.broadcast();
    CHECK(drill.source.digits == "DRILL");
    CHECK(drill.content_type == 0x71);
    CHECK(drill.priority == 0);
}

TEST_CASE("wrong credentials are told, not hammered; a bind already there waits") {
    for (const auto& [code, wait] :
         {std::pair{status::invalid_password, 300s}, std::pair{status::already_bound, 30s}}) {
        Bench bench;
        bench.step();
        bench.step();
        bench.answer(bare(Command::bind_transmitter_resp, code, bench.take().sequence));
        CHECK(bench.notes.links.back().first == LinkState::down);
        CHECK(bench.notes.links.back().second == bench.at + wait);
        bench.step(wait - 1ms);
        CHECK(bench.sent.empty());
        bench.step(1ms);
        bench.step();
        CHECK(bench.take().command == Command::bind_transmitter);
    }
}

TEST_CASE(
    "a silent peer: after three requests without an answer, or an enquiry, the link is dead") {
    Bench bench;
    bench.bind();
    for (const OrderId id : {flood, storm, OrderId{9, 1}}) bench.carry(bench.message(id));
    bench.sent.clear();
    bench.step(bench.setup.response_within);
    CHECK(bench.closes == 1);
    CHECK(bench.notes.links.back().first == LinkState::down);

    Bench quiet;
    quiet.bind();
    quiet.step(quiet.setup.enquire_after);
    CHECK(quiet.take().command == Command::enquire_link);
    quiet.step(quiet.setup.response_within);
    CHECK(quiet.closes == 1);
}

TEST_CASE("a probe is answered by the peer's own answer, and says why there is none") {
    Bench bench;
    bench.session->probe(bench.at);
    CHECK_FALSE(bench.notes.probes.back().well);
    bench.bind();
    bench.session->probe(bench.at);
    bench.step(20ms);
    bench.answer(bare(Command::enquire_link_resp, 0, bench.take().sequence));
    CHECK(bench.notes.probes.back().well);
    CHECK(bench.notes.probes.back().took == 20ms);
    bench.session->probe(bench.at);
    bench.session->broke("reset", bench.at);
    CHECK_FALSE(bench.notes.probes.back().well);
    CHECK(bench.notes.probes.back().what == "reset");
}

TEST_CASE("A8: it ends by unbind and withdraws nothing") {
    Bench bench;
    bench.bind();
    bench.put_up(flood, "id-1");
    bench.session->stop(bench.at);
    bench.step();
    const auto unbind = bench.take();
    CHECK(unbind.command == Command::unbind);
    bench.answer(bare(Command::unbind_resp, 0, unbind.sequence));
    CHECK(bench.sent.empty());
    CHECK(bench.closes == 1);
    CHECK(bench.notes.links.back().first == LinkState::down);
    bench.step(1h);
    CHECK(bench.sent.empty());
}

TEST_CASE("no more requests are under way than the window allows") {
    Bench bench([](Setup& setup) { setup.window = 2; });
    bench.bind();
    for (std::uint32_t ordinal = 1; ordinal <= 5; ++ordinal)
        bench.carry(bench.message({ordinal, 1}));
    CHECK(bench.sent.size() == 2);
    bench.accept("a");
    CHECK(bench.sent.size() == 2);
}

TEST_CASE("people's words, and commands that we do not know, are answered as the standard asks") {
    Bench bench;
    bench.bind();
    bench.answer(bare(Command::deliver_sm, 0, 9));
    CHECK(bench.take() == Pdu{Command::deliver_sm_resp, status::not_for_us, 9, ""});
    bench.answer(bare(Command::enquire_link, 0, 10));
    CHECK(bench.take() == Pdu{Command::enquire_link_resp, 0, 10, ""});
    bench.answer(bare(Command(0x44), 0, 11));
    CHECK(bench.take() == Pdu{Command::generic_nack, status::invalid_command, 11, ""});
    bench.session->received(std::string("\0\0\0\1", 4), bench.at);
    CHECK(bench.notes.links.back().first == LinkState::down);
}

}  // namespace
}  // namespace tocsin::smpp_area
