#pragma once
#include <filesystem>

namespace tocsin::app {

/// Prints every fault of the configuration, or that there is none: exit status 0 or 2.
int check(const std::filesystem::path& config, bool json);

/// Serves until SIGTERM or SIGINT: exit status 0, or 1 if it could not start, or 2 if the
/// configuration is at fault. SIGHUP reloads.
int run(const std::filesystem::path& config);

}  // namespace tocsin::app
