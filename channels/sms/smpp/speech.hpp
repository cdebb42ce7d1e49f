#pragma once
#include "channels/sms/shared/session.hpp"
#include "channels/sms/smpp/receipt.hpp"
#include "channels/sms/smpp/setup.hpp"

/// SMPP 3.4 on one connection: binds, what the peer says, what is answered at once.
namespace tocsin::smpp {

class SmppSpeech final : public sms::Speech {
public:
    /// Links of one account share a learner and a tag: receipts may come by any of them.
    SmppSpeech(std::shared_ptr<const LinkSettings> link,
               std::shared_ptr<Learner> learner,
               Tag tag,
               sms::Jitter jitter);

    void restart() override { decoder_.clear(); }
    void greet(std::string& out, sms::Role role, std::uint32_t sequence, Instant now) override;
    void enquire(std::string& out, std::uint32_t sequence) override;
    void part(std::string& out, std::uint32_t sequence) override;
    void acknowledge(std::string& out, std::span<const sms::Ack> acks) override;
    void received(sms::Session& session, std::string_view bytes, Instant now) override;
    void settled(sms::Session& session) override;
    const Reading& reading() const { return learner_->reading(); }

private:
    void heard(sms::Session& session, const Pdu& pdu, Instant now);
    void heard_answer(sms::Session& session, const Pdu& pdu, Instant now);
    void heard_bind_answer(sms::Session& session, const Pdu& pdu, Instant now);
    void heard_submit_answer(sms::Session& session, const Pdu& pdu, Instant now);
    void took(sms::Session& session, const Pdu& pdu, Instant now);
    void took_receipt(sms::Session& session, const ReceiptSays& says, const sms::Ack& ack);

    std::shared_ptr<const LinkSettings> link_;
    std::shared_ptr<Learner> learner_;
    Tag tag_;
    sms::Jitter jitter_;
    Decoder decoder_;
    Command bind_ = Command::bind_transceiver;
    std::string room_;
};

}  // namespace tocsin::smpp
