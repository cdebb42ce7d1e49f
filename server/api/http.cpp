#include "server/api/http.hpp"

#include "server/base/digest.hpp"

namespace tocsin::api {
namespace {

struct Reason {
    int status;
    std::string_view words;
};
constexpr Reason reasons[] = {
    {100, "Continue"},
    {200, "OK"},
    {202, "Accepted"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

/// What every answer carries unless it says otherwise itself (reliability.md 6).
constexpr std::pair<std::string_view, std::string_view> usual[] = {
    {"X-Content-Type-Options", "nosniff"},
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
    {"Referrer-Policy", "no-referrer"},
    {"Cache-Control", "no-store"},
};

bool has(const Response& response, std::string_view name) {
    return std::ranges::any_of(response.fields, [&](const Field& f) { return f.name == name; });
}

/// Nothing that a peer said may break the answer's head.
void append_clean(std::string& out, std::string_view value) {
    for (const unsigned char c : value)
        if (c >= 0x20 && c != 0x7f) out += char(c);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ");
    append_clean(out, value);
    out += "\r\n";
}

}  // namespace

std::string_view Request::field(std::string_view name) const {
    for (const auto& one : fields)
        if (one.name == name) return one.value;
    return {};
}

std::optional<std::string> Request::parameter(std::string_view name) const {
    for (const auto& one : query)
        if (one.name == name) return one.value;
    return std::nullopt;
}

std::string_view reason(int status) {
    for (const auto& row : reasons)
        if (row.status == status) return row.words;
    return "Status";
}

std::string request_id(std::string_view said) {
    const auto sane = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '-' || c == '_' || c == '.';
    };
    if (!said.empty() && said.size() <= 64 && std::ranges::all_of(said, sane))
        return std::string(said);
    return make_ulid();
}

std::string format_head(const Response& response,
                        const Request& request,
                        std::optional<std::size_t> length,
                        bool keep_alive,
                        bool secure) {
    std::string out = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason(response.status));
    if (!response.type.empty()) append_field(out, "Content-Type", response.type);
    const bool bodiless = response.status == 204 || response.status == 304;
    if (length && !bodiless) append_field(out, "Content-Length", fmt::format("{}", *length));
    if (!length && request.http11) append_field(out, "Transfer-Encoding", "chunked");
    if (!keep_alive)
        append_field(out, "Connection", "close");
    else if (!request.http11)
        append_field(out, "Connection", "keep-alive");
    append_field(out, "X-Request-Id", request.id);
    for (const auto& [name, value] : usual)
        if (!has(response, name)) append_field(out, name, value);
    if (secure) append_field(out, "Strict-Transport-Security", "max-age=31536000");
    for (const auto& field : response.fields) append_field(out, field.name, field.value);
    return out += "\r\n";
}

}  // namespace tocsin::api
