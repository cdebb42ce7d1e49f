#pragma once
#include <string>
#include <string_view>

namespace tocsin::audience {

/// A well-formed BCP 47 tag in its usual case ("zh-hans-cn" gives "zh-Hans-CN"); else empty. The
/// grandfathered tags of RFC 5646 (i-klingon, ...) are not taken.
std::string language_tag(std::string_view text);

}  // namespace tocsin::audience
