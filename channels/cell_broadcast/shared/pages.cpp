#include "channels/cell_broadcast/shared/pages.hpp"

#include "channels/shared/sms_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::cell_broadcast {
namespace {

constexpr char carriage_return = 0x0D, escape = 0x1B;
constexpr std::size_t letters = 2;

/// Seven bits a character, the first in the lowest bits.
std::string pack(std::string_view septets) {
    std::string out;
    unsigned held = 0, bits = 0;
    for (const char septet : septets) {
        held |= unsigned(septet & 0x7F) << bits;
        bits += 7;
        for (; bits >= 8; bits -= 8, held >>= 8) out += char(held & 0xFF);
    }
    if (bits > 0) out += char(held & 0xFF);
    return out;
}

std::string unpack(std::string_view octets, std::size_t septets) {
    std::string out;
    unsigned held = 0, bits = 0;
    for (const char octet : octets) {
        held |= unsigned(static_cast<unsigned char>(octet)) << bits;
        for (bits += 8; bits >= 7 && out.size() < septets; bits -= 7, held >>= 7)
            out += char(held & 0x7F);
    }
    return out;
}

/// A phone takes trailing CR for padding: one in the text would be taken for it, too.
std::string without_returns(std::string_view utf8) {
    std::string out(utf8);
    std::erase(out, carriage_return);
    return out;
}

std::vector<std::string_view> cut_septets(std::string_view all, std::size_t room) {
    std::vector<std::string_view> out;
    while (!all.empty()) {
        auto take = std::min(all.size(), room);
        // A septet 0x1B is always an escape here, never a letter after one.
        if (take < all.size() && all[take - 1] == escape) --take;
        out.push_back(all.substr(0, take));
        all.remove_prefix(take);
    }
    return out;
}

std::vector<std::string_view> cut_ucs2(std::string_view all, std::size_t room, bool keep_pairs) {
    std::vector<std::string_view> out;
    while (!all.empty()) {
        auto take = std::min(all.size(), room * 2);
        const auto last = static_cast<unsigned char>(all[take - 2]);
        if (keep_pairs && take < all.size() && last >= 0xD8 && last < 0xDC) take -= 2;
        out.push_back(all.substr(0, take));
        all.remove_prefix(take);
    }
    return out;
}

Page gsm7_page(std::string_view septets, const std::string& prefix) {
    std::string all = prefix + std::string(septets);
    Page page;
    page.length = std::uint8_t((all.size() * 7 + 7) / 8);
    all.resize(septets_a_page, carriage_return);
    std::ranges::copy(pack(all), page.octets.begin());
    return page;
}

Page ucs2_page(std::string_view units, const std::string& prefix) {
    const auto text = prefix + std::string(units);
    Page page;
    page.length = std::uint8_t(text.size());
    auto at = std::ranges::copy(text, page.octets.begin()).out;
    for (; at != page.octets.end(); at += 2) at[0] = 0, at[1] = carriage_return;
    return page;
}

Fault too_long(std::size_t pages, std::size_t most) {
    return {Cause::over_limit, fmt::format("{} pages, {} at most", pages, most)};
}

Result<Pages> in_gsm7(std::string_view septets, std::string_view language, const Layout& layout) {
    const auto code = two_letters(language);
    const bool prefixed = layout.name_language && !code.empty();
    const auto prefix = prefixed ? code + carriage_return : std::string();
    const auto parts = cut_septets(septets, septets_a_page - prefix.size());
    if (parts.size() > layout.pages_most) return too_long(parts.size(), layout.pages_most);
    Pages out{prefixed ? dcs_gsm7_prefixed : gsm7_dcs(language), {}};
    for (const auto part : parts) out.pages.push_back(gsm7_page(part, prefix));
    return out;
}

Result<Pages> in_ucs2(std::string_view units, std::string_view language, const Layout& layout) {
    const auto code = two_letters(language);
    const bool prefixed = layout.name_language && !code.empty();
    const auto prefix = prefixed ? pack(code) : std::string();
    const auto room = ucs2_a_page - prefix.size() / 2;
    auto parts = cut_ucs2(units, room, true);
    // Phones join pages before they decode; a pair that straddles two is better than no warning.
    if (parts.size() > layout.pages_most) parts = cut_ucs2(units, room, false);
    if (parts.size() > layout.pages_most) return too_long(parts.size(), layout.pages_most);
    Pages out{prefixed ? dcs_ucs2_prefixed : dcs_ucs2, {}};
    for (const auto part : parts) out.pages.push_back(ucs2_page(part, prefix));
    return out;
}

void strip_padding(std::string& units, std::string_view padding) {
    while (units.ends_with(padding)) units.resize(units.size() - padding.size());
}

}  // namespace

Result<Pages> paginate(std::string_view utf8, std::string_view language, const Layout& layout) {
    const auto text = without_returns(utf8);
    auto units = shared::to_ucs2(text);
    if (!units) return units.error();
    if (units->empty()) return Fault{Cause::malformed, "a text without a character"};
    if (const auto septets = shared::to_gsm7(text)) return in_gsm7(*septets, language, layout);
    return in_ucs2(*units, language, layout);
}

Told read(const Pages& pages) {
    auto coding = coding_of(pages.dcs);
    std::string units;
    for (const auto& page : pages.pages) {
        const std::string_view octets(page.octets.data(), page.octets.size());
        const bool ucs2 = coding.alphabet == Alphabet::ucs2;
        auto own = ucs2 ? std::string(octets) : unpack(octets, septets_a_page);
        if (coding.prefixed) {
            const auto head = ucs2 ? unpack(octets.substr(0, letters), letters) : own.substr(0, 2);
            coding.language = head;
            own.erase(0, ucs2 ? letters : letters + 1);
        }
        strip_padding(own, ucs2 ? std::string_view("\0\r", 2) : std::string_view("\r"));
        units += own;
    }
    const bool ucs2 = coding.alphabet == Alphabet::ucs2;
    return {ucs2 ? shared::from_ucs2(units) : shared::from_gsm7(units), coding.language};
}

}  // namespace tocsin::cell_broadcast
