#pragma once
#include "server/api/head.hpp"

#include <memory>
#include <string>
#include <string_view>

/// The body of a request, decoded by Beast: plain or chunked, without extensions and trailers
/// (reliability.md 6). Pure: bytes in, bytes out.
namespace tocsin::api {

class BodyReader {
public:
    /// `head`: the bytes that read_head() found good. Beast reads them too; where the two differ,
    /// the request is refused.
    BodyReader(std::string_view head_bytes, const Head& head);
    ~BodyReader();
    BodyReader(const BodyReader&) = delete;
    BodyReader& operator=(const BodyReader&) = delete;

    struct Step {
        std::size_t consumed = 0;
        bool done = false;
        std::string fault;  // not empty: 400
    };
    /// Appends what `bytes` decode to. Call again with the rest and more.
    Step put(std::string_view bytes, std::string& out);
    Step begin() const { return first_; }

private:
    struct Parser;
    std::unique_ptr<Parser> parser_;
    Step first_;
};

}  // namespace tocsin::api
