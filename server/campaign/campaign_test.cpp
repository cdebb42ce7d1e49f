#include "server/campaign/campaign.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <random>

namespace tocsin::campaign {
namespace {

using namespace std::chrono_literals;
using contract::Answer;
constexpr Instant noon{12h};
constexpr auto again = contract::worth_another_try;

contract::MessageId id_of(std::string_view text) {
    contract::MessageId id{};
    id.length = std::uint8_t(text.size());
    std::memcpy(id.bytes.data(), text.data(), text.size());
    return id;
}

Plan plan_for(std::vector<std::uint32_t> sizes) {
    Plan plan;
    plan.order = {1, 1};
    plan.mode = contract::Mode::test;
    plan.started = noon;
    plan.expires = noon + 1h;
    for (std::uint32_t g = 0; g < sizes.size(); ++g)
        plan.groups.push_back({g, sizes[g], g % 2 ? "en-US" : "zh-CN"});
    return plan;
}

/// What Redis would hold.
struct Disk {
    std::uint64_t seq = 0;
    std::uint32_t cursor = 0;
    std::string stopped;
    std::map<std::uint32_t, std::string> pages;
    std::vector<std::string> log, parts;

    bool apply(const Commit& commit) {  // as the script does it
        if (commit.seq <= seq) return false;
        seq = commit.seq;
        for (const auto& [field, value] : commit.fields) {
            if (field == "cursor") cursor = std::uint32_t(std::stoul(value));
            if (field == "stopped") stopped = value;
        }
        for (const auto& span : commit.spans) {
            auto& page = pages[span.page];
            page.resize(std::max(
                {page.size(), span.offset + span.data.size(), span.data.empty() ? page_bytes : 0}));
            std::memcpy(page.data() + span.offset, span.data.data(), span.data.size());
        }
        return true;
    }
    std::unique_ptr<Campaign> load(const Plan& plan, Limits limits, Instant now) const {
        auto campaign = std::make_unique<Campaign>(plan, limits, 2);
        campaign->restore_cursor(cursor, seq, stopped);
        for (const auto& [page, bytes] : pages) campaign->restore_page(page, bytes);
        for (const auto& segment : parts) campaign->restore_parts(segment);
        for (const auto& segment : log) campaign->restore_log(segment);
        campaign->restored(now);
        return campaign;
    }
};

void feed(Campaign& campaign, Instant now) {
    for (const auto page : campaign.pages_wanted()) {
        std::vector<std::uint64_t> numbers;
        for (std::uint32_t i = 0; i < campaign.place(page).recipients; ++i)
            numbers.push_back(1'000'000'000 + page * page_recipients + i);
        campaign.page_loaded(page, std::move(numbers), now);
    }
}
void write(Campaign& campaign, Disk& disk, Instant now) {
    while (const auto commit = campaign.next_commit(now))
        campaign.committed(commit->seq, disk.apply(*commit));
    if (auto log = campaign.take_log(); !log.empty()) disk.log.push_back(std::move(log));
    if (auto parts = campaign.take_parts(); !parts.empty()) disk.parts.push_back(std::move(parts));
}
struct Made {
    explicit Made(std::vector<std::uint32_t> sizes, Limits limits = {})
        : campaign(plan_for(std::move(sizes)), limits, 1) {
        feed(campaign, noon);
    }
    void grant(std::uint32_t n) {
        campaign.grant(n);
        write(campaign, disk, noon);
    }
    Disk disk;
    Campaign campaign;
};
std::uint32_t reals(const contract::Slice& slice) {
    return std::uint32_t(slice.numbers.size()) -
           std::uint32_t(std::ranges::count(slice.numbers, 0U));
}

TEST_CASE("nobody is taken before the intent is on disk, nor beyond the grant") {
    Made made({2500});
    CHECK(made.campaign.take(10, noon).numbers.empty());  // nothing granted
    made.campaign.grant(300);
    CHECK(made.campaign.take(10, noon).numbers.empty());  // not on disk
    const auto commit = made.campaign.next_commit(noon);
    REQUIRE(commit);
    CHECK(made.campaign.take(10, noon).numbers.empty());  // under way
    made.campaign.committed(commit->seq, made.disk.apply(*commit));
    CHECK(made.disk.cursor == 300);
    CHECK(reals(made.campaign.take(200, noon)) == 200);
    CHECK(reals(made.campaign.take(200, noon)) == 100);
    CHECK(made.campaign.take(200, noon).numbers.empty());
}

TEST_CASE("a slice is of one group, and a short last page ends it") {
    Made made({1003, 2});
    made.grant(2000);
    CHECK(made.campaign.take(5000, noon).numbers.size() == 1000);
    const auto rest = made.campaign.take(5000, noon);
    CHECK(rest.first == 1000);
    CHECK(rest.numbers.size() == 3);
    CHECK(rest.language == "zh-CN");
    const auto second = made.campaign.take(5000, noon);
    CHECK(second.first == 2000);
    CHECK(second.numbers.size() == 2);
    CHECK(second.language == "en-US");
    CHECK(made.campaign.take(5000, noon).numbers.empty());
}

TEST_CASE(
    "an intent that may not have been written is written again, and an older one never overtakes") {
    Made made({2000});
    made.campaign.grant(100);
    const auto lost = made.campaign.next_commit(noon);
    made.campaign.committed(lost->seq, false);
    CHECK(made.campaign.take(10, noon).numbers.empty());
    const auto second = made.campaign.next_commit(noon);
    REQUIRE(second);
    CHECK(made.disk.apply(*second));
    CHECK_FALSE(made.disk.apply(*lost));  // it arrives late, from the broken connection
    made.campaign.committed(second->seq, true);
    CHECK(reals(made.campaign.take(1000, noon)) == 100);
}

TEST_CASE("answers decide: taken, refused for good, another try after a pause, and not for ever") {
    Limits limits;
    limits.tries = 2;
    Made made({10}, limits);
    auto& c = made.campaign;
    made.grant(10);
    REQUIRE(c.take(3, noon).numbers.size() == 3);
    c.answered({0, 0, id_of("a")}, noon);
    c.answered({1, 0x0b, {}}, noon);
    c.answered({2, 0x58 | again, {}}, noon);
    CHECK(c.cell(0, noon).state == State::accepted);
    CHECK(c.cell(1, noon).state == State::failed);
    CHECK(c.cell(1, noon).error == 0x0b);
    CHECK(c.cell(2, noon).state == State::retrying);
    REQUIRE(c.take(7, noon).first == 3);
    c.grant(5);
    CHECK(c.take(5, noon).numbers.empty());  // it waits
    c.tick(noon + limits.retry_first);
    const auto slice = c.take(5, noon + limits.retry_first);
    CHECK(slice.first == 2);
    CHECK(slice.numbers.size() == 1);
    c.answered({2, 0x58 | again, {}}, noon + 3s);
    CHECK(c.cell(2, noon).state == State::failed);
    CHECK(c.counts().failed == 2);
}

TEST_CASE(
    "several segments: accepted with all answers, delivered with all receipts, failed with one") {
    Made made({5});
    auto& c = made.campaign;
    made.grant(5);
    c.take(2, noon);
    const auto say = [&](const char* id, Said said) {
        const auto match = c.find(hash_of(id_of(id)), id_of(id));
        REQUIRE(match);
        return c.settle(*match, said, 0, noon);
    };
    c.answered({0, 0, id_of("a1"), 1, 2}, noon);
    CHECK(c.cell(0, noon).state == State::handed);
    CHECK(say("a1", Said::delivered) == Settled::fresh);
    CHECK(say("a1", Said::delivered) == Settled::repeat);
    CHECK(c.cell(0, noon).state == State::handed);
    c.answered({0, 0, id_of("a2"), 2, 2}, noon);
    CHECK(c.cell(0, noon).state == State::accepted);
    CHECK(say("a2", Said::delivered) == Settled::fresh);
    CHECK(c.cell(0, noon).state == State::delivered);
    c.answered({1, 0, id_of("b2"), 2, 2}, noon);
    c.answered({1, 0, id_of("b1"), 1, 2}, noon);
    CHECK(say("b2", Said::refused) == Settled::fresh);
    CHECK(say("b1", Said::delivered) == Settled::conflict);
    CHECK(c.cell(1, noon).state == State::failed);
    CHECK(c.counts() == receipts::Counts{5, 2, 2, 1, 1, 0});
    write(c, made.disk, noon);
    auto back = made.disk.load(plan_for({5}), {}, noon);
    CHECK(back->cell(0, noon).state == State::delivered);
    CHECK(back->cell(1, noon).state == State::failed);
    CHECK(back->find(hash_of(id_of("b2")), id_of("b2"))->recipient == 1);
}

TEST_CASE("F11: what is intermediate changes nothing; the first final receipt stands") {
    Made made({5});
    auto& c = made.campaign;
    made.grant(5);
    c.take(2, noon);
    c.answered({0, 0, id_of("a")}, noon);
    const auto match = *c.find(hash_of(id_of("a")), id_of("a"));
    CHECK(c.settle(match, Said::accepted, 0, noon) == Settled::noted);
    CHECK(c.settle(match, Said::failed, 9, noon) == Settled::fresh);
    CHECK(c.settle(match, Said::failed, 9, noon) == Settled::repeat);
    CHECK(c.settle(match, Said::delivered, 0, noon) == Settled::conflict);
    CHECK(c.cell(0, noon).state == State::failed);
    CHECK(c.cell(0, noon).error == 9);
}

TEST_CASE("unanswered when the link broke: again, marked; a late answer or receipt calls it off") {
    Limits limits;
    limits.unknown_tries = 2;
    Made made({6}, limits);
    auto& c = made.campaign;
    made.grant(6);
    c.take(6, noon);
    for (std::uint32_t i = 0; i < 4; ++i) c.unknown(i, noon);
    c.answered({1, 0, id_of("late")}, noon);  // it was taken after all
    c.grant(10);
    const auto slice = c.take(10, noon);
    CHECK(slice.first == 0);
    CHECK(reals(slice) == 3);
    CHECK(slice.numbers.size() == 4);  // with a hole where 1 was
    CHECK(slice.numbers[1] == 0);
    CHECK(c.cell(0, noon).flags == repeated);
    CHECK(c.cell(1, noon).state == State::accepted);
    for (const std::uint32_t i : {0U, 2U, 3U}) c.unknown(i, noon);
    CHECK(c.take(10, noon).numbers.empty());  // bounded
    CHECK(c.cell(0, noon).state == State::handed);
    CHECK(c.cell(0, noon + 2h).state == State::timed_out);
}

TEST_CASE("answers about nobody are counted and change nothing") {
    Made made({3});
    auto& c = made.campaign;
    made.grant(3);
    c.take(1, noon);
    for (const std::uint32_t who : {1U, 2U, 3U, 999U, 1000U, 0xffffffffU}) {
        c.answered({who, 0, id_of("x")}, noon);
        c.unknown(who, noon);
    }
    c.answered({0, 0, id_of("a")}, noon);
    c.answered({0, 0, id_of("a")}, noon);
    c.unknown(0, noon);
    CHECK(c.tallies().strange == 13);
    CHECK(c.counts() == receipts::Counts{3, 1, 1, 0, 0, 0});
}

TEST_CASE("D5: at the instant of expiry nothing is taken any more") {
    Made made({100});
    made.grant(100);
    CHECK(reals(made.campaign.take(10, noon + 1h - 1ms)) == 10);
    CHECK(made.campaign.take(10, noon + 1h).numbers.empty());
    made.campaign.tick(noon + 1h);
    CHECK(made.campaign.stopped() == "expired");
    CHECK(made.campaign.counts().expired == 90);
    CHECK(made.campaign.take(10, noon).numbers.empty());  // not even if the clock goes back
}

TEST_CASE(
    "after a restart the campaign goes on: intents are counted from the cursor, not from nothing") {
    Limits limits;
    limits.head_start = 50;
    Made made({3000}, limits);
    made.campaign.grant(2000);
    for (int i = 0; i < 20; ++i) {
        write(made.campaign, made.disk, noon);
        const auto slice = made.campaign.take(1000, noon);
        for (std::uint32_t n = 0; n < slice.numbers.size(); ++n)
            made.campaign.answered({slice.first + n, 0, id_of(std::to_string(slice.first + n))},
                                   noon);
    }
    write(made.campaign, made.disk, noon);
    CHECK(made.disk.cursor >= 1000);
    auto back = made.disk.load(plan_for({3000}), limits, noon);
    const auto before = back->cursor();
    std::uint32_t taken = 0;
    feed(*back, noon);
    back->grant(500);
    for (int i = 0; i < 20; ++i) {
        write(*back, made.disk, noon);
        taken += reals(back->take(1000, noon));
    }
    CHECK(taken == 500);
    CHECK(back->cursor() > before);
}

TEST_CASE(
    "a rotten record is reported, its neighbours live, and its person is told rather twice than "
    "never") {
    Made made({10});
    made.grant(10);
    made.campaign.take(10, noon);
    for (std::uint32_t i = 0; i < 10; ++i)
        made.campaign.answered({i, 0, id_of(std::to_string(i))}, noon);
    write(made.campaign, made.disk, noon);
    made.disk.pages[0][4 * submit_bytes + 9] ^= 1;
    auto back = made.disk.load(plan_for({10}), {}, noon);
    CHECK(back->tallies().rotten == 1);
    CHECK(back->counts().accepted == 9);
    feed(*back, noon);
    back->grant(10);
    const auto slice = back->take(10, noon);
    CHECK(slice.first == 4);
    CHECK(slice.numbers.size() == 1);
}

TEST_CASE("memory: the image of a page goes when all of it is answered and written") {
    Made made({20'000});
    auto& c = made.campaign;
    std::size_t most = 0;
    for (std::uint32_t done = 0; done < 20'000; done += 500) {
        feed(c, noon);
        made.grant(500);
        const auto slice = c.take(500, noon);
        for (std::uint32_t n = 0; n < slice.numbers.size(); ++n)
            c.answered({slice.first + n, 0, id_of(std::to_string(slice.first + n))}, noon);
        write(c, made.disk, noon);
        most = std::max(most, c.images());
    }
    CHECK(most <= Limits{}.read_ahead + 2);
    CHECK(c.images() == 0);
    CHECK(c.exhausted());
}

/// A year of storms in a second: a campaign against a disk and a peer, with everything that may go
/// wrong, from a seed. `crash` keeps only what was committed.
struct Storm {
    explicit Storm(std::uint32_t seed) : random(seed) {
        limits.retry_first = 10ms;
        limits.head_start = 200;
        limits.tries = limits.unknown_tries = 100;
        campaign = std::make_unique<Campaign>(plan, limits, 1);
    }
    std::mt19937 random;
    Plan plan = plan_for({1700, 3, 900});
    Limits limits;
    Disk disk;
    std::unique_ptr<Campaign> campaign;
    Instant now = noon;
    struct Taken {
        std::uint32_t recipient;
        bool arrived;
    };
    std::vector<std::uint32_t> air;
    std::map<std::string, std::uint32_t> ids;  // of copies that the peer took
    std::vector<std::string> due;              // receipts to come
    std::map<std::uint32_t, std::set<State>> acknowledged;
    std::map<std::uint32_t, int> copies;
    std::set<std::uint32_t> refused;
    std::deque<Commit> flying;
    int at_risk = 0;
    std::set<std::uint32_t> touched;

    bool one_in(int n) { return random() % std::uint32_t(n) == 0; }

    std::set<std::uint32_t> answered_on_disk() const {
        std::set<std::uint32_t> known;
        for (const auto& [page, bytes] : disk.pages)
            for (std::uint32_t i = 0; i < page_recipients && (i + 1) * submit_bytes <= bytes.size();
                 ++i) {
                const auto s = get_submit(std::span<const char, submit_bytes>(
                    bytes.data() + i * submit_bytes, submit_bytes));
                if (s.has_error()) FAIL("a wrong CRC");
                if (s->state == State::accepted || s->state == State::failed)
                    known.insert(page * page_recipients + i);
            }
        return known;
    }
    void crash() {
        const auto known = answered_on_disk();
        for (const auto recipient : touched) at_risk += !known.contains(recipient);
        at_risk += int(air.size());
        air.clear();
        flying.clear();
        campaign = disk.load(plan, limits, now);
    }
    void io() {
        feed(*campaign, now);
        if (campaign->asks()) campaign->grant(1 + random() % 300);
        while (const auto commit = campaign->next_commit(now)) flying.push_back(*commit);
        while (!flying.empty() && !one_in(4)) {
            const bool lost = one_in(15);
            const bool well =
                (!lost || one_in(2)) && disk.apply(flying.front());  // lost: perhaps written
            campaign->committed(flying.front().seq, well && !lost);
            flying.pop_front();
        }
    }
    void take() {
        const auto slice = campaign->take(1 + random() % 100, now);
        for (std::uint32_t i = 0; i < slice.numbers.size(); ++i) {
            if (slice.numbers[i] == 0) continue;
            const auto recipient = slice.first + i;
            if (recipient >= disk.cursor) FAIL("handed over before its intent was on disk");
            if (slice.numbers[i] != 1'000'000'000 + recipient) FAIL("a number that is not his");
            if (final(campaign->cell(recipient, now).state)) FAIL("handed over after his end");
            air.push_back(recipient);
        }
    }
    void answer() {
        for (auto n = random() % 150; n > 0 && !air.empty(); --n) {
            std::swap(air[random() % air.size()], air.back());
            const auto recipient = air.back();
            air.pop_back();
            if (one_in(30)) {
                campaign->answered({recipient, 0x14 | again, {}}, now);
            } else if (one_in(40)) {
                refused.insert(recipient), touched.insert(recipient);
                campaign->answered({recipient, 0x0b, {}}, now);
            } else if (one_in(40)) {
                if (one_in(2)) arrive(recipient), ++at_risk;
                campaign->unknown(recipient, now);
            } else
                campaign->answered({recipient, 0, id_of(arrive(recipient))}, now);
        }
    }
    std::string arrive(std::uint32_t recipient) {
        const auto id = fmt::format("m{}", ids.size());
        ids[id] = recipient;
        ++copies[recipient];
        touched.insert(recipient);
        due.push_back(id);
        return id;
    }
    void receipts() {
        std::vector<std::pair<std::uint32_t, State>> given;
        std::vector<std::string> later;
        for (auto n = random() % 200; n > 0 && !due.empty(); --n) {
            std::swap(due[random() % due.size()], due.back());
            const auto id = due.back();
            due.pop_back();
            const auto match = campaign->find(hash_of(id_of(id)), id_of(id));
            if (!match) continue;  // an orphan: the copy nobody answered for
            if (match->recipient != ids[id]) FAIL("a receipt for somebody else");
            const bool fails = ids[id] % 17 == 0;
            campaign->settle(*match, fails ? Said::refused : Said::delivered, 0, now);
            given.emplace_back(ids[id], fails ? State::failed : State::delivered);
            if (one_in(20)) due.push_back(id);
        }
        auto log = campaign->take_log();
        if (one_in(10) && !log.empty()) {  // not on disk: nothing of it is acknowledged
            crash();
            for (const auto& [id, recipient] : ids)
                if (!acknowledged.contains(recipient)) due.push_back(id);
            return;
        }
        if (!log.empty()) disk.log.push_back(std::move(log));
        for (const auto& [recipient, state] : given) acknowledged[recipient].insert(state);
    }
    void step() {
        now += 3ms;
        campaign->tick(now);
        io();
        take();
        answer();
        receipts();
        if (one_in(60)) crash();
    }
};

TEST_CASE(
    "storms: whatever is lost and whenever it crashes, each person ends with exactly one true "
    "record") {
    for (std::uint32_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        Storm storm(seed);
        int steps = 0;
        const auto done = [&] { return storm.campaign->exhausted() && storm.due.empty(); };
        while (!done() && ++steps < 20'000) storm.step();
        REQUIRE(done());
        int more = 0;
        for (const auto& [_, copies] : storm.copies) more += copies - 1;
        CHECK(more <= storm.at_risk);
        const auto check = [&](const Campaign& c) {
            CHECK(c.counts().total == 2603);
            CHECK(c.counts().delivered + c.counts().failed == 2603);
            for (std::uint32_t i = 0; i < 3 * page_recipients + 900; ++i) {
                const auto cell = c.cell(i, storm.now);
                if (cell.state == State::skipped) continue;
                if (!storm.touched.contains(i)) FAIL("told without having been told");
                const bool receipt = storm.acknowledged.contains(i),
                           refused = storm.refused.contains(i);
                if (!receipt && !refused) FAIL("an end that nobody proved");
                if (receipt && !refused && !storm.acknowledged[i].contains(cell.state))
                    FAIL("an acknowledged receipt is lost");
            }
        };
        check(*storm.campaign);
        // Folded, with the log gone, the pages alone say the same.
        for (; !storm.flying.empty(); storm.flying.pop_front())
            storm.campaign->committed(storm.flying.front().seq,
                                      storm.disk.apply(storm.flying.front()));
        write(*storm.campaign, storm.disk, storm.now);
        storm.campaign->retire(storm.now);
        write(*storm.campaign, storm.disk, storm.now);
        CHECK(storm.campaign->retired());
        storm.disk.log.clear();
        check(*storm.disk.load(storm.plan, storm.limits, storm.now));
    }
}

TEST_CASE("storms with a stop: nothing is taken after it, and all end") {
    for (std::uint32_t seed = 100; seed <= 130; ++seed) {
        CAPTURE(seed);
        Storm storm(seed);
        for (std::uint32_t i = 0; i < 5 + seed % 20; ++i) storm.step();
        storm.campaign->stop("cancelled", storm.now);
        storm.plan.expires = storm.now + 1h;  // a crash before it is on disk: core says it again
        for (int i = 0; i < 300; ++i) {
            if (storm.campaign->stopped().empty()) storm.campaign->stop("cancelled", storm.now);
            const auto before = storm.copies.size() + storm.air.size() + storm.refused.size();
            CHECK(storm.campaign->take(100, storm.now).numbers.empty());
            storm.take();
            CHECK(storm.copies.size() + storm.air.size() + storm.refused.size() == before);
            storm.step();
        }
        if (storm.campaign->stopped().empty()) storm.campaign->stop("cancelled", storm.now);
        while (!storm.air.empty()) storm.answer();
        CHECK(storm.campaign->exhausted());
        const auto c = storm.campaign->counts();
        std::uint64_t open = 0;
        for (std::uint32_t i = 0; i < 3000; ++i) {
            const auto state = storm.campaign->cell(i, storm.now).state;
            open += state == State::none || state == State::retrying;
        }
        CHECK(open == 0);
        CHECK(c.total == 2603);
        CHECK(storm.campaign->all_final(storm.now + 3h));
    }
}

}  // namespace
}  // namespace tocsin::campaign
