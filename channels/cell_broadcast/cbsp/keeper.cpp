#include "channels/cell_broadcast/cbsp/keeper.hpp"

#include "server/base/log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace tocsin::cbsp {
namespace {

Fault system_fault(const std::string& doing) {
    return Fault{Cause::internal, std::string(std::strerror(errno))}.during(doing);
}

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto count = ::write(fd, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        bytes.remove_prefix(std::size_t(count));
    }
    return true;
}

}  // namespace

Keeper::Keeper(std::filesystem::path file) : file_(std::move(file)), thread_([this] { work(); }) {}

Keeper::~Keeper() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void Keeper::keep(std::string bytes) {
    {
        const std::lock_guard lock(mutex_);
        next_ = std::move(bytes);
    }
    wake_.notify_one();
}

void Keeper::work() {
    for (;;) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return closing_ || next_; });
        if (!next_) return;
        const auto bytes = *std::exchange(next_, std::nullopt);
        lock.unlock();
        if (const auto written = write_durably(file_, bytes); !written)
            log::error("cbsp.state_not_kept", {{"why", written.error().what}});
    }
}

Result<std::size_t> write_durably(const std::filesystem::path& file, const std::string& bytes) {
    const auto fresh = file.string() + ".new";
    const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return system_fault("opening " + fresh);
    const bool written = write_all(fd, bytes) && ::fsync(fd) == 0;
    if (::close(fd) != 0 || !written) return system_fault("writing " + fresh);
    if (::rename(fresh.c_str(), file.c_str()) != 0) return system_fault("renaming " + fresh);
    const auto folder_name =
        file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
    const int folder = ::open(folder_name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return system_fault("opening " + folder_name.string());
    const bool synced = ::fsync(folder) == 0;
    ::close(folder);
    if (!synced) return system_fault("syncing " + folder_name.string());
    return bytes.size();
}

Result<std::optional<std::string>> read_whole(const std::filesystem::path& file) {
    std::error_code error;
    if (!std::filesystem::exists(file, error)) return std::nullopt;
    std::ifstream in(file, std::ios::binary);
    std::ostringstream bytes;
    bytes << in.rdbuf();
    if (!in) return Fault{Cause::unreachable, "cannot read " + file.string()};
    return std::optional(bytes.str());
}

}  // namespace tocsin::cbsp
