#include "server/api/testing.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

/// Random and mutated bodies and requests at the whole server: no crash, no 5xx, every refusal a
/// problem. The seed is printed where something fails; TOCSIN_SEED repeats it.
using namespace tocsin;
using namespace tocsin::api;
using namespace tocsin::api::testing;
using namespace std::chrono_literals;

namespace {

class Mutator {
public:
    explicit Mutator(std::uint64_t seed) : random_(seed) {}

    std::size_t below(std::size_t n) { return n == 0 ? 0 : std::size_t(random_() % n); }

    std::string noise(std::size_t most) {
        std::string out(below(most + 1), '\0');
        for (char& c : out) c = char(random_());
        return out;
    }

    std::string mutate(std::string text) {
        for (auto times = 1 + below(4); times > 0; --times) once(text);
        return text;
    }

private:
    void once(std::string& text) {
        const auto at = below(text.size() + 1),
                   length = below(std::min<std::size_t>(text.size() - at, 64) + 1);
        switch (below(9)) {
            case 0: text.erase(at, length); break;
            case 1: text.insert(at, text.substr(at, length)); break;
            case 2: text.insert(at, noise(8)); break;
            case 3: text.resize(at); break;
            case 4: text.insert(at, std::string(word())); break;
            case 5: text.replace(at, length, word()); break;
            case 6:
                if (!text.empty()) text[at % text.size()] = char(random_());
                break;
            case 7: swap_values(text); break;
            default: text.insert(at, std::string(below(2000), "<&\x00 \xFF"[below(5)])); break;
        }
    }

    std::string_view word() {
        using namespace std::string_view_literals;
        static constexpr std::string_view words[] = {
            "<info>"sv,
            "</info>"sv,
            "</alert>"sv,
            "<area>"sv,
            "&lt;"sv,
            "&#0;"sv,
            "&#x10FFFF;"sv,
            "&x;"sv,
            "<!DOCTYPE a>"sv,
            "<!--"sv,
            "-->"sv,
            "<![CDATA["sv,
            "]]>"sv,
            "<?php ?>"sv,
            "\xEF\xBB\xBF"sv,
            "\xFF\xFE"sv,
            "<polygon>39,116 40,116 40,117 39,116</polygon>"sv,
            "<polygon>116,39 116,40 117,40 116,39</polygon>"sv,
            "<circle>39.9,116.3 NaN</circle>"sv,
            "<circle>39.9,116.3 1e999</circle>"sv,
            "<expires>9999-12-31T23:59:59+14:00</expires>"sv,
            "<expires>0000-00-00T00:00:00Z</expires>"sv,
            "<sent>2026-02-30T24:00:00+00:00</sent>"sv,
            "<references>a,b,c</references>"sv,
            "<msgType>Cancel</msgType>"sv,
            "<status>Exercise</status>"sv,
            "<geocode><valueName>x</valueName><value>1</value></geocode>"sv,
            " xmlns:x=\"y\""sv,
            "\r\n"sv,
            "\xE2\x80\xAE"sv,
            "\xF0\x9F\x8C\x8A"sv,
            "-1"sv,
            "99999999999999999999"sv};
        return words[below(std::size(words))];
    }

public:
    /// Stays XML mostly: one or two values become others, so that rules, rights and plan are met.
    std::string disturb(std::string text) {
        for (auto times = 1 + below(2); times > 0; --times)
            below(2) ? one_value(text) : swap_values(text);
        return text;
    }

private:
    void one_value(std::string& text) {
        static constexpr std::string_view values[] = {"",
                                                      " ",
                                                      "Actual",
                                                      "Test",
                                                      "Update",
                                                      "Cancel",
                                                      "Extreme",
                                                      "Minor",
                                                      "zh-CN",
                                                      "x",
                                                      "110111000000",
                                                      "110000",
                                                      "2026-07-29T17:30:00+08:00",
                                                      "9999-12-31T23:59:59+14:00",
                                                      "1970-01-01T00:00:00-00:00",
                                                      "a@b,1,2026-07-29T17:30:00+08:00",
                                                      "39.9,116.1 40.0,116.1 40.0,116.2 39.9,116.1",
                                                      "0,0 0",
                                                      "&#x4E00;",
                                                      "&lt;script&gt;",
                                                      "\xE2\x80\xAE",
                                                      "-1",
                                                      "1e9"};
        const auto at = text.find('>', below(text.size() + 1));
        const auto end = at == text.npos ? at : text.find('<', at);
        if (end != text.npos) text.replace(at + 1, end - at - 1, values[below(std::size(values))]);
    }

    /// One element's text goes to another's place: still XML, seldom sense.
    void swap_values(std::string& text) {
        const auto from = text.find('>', below(text.size() + 1)),
                   to = text.find('>', below(text.size() + 1));
        if (from == text.npos || to == text.npos) return;
        const auto value = text.substr(from + 1, text.find('<', from) - from - 1);
        const auto end = text.find('<', to);
        if (end != text.npos) text.replace(to + 1, end - to - 1, value.substr(0, 4096));
    }

    std::mt19937_64 random_;
};

std::uint64_t seed() {
    const auto* said = std::getenv("TOCSIN_SEED");
    return said ? std::strtoull(said, nullptr, 10) : 20260729;
}

/// Our own messages, and the corpus of alerts where it is at hand.
std::vector<std::string> bases() {
    std::vector<std::string> out;
    for (const auto* type : {"Alert", "Update", "Cancel", "Ack"}) {
        Words words;
        words.identifier = fmt::format("fuzz-{}", type);
        words.type = type;
        if (words.type != "Alert") words.references = triple_of(Words{});
        out.push_back(cap_message(words));
    }
    const auto* shared = std::getenv("TOCSIN_SHARED");
    const std::filesystem::path folder = shared && *shared ? shared : "../shared";
    std::error_code none;
    for (const auto* part : {"cap/corpus/valid", "cap/corpus/invalid"})
        for (const auto& file : std::filesystem::directory_iterator(folder / part, none)) {
            std::ifstream in(file.path(), std::ios::binary);
            std::string bytes{std::istreambuf_iterator<char>(in), {}};
            if (bytes.size() < 20000) out.push_back(std::move(bytes));
        }
    if (out.size() <= 4)
        MESSAGE("the corpus of alerts is not here: only our own messages are mutated");
    return out;
}

}  // namespace

TEST_CASE("ten thousand random and mutated bodies: no crash, no 5xx, every refusal a problem") {
    Running running;
    const auto start = seed();
    Mutator mutator(start);
    const auto from = bases();
    std::vector<Client> clients;
    for (int i = 0; i < 4; ++i) clients.push_back(running.client());
    std::map<int, int> seen;
    for (int i = 0; i < 10000; ++i) {
        auto& client = clients[std::size_t(i) % clients.size()];
        const auto body = i % 10 == 9 ? mutator.noise(4096)
                          : i % 2     ? mutator.disturb(from[mutator.below(from.size())])
                                      : mutator.mutate(from[mutator.below(from.size())]);
        const auto* target = i % 7 == 6 ? "/v1/plans" : "/v1/alerts";
        auto reply = client.call("POST", target, "sender", body,
                                 i % 50 == 49 ? "text/xml; charset=utf-16" : "application/cap+xml");
        ++seen[reply.status];
        const bool well = reply.status >= 200 && reply.status < 300;
        const bool fine = well || (reply.status >= 400 && reply.status < 500 && reply.is_problem());
        if (!fine) std::ofstream("fuzz-http-body", std::ios::binary) << body;
        REQUIRE_MESSAGE(fine, "seed ", start, " body ", i, " status ", reply.status,
                        " in fuzz-http-body: ", reply.body);
        if (reply.fields.contains("connection"))
            client = running.client();  // 413 and the like close
    }
    for (const auto& [status, count] : seen) MESSAGE("status ", status, ": ", count);
    CHECK(seen[422] > 0);
    CHECK(seen[400] > 0);
    CHECK(seen[202] > 0);
    CHECK(running.client().call("GET", "/v1/me", "sender").status == 200);
}

TEST_CASE("mutated requests: each is answered or closed, and the server goes on") {
    auto running = std::make_unique<Running>([](Config& config, Deps&) {
        config.http.head = 200ms;
        config.http.body_grace = 200ms;
        config.http.idle = 200ms;
        config.public_tls = false;
    });
    const auto start = seed();
    Mutator mutator(start + 1);
    const auto cap = cap_message();
    const std::string heads[] = {
        fmt::format("POST /v1/alerts HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "
                    "sender\r\nContent-Type: text/xml\r\n"
                    "Content-Length: {}\r\n\r\n{}",
                    cap.size(), cap),
        fmt::format(
            "POST /v1/plans?override=x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer sender\r\n"
            "Content-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
            cap.size(), cap),
        "GET /v1/alerts?limit=2&q=%E6%9A%B4 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "
        "agency\r\n\r\n",
        "POST /v1/endpoints/null-1/pause HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer operator\r\n"
        "Content-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"reason\":\"x\"}",
    };
    const auto plain = running->ports.public_;
    int answered = 0;
    for (int i = 0; i < 600; ++i) {
        const bool tls = i % 3 == 0;
        Client client(tls ? running->ports.api : plain, tls);
        auto head = heads[mutator.below(std::size(heads))];
        const auto end = head.find("\r\n\r\n");
        head = mutator.mutate(head.substr(0, end)) + head.substr(end);
        client.send(head);
        const auto reply = client.read(false, 3s);
        CAPTURE(start);
        CAPTURE(i);
        const bool no_fault = reply.status < 500 || reply.status == 505;
        CHECK_MESSAGE(no_fault, head.substr(0, 400));
        if (reply.status >= 400 && !head.starts_with("HEAD"))
            CHECK_MESSAGE(reply.is_problem(), head.substr(0, 400));
        answered += reply.status > 0 ? 1 : 0;
    }
    CHECK(answered > 300);
    CHECK(running->client().call("GET", "/v1/me", "sender").status == 200);
}
