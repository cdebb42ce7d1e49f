#pragma once
#include "server/base/time.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// How the two sides of a CONNECT prove that they know the shared secret: MD5, as CMPP says. Weak by
/// today's measure, so a link over foreign ground belongs into TLS or a tunnel.
namespace tocsin::cmpp {

/// MMDDhhmmss in China's time, as a number.
std::uint32_t timestamp_of(Instant at);

/// AuthenticatorSource: 16 bytes.
std::string proof_of(std::string_view source_addr,
                     std::string_view secret,
                     std::uint32_t timestamp);

/// AuthenticatorISMG. `status_bytes`: 4 by 3.0, 1 by 2.0.
std::string answer_to(std::string_view proof,
                      std::string_view secret,
                      std::uint32_t status,
                      std::size_t status_bytes);
/// Either width: some gateways of 3.0 hash one byte.
bool is_proven(std::string_view answered, std::string_view proof, std::string_view secret);

}  // namespace tocsin::cmpp
