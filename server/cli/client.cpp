#include "server/cli/client.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <cstdio>

namespace tocsin::cli {
namespace {

constexpr std::size_t refusal_most = 1u << 20;

struct Held {
    CURL* curl = curl_easy_init();
    curl_slist* headers = nullptr;
    std::FILE* file = nullptr;
    ~Held() {
        if (file) std::fclose(file);
        curl_slist_free_all(headers);
        curl_easy_cleanup(curl);
    }
    void header(const std::string& line) { headers = curl_slist_append(headers, line.c_str()); }
};

struct Taking {
    const std::function<bool(std::string_view)>* take;
    CURL* curl;
    Answer* answer;
    bool stopped = false;
};

std::size_t on_body(char* data, std::size_t, std::size_t count, void* to) {
    auto& taking = *static_cast<Taking*>(to);
    curl_easy_getinfo(taking.curl, CURLINFO_RESPONSE_CODE, &taking.answer->status);
    if (!taking.answer->well()) {
        const auto room = refusal_most - std::min(refusal_most, taking.answer->body.size());
        taking.answer->body.append(data, std::min(count, room));
        return count;
    }
    if ((*taking.take)({data, count})) return count;
    taking.stopped = true;
    return 0;
}

std::size_t on_header(char* data, std::size_t, std::size_t count, void* to) {
    std::string_view line(data, count);
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r' || line.back() == ' '))
        line.remove_suffix(1);
    const auto colon = line.find(':');
    if (colon == line.npos) return count;
    std::string name(line.substr(0, colon));
    for (auto& c : name) c = (c >= 'A' && c <= 'Z') ? char(c + 32) : c;
    auto value = line.substr(colon + 1);
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    (*static_cast<std::map<std::string, std::string>*>(to))[name] = value;
    return count;
}

bool set_body(Held& held, const Call& call) {
    if (!call.upload.empty()) {
        held.file = std::fopen(call.upload.c_str(), "rb");
        if (!held.file) return false;
        std::error_code bad;
        curl_easy_setopt(held.curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(held.curl, CURLOPT_READDATA, held.file);
        curl_easy_setopt(held.curl, CURLOPT_INFILESIZE_LARGE,
                         curl_off_t(std::filesystem::file_size(call.upload, bad)));
        return !bad;
    }
    if (call.method == "GET") return true;
    curl_easy_setopt(held.curl, CURLOPT_POSTFIELDS, call.body.data());
    curl_easy_setopt(held.curl, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(call.body.size()));
    return true;
}

}  // namespace

std::string escaped_url(std::string_view text) {
    std::string out;
    for (const unsigned char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
        out += plain ? std::string(1, char(c)) : fmt::format("%{:02X}", c);
    }
    return out;
}

Client::Client(std::string url,
               std::string token,
               std::string ca_file,
               std::chrono::seconds timeout)
    : url_(std::move(url)), token_(std::move(token)), ca_(std::move(ca_file)), timeout_(timeout) {
    while (url_.ends_with('/')) url_.pop_back();
}

Result<Answer> Client::ask(const Call& call) const {
    std::string body;
    auto answer = stream(call, [&](std::string_view part) {
        body += part;
        return true;
    });
    if (answer && answer->well()) answer->body = std::move(body);
    return answer;
}

Result<Answer> Client::stream(const Call& call,
                              const std::function<bool(std::string_view)>& take) const {
    Held held;
    Answer answer;
    Taking taking{&take, held.curl, &answer};
    const auto set = [&](auto option, auto value) { curl_easy_setopt(held.curl, option, value); };
    set(CURLOPT_URL, (url_ + call.path).c_str());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_PROTOCOLS_STR, "https,http");
    set(CURLOPT_CONNECTTIMEOUT, 5L);
    set(CURLOPT_TIMEOUT, long(timeout_.count()));
    if (!ca_.empty()) set(CURLOPT_CAINFO, ca_.c_str());
    if (!set_body(held, call))
        return Fault{Cause::malformed, "cannot read " + call.upload.string()};
    set(CURLOPT_CUSTOMREQUEST, call.method.c_str());
    if (!token_.empty()) held.header("Authorization: Bearer " + token_);
    held.header("Accept: " + call.accept);
    held.header("Expect:");
    if (!call.content_type.empty()) held.header("Content-Type: " + call.content_type);
    set(CURLOPT_HTTPHEADER, held.headers);
    set(CURLOPT_WRITEFUNCTION, on_body);
    set(CURLOPT_WRITEDATA, &taking);
    set(CURLOPT_HEADERFUNCTION, on_header);
    set(CURLOPT_HEADERDATA, &answer.headers);
    const auto code = curl_easy_perform(held.curl);
    curl_easy_getinfo(held.curl, CURLINFO_RESPONSE_CODE, &answer.status);
    if (code != CURLE_OK && !taking.stopped)
        return Fault{Cause::unreachable, fmt::format("{}: {}", url_, curl_easy_strerror(code))};
    return answer;
}

}  // namespace tocsin::cli
