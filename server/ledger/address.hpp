#pragma once
#include "server/base/fault.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace tocsin::ledger {

/// Where a Redis listens: a Unix socket, or host and port.
struct Address {
    std::string socket;  // then the rest is unused
    std::string host;
    std::uint16_t port = 6379;
    int database = 0;
    std::string text() const;
};

/// "redis://host[:port][/db]", "redis://[::1]:6379", "unix:///path". A password in it is refused:
/// secrets come from files only. TLS ("rediss://") is refused too: put stunnel in front.
Result<Address> read_address(std::string_view url);

/// The first line of a file that only its owner may read (0600 or less).
Result<std::string> read_secret(const std::filesystem::path& file);

}  // namespace tocsin::ledger
