#pragma once
#include "server/base/fault.hpp"

#include <chrono>
#include <string>
#include <string_view>

/// Points in time as everybody here writes them: UTC, whole milliseconds.
namespace tocsin {

using Instant = std::chrono::sys_time<std::chrono::milliseconds>;

/// The wall clock. Deciders never call this: they are handed `now`.
Instant now();

/// "2026-07-29T17:30:00+08:00" (RFC 3339); milliseconds only where there are some.
std::string rfc3339(Instant at, std::chrono::minutes offset = std::chrono::hours(8));

/// RFC 3339 with any offset ("Z", "+08:00", "-00:00"); fractions to the millisecond. Real calendar
/// days only. Malformed says which part.
Result<Instant> parse_rfc3339(std::string_view text);

}  // namespace tocsin
