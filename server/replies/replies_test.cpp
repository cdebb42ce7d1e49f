#include "server/replies/replies.hpp"

#include "server/campaign/heard.hpp"
#include "server/campaign/rig_for_tests.hpp"
#include "server/ledger/memory_ledger.hpp"
#include "server/ledger/names.hpp"

#include <doctest/doctest.h>

namespace tocsin::replies {
namespace {

using namespace std::chrono_literals;
using contract::Mode, contract::OrderId;

/// A campaign that told the numbers it is given.
struct Told : dispatch::BulkReports {
    std::map<OrderId, std::set<std::uint64_t>> numbers;
    boost::asio::io_context* loop = nullptr;
    void recipients(OrderId, Mode, std::uint32_t, ledger::Then<dispatch::RecipientPage>) override {}
    void find(OrderId order,
              Mode,
              std::uint64_t number,
              ledger::Then<std::optional<dispatch::Recipient>> then) override {
        std::optional<dispatch::Recipient> found;
        if (numbers[order].contains(number)) {
            found.emplace();
            found->state = "delivered";
            found->role = "responsible";
        }
        boost::asio::post(*loop, [then, found] { then(found); });
    }
};

struct Bench {
    campaign::rig::RedisChild redis;
    boost::asio::io_context io;
    ledger::MemoryLedger ledger{[this](auto what) { boost::asio::post(io, std::move(what)); }};
    Told told;
    std::unique_ptr<Replies> replies;

    Bench() {
        told.loop = &io;
        up();
    }
    void up() {
        replies = std::make_unique<Replies>(
            Replies::Needs{io,
                           {redis.address(), {}, {}},
                           ledger,
                           [this] {
                               return std::vector<Replies::Endpoint>{{"sms", &told}};
                           }},
            Words{});
        replies->start();
        REQUIRE(until([&] { return replies->known(); }));
    }
    template <class Done> bool until(Done done) {
        for (const auto end = std::chrono::steady_clock::now() + 10s; !done();) {
            if (std::chrono::steady_clock::now() > end) return false;
            io.restart();
            io.run_one_for(5ms);
        }
        return true;
    }
    void says(const std::string& from, const std::string& words) {
        redis.text({"XADD", campaign::heard_key("sms"), "*", "from", from, "words", words});
    }
    bool all_dealt_with() {
        replies->drain("sms");
        return until([&] { return redis.text({"XLEN", campaign::heard_key("sms")}) == "0"; });
    }
    std::vector<Unread> unread() {
        std::optional<std::vector<Unread>> out;
        replies->unread(10, "", [&](auto found) { out = *found; });
        REQUIRE(until([&] { return out.has_value(); }));
        return *out;
    }
    std::vector<Acknowledged> acknowledged(const std::string& alert) {
        std::optional<std::vector<Acknowledged>> out;
        replies->acknowledged(alert, [&](auto found) { out = *found; });
        REQUIRE(until([&] { return out.has_value(); }));
        return *out;
    }
    std::string alert(const std::string& identifier, Mode mode = Mode::live) {
        ledger::Acceptance a;
        a.mode = mode;
        a.id = ledger::make_alert_id(mode);
        a.triple = {"bureau", identifier, "2026-07-21T14:00:00+08:00"};
        a.digest = identifier;
        a.kind = ledger::Kind::alert;
        a.sent = now();
        a.expires = now() + 1h;
        bool done = false;
        ledger.look(mode, a.triple, {}, [&](Result<ledger::View> seen) {
            a.view = *seen;
            ledger.accept(a, [&](Result<ledger::Accepted> accepted) {
                REQUIRE(accepted->outcome == ledger::Accepted::Outcome::accepted);
                orders[identifier] = accepted->order;
                done = true;
            });
        });
        REQUIRE(until([&] { return done; }));
        return a.id;
    }
    std::map<std::string, OrderId> orders;
};

TEST_CASE("stop and start: the last word counts, and outlives the process") {
    Bench b;
    b.says("8613800138000", "TD");
    b.says("+8613800138001", "退订");
    b.says("8613800138001", "恢复");
    b.says("8613800138002", "please stop");
    b.says("13800138005", "退订");  // as many a gateway writes it
    b.says("0086 138 0013 8006", "TD");
    b.says("10086", "TD");  // nobody we tell: for the operator
    REQUIRE(b.all_dealt_with());
    CHECK(b.replies->opted_out(8613800138000));
    CHECK_FALSE(b.replies->opted_out(8613800138001));
    CHECK_FALSE(b.replies->opted_out(8613800138002));
    CHECK(b.replies->opted_out(8613800138005));
    CHECK(b.replies->opted_out(8613800138006));
    CHECK_FALSE(b.replies->opted_out(10086));
    REQUIRE(b.unread().size() == 2);
    CHECK(b.unread()[0].from == "10086");
    b.says("8613800138003", "td");  // while nobody listens
    b.up();
    REQUIRE(b.until([&] { return b.replies->opted_out(8613800138003); }));
    CHECK(b.replies->opted_out(8613800138000));
    CHECK(b.replies->opted_out_count() == 4);
}

TEST_CASE("what is no word of ours is kept for the operator, newest first") {
    Bench b;
    b.says("8613800138000", "水进屋了，请派人来");
    b.says("10086", "套餐");
    b.says("Bank", "hello");
    REQUIRE(b.all_dealt_with());
    const auto unread = b.unread();
    REQUIRE(unread.size() == 3);
    CHECK(unread[0].words == "hello");
    CHECK(unread[0].number == 0);
    CHECK(unread[2].words == "水进屋了，请派人来");
    CHECK(unread[2].number == 8613800138000);
    CHECK(unread[2].endpoint == "sms");
}

TEST_CASE("an acknowledgement is of the newest alert in force that this number was told") {
    Bench b;
    const auto a1 = b.alert("a1"), a2 = b.alert("a2");
    b.told.numbers[b.orders["a1"]] = {8613800138000, 8613800138001};
    b.told.numbers[b.orders["a2"]] = {8613800138000};
    b.says("8613800138000", "收到");
    b.says("8613800138001", "1");
    b.says("8613800138009", "1");  // told nothing
    b.says("8613800138000", "1");  // once more
    REQUIRE(b.all_dealt_with());
    const auto second = b.acknowledged(a2), first = b.acknowledged(a1);
    REQUIRE(second.size() == 1);
    CHECK(second[0].number == 8613800138000);
    CHECK(second[0].endpoint == "sms");
    CHECK(second[0].role == "responsible");
    REQUIRE(first.size() == 1);
    CHECK(first[0].number == 8613800138001);
    REQUIRE(b.unread().size() == 1);
    CHECK(b.unread()[0].number == 8613800138009);
}

TEST_CASE("Redis gone in the middle: nothing is lost") {
    Bench b;
    for (int i = 0; i < 20; ++i) b.says(std::to_string(8613800138000 + i), "TD");
    b.replies->drain("sms");
    b.until([&] { return b.replies->opted_out_count() >= 5; });
    b.redis.kill();
    b.io.restart();
    b.io.run_for(50ms);
    b.redis.start();
    CHECK(b.until([&] { return b.replies->opted_out_count() == 20; }));
}

}  // namespace
}  // namespace tocsin::replies
