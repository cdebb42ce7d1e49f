#pragma once
#include <string>
#include <string_view>

/// The bytes of a message as UTF-8, or why not (XML 1.0, 4.3.3 and appendix F). Done before the
/// parser, so that no reader guesses: the parser only ever sees legal UTF-8.
namespace tocsin::cap {

struct Decoded {
    std::string_view text;  // UTF-8 without byte order mark; views the input or `own`
    std::string own;
    std::string fault;  // empty: decoded
    long line = 1;      // of the fault
};

/// UTF-8, UTF-16 with a byte order mark, US-ASCII, ISO-8859-1; GB 18030 only if configured.
/// The line ends stay where they were, so lines are those of the received bytes.
void decode(std::string_view bytes, bool gb18030, Decoded& out);

}  // namespace tocsin::cap
