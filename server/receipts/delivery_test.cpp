#include "server/receipts/delivery.hpp"

#include "server/receipts/transition.hpp"

#include <doctest/doctest.h>

#include <random>

namespace tocsin::receipts {
namespace {

using contract::Action, contract::Evidence, contract::Said;
using namespace std::chrono_literals;

const Instant noon{std::chrono::milliseconds(1'800'000'000'000)};
constexpr Grade grades[] = {Grade::queued, Grade::handed,    Grade::accepted,
                            Grade::on_air, Grade::delivered, Grade::verified};
constexpr Ended endings[] = {Ended::open,    Ended::complete,  Ended::failed,     Ended::timed_out,
                             Ended::expired, Ended::cancelled, Ended::superseded, Ended::withdrawn};
constexpr Said words[] = {Said::handed,    Said::accepted, Said::on_air, Said::delivered,
                          Said::verified,  Said::refused,  Said::failed, Said::gone,
                          Said::displaced, Said::lost};

Delivery fresh(Action action = Action::publish) {
    Delivery d;
    d.endpoint = "board-7";
    d.channel = "board";
    d.order = {42, 1};
    d.action = action;
    d.queued_at = noon;
    d.expires = noon + 1h;
    return d;
}

Evidence say(Said said, std::chrono::milliseconds after = 1s, std::string code = "") {
    Evidence e{};
    e.order = {42, 1};
    e.said = said;
    e.at = noon + after;
    e.source = "peer";
    e.code = std::move(code);
    return e;
}

Evidence part(Said said, std::uint32_t reached, std::uint32_t of, std::string missing = "") {
    auto e = say(said, 1s, std::to_string(reached));
    e.reached = reached;
    e.of = of;
    if (!missing.empty()) e.missed = {missing};
    return e;
}

Delivery after(Delivery d, const std::vector<Evidence>& all, Grade highest) {
    for (const auto& e : all)
        if (auto next = fold(d, e, {highest})) d = *next;
    return d;
}

TEST_CASE("every state meets every evidence: the grade never falls, and only rows move an ending") {
    for (const auto highest : {Grade::accepted, Grade::on_air, Grade::verified})
        for (const auto grade : grades)
            for (const auto ended : endings)
                for (const auto said : words)
                    for (const auto action : {Action::publish, Action::withdraw}) {
                        if (grade > highest) continue;
                        auto d = fresh(action);
                        d.grade = grade;
                        d.ended = ended;
                        CAPTURE(word(grade));
                        CAPTURE(word(ended));
                        CAPTURE(word(said));
                        const auto next = fold(d, say(said), {highest});
                        if (!next) continue;
                        CHECK(next->grade >= grade);
                        CHECK(next->grade <= highest);
                        CHECK(next->evidence.size() == 1);
                        // Terminal stays terminal, whatever is said.
                        if (ended != Ended::open) CHECK(next->ended != Ended::open);
                        // What is withdrawn stays so; what was seen up never becomes a failure.
                        if (ended == Ended::withdrawn) CHECK(next->ended == Ended::withdrawn);
                        if (stage(next->grade) == Stage::shown && next->ended != ended)
                            CHECK((next->ended == Ended::complete ||
                                   next->ended == Ended::withdrawn));
                    }
}

TEST_CASE("what the peer's word does to an open delivery") {
    struct Row {
        Action action;
        Grade grade;
        Said said;
        std::chrono::milliseconds at;
        const char* state;
        bool ended;
    };
    using Said::failed, Said::gone, Said::lost, Said::refused;
    constexpr auto queued = Grade::queued;
    const auto publish = Action::publish, withdraw = Action::withdraw;
    const Row rows[] = {
        {publish, queued, Said::handed, 1s, "handed", false},
        {publish, queued, Said::accepted, 1s, "accepted", false},
        {publish, queued, Said::delivered, 1s, "delivered", false},  // it overtook its response
        {publish, Grade::handed, Said::verified, 1s, "verified", true},
        {publish, Grade::handed, refused, 1s, "failed", true},
        {publish, Grade::accepted, refused, 1s, "failed", true},
        {publish, Grade::handed, failed, 1s, "handed", false},
        {publish, Grade::on_air, gone, 1s, "withdrawn", true},
        {publish, Grade::on_air, gone, 1h, "on_air", true},  // its end, not a withdrawal
        {publish, Grade::on_air, lost, 1s, "on_air", false},
        {withdraw, queued, gone, 1s, "withdrawn", true},
        {withdraw, Grade::handed, gone, 1s, "withdrawn", true},
        {withdraw, Grade::handed, gone, 2h, "withdrawn", true},  // also after it expired
        {withdraw, Grade::handed, refused, 1s, "failed", true},
    };
    for (const auto& row : rows) {
        auto d = fresh(row.action);
        d.grade = row.grade;
        CAPTURE(word(row.grade));
        CAPTURE(word(row.said));
        const auto next = fold(d, say(row.said, row.at), {Grade::verified});
        REQUIRE(next);
        CHECK(state(*next) == std::string(row.state));
        CHECK(terminal(*next) == row.ended);
    }
    auto up = fresh();
    up.grade = Grade::on_air;
    CHECK_FALSE(fold(up, say(Said::refused), {Grade::verified}));  // absent: it was seen up
}

TEST_CASE("the channel's highest grade makes a delivery complete") {
    for (const auto highest : {Grade::handed, Grade::accepted, Grade::on_air, Grade::delivered})
        for (const auto said : {Said::handed, Said::accepted, Said::on_air, Said::delivered}) {
            CAPTURE(word(highest));
            CAPTURE(word(said));
            const auto d = after(fresh(), {say(said)}, highest);
            const bool reached = std::uint8_t(said) + 1 >= std::uint8_t(highest);
            CHECK((d.ended == Ended::complete) == reached);
        }
}

TEST_CASE("F9: a peer that claims more than its channel can prove is not believed") {
    const auto d = after(fresh(), {say(Said::verified)}, Grade::accepted);
    CHECK(d.grade == Grade::accepted);
    CHECK(state(d) == std::string("accepted"));
    CHECK(d.evidence.at(0).said == Said::verified);  // kept as it was said
    CHECK_FALSE(d.delivered_at);
}

TEST_CASE("F9: no answer is not success, and a promise is not a proof") {
    for (const auto grade : {Grade::queued, Grade::handed, Grade::accepted}) {
        auto d = fresh();
        d.grade = grade;
        const auto over = end(d, Ended::timed_out, noon + 2h, {Grade::verified});
        REQUIRE(over);
        CHECK(state(*over) == std::string("timed_out"));
        CHECK(over->grade == grade);
        CHECK_FALSE(end(d, Ended::complete, noon + 2h, {Grade::verified}));
    }
}

TEST_CASE("how the dispatcher ends what got so far") {
    struct Row {
        Grade grade;
        Ended how, to;
    };
    using enum Ended;
    const Row rows[] = {
        {Grade::queued, expired, expired},
        {Grade::queued, cancelled, cancelled},
        {Grade::queued, superseded, superseded},
        {Grade::queued, failed, failed},
        {Grade::handed, expired, expired},
        {Grade::accepted, timed_out, timed_out},
        {Grade::on_air, expired, complete},
        {Grade::on_air, timed_out, complete},
        {Grade::delivered, superseded, complete},
        {Grade::on_air, cancelled, withdrawn},
        {Grade::on_air, withdrawn, withdrawn},
        {Grade::on_air, complete, complete},
        {Grade::on_air, failed, open},
        {Grade::queued, complete, open},
    };
    for (const auto& row : rows) {
        auto d = fresh();
        d.grade = row.grade;
        CAPTURE(word(row.grade));
        CAPTURE(word(row.how));
        const auto next = end(d, row.how, noon + 1h, {Grade::verified});
        CHECK((next ? next->ended : open) == row.to);
        if (next) CHECK(next->ended_at == noon + 1h);
        if (next) CHECK_FALSE(end(*next, row.how, noon + 2h, {Grade::verified}));  // once
    }
}

TEST_CASE("a late DELIVRD overturns timed_out and every other short ending") {
    for (const auto how :
         {Ended::timed_out, Ended::expired, Ended::failed, Ended::cancelled, Ended::superseded}) {
        CAPTURE(word(how));
        auto d = fresh();
        d.grade = Grade::accepted;
        d = *end(d, how, noon + 1h, {Grade::delivered});
        d = after(d, {say(Said::delivered, 2h)}, Grade::delivered);
        CHECK(state(d) == std::string("delivered"));
        CHECK(d.ended == Ended::complete);
        CHECK(d.ended_at == noon + 2h);
    }
}

TEST_CASE("F11: a late acceptance raises the grade but proves no success") {
    auto d = *end(fresh(), Ended::timed_out, noon + 1h, {Grade::delivered});
    d = after(d, {say(Said::accepted, 2h)}, Grade::delivered);
    CHECK(d.grade == Grade::accepted);
    CHECK(state(d) == std::string("timed_out"));
}

TEST_CASE("F11: early, late, repeated and shuffled receipts end in the same state") {
    // Two tries: the first failed at the peer, the second went through (or did not).
    for (std::uint32_t seed = 1; seed <= 2000; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        const auto roll = [&](unsigned below) { return unsigned(random() % below); };
        const Grade highest = grades[1 + roll(5)];
        // A peer that counts screens counts them in every answer about them.
        const bool counts = highest > Grade::handed && roll(2);
        std::vector<Evidence> all;
        for (unsigned n = 1 + roll(6); n > 0; --n) {
            const auto said = words[roll(7)];  // grades, refused, failed
            auto e = say(said, std::chrono::seconds(roll(3000)), std::to_string(roll(4)));
            if (counts && said >= Said::accepted && said <= Said::verified)
                e.of = 5, e.reached = 1 + roll(5);
            all.push_back(e);
        }
        const auto finish = [&](std::vector<Evidence> list) {
            auto d = fresh();
            Grade before = d.grade;
            for (const auto& e : list)
                if (auto next = fold(d, e, {highest})) {
                    CHECK(next->grade >= before);
                    before = next->grade;
                    d = *next;
                }
            if (auto over = end(d, Ended::timed_out, noon + 2h, {highest})) d = *over;
            return d;
        };
        const auto one = finish(all);
        auto many = all;
        many.insert(many.end(), all.begin(), all.end());  // each twice
        std::shuffle(many.begin(), many.end(), random);
        const auto other = finish(many);
        CHECK(state(one) == std::string(state(other)));
        CHECK(one.grade == other.grade);
        CHECK(one.ended == other.ended);
        CHECK(one.partial == other.partial);
        CHECK(one.counts == other.counts);
        CHECK(one.handed_at == other.handed_at);
        CHECK(one.accepted_at == other.accepted_at);
        CHECK(one.delivered_at == other.delivered_at);
    }
}

TEST_CASE("a repeat changes nothing and is not kept again") {
    const auto once = after(fresh(), {say(Said::accepted)}, Grade::verified);
    CHECK_FALSE(fold(once, say(Said::accepted), {Grade::verified}));
    CHECK_FALSE(fold(once, say(Said::accepted, 9s), {Grade::verified}));  // the same words later
    CHECK(fold(once, say(Said::accepted, 9s, "other"), {Grade::verified}));
}

TEST_CASE("some of its screens is partial until all of them have it") {
    auto d = after(fresh(), {part(Said::on_air, 3, 5, "screen-4")}, Grade::on_air);
    CHECK(d.partial);
    CHECK(d.ended == Ended::open);  // partial is not the best that can be proved
    CHECK(d.missed == std::vector<std::string>{"screen-4"});
    CHECK(after(d, {part(Said::on_air, 2, 5)}, Grade::on_air).counts.delivered == 3);
    SUBCASE("then all") {
        d = after(d, {part(Said::on_air, 5, 5)}, Grade::on_air);
        CHECK_FALSE(d.partial);
        CHECK(d.ended == Ended::complete);
        CHECK(d.missed.empty());
    }
    SUBCASE("then its time runs out") {
        d = *end(d, Ended::timed_out, noon + 2h, {Grade::on_air});
        CHECK(d.ended == Ended::complete);
        CHECK(d.partial);
    }
    SUBCASE("a higher grade by fewer is partial again") {
        d = after(d, {part(Said::on_air, 5, 5), part(Said::verified, 2, 5)}, Grade::verified);
        CHECK(d.grade == Grade::verified);
        CHECK(d.partial);
        CHECK(d.counts.delivered == 2);
    }
}

TEST_CASE("F12: displaced is shown beside the grade until it is seen up again") {
    auto d = after(fresh(), {say(Said::on_air, 1s), say(Said::displaced, 2s)}, Grade::verified);
    CHECK(d.displaced);
    CHECK(state(d) == std::string("on_air"));
    CHECK_FALSE(after(d, {say(Said::on_air, 3s, "back")}, Grade::verified).displaced);
    // Old news that comes late does not bring it back.
    CHECK(after(d, {say(Said::on_air, 1500ms, "late")}, Grade::verified).displaced);
}

TEST_CASE(
    "bulk: a withdrawal is over when those who were reached know, not those who were planned") {
    auto planned = fresh();
    planned.action = contract::Action::withdraw;
    planned.counts.total = 1000;
    const auto told = *count(planned, {200, 200, 200, 200, 0, 0}, noon, {Grade::delivered});
    CHECK(told.counts.total == 200);
    CHECK(told.ended == Ended::complete);
    CHECK_FALSE(told.partial);
    const auto nobody = *count(planned, {0, 0, 0, 0, 0, 0}, noon, {Grade::delivered});
    CHECK(nobody.ended == Ended::complete);
    CHECK(nobody.counts.total == 0);
}

TEST_CASE("bulk: grades follow from the counts and never fall") {
    struct Row {
        Counts counts;
        const char* state;
        Ended ended;
        bool partial;
    };
    using enum Ended;
    // total, handed, accepted, delivered, failed, expired
    const Row rows[] = {
        {{10, 0, 0, 0, 0, 0}, "queued", open, false},
        {{10, 4, 0, 0, 0, 0}, "handed", open, true},
        {{10, 10, 10, 0, 0, 0}, "accepted", open, true},
        {{10, 10, 10, 4, 0, 0}, "delivered", open, true},
        {{10, 10, 10, 10, 0, 0}, "delivered", complete, false},
        {{10, 10, 10, 9, 1, 0}, "delivered", complete, true},
        {{10, 10, 10, 0, 10, 0}, "failed", failed, true},
        {{10, 0, 0, 0, 0, 10}, "expired", expired, false},
        {{10, 10, 10, 0, 4, 6}, "failed", failed, true},
    };
    for (const auto& row : rows) {
        CAPTURE(row.state);
        CAPTURE(row.counts.delivered);
        const auto d = count(fresh(), row.counts, noon + 1s, {Grade::delivered}).value_or(fresh());
        CHECK(state(d) == std::string(row.state));
        CHECK(d.ended == row.ended);
        CHECK(d.partial == row.partial);
    }
    auto d = *count(fresh(), {10, 10, 10, 6, 0, 0}, noon, {Grade::delivered});
    CHECK_FALSE(count(d, {10, 8, 7, 5, 0, 0}, noon, {Grade::delivered}));  // older totals
    d = *end(d, Ended::timed_out, noon + 2h, {Grade::delivered});
    CHECK(d.ended == Ended::complete);
    CHECK(d.partial);
    // All failed, then one was delivered after all.
    auto late = *count(fresh(), {2, 2, 2, 0, 2, 0}, noon, {Grade::delivered});
    CHECK(late.ended == Ended::failed);
    late = *count(late, {2, 2, 2, 1, 1, 0}, noon + 1h, {Grade::delivered});
    CHECK(state(late) == std::string("delivered"));
    CHECK(late.counts.failed == 1);
}

TEST_CASE("bulk without receipts is complete when the peer took all") {
    const auto d = *count(fresh(), {10, 10, 10, 0, 0, 0}, noon, {Grade::accepted});
    CHECK(d.ended == Ended::complete);
    CHECK(state(d) == std::string("accepted"));
}

TEST_CASE("only the last 32 pieces of evidence are kept") {
    auto d = fresh();
    for (int i = 0; i < 100; ++i)
        d = *fold(d, say(Said::failed, std::chrono::seconds(i), std::to_string(i)),
                  {Grade::verified});
    CHECK(d.evidence.size() == 32);
    CHECK(d.evidence.back().code == "99");
}

TEST_CASE("a record comes back as it was, and a damaged one never does") {
    auto d = after(fresh(), {part(Said::on_air, 3, 5, "屏-4"), say(Said::displaced, 2s, "x")},
                   Grade::verified);
    d.tries = 7;
    const auto bytes = pack(d);
    const auto back = unpack(bytes);
    REQUIRE(back.has_value());
    CHECK(*back == d);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        auto bad = bytes;
        bad[i] = char(bad[i] ^ 0x10);
        CAPTURE(i);
        CHECK(unpack(bad).has_error());
        CHECK(unpack(bytes.substr(0, i)).has_error());
    }
    CHECK(unpack(pack(fresh())).has_value());
}

TEST_CASE("a delivery as JSON names its word, its grade and its raw evidence") {
    const auto d = after(fresh(), {say(Said::accepted, 1s, "0x00")}, Grade::accepted);
    const auto text = to_json(d, true);
    CHECK(text.find(R"("state":"accepted")") != text.npos);
    CHECK(text.find(R"("ended":"complete")") != text.npos);
    CHECK(text.find(R"("code":"0x00")") != text.npos);
    CHECK(to_json(d, false).find("evidence") == std::string::npos);
}

}  // namespace
}  // namespace tocsin::receipts
