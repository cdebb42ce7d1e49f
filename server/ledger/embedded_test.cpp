#include "server/ledger/keys.hpp"
#include "server/ledger/process.hpp"
#include "server/ledger/testing.hpp"
#include "server/ledger/testing_raw.hpp"

#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <random>

namespace tocsin::ledger::testing {
namespace {

namespace fs = std::filesystem;

TEST_CASE("the data directory is ours alone, and Redis listens nowhere else") {
    RedisBench bench;
    struct stat about {};
    REQUIRE(::stat((bench.folder.path / "data").c_str(), &about) == 0);
    CHECK((about.st_mode & 0777U) == 0700U);
    Raw raw(bench.embedded->address());
    const auto setting = [&](const std::string& name) {
        return raw.ask({"CONFIG", "GET", name})[1];
    };
    CHECK(setting("port") == "0");
    CHECK(setting("appendfsync") == "always");
    CHECK(setting("save").empty());
    CHECK(setting("enable-debug-command") == "no");
    CHECK(raw.one({"DEBUG", "SLEEP", "0"}).find("ERR") == 0);
    CHECK(listener_of(bench.embedded->address().socket) == bench.embedded->pid());
}

TEST_CASE("the child inherits its lock and nothing else of ours") {
    RedisBench bench;
    int inherited = 0;
    for (const auto& fd :
         fs::directory_iterator(fmt::format("/proc/{}/fd", bench.embedded->pid()))) {
        std::error_code ignored;
        const auto target = fs::read_symlink(fd, ignored).string();
        inherited += target.ends_with("redis.lock");
        CHECK_FALSE(target.ends_with("tocsind.lock"));
    }
    CHECK(inherited == 1);
}

TEST_CASE("a second tocsind on the same data is refused, and told who is there") {
    RedisBench bench;
    auto second = Embedded::start(bench.loop, bench.server_options);
    REQUIRE(second.has_error());
    CHECK(second.error().cause == Cause::refused);
    CHECK(second.error().what.find(fmt::format("pid {}", ::getpid())) != std::string::npos);
    CHECK(try_accept(bench, "A").has_value());
}

TEST_CASE("a Redis that outlived its tocsind is adopted, watched, and replaced when it ends") {
    RedisBench bench;
    REQUIRE(try_accept(bench, "A").has_value());
    const auto pid = bench.embedded->pid();
    bench.close();
    bench.embedded.reset();  // as a crash would
    bench.embedded = std::move(*Embedded::start(bench.loop, bench.server_options));
    CHECK(bench.embedded->pid() == pid);
    CHECK(bench.embedded->adopted());
    bench.open();
    CHECK(try_accept(bench, "B").has_value());
    ::kill(pid, SIGKILL);
    REQUIRE(
        bench.until([&] { return bench.embedded->pid() != pid && bench.embedded->pid() != 0; }));
    CHECK_FALSE(bench.embedded->adopted());
    CHECK(bench.embedded->restarts() == 1);
    REQUIRE(bench.until(
        [&] { return bench.redis().restarts() == 1 && bench.ledger().health().durable; }));
    CHECK(bench.sure<AlertPage>([&](auto then) { bench.ledger().alerts(10, "", std::move(then)); })
              .items.size() == 2);
}

TEST_CASE("a clean stop ends Redis, and the next start finds everything") {
    RedisBench bench;
    const auto accepted = try_accept(bench, "A");
    const auto pid = bench.embedded->pid();
    bench.close();
    bool gone = false;
    bench.embedded->stop([&] { gone = true; });
    REQUIRE(bench.until([&] { return gone; }));
    CHECK(::kill(pid, 0) != 0);
    bench.embedded = std::move(*Embedded::start(bench.loop, bench.server_options));
    bench.open();
    CHECK(bench.sure<std::optional<AlertRecord>>(
        [&](auto then) { bench.ledger().alert(accepted->alert, std::move(then)); }));
}

TEST_CASE("without redis-server the start says so") {
    const Folder folder;
    boost::asio::io_context loop;
    Embedded::Options options;
    options.data = folder.path / "data";
    options.program = "no-such-redis-server";
    const auto started = Embedded::start(loop, options);
    REQUIRE(started.has_error());
    CHECK(started.error().what.find("no-such-redis-server") != std::string::npos);
}

TEST_CASE("a data directory of a very long name works") {
    const Folder folder;
    Embedded::Options server;
    server.data = folder.path / std::string(100, 'x') / "data with spaces and \"quotes\"";
    RedisBench bench(server);
    CHECK(try_accept(bench, "A").has_value());
}

TEST_CASE("a Redis that cannot stay up is started again and again, and the reason is told") {
    RedisBench bench;
    log::threshold(log::Severity(9));
    for (int round = 1; round <= 2; ++round) {
        ::kill(bench.embedded->pid(), SIGKILL);
        REQUIRE(bench.until([&] { return int(bench.embedded->restarts()) == round; }));
        CHECK(bench.embedded->why().find("redis-server ended (signal 9)") == 0);
        REQUIRE(bench.until([&] { return int(bench.redis().restarts()) == round; }));
    }
    log::threshold(log::Severity::error);
}

/// Clients that post as fast as they are answered, remembering each acknowledgement.
struct Flood {
    explicit Flood(RedisBench& bench, int clients) : bench(bench) {
        for (int i = 0; i < clients; ++i) post(i);
    }
    void post(int client) {
        if (stopped) {
            ++idle;
            return;
        }
        const auto name = fmt::format("c{}n{}", client, ++posted);
        auto a = simple_acceptance(name);
        const auto own = a.triple;
        bench.ledger().look(
            Mode::live, own, {}, [this, client, a = std::move(a)](Result<View> view) {
                if (view.has_error()) return later(client);
                auto now = a;
                now.view = std::move(*view);
                const auto id = now.id;
                bench.ledger().accept(std::move(now),
                                      [this, client, id](const Result<Accepted>& got) {
                                          if (got.has_error()) return later(client);
                                          if (got->outcome == Accepted::Outcome::accepted)
                                              acknowledged.push_back(id);
                                          post(client);
                                      });
            });
    }
    void later(int client) {
        ++failed;
        auto timer = std::make_shared<boost::asio::steady_timer>(bench.loop, 10ms);
        timer->async_wait([this, client, timer](auto) { post(client); });
    }
    RedisBench& bench;
    std::vector<std::string> acknowledged;
    int posted = 0, failed = 0, idle = 0;
    bool stopped = false;
};

void check_all_there(RedisBench& bench, const std::vector<std::string>& acknowledged) {
    std::set<std::string> there;
    std::string cursor;
    do {
        const auto page = bench.sure<AlertPage>(
            [&](auto then) { bench.ledger().alerts(1000, cursor, std::move(then)); });
        for (const auto& item : page.items) {
            CHECK(item.state == "active");
            there.insert(item.id);
        }
        cursor = page.next;
    } while (!cursor.empty());
    int missing = 0;
    for (const auto& id : acknowledged) missing += there.count(id) == 0;
    CHECK(missing == 0);
    const auto is = [&] {
        return bench.sure<AuditVerdict>(
            [&](auto then) { bench.ledger().verify_audit(std::move(then)); });
    };
    CHECK(bench.until([&] { return is().unsealed == 0; }, 5s));
    CHECK(is().whole);
    CHECK(is().sealed == there.size());  // one audit entry an alert
    const auto outbox = bench.sure<std::vector<OutboxEntry>>(
        [&](auto then) { bench.ledger().outbox(1'000'000, std::move(then)); });
    CHECK(outbox.size() == there.size());
}

TEST_CASE("1: Redis is killed in the middle of a flood, five times: nothing acknowledged is lost") {
    Embedded::Options server;
    server.pause_most = 200ms;
    RedisBench bench(server);
    log::threshold(log::Severity(9));
    const auto seed = std::random_device()();
    CAPTURE(seed);
    std::mt19937 random(seed);
    Flood flood(bench, 16);
    for (int round = 1; round <= 5; ++round) {
        bench.until([] { return false; }, std::chrono::milliseconds(20 + random() % 200));
        ::kill(bench.embedded->pid(), SIGKILL);
        REQUIRE(bench.until([&] {
            return int(bench.redis().restarts()) == round && bench.ledger().health().durable;
        }));
    }
    flood.stopped = true;
    REQUIRE(bench.until([&] { return flood.idle == 16; }));
    CHECK(flood.acknowledged.size() > 100);
    check_all_there(bench, flood.acknowledged);
    log::threshold(log::Severity::error);
}

struct SmallDisk {
    SmallDisk() {
        fs::create_directories(folder.path / "disk");
        mounted = ::mount("tmpfs", (folder.path / "disk").c_str(), "tmpfs", 0, "size=12m") == 0;
    }
    ~SmallDisk() {
        if (mounted) ::umount2((folder.path / "disk").c_str(), MNT_DETACH);
    }
    Folder folder;
    bool mounted = false;
};

TEST_CASE(
    "disk full: refused with the reason, nothing acknowledged is lost, and it recovers by itself") {
    SmallDisk disk;
    if (!disk.mounted) {
        std::cout << "SKIPPED: disk full: no right to mount a small file system here\n";
        return;
    }
    Embedded::Options server;
    server.data = disk.folder.path / "disk/data";
    server.pause_most = 500ms;
    {
        RedisBench bench(server);
        log::threshold(log::Severity(9));
        Flood flood(bench, 4);
        bench.until([&] { return flood.acknowledged.size() > 50; });
        const auto filler = disk.folder.path / "disk/filler";
        {
            std::ofstream out(filler, std::ios::binary);
            const std::string block(4096, 'x');
            while (out.write(block.data(), std::streamsize(block.size())).flush()) {}
        }
        REQUIRE(bench.until([&] {
            return !bench.ledger().health().durable &&
                   bench.ledger().health().why.find("disk is full") != std::string::npos;
        }));
        CHECK(bench.embedded->restarts() >= 1);
        fs::remove(filler);
        REQUIRE(bench.until([&] { return bench.ledger().health().durable; }));
        flood.stopped = true;
        REQUIRE(bench.until([&] { return flood.idle == 4; }));
        check_all_there(bench, flood.acknowledged);
        log::threshold(log::Severity::error);
    }
}

}  // namespace
}  // namespace tocsin::ledger::testing
