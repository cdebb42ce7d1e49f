#pragma once
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <pthread.h>

#include <thread>

namespace tocsin::app {

/// One thread and its event loop. Runs until stop(); what is still queued then is dropped.
class LoopThread {
public:
    explicit LoopThread(const char* name) : name_(name), work_(boost::asio::make_work_guard(io)) {}
    ~LoopThread() { stop(); }
    void start() {
        thread_ = std::thread([this] { io.run(); });
        ::pthread_setname_np(thread_.native_handle(), name_);  // as top and perf show it
    }
    void stop() {
        work_.reset();
        io.stop();
        if (thread_.joinable()) thread_.join();
    }
    boost::asio::io_context io{1};

private:
    const char* name_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::thread thread_;
};

}  // namespace tocsin::app
