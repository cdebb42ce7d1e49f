#include "server/ledger/embedded.hpp"

#include "server/base/log.hpp"
#include "server/ledger/process.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>

namespace tocsin::ledger {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

std::string redis_configuration(const Embedded::Options& options) {
    // No path in here: it runs in its directory, so that no name needs quoting.
    auto out = fmt::format(R"(# Written by tocsind at each start.
port 0
unixsocket redis.sock
unixsocketperm 700
dir ./
logfile redis.log
daemonize no
supervised no
databases 1
save ""
appendonly yes
appendfsync always
no-appendfsync-on-rewrite no
aof-load-truncated yes
aof-use-rdb-preamble yes
auto-aof-rewrite-percentage 100
auto-aof-rewrite-min-size {}
maxmemory 0
maxmemory-policy noeviction
enable-debug-command no
enable-module-command no
enable-protected-configs no
)",
                           options.rewrite_at_bytes);
    for (const auto& line : options.more) out += line + "\n";
    return out;
}

struct Embedded::Keeper : std::enable_shared_from_this<Keeper> {
    Keeper(boost::asio::io_context& loop, Options options)
        : options(std::move(options)), timer(loop), exit(loop), loop(loop) {}

    Result<bool> begin();
    Result<bool> lock_folder();
    void choose_socket();
    Result<bool> launch();
    bool adopt();
    void follow(pid_t whom, bool ours);
    void ended();
    void again(std::chrono::milliseconds wait);
    void attempt();
    void stop(std::function<void()> then);
    void let_go();
    std::string describe(const std::string& how) const;

    Options options;
    fs::path folder;
    std::string socket;
    Descriptor own_lock, redis_lock, folder_fd, process;
    bool holding = false;  // redis.lock is ours: no Redis can be alive there but our child
    boost::asio::steady_timer timer;
    boost::asio::posix::stream_descriptor exit;
    boost::asio::io_context& loop;
    pid_t pid = 0;
    bool child = false, adopted = false, stopping = false, gone = false;
    std::uint64_t restarts = 0;
    std::chrono::milliseconds pause{};
    steady_clock::time_point began;
    std::string trouble;
    std::vector<std::function<void()>> stopped;
};

Result<bool> Embedded::Keeper::lock_folder() {
    auto made = own_folder(options.data);
    if (made.has_error()) return made.error();
    folder = *made;
    auto mine = open_lock(folder / "tocsind.lock");
    if (mine.has_error()) return mine.error();
    own_lock = std::move(*mine);
    if (!try_lock(own_lock)) {
        std::string who;
        std::getline(std::ifstream(folder / "tocsind.lock"), who);
        return Fault{Cause::refused,
                     fmt::format("{}: another tocsind (pid {}) is at work there; stop it, or give "
                                 "this one a data directory of its own",
                                 folder.string(), who)};
    }
    const auto pid_line = fmt::format("{}\n", ::getpid());
    if (::ftruncate(own_lock.get(), 0) != 0 ||
        ::pwrite(own_lock.get(), pid_line.data(), pid_line.size(), 0) < 0)
        log::warn("ledger.degraded", {{"why", "the lock cannot name its holder"}});
    auto redis = open_lock(folder / "redis.lock");
    if (redis.has_error()) return redis.error();
    redis_lock = std::move(*redis);
    return true;
}

void Embedded::Keeper::choose_socket() {
    socket = (folder / "redis.sock").string();
    if (socket.size() < 107) return;
    // Longer than a socket's address may be: reach it by way of its folder's descriptor.
    folder_fd = Descriptor(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    socket = fmt::format("/proc/self/fd/{}/redis.sock", folder_fd.get());
}

Result<bool> Embedded::Keeper::begin() {
    pause = options.pause_least;
    if (auto locked = lock_folder(); locked.has_error()) return locked.error();
    choose_socket();
    holding = try_lock(redis_lock);
    if (holding) return launch();
    if (!adopt()) again(pause);  // just starting, or just ending
    return true;
}

Result<bool> Embedded::Keeper::launch() {
    const auto log_file = folder / "redis.log";
    std::error_code error;
    if (fs::file_size(log_file, error) > (10U << 20U) && !error)
        fs::rename(log_file, folder / "redis.log.1", error);
    auto wrote = write_file(folder / "redis.conf", redis_configuration(options));
    if (wrote.has_error() && !fs::exists(folder / "redis.conf", error)) return wrote.error();
    auto started = spawn({options.program, "redis.conf"}, folder, "redis.out", redis_lock.get());
    if (started.has_error()) return started.error();
    follow(*started, true);
    return true;
}

bool Embedded::Keeper::adopt() {
    const auto whom = listener_of(socket);
    if (!whom) {
        trouble =
            fmt::format("{} is locked by a Redis that does not listen (yet)", folder.string());
        return false;
    }
    follow(*whom, false);
    if (pid) log::info("ledger.recovered", {{"adopted_redis_pid", std::to_string(pid)}});
    return pid != 0;
}

/// Watches a process, child or not, until it ends.
void Embedded::Keeper::follow(pid_t whom, bool ours) {
    process = open_process(whom);
    if (!process) return ours ? ended() : void();
    pid = whom;
    child = ours;
    adopted = !ours;
    began = steady_clock::now();
    exit.assign(process.get());
    exit.async_wait(exit.wait_read, [self = weak_from_this()](boost::system::error_code error) {
        const auto keeper = self.lock();
        if (!error && keeper && !keeper->gone) keeper->ended();
    });
}

std::string Embedded::Keeper::describe(const std::string& how) const {
    constexpr std::uint64_t little = 4U << 20U;
    const auto room = free_bytes(folder);
    if (room && *room < little)
        return fmt::format("the disk is full ({} KiB free at {}), so redis-server ended",
                           *room / 1024, folder.string());
    auto last = last_line_with(folder / "redis.log", " # ");
    if (last.empty()) last = last_line_with(folder / "redis.out", "");
    return fmt::format("redis-server ended ({}); its log {}/redis.log says: {}", how,
                       folder.string(), last);
}

void Embedded::Keeper::ended() {
    const auto how = child ? reap(pid).value_or("unknown") : "it was not our child";
    exit.release();  // the descriptor is process'
    process = Descriptor();
    pid = 0;
    child = adopted = false;
    if (stopping) return let_go();
    if (steady_clock::now() - began > std::chrono::seconds(10)) pause = options.pause_least;
    trouble = describe(how);
    ++restarts;
    log::error("ledger.restarted", {{"why", trouble}});
    again(pause);
    pause = std::min(pause * 2, options.pause_most);
}

void Embedded::Keeper::again(std::chrono::milliseconds wait) {
    timer.expires_after(wait);
    timer.async_wait([self = weak_from_this()](boost::system::error_code error) {
        const auto keeper = self.lock();
        if (!error && keeper && !keeper->gone && !keeper->stopping) keeper->attempt();
    });
}

void Embedded::Keeper::attempt() {
    if (!holding) holding = try_lock(redis_lock);
    if (!holding) {
        if (!adopt()) again(options.pause_least);
        return;
    }
    const auto launched = launch();
    if (launched.has_value()) return;
    trouble = launched.error().what;
    log::error("ledger.degraded", {{"why", trouble}});
    again(pause);
    pause = std::min(pause * 2, options.pause_most);
}

void Embedded::Keeper::stop(std::function<void()> then) {
    stopped.push_back(std::move(then));
    if (std::exchange(stopping, true)) return;
    timer.cancel();
    if (!process) return boost::asio::post(loop, [self = shared_from_this()] { self->let_go(); });
    send_signal(process, SIGTERM);
    send_signal(process, SIGCONT);  // should somebody have stopped it, it could not hear
    timer.expires_after(options.stop_within);
    timer.async_wait([self = weak_from_this()](boost::system::error_code error) {
        const auto keeper = self.lock();
        if (error || !keeper || !keeper->process) return;
        log::warn("ledger.degraded", {{"why", "redis-server does not stop; killed"}});
        send_signal(keeper->process, SIGKILL);
    });
}

void Embedded::Keeper::let_go() {
    timer.cancel();
    trouble = "stopped";
    own_lock = Descriptor();
    redis_lock = Descriptor();
    for (auto& then : std::exchange(stopped, {})) then();
}

Result<std::unique_ptr<Embedded>> Embedded::start(boost::asio::io_context& loop, Options options) {
    auto keeper = std::make_shared<Keeper>(loop, std::move(options));
    if (auto began = keeper->begin(); began.has_error()) return began.error();
    return std::unique_ptr<Embedded>(new Embedded(std::move(keeper)));
}

Embedded::~Embedded() {
    keeper_->gone = true;
    if (keeper_->exit.is_open()) keeper_->exit.release();
}

void Embedded::stop(std::function<void()> then) { keeper_->stop(std::move(then)); }

Address Embedded::address() const {
    Address out;
    out.socket = keeper_->socket;
    return out;
}

std::string Embedded::why() const {
    // A Redis that ends at once runs too, for a moment, each time: that clears nothing.
    const bool settled =
        keeper_->pid != 0 && steady_clock::now() - keeper_->began > std::chrono::seconds(2);
    return settled ? "" : keeper_->trouble;
}

pid_t Embedded::pid() const { return keeper_->pid; }
bool Embedded::adopted() const { return keeper_->adopted; }
std::uint64_t Embedded::restarts() const { return keeper_->restarts; }

}  // namespace tocsin::ledger
