#pragma once
#include <optional>
#include <string>
#include <string_view>

/// A first pass over the text, before the parser: what would cost the parser too much, or would
/// end its reading early. libxml2 compares every attribute of a start tag with every other, and
/// takes a zero byte after the root for the end of the message.
namespace tocsin::cap {

struct Cut {
    std::size_t offset;  // read only what is before it
    long line;
    std::string rule, message;
    std::string name;  // of the start tag with the flood, as written
};

struct Scanned {
    std::optional<Cut> cut;
    long doctype_line = 0;  // 0: none seen
};

Scanned scan(std::string_view text);

}  // namespace tocsin::cap
