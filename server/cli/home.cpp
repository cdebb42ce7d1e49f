#include "server/cli/home.hpp"

#include "server/base/settings.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

namespace tocsin::cli {

namespace fs = std::filesystem;

Result<std::string> read_file(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream bytes;
    if (!in || fs::is_directory(file) || (in.peek() != EOF && !(bytes << in.rdbuf())))
        return Fault{Cause::malformed, "cannot read " + file.string()};
    return bytes.str();
}

Result<std::string> read_input(const std::string& name) {
    if (name != "-") return read_file(name);
    std::ostringstream bytes;
    bytes << std::cin.rdbuf();
    return bytes.str();
}

Result<fs::path> home(const Where& where) {
    if (!where.config.empty()) {
        const fs::path named(where.config);
        return fs::is_regular_file(named) ? named.parent_path() : named;
    }
    if (const auto* named = std::getenv("TOCSIN_CONFIG")) return fs::path(named);
    if (fs::exists("tocsin.toml")) return fs::path(".");
    return Fault{Cause::refused,
                 "no server named: use --config DIR (as `tocsin init DIR` wrote it) or --url and "
                 "--token-file"};
}

namespace {

Result<std::string> api_url(const fs::path& folder) {
    Complaints complaints;
    const auto settings = Settings::read(folder / "tocsin.toml", complaints);
    if (!settings) return settings.error();
    return "https://" + settings->table("listen").text("api", "127.0.0.1:8443");
}

Result<std::string> read_token(const fs::path& file) {
    auto token = read_file(file);
    if (!token) return token;
    while (!token->empty() && (token->back() == '\n' || token->back() == '\r')) token->pop_back();
    return token;
}

}  // namespace

Result<Reach> reach(const Where& where, std::string_view role) {
    Reach out{where.url, "", where.ca};
    fs::path token_file = where.token_file;
    if (out.url.empty() || token_file.empty()) {
        const auto folder = home(where);
        if (!folder) return folder.error();
        if (out.url.empty()) {
            auto url = api_url(*folder);
            if (!url) return url.error();
            out.url = *url;
        }
        if (token_file.empty()) token_file = *folder / "tokens" / (std::string(role) + ".token");
        if (out.ca.empty() && fs::exists(*folder / "tls" / "ca.crt"))
            out.ca = *folder / "tls" / "ca.crt";
    }
    auto token = read_token(token_file);
    if (!token) return token.error();
    out.token = *token;
    return out;
}

}  // namespace tocsin::cli
