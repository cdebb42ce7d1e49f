#pragma once
#include "server/base/fault.hpp"

#include <filesystem>

namespace tocsin::cli {

/// A made-up audience of `count` lines over the districts of `regions`, the same for the same
/// input: for a first run and the demo. The numbers belong to nobody.
Result<std::filesystem::path> write_sample(const std::filesystem::path& file,
                                           std::size_t count,
                                           const std::filesystem::path& regions);

}  // namespace tocsin::cli
