#pragma once
#include "server/base/digest.hpp"
#include "server/base/log.hpp"
#include "server/base/time.hpp"
#include "server/ledger/embedded.hpp"
#include "server/ledger/memory_ledger.hpp"
#include "server/ledger/redis_ledger.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <doctest/doctest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <set>

/// For tests only: a ledger of either kind on a loop of its own, and a way to wait for its answers.
namespace tocsin::ledger::testing {

using namespace std::chrono_literals;

struct Folder {
    Folder() {
        log::threshold(log::Severity::error);
        char name[] = "/tmp/tocsin_ledger_XXXXXX";
        path = ::mkdtemp(name);
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    std::filesystem::path path;
};

/// Runs the loop until `done` or for `most`.
inline bool run_until(boost::asio::io_context& loop,
                      const std::function<bool()>& done,
                      std::chrono::milliseconds most = 10s) {
    const auto until = std::chrono::steady_clock::now() + most;
    while (!done() && std::chrono::steady_clock::now() < until) {
        loop.restart();
        loop.run_one_for(20ms);
    }
    return done();
}

class Bench {
public:
    virtual ~Bench() = default;
    virtual Ledger& ledger() = 0;
    boost::asio::io_context loop;

    bool until(const std::function<bool()>& done, std::chrono::milliseconds most = 10s) {
        return run_until(loop, done, most);
    }
    /// The answer, or a fault when none came in time.
    template <class T> Result<T> wait(const std::function<void(Then<T>)>& call) {
        auto got = std::make_shared<std::optional<Result<T>>>();
        bool inside = true;
        call([got, &inside](Result<T> result) {
            if (inside) FAIL("answered from inside the call");
            *got = std::move(result);
        });
        inside = false;
        if (!until([&] { return got->has_value(); }, 15s))
            return Fault{Cause::internal, "no answer at all"};
        return std::move(**got);
    }
    /// The value of an answer that must be there.
    template <class T> T sure(const std::function<void(Then<T>)>& call) {
        auto result = wait<T>(call);
        if (result.has_error()) FAIL(result.error().what);
        return std::move(*result);
    }
};

class MemoryBench final : public Bench {
public:
    MemoryBench()
        : ledger_(
              [this](std::function<void()> work) { boost::asio::post(loop, std::move(work)); }) {}
    Ledger& ledger() override { return ledger_; }

private:
    MemoryLedger ledger_;
};

class RedisBench final : public Bench {
public:
    explicit RedisBench(Embedded::Options server = {}, RedisLedger::Options options = {})
        : options_(std::move(options)) {
        if (server.data.empty()) server.data = folder.path / "data";
        server.more.push_back("hz 100");  // it hears signals sooner
        server_options = server;
        auto started = Embedded::start(loop, server);
        if (started.has_error()) FAIL(started.error().what);
        embedded = std::move(*started);
        open();
    }
    ~RedisBench() override {
        ledger_.reset();
        if (!embedded) return;
        bool gone = false;
        embedded->stop([&] { gone = true; });
        if (embedded->pid())
            ::kill(embedded->pid(), SIGKILL);  // quicker; a test of its own stops it well
        until([&] { return gone; });
        embedded.reset();
    }
    void open() {
        auto options = options_;
        options.at = embedded->address();
        options.own = true;
        options.why_down = [this] { return embedded ? embedded->why() : ""; };
        ledger_ = std::make_unique<RedisLedger>(loop, options);
        if (!until([&] { return ledger_->health().durable; })) FAIL(ledger_->health().why);
    }
    void close() { ledger_.reset(); }
    Ledger& ledger() override { return *ledger_; }
    RedisLedger& redis() { return *ledger_; }

    Folder folder;
    Embedded::Options server_options;
    std::unique_ptr<Embedded> embedded;

private:
    RedisLedger::Options options_;
    std::unique_ptr<RedisLedger> ledger_;
};

/// An alert of its own chain, accepted.
inline Acceptance simple_acceptance(const std::string& identifier, Mode mode = Mode::live) {
    Acceptance a;
    a.mode = mode;
    a.id = make_alert_id(mode);
    a.triple = {"sender@example.org", identifier, rfc3339(now())};
    a.digest = sha256_hex(identifier);
    a.kind = Kind::alert;
    a.sent = now();
    a.expires = now() + 1h;
    a.cap = "cap of " + identifier;
    a.plan = "plan";
    a.facts = "{}";
    a.audit = R"({"who":"test"})";
    return a;
}
inline Result<Accepted> try_accept(Bench& bench, Acceptance a) {
    auto view = bench.wait<View>(
        [&](auto then) { bench.ledger().look(a.mode, a.triple, a.references, std::move(then)); });
    if (view.has_error()) return view.error();
    a.view = *view;
    return bench.wait<Accepted>(
        [&](auto then) { bench.ledger().accept(std::move(a), std::move(then)); });
}
inline Result<Accepted> try_accept(Bench& bench, const std::string& identifier) {
    return try_accept(bench, simple_acceptance(identifier));
}

/// The same sentences hold for both stores.
inline void both(const std::function<void(Bench&)>& test) {
    SUBCASE("in memory") {
        MemoryBench bench;
        test(bench);
    }
    SUBCASE("in Redis") {
        RedisBench bench;
        test(bench);
    }
}

}  // namespace tocsin::ledger::testing
