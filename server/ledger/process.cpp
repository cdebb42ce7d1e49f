#include "server/ledger/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

namespace tocsin::ledger {

namespace fs = std::filesystem;

namespace {

Fault system_fault(Cause cause, const fs::path& at) {
    return {cause, fmt::format("{}: {}", at.string(), std::strerror(errno))};
}

}  // namespace

Descriptor::~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

Result<fs::path> own_folder(const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error)
        return Fault{Cause::refused, fmt::format("{}: {}", folder.string(), error.message())};
    auto whole = fs::canonical(folder, error);
    if (error || ::chmod(whole.c_str(), 0700) != 0) return system_fault(Cause::refused, folder);
    return whole;
}

Result<Descriptor> open_lock(const fs::path& file) {
    Descriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock) return system_fault(Cause::refused, file);
    return lock;
}

bool try_lock(const Descriptor& lock) { return ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0; }

Result<bool> write_file(const fs::path& file, std::string_view text) {
    auto part = file;
    part += ".new";
    Descriptor out(::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!out) return system_fault(Cause::refused, part);
    while (!text.empty()) {
        const auto wrote = ::write(out.get(), text.data(), text.size());
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return system_fault(Cause::refused, part);
        text.remove_prefix(std::size_t(wrote));
    }
    if (::fsync(out.get()) != 0 || ::rename(part.c_str(), file.c_str()) != 0)
        return system_fault(Cause::refused, file);
    return true;
}

Result<pid_t> spawn(const std::vector<std::string>& words,
                    const fs::path& folder,
                    const std::string& output,
                    int inherited) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&how);
    posix_spawn_file_actions_addchdir_np(&files, folder.c_str());
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    posix_spawn_file_actions_adddup2(&files, inherited,
                                     3);                  // also where it is 3: then it stays open
    posix_spawn_file_actions_addclosefrom_np(&files, 4);  // our listeners are none of its business
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &all);
    posix_spawnattr_setpgroup(&how,
                              0);  // Ctrl-C on the terminal is for tocsind, which ends it in order
    posix_spawnattr_setflags(
        &how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    std::vector<char*> arguments;
    for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    pid_t pid = 0;
    const int error =
        ::posix_spawnp(&pid, words.front().c_str(), &files, &how, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    if (error != 0)
        return Fault{Cause::refused,
                     fmt::format("cannot start {}: {}", words.front(), std::strerror(error))};
    return pid;
}

// By number: glibc 2.36 declares neither for C++ (its header lacks extern "C").
Descriptor open_process(pid_t pid) { return Descriptor(int(::syscall(SYS_pidfd_open, pid, 0))); }

bool send_signal(const Descriptor& process, int signal) {
    return ::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0) == 0;
}

std::optional<std::string> reap(pid_t pid) {
    int status = 0;
    if (::waitpid(pid, &status, WNOHANG) != pid) return std::nullopt;
    if (WIFEXITED(status)) return fmt::format("status {}", WEXITSTATUS(status));
    return fmt::format("signal {}", WTERMSIG(status));
}

std::optional<pid_t> listener_of(const std::string& socket) {
    sockaddr_un at{};
    if (socket.size() >= sizeof at.sun_path) return std::nullopt;
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, socket.data(), socket.size());
    Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd || ::connect(fd.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) != 0)
        return std::nullopt;
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return std::nullopt;
    return who.pid;
}

std::optional<std::uint64_t> free_bytes(const fs::path& folder) {
    struct statvfs about {};
    if (::statvfs(folder.c_str(), &about) != 0) return std::nullopt;
    return std::uint64_t(about.f_bavail) * about.f_frsize;
}

std::string last_line_with(const fs::path& file, std::string_view mark) {
    std::ifstream in(file, std::ios::binary | std::ios::ate);
    if (!in) return {};
    const auto size = std::int64_t(in.tellg());
    in.seekg(std::max<std::int64_t>(0, size - 4096));
    std::string line, found;
    while (std::getline(in, line))
        if (line.find(mark) != line.npos) found = line;
    return found;
}

}  // namespace tocsin::ledger
