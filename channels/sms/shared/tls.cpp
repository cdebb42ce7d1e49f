#include "channels/sms/shared/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>

namespace tocsin::sms {
namespace {

std::string reason() {
    const auto code = ERR_get_error();
    const auto* text = code ? ERR_reason_error_string(code) : nullptr;
    ERR_clear_error();
    return text ? text : "no reason given";
}

SSL* ssl(void* stream) { return static_cast<SSL*>(stream); }

bool is_address(const std::string& host) {
    return host.find(':') != host.npos || host.find_first_not_of("0123456789.") == host.npos;
}

/// 0 if OpenSSL only waits for the wire.
Result<std::size_t> outcome(SSL* stream, int result) {
    if (result > 0) return std::size_t(result);
    const auto error = SSL_get_error(stream, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return std::size_t(0);
    if (error == SSL_ERROR_ZERO_RETURN)
        return Fault{Cause::unreachable, "the peer closed the TLS stream"};
    const auto verified = SSL_get_verify_result(stream);
    if (verified != X509_V_OK)
        return Fault{Cause::refused,
                     std::string("certificate: ") + X509_verify_cert_error_string(verified)};
    return Fault{Cause::unreachable, "TLS: " + reason()};
}

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::client(const std::filesystem::path& roots) {
    auto* context = SSL_CTX_new(TLS_client_method());
    if (!context) return Fault{Cause::internal, "TLS: " + reason()};
    std::shared_ptr<TlsContext> out(new TlsContext(context));
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    const int loaded = roots.empty()
                           ? SSL_CTX_set_default_verify_paths(context)
                           : SSL_CTX_load_verify_locations(context, roots.c_str(), nullptr);
    if (loaded != 1)
        return Fault{Cause::malformed,
                     "no trusted certificates in " + roots.string() + ": " + reason()};
    return out;
}

TlsContext::~TlsContext() { SSL_CTX_free(static_cast<SSL_CTX*>(context_)); }

Tls::Tls(std::shared_ptr<TlsContext> context, const std::string& host)
    : context_(std::move(context)), stream_(SSL_new(static_cast<SSL_CTX*>(context_->context_))) {
    auto* stream = ssl(stream_);
    SSL_set_bio(stream, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(stream);
    SSL_set_mode(stream, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (is_address(host)) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(stream), host.c_str());
    } else {
        SSL_set1_host(stream, host.c_str());
        SSL_set_tlsext_host_name(stream, host.c_str());
    }
}

Tls::~Tls() { SSL_free(ssl(stream_)); }

Result<bool> Tls::shake() {
    ERR_clear_error();
    const auto done = outcome(ssl(stream_), SSL_do_handshake(ssl(stream_)));
    if (!done) return done.error();
    return *done > 0;
}

void Tls::brought(std::string_view from_wire) {
    BIO_write(SSL_get_rbio(ssl(stream_)), from_wire.data(), int(from_wire.size()));
}

Result<std::size_t> Tls::read(std::span<char> room) {
    ERR_clear_error();
    return outcome(ssl(stream_), SSL_read(ssl(stream_), room.data(), int(room.size())));
}

Result<std::size_t> Tls::write(std::string_view plain) {
    constexpr std::size_t at_once = 1 << 20;
    ERR_clear_error();
    return outcome(ssl(stream_),
                   SSL_write(ssl(stream_), plain.data(), int(std::min(plain.size(), at_once))));
}

std::string Tls::take() {
    auto* bio = SSL_get_wbio(ssl(stream_));
    std::string out(BIO_ctrl_pending(bio), '\0');
    if (!out.empty()) BIO_read(bio, out.data(), int(out.size()));
    return out;
}

}  // namespace tocsin::sms
