#pragma once
#include "server/cap/alert.hpp"

#include <optional>
#include <string>
#include <string_view>

/// Words, numbers, times and characters as CAP and XML Schema write them. No elements, no rules.
namespace tocsin::cap {

/// The next character of valid UTF-8, moving `at` on; U+FFFD (one byte on) where it is not valid.
char32_t next_character(std::string_view text, std::size_t& at);
void append_utf8(std::string& out, char32_t c);
std::size_t characters(std::string_view text);
bool is_white(char32_t c);     // any Unicode space
bool is_control(char32_t c);   // C0, DEL, C1
bool is_format(char32_t c);    // zero width, bidirectional and other invisible marks
bool is_override(char32_t c);  // U+202D, U+202E: reverse what a reader sees
bool is_xml_character(char32_t c);
bool is_blank(std::string_view text);

/// Without XML white space (blank, tab, CR, LF) at the ends.
std::string_view trim(std::string_view text);
/// As XML Schema's whiteSpace=collapse: ends trimmed, inner runs to one blank.
std::string collapse(std::string_view text);
/// Any text from outside, fit for a message: controls shown as '?', cut to some 60 characters.
std::string quoted(std::string_view text);
bool same_letters(std::string_view a, std::string_view b);  // ASCII, without case

/// "-12.5": digits, at most one point with digits on both sides, '-' only.
std::optional<double> plain_decimal(std::string_view text);

enum class TimeForm { wrong, schema_only, right };
struct ReadTime {
    TimeForm form = TimeForm::wrong;
    Time time;
    bool plus_zero = false;  // "+00:00"
};
/// CAP 1.2, 3.3.2. `schema_only`: the schema lets it pass, the prose does not (blanks around it,
/// 24:00:00).
ReadTime read_time(std::string_view text);

bool is_language(std::string_view text);  // xs:language
bool is_any_uri(std::string_view text);   // xs:anyURI, as libxml2 reads it
bool is_link(std::string_view text);      // RFC 3987, as it may be shown: no blanks, no <>"{}|\^`
bool is_integer(std::string_view text);   // xs:integer
bool is_decimal(std::string_view text);   // xs:decimal, at most 24 digits
double to_double(std::string_view decimal);
std::optional<std::int64_t> to_int64(std::string_view integer);

/// The scheme of an absolute URI in lower case, or nothing.
std::optional<std::string> scheme(std::string_view uri);
/// Base64 with white space anywhere; nothing if it is not.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace tocsin::cap
