#include "tests/peers/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>

extern char** environ;

namespace tocsin::peers {
namespace {

constexpr int patience_ms = 10'000;

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
    out.push_back(nullptr);
    return out;
}

}  // namespace

Process::Process(const std::vector<std::string>& command,
                 const std::vector<std::string>& environment) {
    auto all = environment;
    for (char** entry = environ; *entry; ++entry) all.emplace_back(*entry);
    const auto arguments = pointers(command), variables = pointers(all);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execvpe(arguments[0], arguments.data(), variables.data());
        _exit(127);
    }
    close(ends[1]);
    out_ = ends[0];
}

Process::~Process() {
    if (pid_ > 0 && status_ < 0) {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    if (out_ >= 0) close(out_);
}

std::string Process::line() {
    while (true) {
        if (const auto end = pending_.find('\n'); end != pending_.npos) {
            const auto out = pending_.substr(0, end);
            pending_.erase(0, end + 1);
            return out;
        }
        pollfd wait{out_, POLLIN, 0};
        char room[65536];
        if (poll(&wait, 1, patience_ms) <= 0) return {};
        const auto count = read(out_, room, sizeof room);
        if (count <= 0) return std::exchange(pending_, {});
        pending_.append(room, std::size_t(count));
    }
}

std::uint16_t Process::port() {
    for (auto said = line(); !said.empty(); said = line()) {
        if (!said.starts_with("port ")) continue;
        std::uint16_t port = 0;
        std::from_chars(said.data() + 5, said.data() + said.size(), port);
        return port;
    }
    return 0;
}

void Process::signal(int number) {
    if (pid_ > 0 && status_ < 0) kill(pid_, number);
}

std::string Process::end() {
    signal(SIGTERM);
    std::string said;
    for (auto next = line(); !next.empty(); next = line()) said += next + "\n";
    int state = 0;
    waitpid(pid_, &state, 0);
    status_ = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
    return said;
}

}  // namespace tocsin::peers
