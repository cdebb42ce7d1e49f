#include "tests/channel/stage.hpp"

#include <unistd.h>

namespace tocsin::conformance {
namespace {

std::vector<Standing>& standing() {
    static std::vector<Standing> all;
    return all;
}

std::filesystem::path fresh_folder() {
    static int count = 0;
    auto path = std::filesystem::temp_directory_path() /
                fmt::format("tocsin-channel-{}-{}", getpid(), ++count);
    std::filesystem::create_directories(path);
    return path;
}

}  // namespace

Stands::Stands(std::string_view channel, MakeStage make) { standing().push_back({channel, make}); }

const std::vector<Standing>& stages() { return standing(); }

std::unique_ptr<Stage> stage_for(std::string_view channel) {
    const auto at = std::ranges::find(standing(), channel, &Standing::channel);
    return at == standing().end() ? nullptr : at->make();
}

bool plays(const Stage& stage, Row row) {
    const auto not_played = stage.unplayed();
    return std::ranges::find(not_played, row, &Unplayed::row) == not_played.end();
}

Folder::Folder() : path(fresh_folder()) {}
Folder::~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
}

}  // namespace tocsin::conformance
