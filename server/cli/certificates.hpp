#pragma once
#include "server/base/fault.hpp"

#include <filesystem>

namespace tocsin::cli {

/// Writes ca.crt, server.crt and server.key (P-256, ECDSA with SHA-256) into `folder`: a CA whose
/// key is thrown away, and a certificate for 127.0.0.1, ::1 and localhost. For a first run; a city
/// puts its own in the same places.
Result<std::filesystem::path> write_certificates(const std::filesystem::path& folder, int days);

/// A new file of that mode, else a fault; never overwrites.
Result<std::filesystem::path> write_new(const std::filesystem::path& file,
                                        std::string_view bytes,
                                        unsigned mode);

}  // namespace tocsin::cli
