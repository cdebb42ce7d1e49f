#include "tests/peers/cell_broadcast/lab.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace tocsin::peers {
namespace {

constexpr const char* scripts = "tests/peers/cell_broadcast";

}  // namespace

std::string run(const std::string& command, int* status) {
    std::string out;
    auto* pipe = ::popen((command + " 2>&1").c_str(), "r");
    if (!pipe) return out;
    char room[4096];
    while (const auto count = std::fread(room, 1, sizeof room, pipe)) out.append(room, count);
    const int ended = ::pclose(pipe);
    if (status) *status = ended;
    return out;
}

Lab::Lab(int number, std::vector<std::string> settings)
    : folder(std::filesystem::temp_directory_path() /
             fmt::format("tocsin-cbsp-{}-{}", ::getpid(), number)),
      number_(number),
      settings_(fmt::format("{}", fmt::join(settings, " "))) {
    std::filesystem::create_directories(folder);
    start();
}

Lab::~Lab() {
    stop();
    std::filesystem::remove_all(folder);
}

bool Lab::start() {
    int status = 0;
    said_ = run(fmt::format("CB_IP={} {} sh {}/start.sh {}/run", address(), settings_, scripts,
                            folder.string()),
                &status);
    running_ = true;
    return well_ = status == 0;
}

void Lab::stop() {
    if (!std::exchange(running_, false)) return;
    run(fmt::format("sh {}/stop.sh {}/run", scripts, folder.string()));
}

bool Lab::survived() const {
    std::ifstream in(folder / "run" / "osmo-bsc.rc");
    int code = 0;
    return !(in >> code) || (code != 134 && code != 139 && code != 137);
}

std::string Lab::address() const { return fmt::format("127.0.0.{}", number_); }
std::string Lab::group() const { return fmt::format("239.193.{}.1", number_); }

std::string Lab::console(const std::string& command) const {
    return run(fmt::format("python3 {}/vty.py {} 4242 '{}'", scripts, address(), command));
}

std::string Lab::shown(int cell) const { return console(fmt::format("show bts {} smscb", cell)); }

}  // namespace tocsin::peers
