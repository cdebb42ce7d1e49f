#include "channels/sms/cmpp/frame.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace tocsin::cmpp {
namespace {

constexpr std::size_t service_bytes = 10, code_bytes = 21, time_bytes = 17;
constexpr std::size_t ascii_bytes_max = 160, words_bytes_max = 140;
constexpr std::size_t report_bytes = 71, report_bytes_short = 60;

constexpr std::size_t link_bytes(Layout layout) { return layout == Layout::v3 ? 20 : 8; }

void write_u32(char* at, std::uint32_t value) {
    value = __builtin_bswap32(value);
    std::memcpy(at, &value, 4);
}

/// Takes fields off the front; after the first that is not there all are empty and `ok` is false.
class Fields {
public:
    explicit Fields(std::string_view bytes) : rest_(bytes) {}

    std::string_view octets(std::size_t count) {
        if (rest_.size() < count) {
            ok_ = false;
            return rest_ = {};
        }
        const auto taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }
    std::string_view text(std::size_t width) {
        const auto taken = octets(width);
        return taken.substr(0, taken.find('\0'));
    }
    template <class Number> Number number() {
        const auto bytes = octets(sizeof(Number));
        Number out = 0;
        for (std::size_t i = 0; i < sizeof(Number) && !bytes.empty(); ++i)
            out = Number(out << 8 | static_cast<unsigned char>(bytes[i]));
        return out;
    }
    std::uint8_t u8() { return number<std::uint8_t>(); }
    std::uint32_t u32() { return number<std::uint32_t>(); }
    std::uint64_t u64() { return number<std::uint64_t>(); }
    /// One byte by 2.0, four by 3.0: what is left says which, `after` bytes still follow.
    std::uint32_t result(std::size_t after = 0) { return rest_.size() >= 4 + after ? u32() : u8(); }

    bool ok() const { return ok_; }
    std::size_t left() const { return rest_.size(); }

private:
    std::string_view rest_;
    bool ok_ = true;
};

/// The same the other way; `ok` is false when a text did not fit.
class Writer {
public:
    explicit Writer(std::string& out) : out_(out), from_(out.size()) {}

    void header(Command command, std::uint32_t sequence) {
        u32(header_bytes), u32(std::uint32_t(command)), u32(sequence);
    }
    template <class Number> void number(Number value) {
        char bytes[sizeof(Number)];
        for (std::size_t i = 0; i < sizeof(Number); ++i)
            bytes[i] = char(value >> (sizeof(Number) - 1 - i) * 8);
        out_.append(bytes, sizeof(Number));
    }
    void u8(std::uint8_t value) { number(value); }
    void u32(std::uint32_t value) { number(value); }
    void u64(std::uint64_t value) { number(value); }
    void result(std::uint32_t value, Layout layout) {
        if (layout == Layout::v3) return u32(value);
        u8(std::uint8_t(std::min<std::uint32_t>(value, 255)));
    }
    void octets(std::string_view bytes) { out_ += bytes; }
    void text(std::string_view text, std::size_t width) {
        if (text.size() > width) ok_ = false, text = text.substr(0, width);
        out_.append(text).append(width - text.size(), '\0');
    }
    void length(std::size_t bytes, std::size_t most) {
        if (bytes > most) ok_ = false;
        u8(std::uint8_t(bytes));
    }
    void close() { write_u32(out_.data() + from_, std::uint32_t(out_.size() - from_)); }
    std::size_t written() const { return out_.size() - from_; }
    bool ok() const { return ok_; }

private:
    std::string& out_;
    std::size_t from_;
    bool ok_ = true;
};

Fault cut_off(std::string_view what, std::string_view body) {
    return {Cause::malformed,
            fmt::format("{} body of {} bytes has a field beyond its end", what, body.size())};
}

template <class Value>
Result<Value> whole(const Fields& fields,
                    Value value,
                    std::string_view what,
                    std::string_view body) {
    if (!fields.ok()) return cut_off(what, body);
    return value;
}

std::size_t words_max(std::uint8_t format) {
    return format == 0 ? ascii_bytes_max : words_bytes_max;
}

// --- each PDU's body ---

void write(Writer& out, const Connect& connect, Layout) {
    out.text(connect.source_addr, source_addr_bytes);
    out.text(connect.proof, proof_bytes);
    out.u8(connect.version);
    out.u32(connect.timestamp);
}
Result<Connect> parse_connect(std::string_view body) {
    Fields in(body);
    Connect out;
    out.source_addr = in.text(source_addr_bytes);
    out.proof = in.octets(proof_bytes);
    out.version = in.u8();
    out.timestamp = in.u32();
    return whole(in, out, "CONNECT", body);
}

void write(Writer& out, const ConnectAnswer& answer, Layout layout) {
    out.result(answer.status, layout);
    out.text(answer.proof, proof_bytes);
    out.u8(answer.version);
}

void write(Writer&, const Terminate&, Layout) {}
void write(Writer&, const TerminateAnswer&, Layout) {}
void write(Writer&, const ActiveTest&, Layout) {}
void write(Writer& out, const ActiveTestAnswer&, Layout) { out.u8(0); }

/// Up to DestUsr_tl, which says how many numbers follow. Gives where ValId_Time begins.
std::size_t write_head(Writer& out, const Submit& submit, Layout layout) {
    out.u64(submit.message_id);
    out.u8(submit.parts), out.u8(submit.part);
    out.u8(submit.registered), out.u8(submit.level);
    out.text(submit.service_id, service_bytes);
    out.u8(submit.fee_user_type);
    out.text(submit.fee_terminal, number_bytes(layout));
    if (layout == Layout::v3) out.u8(submit.fee_terminal_type);
    out.u8(submit.protocol_id), out.u8(submit.header), out.u8(submit.format);
    out.text(submit.message_source, source_addr_bytes);
    out.text(submit.fee_type, 2);
    out.text(submit.fee_code, 6);
    const auto at = out.written();
    out.text(submit.valid_time, time_bytes);
    out.text(submit.at_time, time_bytes);
    out.text(submit.source, code_bytes);
    return at;
}
void write_tail(Writer& out, const Submit& submit, Layout layout) {
    if (layout == Layout::v3) out.u8(submit.number_type);
    out.length(submit.words.size(), words_max(submit.format));
    out.octets(submit.words);
    out.text(submit.link_id, link_bytes(layout));
}
void write(Writer& out, const Submit& submit, Layout layout) {
    write_head(out, submit, layout);
    out.length(submit.numbers.size(), destinations_max);
    for (const auto number : submit.numbers) out.text(number, number_bytes(layout));
    write_tail(out, submit, layout);
}
Result<Submit> parse_submit(std::string_view body, Layout layout) {
    Fields in(body);
    Submit out;
    const bool v3 = layout == Layout::v3;
    out.message_id = in.u64();
    out.parts = in.u8(), out.part = in.u8();
    out.registered = in.u8(), out.level = in.u8();
    out.service_id = in.text(service_bytes);
    out.fee_user_type = in.u8();
    out.fee_terminal = in.text(number_bytes(layout));
    if (v3) out.fee_terminal_type = in.u8();
    out.protocol_id = in.u8(), out.header = in.u8(), out.format = in.u8();
    out.message_source = in.text(source_addr_bytes);
    out.fee_type = in.text(2);
    out.fee_code = in.text(6);
    out.valid_time = in.text(time_bytes);
    out.at_time = in.text(time_bytes);
    out.source = in.text(code_bytes);
    const auto count = in.u8();
    for (int i = 0; i < count && in.ok(); ++i) out.numbers.push_back(in.text(number_bytes(layout)));
    if (v3) out.number_type = in.u8();
    out.words = in.octets(in.u8());
    out.link_id = in.text(link_bytes(layout));
    return whole(in, std::move(out), "SUBMIT", body);
}

/// SUBMIT_RESP and DELIVER_RESP have the same fields.
template <class Answer> Answer parse_answer(Fields& in) {
    Answer out;
    out.message_id = in.u64();
    out.result = in.result();
    return out;
}
void write(Writer& out, const SubmitAnswer& answer, Layout layout) {
    out.u64(answer.message_id);
    out.result(answer.result, layout);
}
void write(Writer& out, const DeliverAnswer& answer, Layout layout) {
    out.u64(answer.message_id);
    out.result(answer.result, layout);
}
Result<DeliverAnswer> parse_deliver_answer(std::string_view body) {
    Fields in(body);
    const auto out = parse_answer<DeliverAnswer>(in);
    return whole(in, out, "DELIVER_RESP", body);
}

void write(Writer& out, const Deliver& deliver, Layout layout) {
    out.u64(deliver.message_id);
    out.text(deliver.to, code_bytes);
    out.text(deliver.service_id, service_bytes);
    out.u8(deliver.protocol_id), out.u8(deliver.header), out.u8(deliver.format);
    out.text(deliver.from, number_bytes(layout));
    if (layout == Layout::v3) out.u8(deliver.from_type);
    out.u8(deliver.registered);
    out.length(deliver.words.size(), ascii_bytes_max);
    out.octets(deliver.words);
    out.text(deliver.link_id, link_bytes(layout));
}

void write(Writer& out, const Query& query, Layout) {
    out.text(query.day, 8);
    out.u8(query.type);
    out.text(query.code, service_bytes);
    out.text(query.spare, 8);
}
Result<Query> parse_query(std::string_view body) {
    Fields in(body);
    Query out;
    out.day = in.text(8);
    out.type = in.u8();
    out.code = in.text(service_bytes);
    out.spare = in.text(8);
    return whole(in, out, "QUERY", body);
}

constexpr std::uint32_t QueryAnswer::*query_counts[] = {
    &QueryAnswer::messages,        &QueryAnswer::users,         &QueryAnswer::forwarded,
    &QueryAnswer::waiting,         &QueryAnswer::failed,        &QueryAnswer::brought,
    &QueryAnswer::brought_waiting, &QueryAnswer::brought_failed};

void write(Writer& out, const QueryAnswer& answer, Layout) {
    out.text(answer.day, 8);
    out.u8(answer.type);
    out.text(answer.code, service_bytes);
    for (const auto count : query_counts) out.u32(answer.*count);
}
Result<QueryAnswer> parse_query_answer(std::string_view body) {
    Fields in(body);
    QueryAnswer out;
    out.day = in.text(8);
    out.type = in.u8();
    out.code = in.text(service_bytes);
    for (const auto count : query_counts) out.*count = in.u32();
    return whole(in, out, "QUERY_RESP", body);
}

void write(Writer& out, const Cancel& cancel, Layout) { out.u64(cancel.message_id); }
Result<Cancel> parse_cancel(std::string_view body) {
    Fields in(body);
    const Cancel out{in.u64()};
    return whole(in, out, "CANCEL", body);
}
void write(Writer& out, const CancelAnswer& answer, Layout layout) {
    out.result(answer.failed, layout);
}
Result<CancelAnswer> parse_cancel_answer(std::string_view body) {
    Fields in(body);
    const CancelAnswer out{in.result()};
    return whole(in, out, "CANCEL_RESP", body);
}

// In the order of Body's alternatives.
constexpr Command commands[] = {
    Command::connect,          Command::connect_answer, Command::terminate,
    Command::terminate_answer, Command::active_test,    Command::active_test_answer,
    Command::submit,           Command::submit_answer,  Command::deliver,
    Command::deliver_answer,   Command::query,          Command::query_answer,
    Command::cancel,           Command::cancel_answer};
static_assert(std::size(commands) == std::variant_size_v<Body>);

template <class Value> Result<Body> as_message(Result<Value> value) {
    if (!value) return value.error();
    return Body(std::move(*value));
}

}  // namespace

void Decoder::push(std::string_view bytes) {
    if (taken_ > 0) pending_.erase(0, taken_), taken_ = 0;
    pending_.append(bytes);
}

Result<std::optional<Pdu>> Decoder::next() {
    Fields fields(std::string_view(pending_).substr(taken_));
    const auto available = fields.left();
    const std::size_t length = fields.u32();
    if (!fields.ok()) return std::optional<Pdu>();
    if (length < header_bytes || length > pdu_bytes_max)
        return Fault{Cause::malformed, fmt::format("PDU of {} bytes: the stream is lost", length)};
    if (available < length) return std::optional<Pdu>();
    taken_ += length;
    const auto command = Command(fields.u32());
    const auto sequence = fields.u32();
    return std::optional(Pdu{command, sequence, fields.octets(length - header_bytes)});
}

Result<std::string> encode(const Body& message, std::uint32_t sequence, Layout layout) {
    std::string out;
    Writer writer(out);
    writer.header(commands[message.index()], sequence);
    std::visit([&](const auto& value) { write(writer, value, layout); }, message);
    writer.close();
    if (!writer.ok())
        return Fault{Cause::over_limit,
                     fmt::format("command {} has a text longer than its field",
                                 std::uint32_t(commands[message.index()]) & 0xFF)};
    return out;
}

Result<Body> decode(const Pdu& pdu, Layout layout) {
    const auto body = pdu.body;
    switch (pdu.command) {
        case Command::connect: return as_message(parse_connect(body));
        case Command::connect_answer: return as_message(parse_connect_answer(body));
        case Command::terminate: return Body(Terminate{});
        case Command::terminate_answer: return Body(TerminateAnswer{});
        case Command::active_test: return Body(ActiveTest{});
        case Command::active_test_answer: return Body(ActiveTestAnswer{});
        case Command::submit: return as_message(parse_submit(body, layout));
        case Command::submit_answer: return as_message(parse_submit_answer(body));
        case Command::deliver: return as_message(parse_deliver(body, layout));
        case Command::deliver_answer: return as_message(parse_deliver_answer(body));
        case Command::query: return as_message(parse_query(body));
        case Command::query_answer: return as_message(parse_query_answer(body));
        case Command::cancel: return as_message(parse_cancel(body));
        case Command::cancel_answer: return as_message(parse_cancel_answer(body));
    }
    return Fault{Cause::refused, fmt::format("no command 0x{:08X}", std::uint32_t(pdu.command))};
}

Result<ConnectAnswer> parse_connect_answer(std::string_view body) {
    Fields in(body);
    ConnectAnswer out;
    out.status = in.result(proof_bytes + 1);
    out.proof = in.octets(proof_bytes);
    out.version = in.u8();
    return whole(in, out, "CONNECT_RESP", body);
}

Result<SubmitAnswer> parse_submit_answer(std::string_view body) {
    Fields in(body);
    const auto out = parse_answer<SubmitAnswer>(in);
    return whole(in, out, "SUBMIT_RESP", body);
}

Result<Deliver> parse_deliver(std::string_view body, Layout layout) {
    Fields in(body);
    Deliver out;
    out.message_id = in.u64();
    out.to = in.text(code_bytes);
    out.service_id = in.text(service_bytes);
    out.protocol_id = in.u8(), out.header = in.u8(), out.format = in.u8();
    out.from = in.text(number_bytes(layout));
    if (layout == Layout::v3) out.from_type = in.u8();
    out.registered = in.u8();
    out.words = in.octets(in.u8());
    if (!in.ok()) return cut_off("DELIVER", body);
    // A receipt is worth more than the correctness of the field after it.
    out.link_id = in.text(std::min(in.left(), link_bytes(layout)));
    return out;
}

Result<Report> parse_report(std::string_view words) {
    if (words.size() < report_bytes_short)
        return Fault{Cause::malformed, fmt::format("a report of {} bytes", words.size())};
    Fields in(words);
    Report out;
    out.message_id = in.u64();
    out.stat = in.text(7);
    out.submitted = in.text(10);
    out.done = in.text(10);
    out.to = in.text(number_bytes(words.size() >= report_bytes ? Layout::v3 : Layout::v2));
    out.centre_sequence = in.u32();
    return out;
}

std::string encode_report(const Report& report, Layout layout) {
    std::string out;
    Writer writer(out);
    writer.u64(report.message_id);
    writer.text(report.stat, 7);
    writer.text(report.submitted, 10);
    writer.text(report.done, 10);
    writer.text(report.to, number_bytes(layout));
    writer.u32(report.centre_sequence);
    return out;
}

void put_bare(std::string& out, Command command, std::uint32_t sequence) {
    Writer(out).header(command, sequence);
}

void put_active_test_answer(std::string& out, std::uint32_t sequence) {
    Writer writer(out);
    writer.header(Command::active_test_answer, sequence);
    writer.u8(0);
    writer.close();
}

void put_deliver_answer(std::string& out,
                        const DeliverAnswer& answer,
                        std::uint32_t sequence,
                        Layout layout) {
    Writer writer(out);
    writer.header(Command::deliver_answer, sequence);
    write(writer, answer, layout);
    writer.close();
}

Result<sms::Segment> make_segment(const Submit& submit, Layout layout) {
    std::string before, after;
    Writer head(before), tail(after);
    head.header(Command::submit, 0);
    const auto validity_at = write_head(head, submit, layout);
    head.u8(1);  // DestUsr_tl
    write_tail(tail, submit, layout);
    if (!head.ok() || !tail.ok())
        return Fault{Cause::over_limit,
                     fmt::format("a field of the SUBMIT is too long, or its {} bytes of text are",
                                 submit.words.size())};
    return sms::Segment(std::move(before), std::move(after),
                        {.sequence_at = 8,
                         .number_width = std::uint8_t(number_bytes(layout)),
                         .validity_at = std::uint16_t(validity_at),
                         .validity_after = false});
}

}  // namespace tocsin::cmpp
