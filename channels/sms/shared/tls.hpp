#pragma once
#include "server/base/fault.hpp"

#include <filesystem>
#include <memory>
#include <span>

/// TLS without a socket: what the wire brought goes in, what it is to carry comes out. So the link
/// keeps its one read and one write a tick.
namespace tocsin::sms {

/// Trusted roots and rules (1.2 at least, the peer's certificate must name the host).
class TlsContext {
public:
    /// `roots` empty: the system's. A fault says what is wrong with the file.
    [[nodiscard]] static Result<std::shared_ptr<TlsContext>> client(
        const std::filesystem::path& roots);
    ~TlsContext();

private:
    friend class Tls;
    explicit TlsContext(void* context) : context_(context) {}
    void* context_;  // SSL_CTX; OpenSSL's names stay in the .cpp
};

class Tls {
public:
    Tls(std::shared_ptr<TlsContext> context, const std::string& host);
    ~Tls();
    Tls(const Tls&) = delete;
    Tls& operator=(const Tls&) = delete;

    /// True when the peer is proven and data may flow.
    [[nodiscard]] Result<bool> shake();
    void brought(std::string_view from_wire);
    /// Decrypted bytes into `room`; 0: none yet. A fault: broken, or the peer said good-bye.
    [[nodiscard]] Result<std::size_t> read(std::span<char> room);
    [[nodiscard]] Result<std::size_t> write(std::string_view plain);
    /// For the wire, taken away.
    std::string take();

private:
    std::shared_ptr<TlsContext> context_;
    void* stream_;  // SSL
};

}  // namespace tocsin::sms
