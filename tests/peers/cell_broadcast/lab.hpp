#pragma once
#include <filesystem>
#include <string>
#include <vector>

/// osmo-bsc with virtual cells for the length of a test, by the scripts beside this file, on a loopback
/// address of its own.
namespace tocsin::peers {

class Lab {
public:
    /// `number`: the last octet of its address; `settings`: environment of start.sh.
    Lab(int number, std::vector<std::string> settings = {});
    ~Lab();
    Lab(const Lab&) = delete;
    Lab& operator=(const Lab&) = delete;

    bool start();  // again after stop(): a controller that has forgotten everything
    void stop();
    bool well() const { return well_; }
    const std::string& said() const { return said_; }
    /// osmo-bsc was not killed by what it was sent.
    bool survived() const;

    std::string address() const;
    std::string group() const;  // of the virtual air
    std::string console(const std::string& command) const;
    std::string shown(int cell) const;  // `show bts N smscb`

    const std::filesystem::path folder;

private:
    int number_;
    std::string settings_;
    bool well_ = false, running_ = false;
    std::string said_;
};

/// What a command says, both streams; `status` as the shell has it.
std::string run(const std::string& command, int* status = nullptr);

}  // namespace tocsin::peers
