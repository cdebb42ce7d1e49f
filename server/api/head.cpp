#include "server/api/head.hpp"

namespace tocsin::api {
namespace {

bool is_token(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}
bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return is_token(c); });
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    return out;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

Head bad(int status, std::string detail) {
    Head head;
    head.state = Head::State::bad;
    head.status = status;
    head.detail = std::move(detail);
    return head;
}

/// A control byte that is not the CR of a CRLF; as soon as it is here, without waiting for the end.
std::optional<Head> stray(std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto c = static_cast<unsigned char>(bytes[i]);
        if (c >= 0x20 && c != 0x7f) continue;
        if (c == '\t') continue;
        if (c == '\n' && i > 0 && bytes[i - 1] == '\r') continue;
        if (c == '\r' && (i + 1 == bytes.size() || bytes[i + 1] == '\n')) continue;
        return bad(400, fmt::format("control byte 0x{:02X} in the request's head", c));
    }
    return std::nullopt;
}

std::optional<std::string_view> only(const Head& head, std::string_view name, int& count) {
    std::optional<std::string_view> found;
    count = 0;
    for (const auto& field : head.fields)
        if (field.name == name) found = field.value, ++count;
    return found;
}

/// Empty: fine.
std::string read_request_line(std::string_view line, Head& head) {
    const auto first = line.find(' '), last = line.rfind(' ');
    if (first == line.npos || first == last)
        return "the request line is not METHOD target HTTP/1.1";
    head.method = line.substr(0, first);
    head.target = line.substr(first + 1, last - first - 1);
    const auto version = line.substr(last + 1);
    if (!is_token(head.method)) return "the method is no token";
    if (head.target.empty()) return "the target is empty";
    for (const unsigned char c : head.target)
        if (c <= 0x20 || c >= 0x7f) return "the target holds bytes that must be escaped";
    if (version != "HTTP/1.1" && version != "HTTP/1.0") return "version";
    head.http11 = version == "HTTP/1.1";
    return "";
}

std::string read_field(std::string_view line, Head& head) {
    if (line.front() == ' ' || line.front() == '\t') return "a folded field";
    const auto colon = line.find(':');
    if (colon == line.npos) return "a field without a colon";
    const auto name = line.substr(0, colon);
    if (!is_token(name)) return "a field name with forbidden characters";
    head.fields.push_back({lower(name), std::string(trim(line.substr(colon + 1)))});
    return "";
}

std::string read_framing(Head& head) {
    int lengths = 0, codings = 0;
    const auto length = only(head, "content-length", lengths);
    const auto coding = only(head, "transfer-encoding", codings);
    if (lengths > 1) return "more than one Content-Length";
    if (codings > 1) return "more than one Transfer-Encoding";
    if (length && coding) return "both Content-Length and Transfer-Encoding";
    if (coding) {
        if (!head.http11) return "Transfer-Encoding in HTTP/1.0";
        if (lower(*coding) != "chunked") return "a Transfer-Encoding other than chunked";
        head.chunked = true;
    }
    if (!length) return "";
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (length->empty() || length->size() > 18 || !std::ranges::all_of(*length, digit))
        return "a Content-Length that is no number";
    head.has_length = true;
    for (const char c : *length)
        head.content_length = head.content_length * 10 + std::uint64_t(c - '0');
    return "";
}

std::string read_host(Head& head) {
    int hosts = 0;
    const auto host = only(head, "host", hosts);
    if (hosts > 1) return "more than one Host";
    if (hosts == 0 && head.http11) return "no Host";
    if (host && host->find_first_of(" \t,/@") != host->npos) return "a Host that is none";
    if (head.target.front() == '/') return "";
    if (head.target == "*" && head.method == "OPTIONS") return "";
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!lower(head.target).starts_with(scheme)) continue;
        const auto slash = head.target.find('/', scheme.size());
        const auto authority =
            std::string_view(head.target).substr(scheme.size(), slash - scheme.size());
        if (!host || lower(authority) != lower(*host)) return "a target of another host";
        head.target = slash == head.target.npos ? "/" : head.target.substr(slash);
        return "";
    }
    return "a target that is no path";
}

void read_connection(Head& head) {
    head.keep_alive = head.http11;
    for (const auto& field : head.fields) {
        if (field.name != "connection") continue;
        const auto said = lower(field.value);
        if (said.find("close") != said.npos)
            head.keep_alive = false;
        else if (said.find("keep-alive") != said.npos)
            head.keep_alive = true;
    }
}

Head finish(Head head) {
    for (const auto& check : {read_framing, read_host})
        if (const auto why = check(head); !why.empty()) return bad(400, why);
    read_connection(head);
    int count = 0;
    if (const auto expect = only(head, "expect", count)) {
        if (count > 1 || lower(*expect) != "100-continue")
            return bad(417, "an expectation other than 100-continue");
        head.expects_continue = head.http11;
    }
    head.state = Head::State::done;
    return head;
}

Head read_lines(std::string_view lines, const HttpLimits& limits, Head head) {
    auto end = lines.find("\r\n");
    const auto request = lines.substr(0, end);
    if (request.size() > limits.target_bytes + 64) return bad(414, "the target is too long");
    if (const auto why = read_request_line(request, head); !why.empty())
        return why == "version" ? bad(505, "only HTTP/1.1 and HTTP/1.0 are spoken") : bad(400, why);
    for (lines.remove_prefix(end + 2); !lines.empty(); lines.remove_prefix(end + 2)) {
        end = lines.find("\r\n");
        if (head.fields.size() >= limits.head_fields) return bad(431, "too many fields");
        if (const auto why = read_field(lines.substr(0, end), head); !why.empty())
            return bad(400, why);
    }
    return finish(std::move(head));
}

/// How many bytes follow the first one of a UTF-8 sequence; more than there can be: none such.
std::size_t following(unsigned char first) {
    if (first < 0x80) return 0;
    if (first >= 0xC2 && first < 0xE0) return 1;
    if ((first & 0xF0) == 0xE0) return 2;
    if (first >= 0xF0 && first < 0xF5) return 3;
    return std::string_view::npos / 2;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

Head read_head(std::string_view bytes, const HttpLimits& limits) {
    Head head;
    if (bytes.starts_with("\r\n")) head.skipped = 2, bytes.remove_prefix(2);
    const auto end = bytes.find("\r\n\r\n");
    const auto known = bytes.substr(0, end == bytes.npos ? bytes.size() : end + 4);
    if (auto why = stray(known)) return *why;
    if (end == bytes.npos) {
        if (bytes.size() < limits.head_bytes) return head;
        return bytes.find("\r\n") == bytes.npos ? bad(414, "the target is too long")
                                                : bad(431, "the head is too large");
    }
    if (end + 4 > limits.head_bytes) return bad(431, "the head is too large");
    head.size = head.skipped + end + 4;
    return read_lines(bytes.substr(0, end + 2), limits, std::move(head));
}

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto c = static_cast<unsigned char>(text[i]);
        const std::size_t more = following(c);
        if (i + more >= text.size()) return false;
        for (std::size_t k = 1; k <= more; ++k)
            if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return false;
        const auto second = more ? static_cast<unsigned char>(text[i + 1]) : 0;
        if ((c == 0xE0 && second < 0xA0) || (c == 0xED && second >= 0xA0) ||
            (c == 0xF0 && second < 0x90) || (c == 0xF4 && second >= 0x90))
            return false;
        i += more + 1;
    }
    return true;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus_is_space) {
            out += ' ';
        } else if (text[i] != '%') {
            out += text[i];
        } else {
            const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
            out += char(high * 16 + low);
            i += 2;
        }
    }
    if (!is_utf8(out)) return std::nullopt;
    return out;
}

std::optional<Target> read_target(std::string_view target) {
    Target made;
    const auto mark = target.find('?');
    made.path = target.substr(0, mark);
    if (mark == target.npos) return made;
    auto rest = target.substr(mark + 1);
    while (!rest.empty()) {
        const auto end = std::min(rest.find('&'), rest.size());
        const auto pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (pair.empty()) continue;
        const auto equals = std::min(pair.find('='), pair.size());
        auto name = percent_decode(pair.substr(0, equals), true);
        auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), true);
        if (!name || !value) return std::nullopt;
        made.query.push_back({std::move(*name), std::move(*value)});
    }
    return made;
}

}  // namespace tocsin::api
