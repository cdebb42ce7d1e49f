#pragma once
#include "server/api/http.hpp"

#include <string>
#include <string_view>
#include <vector>

/// The head of a request, read more strictly than RFC 9112 asks: what two programs could read in
/// two ways (smuggling) is refused (reliability.md 6). Pure. The body is body.hpp's.
namespace tocsin::api {

struct Head {
    enum class State { more, bad, done } state = State::more;
    int status = 0;           // bad: what to answer
    std::string detail;       // bad: why
    std::size_t size = 0;     // done: bytes with the empty line
    std::size_t skipped = 0;  // an empty line before it
    std::string method, target;
    std::vector<Field> fields;
    bool http11 = true, keep_alive = true, chunked = false, expects_continue = false;
    std::uint64_t content_length = 0;
    bool has_length = false;
};

/// `bytes` from the first byte of the request; called again with more while it says `more`.
Head read_head(std::string_view bytes, const HttpLimits& limits);

/// Splits a target and decodes its query. Nothing: not decodable (bad escapes, NUL, no UTF-8).
struct Target {
    std::string path;
    std::vector<Field> query;
};
std::optional<Target> read_target(std::string_view target);
/// %41 -> A; nothing for bad escapes and for what is no UTF-8.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);
bool is_utf8(std::string_view text);

}  // namespace tocsin::api
