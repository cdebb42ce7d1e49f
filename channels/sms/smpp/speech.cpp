#include "channels/sms/smpp/speech.hpp"

#include "server/base/log.hpp"

#include <fmt/format.h>

namespace tocsin::smpp {
namespace {

using sms::Ack, sms::Role, sms::Session;

constexpr std::uint8_t esm_type_bits = 0x3C, esm_header_bit = 0x40;
constexpr std::uint32_t permanently_rejected = 0x65;  // RX_P_APPN: do not bring it again

sms::Piece piece_of(const Deliver& deliver, sms::Letters of_default) {
    const auto letters = sms::letters_of(deliver.data_coding, of_default);
    if (deliver.esm_class & esm_header_bit) return sms::without_header(deliver.words, letters);
    sms::Piece out{deliver.words, letters};
    if (deliver.part < 1 || deliver.part > deliver.parts) return out;
    out.reference = deliver.reference, out.part = deliver.part, out.parts = deliver.parts;
    return out;
}

}  // namespace

SmppSpeech::SmppSpeech(std::shared_ptr<const LinkSettings> link,
                       std::shared_ptr<Learner> learner,
                       Tag tag,
                       sms::Jitter jitter)
    : link_(std::move(link)),
      learner_(std::move(learner)),
      tag_(std::move(tag)),
      jitter_(std::move(jitter)) {}

void SmppSpeech::greet(std::string& out, Role role, std::uint32_t sequence, Instant) {
    bind_ = role == Role::transceiver   ? Command::bind_transceiver
            : role == Role::transmitter ? Command::bind_transmitter
                                        : Command::bind_receiver;
    put_bind(out, bind_, link_->bind, sequence);
}

void SmppSpeech::enquire(std::string& out, std::uint32_t sequence) {
    put_bare(out, Command::enquire_link, status::ok, sequence);
}

void SmppSpeech::part(std::string& out, std::uint32_t sequence) {
    put_bare(out, Command::unbind, status::ok, sequence);
}

void SmppSpeech::acknowledge(std::string& out, std::span<const Ack> acks) {
    std::string each;
    put_taken(each, response(Command::deliver_sm), status::ok, 0);
    const auto from = out.size();
    out.resize(from + acks.size() * each.size());
    auto* at = out.data() + from;
    for (const auto& ack : acks) {
        std::memcpy(at, each.data(), each.size());
        const auto command = __builtin_bswap32(ack.command);
        const auto sequence = __builtin_bswap32(ack.sequence);
        std::memcpy(at + 4, &command, 4);
        std::memcpy(at + 12, &sequence, 4);
        at += each.size();
    }
}

void SmppSpeech::received(Session& session, std::string_view bytes, Instant now) {
    const bool whole = decoder_.each(bytes, [&](const Pdu& pdu) {
        heard(session, pdu, now);
        return session.listening();
    });
    if (whole || !session.listening()) return;
    put_bare(session.outbox().tail(), Command::generic_nack, status::invalid_command_length, 0);
    session.give_up("a PDU of an impossible length: the stream is lost");
}

void SmppSpeech::heard(Session& session, const Pdu& pdu, Instant now) {
    if (pdu.command == response(Command::submit_sm)) return heard_submit_answer(session, pdu, now);
    switch (pdu.command) {
        case Command::deliver_sm:
        case Command::data_sm: return took(session, pdu, now);
        case Command::enquire_link: {
            std::string answer;
            put_bare(answer, response(Command::enquire_link), status::ok, pdu.sequence);
            return session.outbox().urgent(answer);
        }
        case Command::unbind:
            put_bare(session.outbox().tail(), response(Command::unbind), status::ok, pdu.sequence);
            return session.give_up("the peer unbound");
        case Command::alert_notification:
        case Command::outbind: return;  // no answer by the standard
        default: break;
    }
    if (is_response(pdu.command)) return heard_answer(session, pdu, now);
    put_bare(session.outbox().tail(), Command::generic_nack, status::invalid_command, pdu.sequence);
}

void SmppSpeech::heard_submit_answer(Session& session, const Pdu& pdu, Instant now) {
    if (pdu.status != status::ok) return session.answered(pdu.sequence, pdu.status, {}, now);
    const auto end = pdu.body.find('\0');
    if (end == pdu.body.npos && !pdu.body.empty())
        log::warn("smpp.unreadable", {{"link", session.name()}, {"why", "an id without its end"}});
    const auto key = key_of_answer(end == pdu.body.npos ? "" : pdu.body.substr(0, end));
    if (learner_->learning()) learner_->answered(key);
    session.answered(pdu.sequence, status::ok, tagged(key, tag_), now);
}

void SmppSpeech::heard_answer(Session& session, const Pdu& pdu, Instant now) {
    const bool nack = pdu.command == Command::generic_nack;
    if (session.binding(pdu.sequence) && (nack || pdu.command == response(bind_)))
        return heard_bind_answer(session, pdu, now);
    if (pdu.command == response(Command::enquire_link))
        return session.enquiry_answered(pdu.sequence, now);
    if (pdu.command == response(Command::unbind)) return session.unbind_answered(pdu.sequence);
    if (nack)
        session.answered(pdu.sequence,
                         pdu.status == status::ok ? status::unknown_error : pdu.status, {}, now);
}

void SmppSpeech::heard_bind_answer(Session& session, const Pdu& pdu, Instant now) {
    if (pdu.status == status::invalid_command && bind_ == Command::bind_transceiver)
        return session.bind_unknown(now);
    if (pdu.status != status::ok || pdu.command == Command::generic_nack) {
        std::optional<std::chrono::milliseconds> wait;
        if (is_slow_to_mend(pdu.status)) {
            const auto again = link_->already_bound_wait;
            wait = pdu.status == status::already_bound
                       ? again + std::chrono::milliseconds(
                                     std::int64_t(jitter_() * double(again.count())))
                       : link_->refused_wait;
        }
        return session.bind_refused(fmt::format("bind refused with status 0x{:02X}", pdu.status),
                                    wait);
    }
    const auto answer = parse_bind_answer(pdu.body);
    log::info("smpp.bound",
              {{"link", session.name()},
               {"peer", answer ? std::string(answer->system_id) : ""},
               {"version", answer && answer->version ? fmt::format("0x{:02X}", *answer->version)
                                                     : "3.3, unsaid"}});
    learner_->restart();
    session.bound(now);
}

void SmppSpeech::took(Session& session, const Pdu& pdu, Instant now) {
    Deliver deliver;
    const bool data = pdu.command == Command::data_sm;
    if (data ? !read_data(pdu.body, deliver) : !read_deliver(pdu.body, deliver)) {
        ++session.counts().unreadable;
        log::warn("smpp.unreadable", {{"link", session.name()}, {"why", "deliver_sm is cut off"}});
        return put_taken(session.outbox().tail(), response(pdu.command), permanently_rejected,
                         pdu.sequence);
    }
    const Ack ack{std::uint32_t(response(pdu.command)), pdu.sequence};
    if (const auto says = read_receipt(deliver, link_->id_is_receipt, room_))
        return took_receipt(session, *says, ack);
    if ((deliver.esm_class & esm_type_bits) == 0)
        return session.words(deliver.from.digits, piece_of(deliver, link_->letters), ack, now);
    ++session.counts().acknowledged;
    acknowledge(session.outbox().tail(), {&ack, 1});
}

void SmppSpeech::took_receipt(Session& session, const ReceiptSays& says, const Ack& ack) {
    if (says.ids.tlv.empty() && says.ids.text.empty()) {
        ++session.counts().receipts, ++session.counts().unreadable;
        log::warn("smpp.unreadable",
                  {{"link", session.name()}, {"why", "a receipt without any id"}});
        ++session.counts().acknowledged;
        return acknowledge(session.outbox().tail(), {&ack, 1});
    }
    if (learner_->learning()) learner_->received(says.ids, says.said, says.code);
    session.receipt({tagged(key_of(says.ids, learner_->reading()), tag_), says.said, says.code},
                    ack);
}

void SmppSpeech::settled(Session& session) {
    if (!learner_->learning()) return;
    const auto learnt = learner_->decide();
    if (!learnt) return;
    log::warn("smpp.id_form_learnt",
              {{"link", session.name()},
               {"reading", name(*learnt)},
               {"advice", "set id_form so that it is known from the first"}});
    // Handed on before under keys that match nothing. Acknowledged or about to be: the ticket is
    // not needed, and should they be lost now, they are as lost as with the form unlearnt.
    auto missed = learner_->missed();
    for (auto& receipt : missed) receipt.id = tagged(receipt.id, tag_);
    session.settle_again(missed);
}

}  // namespace tocsin::smpp
