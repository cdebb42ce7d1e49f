#include "server/api/transport.hpp"

#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <openssl/x509v3.h>

namespace tocsin::api {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

void shut_down(tcp::socket& socket) {
    Transport::Error ignored;
    socket.shutdown(tcp::socket::shutdown_send, ignored);
}

void cancel_on(tcp::socket& socket) {
    Transport::Error ignored;
    socket.cancel(ignored);
}

void close_socket(tcp::socket& socket) {
    Transport::Error ignored;
    socket.close(ignored);
}

class Plain : public Transport {
public:
    explicit Plain(tcp::socket socket) : socket_(std::move(socket)) {}
    void handshake(std::function<void(Error)> then) override { then({}); }
    void read_some(char* into,
                   std::size_t at_most,
                   std::function<void(Error, std::size_t)> then) override {
        socket_.async_read_some(asio::buffer(into, at_most), std::move(then));
    }
    void write(std::string_view bytes, std::function<void(Error)> then) override {
        asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()),
                          [then = std::move(then)](Error error, std::size_t) { then(error); });
    }
    void finish(std::function<void(Error)> then) override {
        shut_down(socket_);
        then({});
    }
    void cancel() override { cancel_on(socket_); }
    void close() override { close_socket(socket_); }
    bool secure() const override { return false; }

private:
    tcp::socket socket_;
};

std::string name_of(const GENERAL_NAME* name) {
    const auto text = [](const ASN1_IA5STRING* value) {
        return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                           std::size_t(ASN1_STRING_length(value)));
    };
    std::string out;
    if (name->type == GEN_DNS) out = "DNS:" + text(name->d.dNSName);
    if (name->type == GEN_URI) out = "URI:" + text(name->d.uniformResourceIdentifier);
    if (name->type == GEN_EMAIL) out = "email:" + text(name->d.rfc822Name);
    // "a.example\0.evil": a name with a NUL is nobody's name.
    return out.find('\0') == out.npos ? out : std::string();
}

class Secure : public Transport {
public:
    Secure(tcp::socket socket, TlsContext context)
        : context_(std::move(context)), stream_(std::move(socket), *context_) {}
    void handshake(std::function<void(Error)> then) override {
        stream_.async_handshake(asio::ssl::stream_base::server, std::move(then));
    }
    void read_some(char* into,
                   std::size_t at_most,
                   std::function<void(Error, std::size_t)> then) override {
        stream_.async_read_some(asio::buffer(into, at_most), std::move(then));
    }
    void write(std::string_view bytes, std::function<void(Error)> then) override {
        asio::async_write(stream_, asio::buffer(bytes.data(), bytes.size()),
                          [then = std::move(then)](Error error, std::size_t) { then(error); });
    }
    /// close_notify, and the peer's own if it sends one before the caller's patience ends.
    void finish(std::function<void(Error)> then) override {
        stream_.async_shutdown(std::move(then));
    }
    void cancel() override { cancel_on(stream_.next_layer()); }
    void close() override { close_socket(stream_.next_layer()); }
    bool secure() const override { return true; }
    std::vector<std::string> sans() const override;

private:
    TlsContext context_;  // outlives the stream, also over a reload
    mutable asio::ssl::stream<tcp::socket> stream_;
};

std::vector<std::string> Secure::sans() const {
    std::vector<std::string> out;
    auto* ssl = stream_.native_handle();
    const std::unique_ptr<X509, void (*)(X509*)> peer(SSL_get1_peer_certificate(ssl), X509_free);
    if (!peer || SSL_get_verify_result(ssl) != X509_V_OK) return out;
    auto* names = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(peer.get(), NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i)
        if (auto name = name_of(sk_GENERAL_NAME_value(names, i)); !name.empty())
            out.push_back(std::move(name));
    GENERAL_NAMES_free(names);
    return out;
}

}  // namespace

std::unique_ptr<Transport> make_plain(tcp::socket socket) {
    return std::make_unique<Plain>(std::move(socket));
}

std::unique_ptr<Transport> make_secure(tcp::socket socket, TlsContext context) {
    return std::make_unique<Secure>(std::move(socket), std::move(context));
}

}  // namespace tocsin::api
