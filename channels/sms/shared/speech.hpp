#pragma once
#include "server/base/time.hpp"

#include <cstdint>
#include <span>
#include <string>

/// What a protocol says and hears on one connection. No socket, no clock, no decision about links.
namespace tocsin::sms {

class Session;

/// transmitter + receiver: two connections that make one link.
enum class Role : std::uint8_t { transceiver, transmitter, receiver };

/// What is owed to the peer for a receipt, once that is durable.
struct Ack {
    std::uint32_t command, sequence;
    std::uint64_t id = 0;
};

class Speech {
public:
    virtual ~Speech() = default;
    /// A new connection: forget the half of a PDU.
    virtual void restart() = 0;
    /// Each appends one whole PDU, whose first four bytes are its length, big-endian.
    virtual void greet(std::string& out, Role role, std::uint32_t sequence, Instant now) = 0;
    virtual void enquire(std::string& out, std::uint32_t sequence) = 0;
    virtual void part(std::string& out, std::uint32_t sequence) = 0;
    virtual void acknowledge(std::string& out, std::span<const Ack> acks) = 0;
    /// Tells `session` what the bytes say, in their order, until it listens no more.
    virtual void received(Session& session, std::string_view bytes, Instant now) = 0;
    /// Each tick, after receipts were handed to the desk.
    virtual void settled(Session& session) { (void)session; }
};

}  // namespace tocsin::sms
