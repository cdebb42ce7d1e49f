#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin {

/// 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);
/// CRC-32C (Castagnoli), as records carry it; reliability.md 1.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);
/// Time does not depend on where they differ.
bool same_in_constant_time(std::string_view a, std::string_view b);
/// From the system's generator; aborts if there is none (a predictable token is worse).
std::string random_bytes(std::size_t count);
std::string hex(std::string_view bytes);
/// 26 characters, sorts by time (ULID, Crockford base 32, lower case).
std::string make_ulid();

}  // namespace tocsin
