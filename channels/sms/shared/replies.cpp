#include "channels/sms/shared/replies.hpp"

#include "channels/shared/sms_text.hpp"

#include <iconv.h>

#include <algorithm>

namespace tocsin::sms {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t open_most = 1000;  // of messages that lack a part
constexpr auto patience = 60s;
constexpr std::string_view replacement = "\xEF\xBF\xBD";

std::string converted(const char* charset, std::string_view octets) {
    const auto converter = iconv_open("UTF-8", charset);
    if (converter == iconv_t(-1)) return shared::from_latin1(octets);
    std::string out(octets.size() * 4 + 16, '\0');
    auto* from = const_cast<char*>(octets.data());
    auto* to = out.data();
    std::size_t left = octets.size(), room = out.size();
    while (left > 0 && room >= replacement.size()) {
        if (iconv(converter, &from, &left, &to, &room) != std::size_t(-1)) break;
        if (left == 0 || room < replacement.size()) break;
        to = std::ranges::copy(replacement, to).out;
        room -= replacement.size();
        ++from, --left;
    }
    iconv_close(converter);
    out.resize(out.size() - room);
    return out;
}

std::uint8_t octet(std::string_view octets, std::size_t at) {
    return static_cast<std::uint8_t>(octets[at]);
}

}  // namespace

Letters letters_of(std::uint8_t coding, Letters of_default) {
    switch (coding) {
        case 0x00: return of_default;
        case 0x01: return Letters::octets;  // IA5: ASCII is UTF-8
        case 0x02:
        case 0x04: return Letters::octets;
        case 0x03: return Letters::latin1;
        case 0x05:
        case 0x0A:
        case 0x0D: return Letters::jis;
        case 0x06: return Letters::cyrillic;
        case 0x07: return Letters::hebrew;
        case 0x08: return Letters::ucs2;
        case 0x0E: return Letters::korean;
        case 0x0F: return Letters::gbk;  // not of SMPP: CMPP, and Chinese SMSCs
        default: break;
    }
    const auto alphabet = [&] {
        switch (coding >> 2 & 3) {
            case 1: return Letters::octets;
            case 2: return Letters::ucs2;
            default: return Letters::gsm7;
        }
    };
    if (coding < 0x80) return alphabet();                                     // general groups
    if (coding >= 0xF0) return coding & 4 ? Letters::octets : Letters::gsm7;  // class
    if (coding >= 0xE0) return Letters::ucs2;                                 // message waiting
    return coding >= 0xC0 ? Letters::gsm7 : of_default;
}

std::string words_of(std::string_view octets, Letters letters) {
    switch (letters) {
        case Letters::gsm7: return shared::from_gsm7(octets);
        case Letters::ucs2: return shared::from_ucs2(octets);
        case Letters::latin1: return shared::from_latin1(octets);
        case Letters::octets:
            return shared::to_ucs2(octets) ? std::string(octets) : shared::from_latin1(octets);
        case Letters::gbk: return converted("GB18030", octets);
        case Letters::cyrillic: return converted("ISO-8859-5", octets);
        case Letters::hebrew: return converted("ISO-8859-8", octets);
        case Letters::jis: return converted("SHIFT_JIS", octets);
        case Letters::korean: return converted("EUC-KR", octets);
    }
    return {};
}

Piece without_header(std::string_view octets, Letters letters) {
    Piece out{octets, letters};
    if (octets.empty() || octets.size() < octet(octets, 0) + 1u) return out;
    const auto end = octet(octets, 0) + 1u;
    for (std::size_t at = 1; at + 2 <= end; at += 2u + octet(octets, at + 1)) {
        const auto length = octet(octets, at + 1);
        if (at + 2 + length > end) break;
        const bool narrow = octet(octets, at) == 0x00 && length == 3;
        const bool wide = octet(octets, at) == 0x08 && length == 4;
        if (!narrow && !wide) continue;
        const auto rest = at + 2 + (wide ? 2u : 1u);
        out.reference = wide ? std::uint16_t(octet(octets, at + 2) << 8 | octet(octets, at + 3))
                             : octet(octets, at + 2);
        out.parts = octet(octets, rest), out.part = octet(octets, rest + 1);
    }
    if (out.part == 0 || out.part > out.parts) out.part = out.parts = 1;
    out.octets = octets.substr(end);
    return out;
}

void Replies::took(std::string_view from, const Piece& piece, Instant now) {
    if (piece.parts <= 1)
        return desk_.heard(std::string(from), words_of(piece.octets, piece.letters));
    Key key{std::string(from), piece.reference, piece.parts};
    auto found = open_.find(key);
    if (found == open_.end()) {
        if (open_.size() >= open_most) {  // the oldest makes room
            const auto oldest = std::ranges::min_element(
                open_, {}, [](const auto& entry) { return entry.second.since; });
            hand_on(oldest->first, oldest->second);
            open_.erase(oldest);
        }
        found = open_.emplace(std::move(key), Open{now, {}}).first;
    }
    found->second.parts.try_emplace(piece.part, std::string(piece.octets), piece.letters);
    if (found->second.parts.size() < piece.parts) return;
    hand_on(found->first, found->second);
    open_.erase(found);
}

void Replies::tick(Instant now) {
    std::erase_if(open_, [&](const auto& entry) {
        if (now - entry.second.since < patience) return false;
        hand_on(entry.first, entry.second);
        return true;
    });
}

/// Octets are joined before they are read: a pair or an escape may stand across two parts.
void Replies::hand_on(const Key& key, const Open& open) {
    std::string words, octets;
    auto letters = Letters::gsm7;
    unsigned next = 1;
    const auto read = [&] {
        words += words_of(octets, letters);
        octets.clear();
    };
    for (const auto& [part, piece] : open.parts) {
        if (part != next || piece.second != letters) read();
        if (part != next) words += "…";
        letters = piece.second;
        octets += piece.first;
        next = part + 1u;
    }
    read();
    if (next <= std::get<2>(key)) words += "…";
    desk_.heard(std::get<0>(key), words);
}

}  // namespace tocsin::sms
