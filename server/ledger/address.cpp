#include "server/ledger/address.hpp"

#include <sys/stat.h>

#include <charconv>
#include <fstream>

namespace tocsin::ledger {
namespace {

template <class T> bool whole(std::string_view text, T& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
}

Fault malformed(std::string_view url, std::string_view why) {
    return {Cause::malformed, fmt::format("\"{}\": {}", url, why)};
}

}  // namespace

std::string Address::text() const {
    return socket.empty() ? fmt::format("{}:{}/{}", host, port, database) : socket;
}

Result<Address> read_address(std::string_view url) {
    Address out;
    if (url.starts_with("unix://")) {
        out.socket = url.substr(7);
        if (!out.socket.starts_with('/')) return malformed(url, "a socket's path begins with /");
        return out;
    }
    if (url.starts_with("rediss://"))
        return malformed(url, "TLS to Redis is not spoken here; put stunnel in front of it");
    if (!url.starts_with("redis://")) return malformed(url, "neither redis:// nor unix://");
    // What follows an @ is the host; what stands before it would be a secret: never print it.
    auto rest = url.substr(8);
    if (rest.find('@') != rest.npos)
        return Fault{Cause::malformed, "a password in a Redis URL: name a file instead"};
    if (const auto slash = rest.find('/'); slash != rest.npos) {
        const auto database = rest.substr(slash + 1);
        if (!database.empty() && (!whole(database, out.database) || out.database < 0))
            return malformed(url, "the database is a number");
        rest = rest.substr(0, slash);
    }
    auto colon = rest.rfind(':');
    if (rest.starts_with('[')) {
        const auto end = rest.find(']');
        if (end == rest.npos) return malformed(url, "[ without ]");
        colon = end + 1 < rest.size() ? end + 1 : rest.npos;
        if (colon != rest.npos && rest[colon] != ':') return malformed(url, "no : after ]");
        out.host = rest.substr(1, end - 1);
    } else {
        out.host = rest.substr(0, colon);
    }
    if (colon != rest.npos && (!whole(rest.substr(colon + 1), out.port) || out.port == 0))
        return malformed(url, "the port is 1 to 65535");
    if (out.host.empty()) return malformed(url, "no host");
    return out;
}

Result<std::string> read_secret(const std::filesystem::path& file) {
    struct stat about {};
    if (::stat(file.c_str(), &about) != 0)
        return Fault{Cause::refused, fmt::format("{}: cannot be read", file.string())};
    if ((about.st_mode & 077U) != 0)
        return Fault{Cause::refused,
                     fmt::format("{}: others may read it; chmod 600", file.string())};
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty()) return Fault{Cause::refused, fmt::format("{}: is empty", file.string())};
    return line;
}

}  // namespace tocsin::ledger
