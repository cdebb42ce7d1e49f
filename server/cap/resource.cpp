#include "server/cap/lexical.hpp"
#include "server/cap/rules.hpp"

#include <openssl/evp.h>

#include <algorithm>

namespace tocsin::cap {
namespace {

std::string sha1_hex(std::string_view bytes) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    // CAP's own choice (3.2.3 digest): it names the content, it protects nothing.
    if (EVP_Digest(bytes.data(), bytes.size(), digest, &length, EVP_sha1(), nullptr) != 1)
        return {};
    std::string out;
    for (unsigned i = 0; i < length; ++i) out += fmt::format("{:02x}", digest[i]);
    return out;
}

bool is_token(std::string_view text) {
    constexpr std::string_view specials = "()<>@,;:\\\"/[]?=";
    return !text.empty() && std::ranges::all_of(text, [&](char c) {
        return c > ' ' && c < 127 && specials.find(c) == specials.npos;
    });
}

std::string media_type(std::string_view text) {
    std::string type(trim(text.substr(0, text.find(';'))));
    for (char& c : type) c = c >= 'A' && c <= 'Z' ? char(c + 32) : c;
    const auto slash = type.find('/');
    if (slash == type.npos || !is_token(type.substr(0, slash)) || !is_token(type.substr(slash + 1)))
        return {};
    return type;
}

bool is_executable(std::string_view type) {
    constexpr std::string_view forbidden[] = {"application/x-msdownload",
                                              "application/x-dosexec",
                                              "application/x-executable",
                                              "application/vnd.microsoft.portable-executable",
                                              "application/x-msdos-program",
                                              "application/x-msi",
                                              "application/x-sh",
                                              "application/x-csh",
                                              "application/x-bat",
                                              "application/x-elf",
                                              "application/x-sharedlib",
                                              "application/x-mach-binary",
                                              "application/java-archive",
                                              "application/java-vm",
                                              "application/hta",
                                              "application/javascript",
                                              "application/x-javascript",
                                              "application/ecmascript",
                                              "text/javascript",
                                              "text/ecmascript",
                                              "text/vbscript",
                                              "application/x-shockwave-flash",
                                              "application/vnd.android.package-archive",
                                              "application/wasm"};
    return std::ranges::find(forbidden, type) != std::end(forbidden);
}

/// Markup that a browser runs. Only for types that are markup, so a plain text may speak of it.
bool holds_script(std::string_view type, std::string content) {
    const bool markup = type == "text/html" || type.ends_with("+xml") || type == "text/xml" ||
                        type == "application/xml";
    if (!markup) return false;
    for (char& c : content) c = c >= 'A' && c <= 'Z' ? char(c + 32) : c;
    constexpr std::string_view signs[] = {
        "<script", "javascript:", "onload=", "onerror=", "<iframe", "<object", "<embed"};
    return std::ranges::any_of(
        signs, [&](std::string_view sign) { return content.find(sign) != content.npos; });
}

bool is_sha1(std::string_view digest) {
    return digest.size() == 40 && std::ranges::all_of(digest, [](char c) {
               return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
           });
}

class ResourceRules {
public:
    ResourceRules(const Bench& bench, NodeId id) : bench_(bench), id_(id) {}

    std::optional<Resource> run() {
        out_.desc = plain_text(bench_, id_, Tag::resource_desc);
        content();
        uri();
        const bool typed = mime_type();
        size();
        const bool genuine = digest();
        const bool empty = out_.uri.empty() && out_.deref_uri.empty();
        // A link that was dropped has had its warning.
        if (empty && child(Tag::uri) == no_node && child(Tag::deref_uri) == no_node)
            bench_.warn("resource-empty", id_,
                        "The resource has neither uri nor derefUri and is dropped.");
        if (empty || !typed || !genuine) return {};
        return std::move(out_);
    }

private:
    NodeId child(Tag tag) const { return bench_.tree.child(id_, tag); }

    void content() {
        out_.deref_uri = optional_text(bench_, id_, Tag::deref_uri);
        if (out_.deref_uri.empty()) return;
        content_ = from_base64(out_.deref_uri);
        if (content_) return;
        broken_ = true;
        out_.deref_uri.clear();
        bench_.warn("derefuri-base64", child(Tag::deref_uri),
                    "The content is not Base64 and is dropped. Encode it again.");
    }

    void uri() {
        const auto at = child(Tag::uri);
        if (at == no_node || optional_text(bench_, id_, Tag::uri).empty()) return;
        // With embedded content a relative uri is its name (3.2.3).
        const auto text = trim(bench_.tree[at].text);
        if (scheme(text) || (!content_ && !broken_))
            out_.uri = carried_uri(bench_, at);
        else if (content_ && is_link(text))
            out_.uri = text;
    }

    bool mime_type() {
        const auto at = child(Tag::mime_type);
        if (at == no_node) return false;  // reported as xsd
        out_.mime_type = trim(bench_.tree[at].text);
        const auto type = media_type(out_.mime_type);
        if (!type.empty() && !is_executable(type) && !holds_script(type, content_.value_or("")))
            return true;
        bench_.warn("mime-type", at,
                    "{} is no type/subtype, or one that a reader's device would run. The resource "
                    "is dropped.",
                    quoted(out_.mime_type));
        return false;
    }

    void size() {
        const auto at = child(Tag::size);
        if (at == no_node || !is_integer(bench_.tree[at].text)) return;
        out_.size_bytes = to_int64(bench_.tree[at].text);
        if (!out_.size_bytes || *out_.size_bytes < 0) {
            out_.size_bytes.reset();
            bench_.warn("resource-size", at, "{} is no size in bytes and is dropped.",
                        quoted(bench_.tree[at].text));
        } else if (content_ && *out_.size_bytes != std::int64_t(content_->size())) {
            bench_.warn("resource-size", at, "The size is {} but the content has {} bytes.",
                        *out_.size_bytes, content_->size());
            out_.size_bytes = static_cast<std::int64_t>(content_->size());
        }
    }

    /// False if the content is another than the digest says.
    bool digest() {
        const auto at = child(Tag::digest);
        if (at == no_node || optional_text(bench_, id_, Tag::digest).empty()) return true;
        const auto text = trim(bench_.tree[at].text);
        if (!is_sha1(text)) {
            bench_.warn("digest-form", at,
                        "{} is no SHA-1 in 40 hexadecimal digits and is dropped.", quoted(text));
            return true;
        }
        out_.digest = text;
        if (!content_ || same_letters(text, sha1_hex(*content_))) return true;
        bench_.warn("digest-mismatch", at,
                    "The digest is not that of the content (SHA-1 {}). The resource is dropped.",
                    sha1_hex(*content_));
        return false;
    }

    const Bench& bench_;
    NodeId id_;
    Resource out_;
    std::optional<std::string> content_;
    bool broken_ = false;  // there was content, but not Base64
};

}  // namespace

std::optional<Resource> read_resource(const Bench& bench, NodeId resource) {
    return ResourceRules(bench, resource).run();
}

}  // namespace tocsin::cap
