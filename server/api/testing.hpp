#pragma once
#include "server/api/server.hpp"
#include "server/ledger/memory_ledger.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>

/// For tests: the whole server over TLS on ports of its own, before a ledger in memory, a hub and a
/// planner that are told what to do; and a client that sends bytes, also wrong ones.
namespace tocsin::api::testing {

inline constexpr std::string_view cap_sender = "11000041600000@example.org";

/// Answer as it came.
struct Reply {
    int status = 0;                             // 0: the server closed without one
    std::map<std::string, std::string> fields;  // lower-case names
    std::string body;
    bool is_problem() const;
    /// "type", "rule", "violations[0].rule": empty where absent.
    std::string text(std::string_view path) const;
    bool has_rule(std::string_view rule) const;  // among its violations, or its own
};

class Client {
public:
    /// TLS, without a look at the server's certificate; `certificate` and `key` are the client's.
    explicit Client(unsigned short port,
                    bool tls = true,
                    const std::filesystem::path& certificate = {},
                    const std::filesystem::path& key = {});
    ~Client();
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    bool send(std::string_view bytes);
    /// The next whole answer; waits at most this long.
    Reply read(bool head_only = false, std::chrono::milliseconds within = std::chrono::seconds(10));
    /// Bytes as they come, at least one; empty: closed or nothing came.
    std::string read_some(std::chrono::milliseconds within);
    /// Raw bytes until `text` was seen; what came so far.
    std::string read_until(std::string_view text, std::chrono::milliseconds within);
    bool closed(std::chrono::milliseconds within);
    std::string protocol() const;
    int socket() const;

    Reply call(std::string_view method,
               std::string_view target,
               std::string_view token = "",
               std::string_view body = "",
               std::string_view type = "",
               const std::vector<std::string>& more = {});
    Reply post(std::string_view cap,
               std::string_view token = "sender",
               std::string_view query = "");

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// One handshake as a client that wants exactly this.
struct Handshake {
    int least = 0, most = 0;  // TLS1_2_VERSION, ...; 0: any
    std::string ciphers;      // of TLS 1.2; empty: usual. Old ones are allowed
    std::string protocols;    // ALPN, as on the wire: "\x02h2"
};
struct Shaken {
    bool well = false;
    std::string version, cipher, protocol;
    bool resumable = false;
};
Shaken shake(unsigned short port, const Handshake& wanted);

class FakeHub : public dispatch::Hub {
public:
    std::vector<dispatch::EndpointStatus> list;
    int stirred = 0;
    std::vector<dispatch::EndpointStatus> endpoints() const override { return list; }
    bool pause(const std::string& endpoint, const dispatch::Pause& pause) override;
    bool resume(const std::string& endpoint, const std::string& by) override;
    bool probe(const std::string& endpoint, std::function<void(contract::Probed)> then) override;
    void stir() override { ++stirred; }
};

/// Tokens are the names: sender (all), drill (exercise, test), orange (110109, up to orange,
/// rainstorm), other (CAP sender other@example.org), operator, agency (110109), auditor, admin,
/// player, expired.
std::vector<authority::Credential> credentials();
authority::Places places();

struct Cert {
    std::filesystem::path certificate, key;
};
/// A self-signed CA and certificates below it, new for each process.
Cert make_ca(const std::filesystem::path& folder);
Cert make_leaf(const std::filesystem::path& folder,
               const Cert& ca,
               const std::string& name,
               const std::string& san,
               bool client,
               int days = 1);

class Running {
public:
    explicit Running(std::function<void(Config&, Deps&)> change = {});
    ~Running();
    Client client() { return Client(ports.api); }
    /// On the core loop, waited for.
    void on_core(std::function<void()> work);
    std::string dispatch_event(const std::string& alert, const std::string& data);
    std::size_t alerts();

    std::filesystem::path folder;
    Cert ca, server_certificate;
    boost::asio::io_context core;
    std::unique_ptr<ledger::MemoryLedger> ledger;
    FakeHub hub;
    Ports ports;
    std::unique_ptr<Server> server;

private:
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::thread thread_;
};

struct Words {  // of a CAP message to make
    std::string identifier = "T-1", sender = std::string(cap_sender), status = "Actual",
                type = "Alert", severity = "Severe", event = "rainstorm", geocode = "110109000000",
                instruction = "Stay indoors.", description = "Heavy rain.", references;
    std::chrono::seconds sent{-60}, expires{3600};  // from now
    bool info = true;
};
std::string cap_message(const Words& words = {});
std::string triple_of(const Words& words);
/// The time that cap_message() writes for `words.sent`.
std::string stamp(std::chrono::seconds from_now);

}  // namespace tocsin::api::testing
