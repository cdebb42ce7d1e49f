#pragma once
#include "server/base/fault.hpp"

#include <filesystem>

namespace tocsin::cli {

struct Init {
    std::filesystem::path folder;
    std::string city = "beijing";
    int port = 8443;
    std::size_t sample = 1000;  // lines of the sample audience
};

/// `tocsin init`: configuration, certificates, tokens, words, regions and a sample audience, all in
/// one folder that serves at once (design.md 5). Refuses a folder that holds a configuration.
Result<std::filesystem::path> init(const Init& wanted, const std::filesystem::path& share);

/// The folder with `data/` and `templates/`: $TOCSIN_SHARE, beside the installed program, or the
/// source tree that it was built in.
Result<std::filesystem::path> share_folder();

}  // namespace tocsin::cli
