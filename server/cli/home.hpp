#pragma once
#include "server/base/fault.hpp"

#include <filesystem>
#include <string>

namespace tocsin::cli {

/// What --url, --token-file, --ca and --config say.
struct Where {
    std::string url, token_file, ca, config;
    long timeout_s = 30;
};

struct Reach {
    std::string url, token, ca;
};

/// Explicit options first; else the folder that `init` wrote: --config, $TOCSIN_CONFIG, or the
/// current folder if it holds a tocsin.toml. `role` names the least token that may do the command.
Result<Reach> reach(const Where& where, std::string_view role);

/// The folder of the configuration; refused if there is none.
Result<std::filesystem::path> home(const Where& where);
Result<std::string> read_file(const std::filesystem::path& file);
/// A file's bytes, or standard input for "-".
Result<std::string> read_input(const std::string& name);

}  // namespace tocsin::cli
