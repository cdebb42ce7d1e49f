#pragma once
#include <string>
#include <string_view>

namespace tocsin::campaign {

/// The stream of what phones replied on an endpoint: fields "from" (digits) and "words" (UTF-8, at
/// most 2,000 bytes). Whoever has dealt with an entry deletes it.
std::string heard_key(std::string_view endpoint);

}  // namespace tocsin::campaign
