#include "server/api/body.hpp"

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>

namespace tocsin::api {
namespace http = boost::beast::http;

struct BodyReader::Parser {
    http::request_parser<http::buffer_body> http;
    std::function<void(std::uint64_t, boost::beast::string_view, boost::system::error_code&)>
        chunk = [](std::uint64_t,
                   boost::beast::string_view extension,
                   boost::system::error_code& error) {
            if (!extension.empty()) error = http::error::bad_chunk_extension;
        };
    std::ptrdiff_t fields = 0;

    std::ptrdiff_t count() const {
        return std::distance(http.get().base().begin(), http.get().base().end());
    }
};

BodyReader::BodyReader(std::string_view head_bytes, const Head& head)
    : parser_(std::make_unique<Parser>()) {
    auto& parser = parser_->http;
    parser.header_limit(std::uint32_t(head_bytes.size() + 1));
    parser.body_limit(boost::none);  // the connection counts
    parser.on_chunk_header(parser_->chunk);
    boost::system::error_code error;
    const auto used = parser.put(boost::asio::buffer(head_bytes.data(), head_bytes.size()), error);
    if (error || used != head_bytes.size() || !parser.is_header_done()) {
        first_.fault = "the head cannot be read";
        return;
    }
    parser_->fields = parser_->count();
    first_.done = !head.chunked && head.content_length == 0;
    if (parser.chunked() != head.chunked ||
        (head.has_length && parser.content_length() != head.content_length))
        first_.fault = "the length of the body can be read in two ways";
}

BodyReader::~BodyReader() = default;

BodyReader::Step BodyReader::put(std::string_view bytes, std::string& out) {
    auto& parser = parser_->http;
    Step step;
    char scratch[16384];
    while (!parser.is_done()) {
        auto& body = parser.get().body();
        body.data = scratch;
        body.size = sizeof scratch;
        body.more = true;
        boost::system::error_code error;
        const auto rest = bytes.substr(step.consumed);
        const auto used = parser.put(boost::asio::buffer(rest.data(), rest.size()), error);
        step.consumed += used;
        out.append(scratch, sizeof scratch - body.size);
        const bool moved = used > 0 || body.size < sizeof scratch;
        if (error == http::error::need_buffer) error = {};
        if (error == http::error::need_more) return step;
        if (error) {
            step.fault = "the body's framing is broken: " + error.message();
            return step;
        }
        if (!moved) return step;
    }
    step.done = true;
    if (parser_->count() != parser_->fields) step.fault = "trailers are not taken";
    return step;
}

}  // namespace tocsin::api
