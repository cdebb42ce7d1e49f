#pragma once
#include "server/base/fault.hpp"

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace tocsin::web {

/// One thread for what would block the loop: fsync and looking at our own site from outside. Jobs
/// run one after the other; those not begun when it is destroyed are dropped.
class Worker {
public:
    Worker();
    ~Worker();
    void run(std::function<void()> job);

private:
    void work();
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> jobs_;
    bool closing_ = false;
    std::thread thread_;
};

/// New file, fsync, rename, fsync of the folder: whole or as before.
Result<std::size_t> write_durably(const std::filesystem::path& file, const std::string& bytes);
/// The body of a 200 within five seconds, else why not.
Result<std::string> fetch(const std::string& url, const std::string& ca_file);

}  // namespace tocsin::web
