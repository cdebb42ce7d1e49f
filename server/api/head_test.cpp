#include "server/api/head.hpp"

#include "server/api/body.hpp"

#include <doctest/doctest.h>

using namespace tocsin::api;

namespace {

Head read(std::string_view bytes) { return read_head(bytes, HttpLimits{}); }

struct Body {
    std::string text, fault;
    bool done = false;
};

Body decode(std::string_view request, std::size_t piece) {
    const auto head = read(request);
    REQUIRE(head.state == Head::State::done);
    BodyReader reader(request.substr(head.skipped, head.size - head.skipped), head);
    Body out;
    out.fault = reader.begin().fault;
    std::string waiting;
    for (auto rest = request.substr(head.size); out.fault.empty() && !out.done;) {
        waiting += rest.substr(0, piece);
        rest.remove_prefix(std::min(piece, rest.size()));
        const auto step = reader.put(waiting, out.text);
        waiting.erase(0, step.consumed);
        out.fault = step.fault;
        out.done = step.done;
        if (rest.empty() && step.consumed == 0) break;
    }
    return out;
}

}  // namespace

TEST_CASE("a head is read the same wherever the network cuts it") {
    const std::string_view whole =
        "POST /v1/alerts?override=x HTTP/1.1\r\nHost: a:1\r\nContent-Length: 3\r\nX-A:  b "
        "\r\n\r\nabc";
    for (std::size_t cut = 0; cut < whole.size() - 3; ++cut)
        CHECK(read(whole.substr(0, cut)).state == Head::State::more);
    const auto head = read(whole);
    REQUIRE(head.state == Head::State::done);
    CHECK(head.size == whole.size() - 3);
    CHECK(head.method == "POST");
    CHECK(head.target == "/v1/alerts?override=x");
    CHECK(head.content_length == 3);
    CHECK(head.keep_alive);
    CHECK(head.fields.back() == Field{"x-a", "b"});
}

TEST_CASE("what two programs could read in two ways is refused") {
    struct Row {
        std::string_view bytes;
        int status;
    };
    const Row rows[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
         400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1,1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x10\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
         "chunked\r\n\r\n",
         400},
        {"GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\n\tfolded: x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nX: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400},
        {std::string_view("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 38), 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\n: none\r\n\r\n", 400},
        {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /\xE5 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GE T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        {"GET / http/1.1\r\nHost: a\r\n\r\n", 505},
        {"GET /\r\n\r\n", 400},
        {"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", 417},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"\x16\x03\x01\x02", 400},
        {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    };
    for (const auto& row : rows) {
        const auto head = read(row.bytes);
        CAPTURE(row.bytes);
        CHECK(head.state == Head::State::bad);
        CHECK(head.status == row.status);
        CHECK_FALSE(head.detail.empty());
    }
}

TEST_CASE("what is unusual and clear is taken") {
    for (const std::string_view bytes :
         {"GET / HTTP/1.0\r\n\r\n", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
          "GET https://A:1/x HTTP/1.1\r\nHost: a:1\r\n\r\n",
          "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost:\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: a\r\nX: \xE5\x8C\x97\r\n\r\n"}) {
        CAPTURE(bytes);
        CHECK(read(bytes).state == Head::State::done);
    }
    CHECK(read("GET https://A:1/x HTTP/1.1\r\nHost: a:1\r\n\r\n").target == "/x");
    CHECK_FALSE(read("GET / HTTP/1.0\r\n\r\n").keep_alive);
    CHECK_FALSE(read("GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n").keep_alive);
}

TEST_CASE("a head has a limit, and so have its target and its fields") {
    const auto big = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(65536, 'x');
    CHECK(read(big).status == 431);
    CHECK(read(big + "\r\n\r\n").status == 431);
    CHECK(read("GET /" + std::string(10000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n").status == 414);
    CHECK(read("GET /" + std::string(70000, 'x')).status == 414);
    std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i < 100; ++i) many += "X: y\r\n";
    CHECK(read(many + "\r\n").status == 431);
}

TEST_CASE("a body is the same in any pieces; framing that lies is a fault") {
    struct Row {
        std::string_view request, text;
        bool well;
    };
    const Row rows[] = {
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "hello", true},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
         "chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
         "hello", true},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n0\r\n\r\n",
         "", false},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n0\r\nA: "
         "b\r\n\r\n",
         "he", false},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhe\r\n", "", false},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\nhe\r\n0\r\n\r\n", "",
         false},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nheX\r\n0\r\n\r\n",
         "he", false},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nhe\r\n0\r\n\r\n",
         "", false},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
         "chunked\r\n\r\nfffffffffffffffff\r\nhe\r\n",
         "", false},
    };
    for (const auto& row : rows)
        for (const std::size_t piece : {1U, 2U, 7U, 1000U}) {
            CAPTURE(row.request);
            CAPTURE(piece);
            const auto body = decode(row.request, piece);
            CHECK(body.fault.empty() == row.well);
            if (row.well) CHECK(body.text == row.text);
            if (row.well) CHECK(body.done);
        }
}

TEST_CASE("escapes in targets decode to UTF-8 or not at all") {
    struct Row {
        std::string_view target;
        std::optional<std::string_view> value;
    };
    const Row rows[] = {{"/a?q=%E6%9A%B4%E9%9B%A8", "暴雨"},
                        {"/a?q=a+b%2B", "a b+"},
                        {"/a?q=%", std::nullopt},
                        {"/a?q=%4", std::nullopt},
                        {"/a?q=%zz", std::nullopt},
                        {"/a?q=%00", std::nullopt},
                        {"/a?q=%C0%AF", std::nullopt},
                        {"/a?q=%ED%A0%80", std::nullopt},
                        {"/a?q=%F4%90%80%80", std::nullopt},
                        {"/a?q=%F0%9F%8C%8A", "🌊"},
                        {"/a?q=%E6%9A", std::nullopt},
                        {"/a?q=", ""}};
    for (const auto& row : rows) {
        CAPTURE(row.target);
        const auto read = read_target(row.target);
        REQUIRE(read.has_value() == row.value.has_value());
        if (row.value) CHECK(read->query.at(0).value == *row.value);
    }
}
