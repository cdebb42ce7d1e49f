#pragma once
#include "server/base/fault.hpp"

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

/// One thread that writes the newest state to a file; what came while it wrote is written next.
namespace tocsin::cbsp {

class Keeper {
public:
    explicit Keeper(std::filesystem::path file);
    ~Keeper();  // what was given is written first
    void keep(std::string bytes);

private:
    void work();
    std::filesystem::path file_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::optional<std::string> next_;
    bool closing_ = false;
    std::thread thread_;
};

/// New file, fsync, rename, fsync of the folder: whole or as before.
Result<std::size_t> write_durably(const std::filesystem::path& file, const std::string& bytes);
/// Nothing: there is no such file. Malformed or unreachable: it cannot be read.
Result<std::optional<std::string>> read_whole(const std::filesystem::path& file);

}  // namespace tocsin::cbsp
