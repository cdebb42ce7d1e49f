#pragma once
#include <cstdint>
#include <string>
#include <vector>

/// A foreign program for the length of a test: started without a shell, its standard output read,
/// ended by its own process id.
namespace tocsin::peers {

class Process {
public:
    Process(const std::vector<std::string>& command,
            const std::vector<std::string>& environment = {});
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    /// What stands behind "port " on the first such line; 0 if there is none within 10 s.
    std::uint16_t port();
    /// The next line, empty after 10 s or at the end.
    std::string line();
    /// SIGTERM, then waits; what it said on the way, and its exit status (128 + signal if killed).
    std::string end();
    int status() const { return status_; }
    void signal(int number);

private:
    int pid_ = -1, out_ = -1, status_ = -1;
    std::string pending_;
};

}  // namespace tocsin::peers
