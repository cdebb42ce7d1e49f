#pragma once
#include <string>
#include <string_view>

namespace tocsin::web {

/// For XML 1.0 and HTML text and attributes: markup is escaped, characters that XML forbids and
/// bidirectional overrides are dropped, broken UTF-8 becomes U+FFFD.
std::string escaped(std::string_view text);

}  // namespace tocsin::web
