// Posts alerts over TLS with D requests in flight for some seconds, each with an identifier of its
// own, and prints one JSON line: rate, p50, p99. The same client for Tocsin and for the bare server.
//
//   bench-load HOST PORT PATH TOKEN_FILE|- BODY_FILE D SECONDS PREFIX
// "@ID@" in the body becomes PREFIX-thread-serial.
#include "server/base/time.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Clock = std::chrono::steady_clock;

struct Job {
    std::string host, port, path, token, body, prefix;
    Clock::time_point until;
};

struct Tally {
    std::mutex mutex;
    std::vector<double> ms;
    std::map<unsigned, std::uint64_t> statuses;
};

std::string read(const std::string& name) {
    std::ifstream in(name, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

void post_until_done(const Job& job, int thread, Tally& tally) {
    asio::io_context io{1};
    asio::ssl::context tls(asio::ssl::context::tls_client);  // loopback, a load run: not verified
    asio::ssl::stream<asio::ip::tcp::socket> stream(io, tls);
    asio::connect(stream.next_layer(), asio::ip::tcp::resolver(io).resolve(job.host, job.port));
    stream.next_layer().set_option(asio::ip::tcp::no_delay(true));
    stream.handshake(asio::ssl::stream_base::client);
    boost::beast::flat_buffer buffer;
    std::vector<double> ms;
    std::map<unsigned, std::uint64_t> statuses;
    const auto mark = job.body.find("@ID@");
    for (std::uint64_t serial = 0; Clock::now() < job.until; ++serial) {
        auto body = job.body;
        if (mark != body.npos)
            body.replace(mark, 4, fmt::format("{}-{}-{}", job.prefix, thread, serial));
        http::request<http::string_body> request(http::verb::post, job.path, 11);
        request.set(http::field::host, job.host);
        request.set(http::field::content_type, "application/cap+xml");
        if (!job.token.empty()) request.set(http::field::authorization, "Bearer " + job.token);
        request.body() = std::move(body);
        request.prepare_payload();
        const auto begun = Clock::now();
        http::write(stream, request);
        http::response<http::string_body> answer;
        http::read(stream, buffer, answer);
        ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begun).count());
        ++statuses[answer.result_int()];
    }
    const std::lock_guard lock(tally.mutex);
    tally.ms.insert(tally.ms.end(), ms.begin(), ms.end());
    for (const auto& [status, count] : statuses) tally.statuses[status] += count;
}

}  // namespace

int main(int count, char** words) {
    if (count != 9)
        return std::cerr << "bench-load HOST PORT PATH TOKEN_FILE|- BODY_FILE D SECONDS PREFIX\n",
               2;
    const auto seconds = std::stod(words[7]);
    auto token = std::string_view(words[4]) == "-" ? std::string() : read(words[4]);
    while (!token.empty() && token.back() == '\n') token.pop_back();
    const auto begun = Clock::now();
    const Job job{words[1],
                  words[2],
                  words[3],
                  token,
                  read(words[5]),
                  words[8],
                  begun + std::chrono::duration_cast<Clock::duration>(
                              std::chrono::duration<double>(seconds))};
    Tally tally;
    std::vector<std::thread> threads;
    for (int i = 0; i < std::stoi(words[6]); ++i)
        threads.emplace_back([&, i] { post_until_done(job, i, tally); });
    for (auto& thread : threads) thread.join();
    const auto took = std::chrono::duration<double>(Clock::now() - begun).count();
    std::ranges::sort(tally.ms);
    std::string statuses;
    for (const auto& [status, times] : tally.statuses)
        statuses += fmt::format("{}\"{}\": {}", statuses.empty() ? "" : ", ", status, times);
    const auto at = [&](double share) {
        return tally.ms.empty() ? 0.0 : tally.ms[std::size_t(share * double(tally.ms.size() - 1))];
    };
    std::cout << fmt::format(
        "{{\"per_second\": {:.1f}, \"p50_ms\": {:.3f}, \"p99_ms\": {:.3f}, \"posts\": {}, "
        "\"statuses\": {{{}}}}}\n",
        double(tally.ms.size()) / took, at(0.5), at(0.99), tally.ms.size(), statuses);
    return tally.ms.empty() ? 1 : 0;
}
