#pragma once
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <thread>

namespace tocsin::app {

/// One thread and its event loop. Runs until stop(); what is still queued then is dropped.
class LoopThread {
public:
    LoopThread() : work_(boost::asio::make_work_guard(io)) {}
    ~LoopThread() { stop(); }
    void start() {
        thread_ = std::thread([this] { io.run(); });
    }
    void stop() {
        work_.reset();
        io.stop();
        if (thread_.joinable()) thread_.join();
    }
    boost::asio::io_context io{1};

private:
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::thread thread_;
};

}  // namespace tocsin::app
