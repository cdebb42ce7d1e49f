#pragma once
#include "server/base/fault.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <string>

namespace tocsin::cli {

struct Answer {
    long status = 0;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
    bool well() const { return status >= 200 && status < 300; }
};

struct Call {
    std::string method = "GET", path = {};
    std::string body = {}, content_type = {}, accept = "application/json";
    std::filesystem::path upload = {};  // streamed as the body instead of `body`
};

/// One server, one token. Unreachable: no answer came (exit status 3).
class Client {
public:
    Client(std::string url, std::string token, std::string ca_file, std::chrono::seconds timeout);
    Result<Answer> ask(const Call& call) const;
    /// Hands out the body as it comes; `take` returns false to stop. Then the status counts, not
    /// the stop. What a refusal says is no part of the stream: it is in the answer's body.
    Result<Answer> stream(const Call& call,
                          const std::function<bool(std::string_view)>& take) const;
    const std::string& url() const { return url_; }

private:
    std::string url_, token_, ca_;
    std::chrono::seconds timeout_;
};

/// For paths and query values (RFC 3986).
std::string escaped_url(std::string_view text);

}  // namespace tocsin::cli
