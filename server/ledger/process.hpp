#pragma once
#include "server/base/fault.hpp"

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// Processes, locks and files as Linux has them. No loop, no decision.
namespace tocsin::ledger {

/// A descriptor that closes itself; never inherited.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor();
    int get() const { return fd_; }
    int release() { return std::exchange(fd_, -1); }
    explicit operator bool() const { return fd_ >= 0; }

private:
    int fd_ = -1;
};

/// The folder, made if need be, ours alone (0700).
Result<std::filesystem::path> own_folder(const std::filesystem::path& folder);

/// Opens (and makes) a file to lock. Unreachable: somebody else holds it.
Result<Descriptor> open_lock(const std::filesystem::path& file);
bool try_lock(const Descriptor& lock);

/// Writes a whole file, 0600, by another name first.
Result<bool> write_file(const std::filesystem::path& file, std::string_view text);

/// Starts a program in a folder: its own process group, no signal blocked or ignored, input from
/// nowhere, output into `output` there, and of our descriptors only `inherited` (as its 3).
Result<pid_t> spawn(const std::vector<std::string>& words,
                    const std::filesystem::path& folder,
                    const std::string& output,
                    int inherited);

/// Turns readable when the process ends; works for strangers too.
Descriptor open_process(pid_t pid);
bool send_signal(const Descriptor& process, int signal);
/// How our child ended, in words; nothing if it has not, or is not our child.
std::optional<std::string> reap(pid_t pid);

/// Who listens at a Unix socket; nothing: nobody.
std::optional<pid_t> listener_of(const std::string& socket);

std::optional<std::uint64_t> free_bytes(const std::filesystem::path& folder);
/// The last line that holds `mark` among the last few KiB.
std::string last_line_with(const std::filesystem::path& file, std::string_view mark);

}  // namespace tocsin::ledger
