#pragma once
#include "server/api/tls.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// One connection's bytes, over TLS or plain. All on the connection's own thread. Destroying it
/// ends everything; callbacks then come with an error or not at all.
namespace tocsin::api {

class Transport {
public:
    using Error = boost::system::error_code;
    virtual ~Transport() = default;
    virtual void handshake(std::function<void(Error)> then) = 0;
    virtual void read_some(char* into,
                           std::size_t at_most,
                           std::function<void(Error, std::size_t)> then) = 0;
    /// All of it; the bytes stay the caller's until `then`.
    virtual void write(std::string_view bytes, std::function<void(Error)> then) = 0;
    /// The read that is out ends with an error.
    virtual void cancel() = 0;
    /// Says in order that nothing more follows. No read may be out. May wait for the peer.
    virtual void finish(std::function<void(Error)> then) = 0;
    virtual void close() = 0;
    virtual bool secure() const = 0;
    /// Alternative names of the client's verified certificate: "DNS:a.example", "URI:...".
    virtual std::vector<std::string> sans() const { return {}; }
};

std::unique_ptr<Transport> make_plain(boost::asio::ip::tcp::socket socket);
std::unique_ptr<Transport> make_secure(boost::asio::ip::tcp::socket socket, TlsContext context);

}  // namespace tocsin::api
