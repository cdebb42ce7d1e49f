#pragma once
#include "server/base/fault.hpp"

#include <atomic>
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
    /// True once it is being destroyed: a job that waits for others gives up then.
    const std::atomic<bool>& closing() const { return closing_; }

private:
    void work();
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> jobs_;
    std::atomic<bool> closing_ = false;
    std::thread thread_;
};

/// New file, fsync, rename, fsync of the folder: whole or as before.
Result<std::size_t> write_durably(const std::filesystem::path& file, const std::string& bytes);
/// The body of a 200 within five seconds, else why not. Gives up within a second of `give_up`.
Result<std::string> fetch(const std::string& url,
                          const std::string& ca_file,
                          const std::atomic<bool>& give_up);

}  // namespace tocsin::web
