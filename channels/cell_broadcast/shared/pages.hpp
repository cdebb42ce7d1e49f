#pragma once
#include "channels/cell_broadcast/shared/dcs.hpp"
#include "server/base/fault.hpp"

#include <array>
#include <span>
#include <vector>

/// A text as pages of 82 octets (TS 23.041, 9.4.2.2.5): packed each on its own, padded with CR, none
/// ending inside a character. Nothing is ever cut off (scar A7).
namespace tocsin::cell_broadcast {

inline constexpr std::size_t page_octets = 82, pages_max = 15;
inline constexpr std::size_t septets_a_page = 93, ucs2_a_page = 41;

struct Page {
    std::array<char, page_octets> octets{};
    std::uint8_t length = 0;  // octets of text; what is behind them is padding
    bool operator==(const Page&) const = default;
};
struct Pages {
    std::uint8_t dcs = dcs_gsm7_unspecified;
    std::vector<Page> pages;
    bool operator==(const Pages&) const = default;
};
struct Layout {
    bool name_language = false;  // 0x10, 0x11: each page says it, and takes three units less or one
    std::size_t pages_most = pages_max;
};

/// In the GSM alphabet if all characters are in it, else in UCS2. Over limit: more pages than
/// `pages_most`. Malformed: not UTF-8, or empty.
Result<Pages> paginate(std::string_view utf8, std::string_view language, const Layout& layout = {});

struct Told {
    std::string words, language;
};
/// What a phone shows of these pages.
Told read(const Pages& pages);

}  // namespace tocsin::cell_broadcast
