#pragma once
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

/// Between two peers on loopback: hands all bytes on, and keeps them, so that a dissector of others can
/// read the whole conversation without a right to capture.
namespace tocsin::peers {

class Relay {
public:
    Relay(std::string target, std::uint16_t target_port);
    ~Relay();
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    std::uint16_t port() const { return port_; }
    void cut();  // the connections that are open now
    /// Raw IP, as if both had spoken over port 48049.
    void write_pcap(const std::filesystem::path& file);

private:
    struct Chunk {
        int conversation;
        bool from_dialler;
        std::string bytes;
    };
    void work();
    void carry(int conversation, int dialler, int target);
    bool pass(int from, int to, int conversation, bool from_dialler);

    std::string target_;
    std::uint16_t target_port_, port_ = 0;
    int listener_;
    std::atomic<bool> ending_{false}, cutting_{false};
    std::mutex mutex_;
    std::vector<Chunk> chunks_;
    std::thread thread_;
};

}  // namespace tocsin::peers
