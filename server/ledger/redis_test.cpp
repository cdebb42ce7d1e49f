#include "server/ledger/redis.hpp"

#include "server/ledger/keys.hpp"
#include "server/ledger/scripts.hpp"
#include "server/ledger/settings_check.hpp"
#include "server/ledger/testing.hpp"
#include "server/ledger/testing_raw.hpp"

#include <signal.h>
#include <unistd.h>

#include <fstream>

namespace tocsin::ledger::testing {
namespace {

TEST_CASE("each error word of Redis has its meaning") {
    // clang-format off
    const std::tuple<const char*, Cause, bool> rows[] = {
        {"LOADING Redis is loading the dataset in memory", Cause::unreachable, true},
        {"READONLY You can't write against a read only replica.", Cause::unreachable, true},
        {"MISCONF Redis is configured to save RDB snapshots, but", Cause::unreachable, true},
        {"OOM command not allowed when used memory > 'maxmemory'.", Cause::unreachable, true},
        {"NOREPLICAS Not enough good replicas to write.", Cause::unreachable, true},
        {"BUSY Redis is busy running a script.", Cause::unreachable, true},
        {"MASTERDOWN Link with MASTER is down", Cause::unreachable, true},
        {"CLUSTERDOWN The cluster is down", Cause::unreachable, true},
        {"TRYAGAIN Multiple keys request during rehashing of slot", Cause::unreachable, false},
        {"MOVED 3999 127.0.0.1:6381", Cause::internal, true},
        {"ASK 3999 127.0.0.1:6381", Cause::internal, true},
        {"NOAUTH Authentication required.", Cause::refused, true},
        {"WRONGPASS invalid username-password pair", Cause::refused, true},
        {"NOPERM this user has no permissions", Cause::refused, true},
        {"WRONGTYPE Operation against a key", Cause::internal, false},
        {"ERR syntax error", Cause::internal, false},
    };
    // clang-format on
    for (const auto& [text, cause, doubt] : rows) {
        CAPTURE(text);
        CHECK(fault_of(text).cause == cause);
        CHECK(casts_doubt(text) == doubt);
    }
    CHECK(is_noscript("NOSCRIPT No matching script."));
}

TEST_CASE("a Redis URL is read strictly, and a password never stands in one") {
    const auto plain = *read_address("redis://localhost:7000/3");
    CHECK(plain.host == "localhost");
    CHECK(plain.port == 7000);
    CHECK(plain.database == 3);
    CHECK(read_address("redis://[::1]:7000")->host == "::1");
    CHECK(read_address("redis://[::1]")->port == 6379);
    CHECK(read_address("redis://h/")->port == 6379);
    CHECK(read_address("unix:///run/redis.sock")->socket == "/run/redis.sock");
    for (const auto* bad : {"", "h:1", "http://h", "rediss://h", "redis://", "redis://h:0",
                            "redis://h:99999", "redis://h:x", "redis://h/x", "redis://h/-1",
                            "unix://x", "redis://[::1", "redis://[::1]x"}) {
        CAPTURE(bad);
        CHECK(read_address(bad).has_error());
    }
    const auto secret = read_address("redis://:hunter2@h:1");
    REQUIRE(secret.has_error());
    CHECK(secret.error().what.find("hunter2") == std::string::npos);
}

TEST_CASE("a secret is read only from a file that nobody else may read") {
    const Folder folder;
    const auto file = folder.path / "password";
    CHECK(read_secret(file).has_error());
    std::ofstream(file) << "s3cret\n";
    std::filesystem::permissions(file, std::filesystem::perms(0644));
    CHECK(read_secret(file).has_error());
    std::filesystem::permissions(file, std::filesystem::perms(0600));
    CHECK(*read_secret(file) == "s3cret");
}

TEST_CASE("F10: each setting that may lose a warning is objected to by name") {
    RedisFacts good;
    for (const auto& [name, value] : settings_required()) good.settings[std::string(name)] = value;
    good.info = read_info("# Server\r\nredis_version:7.0.15\r\nrole:master\r\nrun_id:abc\r\n");
    CHECK(good.info.at("run_id") == "abc");
    CHECK(objections(good, 0).empty());
    for (const auto& [name, value] : settings_required()) {
        auto bad = good;
        bad.settings[std::string(name)] = "other";
        REQUIRE(objections(bad, 0).size() == 1);
        CHECK(objections(bad, 0)[0].find(name) == 0);
    }
    auto replica = good, old = good, full = good, unread = good;
    replica.info["role"] = "slave";
    old.info["redis_version"] = "6.2.1";
    full.info["aof_last_write_status"] = "err";
    unread.trouble = "NOPERM";
    for (const auto& bad : {replica, old, full, unread}) CHECK(objections(bad, 0).size() == 1);
    CHECK(objections(good, 1).size() == 1);
    CHECK(objections(RedisFacts{}, 0).size() > 5);  // unknown is not well
}

TEST_CASE("our digest of a script is Redis' digest, and a forgotten script is sent again") {
    RedisBench bench;
    Raw raw(bench.embedded->address());
    for (const auto& one : scripts()) {
        CAPTURE(one.name);
        CHECK(raw.one({"SCRIPT", "EXISTS", one.digest}) == "1");
    }
    raw.ask({"SCRIPT", "FLUSH"});
    CHECK(try_accept(bench, "A").has_value());
    CHECK(raw.one({"SCRIPT", "EXISTS", script("accept").digest}) == "1");
}

TEST_CASE("an answer that asks again, thousands deep, while the connection breaks") {
    RedisBench bench;
    RedisLimits limits;
    limits.retry_least = 300ms;  // time enough for all of them to fail
    Redis link(bench.loop, bench.embedded->address(), {}, limits, [](bool) {});
    REQUIRE(bench.until([&] { return link.up(); }));
    ::kill(bench.embedded->pid(), SIGSTOP);
    int failed = 0;
    bool pong = false;
    std::function<void(Result<Reply>)> again = [&](const Result<Reply>& reply) {
        pong = reply.has_value();
        if (reply.has_error() && reply.error().cause == Cause::unreachable) ++failed;
        if (!pong) link.ask({"PING"}, again);
    };
    link.ask({"PING"}, again);
    bench.until([] { return false; }, 50ms);
    ::kill(bench.embedded->pid(), SIGKILL);
    CHECK(bench.until([&] { return pong; }));
    CHECK(failed > 5'000);
}

TEST_CASE("over the bound a question is refused at once, and the others are answered") {
    RedisLedger::Options options;
    options.in_flight_max = 50;
    RedisBench bench({}, options);
    int done = 0, refused = 0;
    for (int i = 0; i < 200; ++i)
        bench.ledger().put_state("e", "{}", [&](const Result<Done>& r) {
            if (r.has_value())
                ++done;
            else if (r.error().cause == Cause::over_limit)
                ++refused;
        });
    CHECK(bench.until([&] { return done + refused == 200; }));
    CHECK(done >= 45);
    CHECK(refused >= 100);
}

void expect_trouble_then_none(RedisBench& bench,
                              const std::function<void(Raw&)>& harm,
                              const std::string& word,
                              const std::function<void(Raw&)>& mend) {
    REQUIRE(try_accept(bench, "before").has_value());
    Raw raw(bench.embedded->address());
    harm(raw);
    const auto refused = try_accept(bench, "during");
    REQUIRE(refused.has_error());
    CHECK(refused.error().cause == Cause::unreachable);
    CHECK(refused.error().what.find(word) != std::string::npos);
    // An error makes the watch look at once; a silent one is found by its own test write.
    CHECK(bench.until([&] { return !bench.ledger().health().durable; }, 3s));
    CHECK(bench.ledger().health().why.find(word) != std::string::npos);
    mend(raw);
    CHECK(bench.until([&] { return bench.ledger().health().durable; }, 5s));
    CHECK(try_accept(bench, "after").has_value());
}

TEST_CASE("OOM: refused while Redis has no memory, and again well after") {
    RedisBench bench;
    expect_trouble_then_none(
        bench,
        [](Raw& raw) {
            raw.ask({"CONFIG", "SET", "maxmemory", "1"});
        },
        "OOM",
        [](Raw& raw) {
            raw.ask({"CONFIG", "SET", "maxmemory", "0"});
        });
}

TEST_CASE("NOREPLICAS: refused while a replica is missing") {
    RedisBench bench;
    expect_trouble_then_none(
        bench,
        [](Raw& raw) {
            raw.ask({"CONFIG", "SET", "min-replicas-to-write", "1"});
        },
        "NOREPLICAS",
        [](Raw& raw) {
            raw.ask({"CONFIG", "SET", "min-replicas-to-write", "0"});
        });
}

TEST_CASE("READONLY: a Redis that became a replica takes no alert") {
    RedisBench bench;
    expect_trouble_then_none(
        bench,
        [](Raw& raw) {
            raw.ask({"REPLICAOF", "127.0.0.1", "1"});
        },
        "READONLY",
        [](Raw& raw) {
            raw.ask({"REPLICAOF", "NO", "ONE"});
        });
}

TEST_CASE("MISCONF: refused while Redis cannot save") {
    const Folder folder;
    Embedded::Options server;
    server.data = folder.path / "data";
    server.more = {"save 3600 1"};
    std::filesystem::create_directories(server.data / "dump.rdb");  // so that saving fails
    RedisBench bench(server);
    expect_trouble_then_none(
        bench,
        [&](Raw& raw) {
            raw.ask({"BGSAVE"});
            bench.until([&] {
                return raw.one({"INFO", "persistence"}).find("last_bgsave_status:err") !=
                       std::string::npos;
            });
        },
        "MISCONF",
        [](Raw& raw) {
            raw.ask({"CONFIG", "SET", "stop-writes-on-bgsave-error", "no", "save", ""});
        });
}

TEST_CASE("BUSY: a script that runs too long is waited for, not mistaken for death") {
    RedisBench bench;
    expect_trouble_then_none(
        bench,
        [](Raw& raw) {
            raw.ask({"CONFIG", "SET", "busy-reply-threshold", "5"});
            raw.send({"EVAL", "while true do end", "0"});
            ::usleep(100'000);
        },
        "BUSY",
        [&](Raw&) {
            Raw(bench.embedded->address()).ask({"SCRIPT", "KILL"});
        });
}

TEST_CASE("LOADING: while Redis reads its log it is up, but nothing is durable") {
    RedisBench bench;
    Raw raw(bench.embedded->address());
    raw.ask({"EVAL", "for i = 1, 5000 do redis.call('SET', 'k' .. i, i) end", "0"});
    REQUIRE(raw.one({"CONFIG", "SET", "key-load-delay", "50"}) == "OK");
    bench.server_options.more = {"key-load-delay 50", "loading-process-events-interval-bytes 1024"};
    bench.close();
    bool gone = false;
    bench.embedded->stop([&] { gone = true; });
    REQUIRE(bench.until([&] { return gone; }));
    bench.embedded = std::move(*Embedded::start(bench.loop, bench.server_options));
    RedisLedger::Options options;
    options.at = bench.embedded->address();
    RedisLedger ledger(bench.loop, options);
    CHECK(bench.until(
        [&] {
            return ledger.health().up && ledger.health().why.find("loading") != std::string::npos;
        },
        5s));
    CHECK_FALSE(ledger.health().durable);
    CHECK(bench.until([&] { return ledger.health().durable; }));
}

TEST_CASE("a Redis that hangs is not durable within 2 s, each call is answered, and it recovers") {
    RedisLedger::Options options;
    options.patience = 2s;
    RedisBench bench({}, options);
    std::vector<bool> told;
    bench.ledger().on_health([&](const Health& health) { told.push_back(health.durable); });
    ::kill(bench.embedded->pid(), SIGSTOP);
    const auto before = std::chrono::steady_clock::now();
    std::optional<Fault> fault;
    bench.ledger().put_state("e", "{}", [&](const Result<Done>& r) {
        REQUIRE(r.has_error());
        fault = r.error();
    });
    CHECK(bench.until([&] { return !bench.ledger().health().durable; }));
    CHECK(std::chrono::steady_clock::now() - before < 3s);
    CHECK_FALSE(bench.ledger().health().up);
    CHECK(bench.until([&] { return fault.has_value(); }, 4s));
    CHECK(fault->cause == Cause::unreachable);
    ::kill(bench.embedded->pid(), SIGCONT);
    CHECK(bench.until([&] { return bench.ledger().health().durable; }, 5s));
    CHECK(try_accept(bench, "A").has_value());
    CHECK(told.front() == false);
    CHECK(told.back() == true);
    CHECK(bench.redis().restarts() == 0);
}

/// A Redis of somebody else, on a port.
struct Foreign {
    explicit Foreign(Bench& bench, std::vector<std::string> more) : bench(bench) {
        Embedded::Options server;
        server.data = folder.path / "foreign";
        port = 20'000 + int(::getpid() % 20'000);
        server.more = {"bind 127.0.0.1", fmt::format("port {}", port)};
        server.more.insert(server.more.end(), more.begin(), more.end());
        auto started = Embedded::start(bench.loop, server);
        if (started.has_error()) FAIL(started.error().what);
        embedded = std::move(*started);
    }
    ~Foreign() {
        bool gone = false;
        embedded->stop([&] { gone = true; });
        bench.until([&] { return gone; });
    }
    RedisLedger::Options options() const {
        RedisLedger::Options out;
        out.at = *read_address(fmt::format("redis://localhost:{}/0", port));
        return out;
    }
    Bench& bench;
    Folder folder;
    int port;
    std::unique_ptr<Embedded> embedded;
};

TEST_CASE("F10: a foreign Redis with settings that may lose a warning is used, but never durable") {
    MemoryBench bench;
    Foreign foreign(bench, {"appendfsync everysec", "maxmemory-policy allkeys-lru"});
    auto options = foreign.options();
    options.check_every = 500ms;
    RedisLedger ledger(bench.loop, options);
    REQUIRE(
        bench.until([&] { return ledger.health().why.find("appendfsync") != std::string::npos; }));
    CHECK(ledger.health().up);
    CHECK_FALSE(ledger.health().durable);
    CHECK(ledger.health().why.find("maxmemory-policy is \"allkeys-lru\"") != std::string::npos);
    Raw raw(foreign.embedded->address());
    CHECK(raw.ask({"CONFIG", "GET", "appendfsync"})[1] == "everysec");  // not ours to change
    raw.ask({"CONFIG", "SET", "appendfsync", "always", "maxmemory-policy", "noeviction"});
    CHECK(bench.until([&] { return ledger.health().durable; }, 3s));
    raw.ask({"CONFIG", "SET", "no-appendfsync-on-rewrite", "yes"});
    CHECK(bench.until([&] { return !ledger.health().durable; }, 3s));
}

TEST_CASE("a foreign Redis with a password takes the right one, and says why it takes no other") {
    MemoryBench bench;
    Foreign foreign(bench, {"requirepass s3cret"});
    auto options = foreign.options();
    options.password = "s3cret";
    RedisLedger right(bench.loop, options);
    CHECK(bench.until([&] { return right.health().durable; }));
    options.password = "wrong";
    RedisLedger wrong(bench.loop, options);
    CHECK(bench.until([&] { return wrong.health().why.find("password") != std::string::npos; }));
    CHECK(wrong.health().why.find("wrong ") == std::string::npos);
    options.password.clear();
    RedisLedger none(bench.loop, options);
    CHECK(bench.until(
        [&] { return none.health().why.find("asks for a password") != std::string::npos; }));
    CHECK_FALSE(none.health().durable);
}

TEST_CASE("our own Redis is put right when somebody changed its settings") {
    RedisLedger::Options options;
    options.check_every = 300ms;
    RedisBench bench({}, options);
    log::threshold(log::Severity(9));
    Raw raw(bench.embedded->address());
    raw.ask({"CONFIG", "SET", "appendfsync", "everysec"});
    CHECK(bench.until(
        [&] {
            return raw.ask({"CONFIG", "GET", "appendfsync"})[1] == "always";
        },
        2s));
    CHECK(bench.until([&] { return bench.ledger().health().durable; }));
    log::threshold(log::Severity::error);
}

TEST_CASE("a Redis that forgot what it acknowledged is never again called durable") {
    RedisLedger::Options options;
    options.check_every = 300ms;
    RedisBench bench({}, options);
    log::threshold(log::Severity(9));
    REQUIRE(try_accept(bench, "A").has_value());
    Raw(bench.embedded->address()).ask({"FLUSHALL"});
    CHECK(bench.until([&] { return !bench.ledger().health().durable; }, 2s));
    CHECK(bench.ledger().health().why.find("forgot: 1 alerts were accepted") != std::string::npos);
    bench.until([] { return false; }, 700ms);
    CHECK_FALSE(bench.ledger().health().durable);
    log::threshold(log::Severity::error);
}

TEST_CASE("B9: dedupe keys and tombstones live until expires and 30 days") {
    RedisBench bench;
    auto cancel = simple_acceptance("C");
    cancel.kind = Kind::cancel;
    cancel.references = {{"sender@example.org", "A", rfc3339(now() - 1h)}};
    REQUIRE(try_accept(bench, cancel).has_value());
    Raw raw(bench.embedded->address());
    const auto keys = raw.ask({"KEYS", keys::intake(Mode::live, "id:*")});
    REQUIRE(keys.size() == 2);
    for (const auto& key : keys) {
        const auto lives = std::chrono::milliseconds(std::stoll(raw.one({"PTTL", key})));
        CHECK(lives > 30 * 24h + 59min);
        CHECK(lives <= 30 * 24h + 1h);
    }
}

TEST_CASE("archived alerts leave only when told to, and only 30 days after their expiry") {
    const auto old_alert = [](RedisBench& bench) {
        auto old = simple_acceptance("old");
        old.expires = now() - 31 * 24h;
        auto recent = simple_acceptance("recent");
        recent.expires = now() - 29 * 24h;
        REQUIRE(try_accept(bench, old).has_value());
        REQUIRE(try_accept(bench, recent).has_value());
    };
    const auto listed = [](RedisBench& bench) {
        return bench
            .sure<AlertPage>([&](auto then) { bench.ledger().alerts(10, "", std::move(then)); })
            .items;
    };
    SUBCASE("never, by default") {
        RedisBench bench;
        old_alert(bench);
        bench.redis().tidy();
        bench.until([] { return false; }, 200ms);
        CHECK(listed(bench).size() == 2);
    }
    SUBCASE("when told to") {
        RedisLedger::Options options;
        options.forget_after = 1h;  // 30 days are the least
        RedisBench bench({}, options);
        old_alert(bench);
        bench.redis().tidy();
        REQUIRE(bench.until([&] { return listed(bench).size() == 1; }));
        CHECK(listed(bench)[0].triple.identifier == "recent");
        Raw raw(bench.embedded->address());
        CHECK(raw.ask({"KEYS", keys::intake(Mode::live, "chain:*")}).size() == 1);
        CHECK(raw.one({"HLEN", keys::intake("orders")}) == "1");
        CHECK(raw.one({"XLEN", keys::intake("audit")}) == "2");  // what was done stays
    }
}

}  // namespace
}  // namespace tocsin::ledger::testing
