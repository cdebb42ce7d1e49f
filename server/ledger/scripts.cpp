#include "server/ledger/scripts.hpp"

#include "server/base/digest.hpp"

#include <openssl/evp.h>

#include <cstdlib>

namespace tocsin::ledger {
namespace {

std::string sha1_hex(std::string_view bytes) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), digest, &length, EVP_sha1(), nullptr) != 1)
        std::abort();
    return hex({reinterpret_cast<const char*>(digest), length});
}

std::string_view text_of(std::string_view name) {
    for (const auto& file : lua_files())
        if (file.name == name) return file.text;
    return {};
}

/// What a script leans on; others stand alone.
std::string_view prelude_of(std::string_view name) {
    if (name == "look" || name == "accept") return "resolve";
    if (name == "alert" || name == "head" || name == "list" || name == "force") return "record";
    return {};
}

}  // namespace

const std::vector<Script>& scripts() {
    static const auto all = [] {
        std::vector<Script> out;
        for (const auto& file : lua_files()) {
            if (file.name == "resolve" || file.name == "record") continue;
            auto text = std::string(text_of(prelude_of(file.name))).append(file.text);
            auto digest = sha1_hex(text);
            out.push_back({std::string(file.name), std::move(text), std::move(digest)});
        }
        return out;
    }();
    return all;
}

const Script& script(std::string_view name) {
    for (const auto& one : scripts())
        if (one.name == name) return one;
    std::abort();
}

}  // namespace tocsin::ledger
