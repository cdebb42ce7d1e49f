#pragma once
#include "server/base/fault.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio::ssl {
class context;
}

/// What TLS we speak (reliability.md 6): 1.2 and 1.3, forward secret AEAD only, no tickets, no
/// renegotiation, no compression, no early data; http/1.1 by ALPN.
namespace tocsin::api {

struct TlsFiles {
    std::filesystem::path certificate, key;
    std::filesystem::path client_ca;   // empty: no client certificates are asked for
    std::filesystem::path client_crl;  // empty: none is looked at
};

using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

/// The fault names the file.
Result<TlsContext> make_tls(const TlsFiles& files);

/// When the server's own certificate ends, in seconds since 1970; for warnings and metrics.
Result<std::int64_t> certificate_expiry(const std::filesystem::path& certificate);

}  // namespace tocsin::api
