#pragma once
#include "channels/sms/cmpp/setup.hpp"
#include "channels/sms/shared/speech.hpp"

/// CMPP on one connection: what is said, and what the gateway's PDUs tell the session.
namespace tocsin::cmpp {

class Talk final : public sms::Speech {
public:
    /// `link` outlives it.
    explicit Talk(const Link& link) : link_(link) {}

    void restart() override { decoder_.clear(); }
    void greet(std::string& out, sms::Role role, std::uint32_t sequence, Instant now) override;
    void enquire(std::string& out, std::uint32_t sequence) override;
    void part(std::string& out, std::uint32_t sequence) override;
    void acknowledge(std::string& out, std::span<const sms::Ack> acks) override;
    void received(sms::Session& session, std::string_view bytes, Instant now) override;

private:
    void heard(sms::Session& session, const Pdu& pdu, Instant now);
    void heard_connect(sms::Session& session, const Pdu& pdu, Instant now);
    void heard_submit(sms::Session& session, const Pdu& pdu, Instant now);
    void heard_deliver(sms::Session& session, const Pdu& pdu, Instant now);
    void unreadable(sms::Session& session, std::string_view why);

    const Link& link_;
    Decoder decoder_;
    std::string proof_;  // what we said last; the gateway answers it
};

/// What the office of a CMPP endpoint is made of; `setup` outlives it.
sms::OfficeSetup office_of(const Setup& setup);

}  // namespace tocsin::cmpp
