#include "channels/sms/smpp/inbound.hpp"

#include "server/base/log.hpp"

namespace tocsin::smpp {
namespace {

constexpr std::uint8_t esm_type_bits = 0x3C, esm_header_bit = 0x40;
constexpr std::uint32_t permanently_rejected = 0x65;  // RX_P_APPN: do not bring it again

std::string_view without_header(const Deliver& deliver) {
    const auto words = deliver.words;
    if (!(deliver.esm_class & esm_header_bit) || words.empty()) return words;
    const std::size_t length = static_cast<unsigned char>(words[0]);
    return words.substr(std::min(length + 1, words.size()));
}

std::string words_of(const Deliver& deliver) {
    const auto words = without_header(deliver);
    switch (deliver.data_coding) {
        case 0x08: return shared::from_ucs2(words);
        case 0x00: return shared::from_gsm7(words);
        default: return shared::from_latin1(words);
    }
}

}  // namespace

void Inbound::took(const Pdu& pdu, Outbox& outbox) {
    const auto deliver =
        pdu.command == Command::data_sm ? parse_data(pdu.body) : parse_deliver(pdu.body);
    if (!deliver) {
        ++counters_.unreadable;
        log::warn("smpp.unreadable", {{"why", deliver.error().what}});
        put_taken(outbox.tail(), response(pdu.command), permanently_rejected, pdu.sequence);
        return;
    }
    const Request request{pdu.command, pdu.sequence};
    if (const auto says = read_receipt(*deliver, setup_.id_is_receipt, room_))
        return took_receipt(*says, request, outbox);
    if ((deliver->esm_class & esm_type_bits) == 0) took_message(*deliver);
    acknowledge(request, outbox);
}

void Inbound::took_receipt(const ReceiptSays& says, Request request, Outbox& outbox) {
    ++counters_.receipts;
    if (says.ids.tlv.empty() && says.ids.text.empty()) {
        ++counters_.unreadable;
        log::warn("smpp.unreadable", {{"why", "a receipt without any id"}});
        return acknowledge(request, outbox);
    }
    if (learner_.learning()) learner_.received(says.ids, says.said, says.code);
    batch_.push_back({key_of(says.ids, learner_.reading()), says.said, says.code});
    batch_requests_.push_back(request);
}

void Inbound::took_message(const Deliver& deliver) {
    ++counters_.messages;
    desk_.heard(std::string(deliver.from.digits), words_of(deliver));
}

void Inbound::acknowledge(Request request, Outbox& outbox) {
    ++counters_.acknowledged;
    put_taken(outbox.tail(), response(request.command), status::ok, request.sequence);
}

void Inbound::settle() {
    if (!batch_.empty()) {
        const auto ticket = desk_.settled(batch_);
        for (const auto& request : batch_requests_) waiting_.push_back({ticket, request});
        batch_.clear();
        batch_requests_.clear();
    }
    learn();
}

void Inbound::learn() {
    const auto learnt = learner_.decide();
    if (!learnt) return;
    log::warn(
        "smpp.id_form_learnt",
        {{"reading", name(*learnt)}, {"advice", "set id_form so that it is known from the first"}});
    // Handed on before under keys that match nothing. Acknowledged or about to be: the ticket is
    // not needed, and should they be lost now, they are as lost as with the form unlearnt.
    const auto missed = learner_.missed();
    if (!missed.empty()) desk_.settled(missed);
}

void Inbound::durable(contract::Ticket up_to, Outbox& outbox) {
    while (!waiting_.empty() && waiting_.front().ticket <= up_to) {
        acknowledge(waiting_.front().request, outbox);
        waiting_.pop_front();
    }
}

void Inbound::link_lost() {
    // The peer never saw them acknowledged and brings them again.
    batch_.clear();
    batch_requests_.clear();
    waiting_.clear();
}

}  // namespace tocsin::smpp
