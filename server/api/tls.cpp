#include "server/api/tls.hpp"

#include <boost/asio/ssl/context.hpp>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstdio>

namespace tocsin::api {
namespace {

std::string openssl_says() {
    char text[256] = "unknown";
    if (const auto code = ERR_get_error(); code != 0) ERR_error_string_n(code, text, sizeof text);
    ERR_clear_error();
    return text;
}

Fault cannot(std::string_view what, const std::filesystem::path& file) {
    return {Cause::malformed, fmt::format("{} {}: {}", what, file.string(), openssl_says())};
}

/// http/1.1 or nothing: a client that offers only others is told so by an alert.
int choose_protocol(SSL*,
                    const unsigned char** out,
                    unsigned char* out_length,
                    const unsigned char* in,
                    unsigned in_length,
                    void*) {
    static constexpr unsigned char ours[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, out_length, ours, sizeof ours, in, in_length) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

std::string set_rules(SSL_CTX* context) {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_max_early_data(context, 0);  // a replayed alert is a second alert
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
    if (SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 ||
        SSL_CTX_set_ciphersuites(
            context,
            "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") != 1)
        return "the ciphers cannot be set";
    if (SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") != 1)
        return "the groups cannot be set";
    return "";
}

Result<bool> ask_for_clients(SSL_CTX* context, const TlsFiles& files) {
    if (SSL_CTX_load_verify_file(context, files.client_ca.c_str()) != 1)
        return cannot("client CA", files.client_ca);
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(files.client_ca.c_str()));
    // Not required: a token does as well. A certificate that is shown must be good.
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_verify_depth(context, 3);
    SSL_CTX_set_purpose(context, X509_PURPOSE_SSL_CLIENT);
    if (files.client_crl.empty()) return true;
    auto* store = SSL_CTX_get_cert_store(context);
    auto* lists = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    // Lists alone count: a file of certificates would load as well, and then revoke nothing.
    if (!lists || X509_load_crl_file(lists, files.client_crl.c_str(), X509_FILETYPE_PEM) < 1)
        return cannot("revocation list", files.client_crl);
    // Of the whole chain: what a revoked intermediate signed is refused too. A list that is missing
    // or out of date refuses everybody it should tell of; tokens go on.
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return true;
}

}  // namespace

Result<TlsContext> make_tls(const TlsFiles& files) {
    auto made = std::make_shared<boost::asio::ssl::context>(boost::asio::ssl::context::tls_server);
    auto* context = made->native_handle();
    if (const auto why = set_rules(context); !why.empty()) return Fault{Cause::internal, why};
    if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1)
        return cannot("certificate", files.certificate);
    if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
        return cannot("key", files.key);
    if (SSL_CTX_check_private_key(context) != 1)
        return cannot("the key does not belong to the certificate", files.certificate);
    if (!files.client_ca.empty())
        if (auto asked = ask_for_clients(context, files); !asked) return asked.error();
    return made;
}

Result<std::int64_t> certificate_expiry(const std::filesystem::path& certificate) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
        std::fopen(certificate.c_str(), "rb"), std::fclose);
    if (!file) return Fault{Cause::malformed, "cannot read " + certificate.string()};
    const std::unique_ptr<X509, void (*)(X509*)> read(
        PEM_read_X509(file.get(), nullptr, nullptr, nullptr), X509_free);
    if (!read) return cannot("certificate", certificate);
    std::tm until{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(read.get()), &until) != 1)
        return cannot("certificate", certificate);
    return std::int64_t(timegm(&until));
}

}  // namespace tocsin::api
