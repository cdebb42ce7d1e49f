#pragma once
#include "server/base/time.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

/// Serial numbers (TS 23.041, 9.4.1.2.1): a phone shows a message whose identifier and serial it has
/// not seen, or whose update number is 1 to 8 ahead of the one that it has, modulo 16.
namespace tocsin::cell_broadcast {

enum class Scope : std::uint8_t { cell_immediate, plmn, area, cell };

inline constexpr std::uint16_t codes = 1024;
inline constexpr std::uint16_t updates = 16;
inline constexpr int updates_ahead_max = 8;

struct Serial {
    Scope scope = Scope::plmn;
    std::uint16_t code = 0;   // 10 bits: the alert
    std::uint8_t update = 0;  // 4 bits: its revision
    bool operator==(const Serial&) const = default;
};

constexpr std::uint16_t to_number(const Serial& s) {
    return std::uint16_t(unsigned(s.scope) << 14 | unsigned(s.code & 0x3FF) << 4 |
                         (s.update & 0xFU));
}
constexpr Serial serial_of(std::uint16_t number) {
    return {Scope(number >> 14), std::uint16_t(number >> 4 & 0x3FF), std::uint8_t(number & 0xF)};
}
/// Whether a phone that has `old` shows `fresh`, both of one identifier and code.
constexpr bool shown_after(std::uint8_t old, std::uint8_t fresh) {
    const int ahead = (fresh - old) & 0xF;
    return ahead >= 1 && ahead <= updates_ahead_max;
}
/// ETWS: emergency user alert and popup stand in the two highest bits of the code.
constexpr Serial alarming(Serial s) {
    s.code = std::uint16_t(0x300 | (s.code & 0xFF));
    return s;
}

/// Which code each alert has. By rule ordinal mod 1024, so that a life without memory finds it again;
/// another only while that one may still be remembered by phones.
class Codes {
public:
    /// The code of this revision; `until` is when it leaves the air at the latest. A revision more
    /// than eight ahead of the last has a new code, for a phone would take it for an old message.
    std::uint16_t take(std::uint32_t ordinal, std::uint16_t revision, Instant now, Instant until);
    /// The code that the alert had last, or would have by rule.
    std::uint16_t of(std::uint32_t ordinal) const;

    struct Entry {
        std::uint32_t ordinal;
        std::uint16_t revision, code;
        Instant until;
        bool operator==(const Entry&) const = default;
    };
    std::vector<Entry> entries() const;
    void restore(std::span<const Entry> entries);

private:
    std::uint16_t free_from(std::uint16_t wanted, std::uint32_t ordinal, Instant now) const;
    std::map<std::uint16_t, Entry> used_;          // by code
    std::map<std::uint32_t, std::uint16_t> last_;  // by ordinal
};

}  // namespace tocsin::cell_broadcast
