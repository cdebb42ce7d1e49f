#include "server/cap/encoding.hpp"

#include "server/cap/lexical.hpp"

#include <fmt/format.h>
#include <unicode/ucnv.h>

#include <algorithm>
#include <memory>

namespace tocsin::cap {
namespace {

enum class Family { utf8, utf16le, utf16be };

/// Offset of the first byte that is no legal UTF-8, or npos. Runs over ASCII eight bytes at a time
/// would be faster still; this is 1 ms a MiB.
std::size_t illegal_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        if (static_cast<unsigned char>(text[at]) < 0x80) {
            ++at;
            continue;
        }
        const auto from = at;
        // U+FFFD itself is legal: three bytes long; the answer for a fault is one byte long.
        if (next_character(text, at) == U'\uFFFD' && at == from + 1) return from;
    }
    return std::string_view::npos;
}

long line_at(std::string_view text, std::size_t offset) {
    return 1 + std::ranges::count(text.substr(0, offset), '\n');
}

void fail(Decoded& out, long line, std::string why) {
    out.fault = std::move(why);
    out.line = line;
    out.text = {};
}

/// False at a lone surrogate or half a unit; `out` then ends before it.
bool from_utf16(std::string_view bytes, bool little, std::string& out) {
    const auto unit = [&](std::size_t i) {
        const auto a = static_cast<unsigned char>(bytes[i]);
        const auto b = static_cast<unsigned char>(bytes[i + 1]);
        return static_cast<char32_t>(little ? a | (b << 8) : (a << 8) | b);
    };
    out.reserve(bytes.size());
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
        char32_t c = unit(i);
        if (c >= 0xDC00 && c <= 0xDFFF) return false;
        if (c >= 0xD800 && c <= 0xDBFF) {
            i += 2;
            if (i + 1 >= bytes.size()) return false;
            const char32_t low = unit(i);
            if (low < 0xDC00 || low > 0xDFFF) return false;
            c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        }
        append_utf8(out, c);
    }
    return bytes.size() % 2 == 0;
}

bool from_gb18030(std::string_view bytes, std::string& out) {
    UErrorCode code = U_ZERO_ERROR;
    const std::unique_ptr<UConverter, void (*)(UConverter*)> gb(ucnv_open("gb18030", &code),
                                                                ucnv_close);
    if (U_FAILURE(code)) return false;
    ucnv_setToUCallBack(gb.get(), UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &code);
    std::u16string wide(bytes.size() + 1, u'\0');
    const auto length = ucnv_toUChars(gb.get(), wide.data(), static_cast<int32_t>(wide.size()),
                                      bytes.data(), static_cast<int32_t>(bytes.size()), &code);
    if (U_FAILURE(code)) return false;
    const auto raw = reinterpret_cast<const char*>(wide.data());
    return from_utf16({raw, static_cast<std::size_t>(length) * 2}, true, out);
}

/// The value of encoding= in the XML declaration; empty if there is none.
std::string_view declared(std::string_view text) {
    if (!text.starts_with("<?xml") || text.size() < 6 || !trim(text.substr(5, 1)).empty())
        return {};
    const auto head = text.substr(0, std::min(text.find("?>"), std::size_t{400}));
    auto at = head.find("encoding");
    if (at == head.npos) return {};
    auto rest = trim(head.substr(at + 8));
    if (!rest.starts_with('=')) return {};
    rest = trim(rest.substr(1));
    if (rest.empty() || (rest[0] != '"' && rest[0] != '\'')) return {};
    return rest.substr(1, rest.find(rest[0], 1) - 1);
}

constexpr std::string_view use_utf8 = "Send UTF-8, or UTF-16 with a byte order mark.";

void decode_utf16(std::string_view bytes, bool little, Decoded& out) {
    if (!from_utf16(bytes, little, out.own))
        return fail(out, line_at(out.own, out.own.size()),
                    fmt::format("The UTF-16 is broken (a lone surrogate or half a character). {}",
                                use_utf8));
    out.text = out.own;
    const auto said = declared(out.text);
    const auto exact = little ? "UTF-16LE" : "UTF-16BE";
    if (!said.empty() && !same_letters(said, "UTF-16") && !same_letters(said, exact))
        fail(out, 1,
             fmt::format("The bytes are UTF-16 but the XML declaration says {}.", quoted(said)));
}

void decode_utf8(std::string_view bytes, std::string_view said, Decoded& out) {
    if (const auto at = illegal_utf8(bytes); at != bytes.npos)
        return fail(out, line_at(bytes, at),
                    fmt::format("Byte 0x{:02X} is not UTF-8, which the message {}. Write the text "
                                "in UTF-8, or declare the encoding that it has.",
                                static_cast<unsigned char>(bytes[at]),
                                said.empty() ? "is without a declaration" : "declares"));
    out.text = bytes;
}

void decode_latin1(std::string_view bytes, Decoded& out) {
    out.own.reserve(bytes.size() + bytes.size() / 8);
    for (const unsigned char c : bytes) append_utf8(out.own, c);
    out.text = out.own;
}

void decode_ascii(std::string_view bytes, Decoded& out) {
    const auto at = std::ranges::find_if(bytes, [](char c) { return (c & 0x80) != 0; });
    out.text = bytes;
    if (at != bytes.end())
        fail(out, line_at(bytes, static_cast<std::size_t>(at - bytes.begin())),
             fmt::format("US-ASCII is declared but there are other bytes. {}", use_utf8));
}

}  // namespace

void decode(std::string_view bytes, bool gb18030, Decoded& out) {
    using namespace std::string_view_literals;
    if (bytes.starts_with("\xFF\xFE\0\0"sv) || bytes.starts_with("\0\0\xFE\xFF"sv))
        return fail(out, 1, fmt::format("UTF-32 is not accepted. {}", use_utf8));
    if (bytes.starts_with("\xFF\xFE"sv)) return decode_utf16(bytes.substr(2), true, out);
    if (bytes.starts_with("\xFE\xFF"sv)) return decode_utf16(bytes.substr(2), false, out);
    if (bytes.starts_with("<\0"sv) || bytes.starts_with("\0<"sv) || bytes.starts_with("\0\0"sv))
        return fail(out, 1, fmt::format("UTF-16 without a byte order mark. {}", use_utf8));
    if (bytes.starts_with("\x4C\x6F\xA7\x94"sv))
        return fail(out, 1, fmt::format("EBCDIC is not accepted. {}", use_utf8));
    const bool mark = bytes.starts_with("\xEF\xBB\xBF"sv);
    if (mark) bytes.remove_prefix(3);
    const auto said = declared(bytes);
    if (said.empty() || same_letters(said, "UTF-8")) return decode_utf8(bytes, said, out);
    if (!mark && same_letters(said, "ISO-8859-1")) return decode_latin1(bytes, out);
    if (!mark && same_letters(said, "US-ASCII")) return decode_ascii(bytes, out);
    const bool gb =
        same_letters(said, "GB18030") || same_letters(said, "GBK") || same_letters(said, "GB2312");
    if (!mark && gb && gb18030) {
        if (!from_gb18030(bytes, out.own))
            return fail(out, 1, "GB 18030 is declared but the bytes are not legal in it.");
        out.text = out.own;
        return;
    }
    fail(out, 1,
         fmt::format("The encoding {} is not accepted, or not what the bytes are. {}", quoted(said),
                     use_utf8));
}

}  // namespace tocsin::cap
