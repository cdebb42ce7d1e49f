#include "tests/peers/smsc/center.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <ctime>

namespace tocsin::smsc {
namespace {

constexpr std::uint32_t response_bit = 0x80000000;
enum : std::uint32_t {
    bind_receiver = 1,
    bind_transmitter = 2,
    query_sm = 3,
    submit_sm = 4,
    deliver_sm = 5,
    unbind = 6,
    replace_sm = 7,
    cancel_sm = 8,
    bind_transceiver = 9,
    enquire_link = 0x15,
    generic_nack = 0x80000000
};
constexpr std::size_t out_bytes_most = 4 * 1024 * 1024;
enum Purpose : std::uint64_t {
    for_error = 1,
    for_final,
    for_loss,
    for_copy,
    for_first,
    for_latency,
    for_latency_within,
    for_delay,
    for_delay_within,
    for_answer,
    for_unknown,
    for_reply
};

bool is_temporary(std::uint32_t status) {
    return status == 0x08 || status == 0x14 || status == 0x45 || status == 0x58 || status == 0x64 ||
           status == 0xFF;
}

void put_text(std::string& out, std::string_view text) { out.append(text).push_back('\0'); }
char* put(char* at, std::string_view bytes) {
    std::memcpy(at, bytes.data(), bytes.size());
    return at + bytes.size();
}
void put_tlv(std::string& out, std::uint16_t tag, std::string_view value) {
    put_u16(out, tag);
    put_u16(out, std::uint16_t(value.size()));
    out.append(value);
}

}  // namespace

std::uint32_t Center::opened() {
    links_.emplace(next_link_, std::make_unique<Link>());
    return next_link_++;
}

void Center::received(std::uint32_t number, std::string_view bytes, std::uint64_t now) {
    now_ = now;
    auto& link = *links_.at(number);
    if (!link.in.empty()) {
        link.in.append(bytes);
        bytes = link.in;
    }
    std::size_t at = 0;
    while (link.fate == Fate::stays && bytes.size() - at >= 4) {
        const auto rest = bytes.substr(at);
        const auto length = read_u32(rest, 0);
        if (length < header_bytes || length > pdu_bytes_max) {
            violated("a PDU length outside 16 to 65536");
            put_header(link.out, 0, generic_nack, 0x02, 0);
            link.fate = Fate::closes_when_sent;
            break;
        }
        if (rest.size() < length) break;
        heard(number, link, read_header(rest), rest.substr(header_bytes, length - header_bytes));
        at += length;
    }
    if (link.in.empty())
        link.in = bytes.substr(at);
    else
        link.in.erase(0, at);
    if (link.bound) pump(accounts_[link.account]);
}

void Center::closed(std::uint32_t number) {
    auto& link = *links_.at(number);
    if (link.bound) {
        auto& account = accounts_[link.account];
        std::erase(account.links, number);
        for (auto it = link.receipts.rbegin(); it != link.receipts.rend(); ++it) {
            if (it->acked) continue;
            it->again = true;
            account.ready.push_front(*it);
            --book_.unanswered;
        }
        if (!link.unbound && link.fate == Fate::stays) ++book_.closed_without_unbind;
    }
    links_.erase(number);
}

void Center::tick(std::uint64_t now) {
    now_ = now;
    answers_.turn(now, [&](const Answer& due) {
        const auto found = links_.find(due.link);
        if (found == links_.end() || found->second->fate != Fate::stays) return;
        --found->second->unanswered;
        answer(*found->second, due);
    });
    receipts_.turn(now, [&](const Receipt& due) { ready(due); });
    book_.waiting = 0;
    for (auto& account : accounts_) {
        pump(account);
        book_.waiting += account.ready.size();
    }
    book_.flush();  // before anybody hears of it
}

void Center::heard(std::uint32_t number, Link& link, const Header& header, std::string_view body) {
    const auto bare = [&](std::uint32_t command, std::uint32_t status) {
        put_header(link.out, 0, command, status, header.sequence);
    };
    const bool request = !(header.command & response_bit);
    if (request && header.status != 0) violated("a request with a command_status");
    if (request && (header.sequence == 0 || header.sequence > 0x7FFFFFFF))
        violated("a sequence number outside 1 to 0x7FFFFFFF");
    if (request && header.sequence == link.last_sequence) violated("a sequence number twice");
    if (request) link.last_sequence = header.sequence;
    const bool is_bind = header.command == bind_receiver || header.command == bind_transmitter ||
                         header.command == bind_transceiver;
    if (request && !is_bind && !link.bound) violated("a request before the bind");
    switch (header.command) {
        case bind_receiver:
        case bind_transmitter:
        case bind_transceiver: return heard_bind(number, link, header, body);
        case submit_sm: return heard_submit(number, link, header, body);
        case deliver_sm | response_bit: return heard_receipt_answer(link, header, body);
        case enquire_link:
            ++book_.enquiries;
            if (!body.empty()) violated("an enquire_link with a body");
            return bare(enquire_link | response_bit, 0);
        case unbind:
            ++book_.unbinds;
            link.unbound = true;
            link.fate = Fate::closes_when_sent;
            return bare(unbind | response_bit, 0);
        case query_sm: return bare(query_sm | response_bit, 0x67);
        case cancel_sm: return bare(cancel_sm | response_bit, 0x11);
        case replace_sm: return bare(replace_sm | response_bit, 0x13);
        case enquire_link | response_bit:
        case generic_nack: return;
        default: break;
    }
    if (!request) return violated("an answer to nothing");
    bare(generic_nack, 0x03);
}

void Center::heard_bind(std::uint32_t number,
                        Link& link,
                        const Header& header,
                        std::string_view body) {
    const char* violation = nullptr;
    const auto bind = read_bind(body, violation);
    if (violation) violated(violation);
    std::uint32_t status = 0;
    if (!bind)
        status = 0x02;
    else if (link.bound)
        status = 0x05, violated("a second bind on a connection");
    else if (options_.no_transceiver && header.command == bind_transceiver)
        status = 0x03;
    else if (now_ < refuse_until_)
        status = 0x05;
    else if (!options_.system_id.empty() && bind->system_id != options_.system_id)
        status = 0x0F;
    else if (!options_.password.empty() && bind->password != options_.password)
        status = 0x0E;
    if (status != 0) {
        ++book_.binds_refused;
        return put_header(link.out, 0, header.command | response_bit, status, header.sequence);
    }
    ++book_.binds;
    link.bound = true;
    link.takes_receipts = header.command != bind_transmitter;
    link.submits = header.command != bind_receiver;
    link.bucket = options_.tps;
    auto found = std::ranges::find(accounts_, bind->system_id, &Account::name);
    if (found == accounts_.end())
        found = accounts_.insert(found, {std::string(bind->system_id), {}, {}, 0});
    link.account = std::uint16_t(found - accounts_.begin());
    found->links.push_back(number);
    std::string answer;
    put_text(answer, "TOCSINSMSC");
    put_tlv(answer, 0x0210, "\x34");
    put_header(link.out, answer.size(), header.command | response_bit, 0, header.sequence);
    link.out += answer;
}

std::uint32_t Center::status_of(Link& link, std::uint64_t key) {
    if (options_.window && link.unanswered >= options_.window) return 0x58;
    if (options_.throttle_every && ++link.submitted % options_.throttle_every == 0) return 0x58;
    if (options_.tps) {
        const auto past = link.bucket_at ? double(now_ - link.bucket_at) / 1000 : 0;
        link.bucket = std::min<double>(options_.tps, link.bucket + past * options_.tps);
        link.bucket_at = now_;
        if (link.bucket < 1) return 0x58;
        link.bucket -= 1;
    }
    if (options_.errors.empty()) return 0;
    auto drawn = chance(options_.seed, key, for_error);
    for (const auto& error : options_.errors) {
        if (drawn < error.share)
            return is_temporary(error.value) && !struck_.insert(key).second ? 0 : error.value;
        drawn -= error.share;
    }
    return 0;
}

void Center::heard_submit(std::uint32_t number,
                          Link& link,
                          const Header& header,
                          std::string_view body) {
    Answer answer{number, header.sequence, 0, 0};
    const char* violation = nullptr;
    const auto submit = read_submit(body, violation);
    if (violation) violated(violation);
    if (!submit || !link.submits) {
        answer.status = link.submits ? 0x02 : 0x04;
        return this->answer(link, answer);
    }
    book_.submitted(now_);
    const auto key = hash_of(submit->destination, submit->part);
    answer.status = status_of(link, key);
    if (answer.status == 0) {
        accept(number, link, *submit, key, answer);
    } else {
        answer.status == 0x58 ? ++book_.throttled : ++book_.errors[answer.status];
        book_.journal(*submit, now_, number, answer.status, {}, {});
        this->answer(link, answer);
    }
    strike(link);
}

void Center::accept(
    std::uint32_t number, Link& link, const Submit& submit, std::uint64_t key, Answer answer) {
    ++book_.accepted;
    answer.id = options_.first_id + ids_++;
    auto drawn = options_.finals.size() > 1 ? chance(options_.seed, key, for_final) : 0;
    std::uint8_t state = std::uint8_t(options_.finals.back().value);
    for (const auto& final : options_.finals) {
        if (drawn < final.share) {
            state = std::uint8_t(final.value);
            break;
        }
        drawn -= final.share;
    }
    const auto lucky = [&](double share, Purpose purpose) {
        return share > 0 && chance(options_.seed, key, purpose) < share;
    };
    const auto kind = submit.registered & 3;
    const bool wanted = kind == 1 || (kind == 2 && state != 2);
    const bool lost = wanted && lucky(options_.lose_receipts, for_loss);
    if (lost) ++book_.receipts_lost;
    book_.journal(submit, now_, number, 0, book_.journals() ? answer_id(answer.id) : Id(),
                  states[state - 1u].name);
    std::uint64_t destination = 0;
    std::from_chars(submit.destination.data(),
                    submit.destination.data() + submit.destination.size(), destination);
    const Receipt receipt{answer.id,    destination, 0,     source_number(submit.source),
                          link.account, state,       false, false,
                          false};
    const auto draw = [&](const Delay& delay, Purpose share, Purpose within) {
        return delay.none() ? 0
                            : delay.at(chance(options_.seed, key, share),
                                       chance(options_.seed, key, within));
    };
    const auto latency = draw(options_.latency, for_latency, for_latency_within);
    const auto late = latency + draw(options_.late_receipts, for_delay, for_delay_within);
    const bool send = wanted && !lost;
    const bool first = send && link.takes_receipts && lucky(options_.receipt_first, for_first);
    if (first) deliver(link, receipt);
    if (lucky(options_.lose_answers, for_answer)) {
        ++book_.answers_lost;
    } else if (latency > 0) {
        ++link.unanswered;
        answers_.put(now_, latency, answer);
    } else {
        this->answer(link, answer);
    }
    reply(receipt, key, late);
    if (lucky(options_.unknown_receipts, for_unknown)) {
        auto strange = receipt;
        strange.id = ~strange.id >> 8;
        receipts_.put(now_, late + 1, strange);
    }
    if (!send) return;
    // One millisecond more than its answer: turn() has no order within a slot.
    if (!first) late > 0 ? receipts_.put(now_, late + 1, receipt) : ready(receipt);
    if (!lucky(options_.dup_receipts, for_copy)) return;
    ++book_.receipts_doubled;
    auto copy = receipt;
    copy.copy = true;
    late > 0 ? receipts_.put(now_, late + 2, copy) : ready(copy);
}

void Center::reply(const Receipt& receipt, std::uint64_t key, std::uint32_t late) {
    auto drawn = options_.replies.empty() ? 0 : chance(options_.seed, key, for_reply);
    for (std::size_t i = 0; i < options_.replies.size(); ++i) {
        if (drawn >= options_.replies[i].share) {
            drawn -= options_.replies[i].share;
            continue;
        }
        auto words = receipt;
        words.state = 0;
        words.id = i;
        return receipts_.put(now_, late + 3, words);
    }
}

void Center::answer(Link& link, const Answer& answer) {
    if (answer.status != 0)
        return put_header(link.out, 0, submit_sm | response_bit, answer.status, answer.sequence);
    const auto id = answer_id(answer.id);
    char pdu[header_bytes + sizeof id.text + 1];
    write_u32(pdu, std::uint32_t(header_bytes + id.length + 1));
    write_u32(pdu + 4, submit_sm | response_bit);
    write_u32(pdu + 8, 0);
    write_u32(pdu + 12, answer.sequence);
    auto* end = put(pdu + header_bytes, id);
    *end++ = '\0';
    link.out.append(pdu, std::size_t(end - pdu));
}

/// Faults of the connection that count submits.
void Center::strike(Link& link) {
    if (options_.half_open_after && book_.submits >= options_.half_open_after && !half_opened_) {
        half_opened_ = true;
        link.fate = Fate::silent;
        return;
    }
    if (!options_.drop_after || book_.submits % options_.drop_after != 0) return;
    ++book_.drops;
    if (options_.refuse_ms) refuse_until_ = now_ + options_.refuse_ms;
    link.fate = options_.drop == Drop::rst ? Fate::resets : Fate::closes_when_sent;
    if (options_.drop == Drop::halfpdu && link.out.size() > 8) link.out.resize(link.out.size() - 8);
}

void Center::heard_receipt_answer(Link& link, const Header& header, std::string_view body) {
    const auto at = std::size_t(header.sequence - link.first_receipt);
    if (header.sequence < link.first_receipt || at >= link.receipts.size() ||
        link.receipts[at].acked)
        return violated("an answer to no receipt");
    if (body != std::string_view("\0", 1)) violated("a deliver_sm_resp whose body is not one NUL");
    auto& receipt = link.receipts[at];
    receipt.acked = true;
    --book_.unanswered;
    if (header.status == 0) {
        book_.acknowledged(now_ - receipt.sent_at);
    } else {
        ++book_.receipts_nacked;
        if (header.status == 0x08 || header.status == 0x14 || header.status == 0x64) {
            auto again = receipt;
            again.acked = false, again.again = true;
            receipts_.put(now_, 1000, again);
        }
    }
    while (!link.receipts.empty() && link.receipts.front().acked) {
        link.receipts.pop_front();
        ++link.first_receipt;
    }
}

bool Center::has_room(const Link& link) const {
    return link.takes_receipts && link.fate == Fate::stays && link.out.size() < out_bytes_most &&
           (!options_.receipt_window || link.receipts.size() < options_.receipt_window);
}

/// In turn over the account's links: receipts may leave by another one than the submit came by.
void Center::pump(Account& account) {
    std::size_t full = 0;
    while (!account.ready.empty() && full < account.links.size()) {
        auto& link = *links_.at(account.links[account.turn++ % account.links.size()]);
        if (!has_room(link)) {
            ++full;
            continue;
        }
        full = 0;
        for (int i = 0; i < 64 && !account.ready.empty() && has_room(link); ++i) {
            deliver(link, account.ready.front());
            account.ready.pop_front();
        }
    }
}

void Center::deliver(Link& link, Receipt receipt) {
    const bool says = receipt.state == 0;
    const auto state = says ? std::string_view() : states[receipt.state - 1u].name;
    const auto form = says ? ReceiptForm::text : options_.receipt_form;
    const bool odd = form == ReceiptForm::odd;
    char pdu[512];
    write_u32(pdu + 4, deliver_sm);
    write_u32(pdu + 8, 0);
    write_u32(pdu + 12, link.first_receipt + std::uint32_t(link.receipts.size()));
    auto* at = put(pdu + header_bytes, std::string_view("\0\1\1", 3));
    at = std::to_chars(at, at + 20, receipt.destination).ptr;
    at = put(at, std::string_view("\0\0\1", 3));
    at = put(at, sources_[receipt.source]);
    *at++ = '\0';
    *at++ = says || (odd && receipt.id % 2) ? '\0' : '\4';
    at = put(at, std::string_view("\0\0\0\0\0\0\0\0", 8));  // protocol_id .. sm_default_msg_id
    auto* const text = ++at;
    if (says)
        at = put(at, std::string_view(options_.replies[receipt.id].words));
    else if (form != ReceiptForm::tlv)
        at = put_receipt_text(at, receipt, state);
    if (odd) *at++ = '\0';
    text[-1] = char(at - text);
    if (form == ReceiptForm::tlv_and_text || form == ReceiptForm::tlv) {
        const auto id = answer_id(receipt.id);
        at = put(at, std::string_view("\0\x1E\0", 3));
        *at++ = char(id.length + 1);
        at = put(at, id);
        at = put(at, std::string_view("\0\4\x27\0\1", 5));
        *at++ = char(receipt.state);
    }
    write_u32(pdu, std::uint32_t(at - pdu));
    link.out.append(pdu, std::size_t(at - pdu));
    ++book_.receipts;
    ++book_.unanswered;
    if (receipt.again) ++book_.redelivered;
    receipt.sent_at = now_;
    link.receipts.push_back(receipt);
}

char* Center::put_receipt_text(char* at, const Receipt& receipt, std::string_view state) {
    if (now_ / 60'000 != date_at_ || date_.empty()) {
        date_at_ = now_ / 60'000;
        date_ = fmt::format("{:%y%m%d%H%M}", fmt::gmtime(std::time_t(now_ / 1000)));
    }
    const bool well = receipt.state == 2;
    at = put(put(at, "id:"), receipt_id(receipt.id));
    if (options_.receipt_form == ReceiptForm::odd) {
        at = put(put(put(put(at, " done date:"), date_), "59 stat:"), state);
        return put(put(put(at, " err:"), well ? "0" : "0A1"), " Text:");
    }
    at = put(put(at, " sub:001 dlvrd:"), well ? "001" : "000");
    at = put(put(put(put(at, " submit date:"), date_), " done date:"), date_);
    at = put(put(at, " stat:"), state);
    return put(put(put(at, " err:"), well ? "000" : "011"), " text:");
}

Center::Id Center::answer_id(std::uint64_t id) const {
    Id out;
    const auto as = [&](std::string_view text) {
        out.length = std::uint8_t(put(out.text, text) - out.text);
        return out;
    };
    switch (options_.id_form) {
        case IdForm::hexhex:
        case IdForm::hexdec: {
            auto* at = out.text + 16;
            for (auto rest = id; at == out.text + 16 || rest != 0; rest >>= 4)
                *--at = "0123456789ABCDEF"[rest & 15];
            out.length = std::uint8_t(out.text + 16 - at);
            std::memmove(out.text, at, out.length);
            return out;
        }
        case IdForm::dechex:
        case IdForm::dec:
            out.length = std::uint8_t(std::to_chars(out.text, out.text + sizeof out.text, id).ptr -
                                      out.text);
            return out;
        case IdForm::zeros: return as(fmt::format("{:012}", id));
        case IdForm::constant: return as("msg_id_not_implemented");
        case IdForm::uuid: {
            const auto a = hash_of({reinterpret_cast<const char*>(&id), 8}, 1);
            const auto b = hash_of({reinterpret_cast<const char*>(&id), 8}, 2);
            return as(fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", a >> 32,
                                  a >> 16 & 0xFFFF, a & 0xFFF, b >> 48 & 0xFFF,
                                  b & 0xFFFFFFFFFFFF));
        }
    }
    return as("");
}

Center::Id Center::receipt_id(std::uint64_t id) const {
    Id out = answer_id(id);
    const auto as = [&](std::string_view text) {
        out.length = std::uint8_t(put(out.text, text) - out.text);
    };
    switch (options_.id_form) {
        case IdForm::hexdec:
        case IdForm::zeros: as(fmt::format("{}", id)); break;
        case IdForm::dechex: as(fmt::format("{:X}", id)); break;
        case IdForm::uuid:
            for (auto* c = out.text; c != out.text + out.length; ++c)
                *c = *c >= 'a' && *c <= 'f' ? char(*c - 32) : *c;
            break;
        default: break;
    }
    return out;
}

std::uint16_t Center::source_number(std::string_view source) {
    const auto found = std::ranges::find(sources_, source);
    if (found != sources_.end()) return std::uint16_t(found - sources_.begin());
    if (sources_.size() == 65'535) return 0;
    sources_.emplace_back(source);
    return std::uint16_t(sources_.size() - 1);
}

}  // namespace tocsin::smsc
