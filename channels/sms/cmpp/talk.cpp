#include "channels/sms/cmpp/talk.hpp"

#include "channels/sms/cmpp/proof.hpp"
#include "channels/sms/cmpp/receipt.hpp"
#include "channels/sms/cmpp/words.hpp"
#include "channels/sms/shared/session.hpp"
#include "server/base/log.hpp"

#include <fmt/format.h>

namespace tocsin::cmpp {
namespace {

std::string version_words(std::uint8_t version) {
    return fmt::format("{}.{}", version >> 4, version & 0xF);
}

}  // namespace

void Talk::greet(std::string& out, sms::Role, std::uint32_t sequence, Instant now) {
    const auto timestamp = timestamp_of(now);
    proof_ = proof_of(link_.sender.source_addr, link_.secret, timestamp);
    const Connect connect{link_.sender.source_addr, proof_, version_of(link_.layout), timestamp};
    if (auto pdu = encode(connect, sequence, link_.layout)) out += *pdu;  // its fields always fit
}

void Talk::enquire(std::string& out, std::uint32_t sequence) {
    put_bare(out, Command::active_test, sequence);
}

void Talk::part(std::string& out, std::uint32_t sequence) {
    put_bare(out, Command::terminate, sequence);
}

void Talk::acknowledge(std::string& out, std::span<const sms::Ack> acks) {
    for (const auto& ack : acks)
        put_deliver_answer(out, {ack.id, result::ok}, ack.sequence, link_.layout);
}

void Talk::received(sms::Session& session, std::string_view bytes, Instant now) {
    decoder_.push(bytes);
    while (session.listening()) {
        const auto pdu = decoder_.next();
        if (!pdu) return session.give_up(pdu.error().what);
        if (!*pdu) return;
        heard(session, **pdu, now);
    }
}

void Talk::heard(sms::Session& session, const Pdu& pdu, Instant now) {
    switch (pdu.command) {
        case Command::connect_answer: return heard_connect(session, pdu, now);
        case Command::submit_answer: return heard_submit(session, pdu, now);
        case Command::deliver: return heard_deliver(session, pdu, now);
        case Command::active_test: {
            std::string answer;
            put_active_test_answer(answer, pdu.sequence);
            return session.outbox().urgent(answer);
        }
        case Command::active_test_answer: return session.enquiry_answered(pdu.sequence, now);
        case Command::terminate:
            put_bare(session.outbox().tail(), Command::terminate_answer, pdu.sequence);
            return session.give_up("the gateway ended the connection");
        case Command::terminate_answer: return session.unbind_answered(pdu.sequence);
        default:
            // CMPP has no way to say "what?"; nothing that we send is answered by these.
            ++session.counts().unreadable;
            log::warn("cmpp.unexpected",
                      {{"link", session.name()},
                       {"command", fmt::format("0x{:08X}", std::uint32_t(pdu.command))}});
    }
}

void Talk::heard_connect(sms::Session& session, const Pdu& pdu, Instant now) {
    if (!session.binding(pdu.sequence)) return;
    const auto answer = parse_connect_answer(pdu.body);
    if (!answer) return session.bind_refused(answer.error().what, link_.refused_wait);
    const auto slow = std::optional(link_.refused_wait);
    if (answer->status != 0)
        return session.bind_refused(
            fmt::format("CONNECT refused with status {} ({}); the gateway speaks {}",
                        answer->status, status_words(answer->status),
                        version_words(answer->version)),
            is_slow_to_mend(answer->status) ? slow : std::nullopt);
    // 0: some gateways fill in nothing.
    if (answer->version != 0 && answer->version < version_of(link_.layout))
        return session.bind_refused(fmt::format("the gateway speaks {}: set version = \"2.0\"",
                                                version_words(answer->version)),
                                    slow);
    if (link_.proof_required && !is_proven(answer->proof, proof_, link_.secret))
        return session.bind_refused("the gateway does not prove that it knows the secret", slow);
    log::info("cmpp.bound",
              {{"link", session.name()}, {"version", version_words(answer->version)}});
    session.bound(now);
}

void Talk::heard_submit(sms::Session& session, const Pdu& pdu, Instant now) {
    const auto answer = parse_submit_answer(pdu.body);
    if (!answer) return unreadable(session, answer.error().what);  // as lost as if unsaid
    session.answered(pdu.sequence, answer->result, key_of(answer->message_id, link_.tag), now);
}

void Talk::heard_deliver(sms::Session& session, const Pdu& pdu, Instant now) {
    const auto acknowledge = [&](std::uint64_t id, std::uint32_t result) {
        put_deliver_answer(session.outbox().tail(), {id, result}, pdu.sequence, link_.layout);
    };
    const auto deliver = parse_deliver(pdu.body, link_.layout);
    if (!deliver) {
        unreadable(session, deliver.error().what);
        return acknowledge(0, result::structure);
    }
    if (!deliver->is_report())
        return session.words(person(deliver->from), piece_of(*deliver),
                             {std::uint32_t(pdu.command), pdu.sequence, deliver->message_id}, now);
    const auto report = parse_report(deliver->words);
    if (!report || report->message_id == 0) {
        unreadable(session, report ? "a report without Msg_Id" : report.error().what);
        return acknowledge(deliver->message_id, result::structure);
    }
    const auto meant = meaning_of_stat(report->stat);
    session.receipt({key_of(report->message_id, link_.tag), meant.said, meant.code},
                    {std::uint32_t(pdu.command), pdu.sequence, deliver->message_id});
}

void Talk::unreadable(sms::Session& session, std::string_view why) {
    ++session.counts().unreadable;
    log::warn("cmpp.unreadable", {{"link", session.name()}, {"why", std::string(why)}});
}

sms::OfficeSetup office_of(const Setup& setup) {
    sms::OfficeSetup out;
    out.ported = setup.ported;
    out.parts_most = setup.parts_most;
    out.validity_most = setup.validity_most;
    out.receipts_within = setup.receipts_within;
    for (const auto& link : setup.links) {
        sms::LinkSetup made;
        made.lane = link.lane;
        made.times = link.times;
        made.account = link.account;
        made.speech = std::make_unique<Talk>(link);
        out.links.push_back(std::move(made));
    }
    return out;
}

}  // namespace tocsin::cmpp
