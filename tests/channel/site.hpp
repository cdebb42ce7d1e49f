#pragma once
#include "tests/channel/stage.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

/// A peer that channels reach by TCP: an HTTP/1.1 site of documents, or anything that lets one
/// connect and then misbehaves. Own code on plain sockets, one thread, loopback only; stages of any
/// channel may use it.
namespace tocsin::conformance {

class Site {
public:
    Site();
    ~Site();
    Site(const Site&) = delete;
    Site& operator=(const Site&) = delete;

    std::uint16_t port() const { return port_; }
    void play(Manner manner);
    void leave();  // connections are refused from now on, at the same port until the next play()
    void put(const std::string& path, std::string body);  // empty: gone

private:
    void work(int listener);
    void serve(int connection, std::vector<int>& kept);
    void answer(int connection, const std::string& request);

    std::uint16_t port_ = 0;
    const int reserved_;  // bound, never listening: nobody else is given the port meanwhile
    std::atomic<Manner> manner_{Manner::well};
    std::atomic<bool> ending_{false};
    std::thread thread_;
    std::mutex mutex_;
    std::map<std::string, std::string> documents_;
};

}  // namespace tocsin::conformance
