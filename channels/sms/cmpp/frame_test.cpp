#include "channels/sms/cmpp/frame.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <span>

namespace tocsin::cmpp {
namespace {

using namespace std::string_literals;

/// Hexadecimal; spaces mean nothing, "00*19" is nineteen of them.
std::string bytes(std::string_view hex) {
    std::string out;
    for (std::size_t at = 0; at < hex.size();) {
        if (hex[at] == ' ') {
            ++at;
        } else if (hex[at] == '*') {
            const auto end = std::min(hex.find(' ', at), hex.size());
            out.append(std::stoul(std::string(hex.substr(at + 1, end - at - 1))) - 1, out.back());
            at = end;
        } else {
            out += char(std::stoi(std::string(hex.substr(at, 2)), nullptr, 16));
            at += 2;
        }
    }
    return out;
}
std::string hex_of(std::string_view raw) {
    std::string out;
    for (const unsigned char byte : raw) out += fmt::format("{:02x}", byte);
    return out;
}

Pdu pdu_of(std::string_view whole) {
    static Decoder decoder;
    decoder.clear();
    decoder.push(whole);
    const auto pdu = decoder.next();
    REQUIRE(pdu.has_value());
    REQUIRE(pdu->has_value());
    return **pdu;
}

Submit warning() {
    Submit out;
    out.level = 3;
    out.service_id = "WARN";
    out.fee_user_type = 2;
    out.format = 8;
    out.message_source = "106900";
    out.fee_type = "01";
    out.fee_code = "000000";
    out.valid_time = "260721183005032+";
    out.source = "12379";
    out.numbers = {"8613800000001"};
    out.words = "\x96\xe8";
    return out;
}

struct Row {
    std::string_view name;
    Body message;
    std::string_view hex;
};
void check(std::span<const Row> rows, Layout layout) {
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto encoded = encode(row.message, 9, layout);
        REQUIRE(encoded.has_value());
        CHECK(hex_of(*encoded) == hex_of(bytes(row.hex)));
        const auto decoded = decode(pdu_of(*encoded), layout);
        REQUIRE(decoded.has_value());
        CHECK(*decoded == row.message);
    }
}

const std::string proof = bytes("cf901bda8cc3c10b6d3088e2c9829f51");

// clang-format off
TEST_CASE("each PDU of 3.0, byte for byte as the protocol lays it out") {
    const Row rows[] = {
        {"CONNECT: address, proof, version, time: 39", Connect{"106900", proof, 0x30, 721103005},
         "00000027 00000001 00000009 313036393030 cf901bda8cc3c10b6d3088e2c9829f51 30 2afb289d"},
        {"CONNECT_RESP: status of four bytes: 33", ConnectAnswer{3, proof, 0x30},
         "00000021 80000001 00000009 00000003 cf901bda8cc3c10b6d3088e2c9829f51 30"},
        {"TERMINATE", Terminate{}, "0000000c 00000002 00000009"},
        {"TERMINATE_RESP", TerminateAnswer{}, "0000000c 80000002 00000009"},
        {"ACTIVE_TEST", ActiveTest{}, "0000000c 00000008 00000009"},
        {"ACTIVE_TEST_RESP: one reserved byte", ActiveTestAnswer{}, "0000000d 80000008 00000009 00"},
        {"SUBMIT: 163 + 32 n + the text", warning(),
         "000000c5 00000004 00000009"
         " 00*8"                            // Msg_Id
         " 01 01 01 03"                     // Pk_total, Pk_number, Registered_Delivery, Msg_level
         " 5741524e 00*6"                   // Service_Id
         " 02 00*32 00"                     // Fee_UserType, Fee_terminal_Id, Fee_terminal_type
         " 00 00 08"                        // TP_pId, TP_udhi, Msg_Fmt
         " 313036393030"                    // Msg_src
         " 3031 303030303030"               // FeeType, FeeCode
         " 3236303732313138333030353033322b 00"  // ValId_Time
         " 00*17"                           // At_Time
         " 3132333739 00*16"                // Src_Id
         " 01 38363133383030303030303031 00*19 00"  // DestUsr_tl, Dest_terminal_Id, its type
         " 02 96e8"                         // Msg_Length, Msg_Content
         " 00*20"},                         // LinkID
        {"SUBMIT_RESP: 24", SubmitAnswer{0x7b5a3c0012345678, 8},
         "00000018 80000004 00000009 7b5a3c0012345678 00000008"},
        {"DELIVER: 109 + the text", Deliver{1, "12379", "WARN", 0, 0, 15, "8613800000001", 0, 0, "T", {}},
         "0000006e 00000005 00000009"
         " 00*7 01"                         // Msg_Id
         " 3132333739 00*16"                // Dest_Id
         " 5741524e 00*6"                   // Service_Id
         " 00 00 0f"                        // TP_pid, TP_udhi, Msg_Fmt
         " 38363133383030303030303031 00*19 00"  // Src_terminal_Id, its type
         " 00 01 54"                        // Registered_Delivery, Msg_Length, Msg_Content
         " 00*20"},                         // LinkID
        {"DELIVER_RESP: 24", DeliverAnswer{1, 0}, "00000018 80000005 00000009 00*7 01 00000000"},
        {"QUERY: 39", Query{"20260721", 1, "WARN", {}},
         "00000027 00000006 00000009 3230323630373231 01 5741524e 00*6 00*8"},
        {"QUERY_RESP: 63", QueryAnswer{"20260721", 0, "", 1, 2, 3, 4, 5, 6, 7, 8},
         "0000003f 80000006 00000009 3230323630373231 00 00*10"
         " 00000001 00000002 00000003 00000004 00000005 00000006 00000007 00000008"},
        {"CANCEL: 20", Cancel{0x7b5a3c0012345678}, "00000014 00000007 00000009 7b5a3c0012345678"},
        {"CANCEL_RESP: 16", CancelAnswer{1}, "00000010 80000007 00000009 00000001"},
    };
    check(rows, Layout::v3);
}

TEST_CASE("2.0: numbers of 21 bytes, results of one, no types, 8 bytes at the end") {
    const Row rows[] = {
        {"CONNECT_RESP: 30", ConnectAnswer{0, proof, 0x20},
         "0000001e 80000001 00000009 00 cf901bda8cc3c10b6d3088e2c9829f51 20"},
        {"SUBMIT: 138 + 21 n + the text", warning(),
         "000000a1 00000004 00000009 00*8 01 01 01 03 5741524e 00*6 02 00*21 00 00 08 313036393030"
         " 3031 303030303030 3236303732313138333030353033322b 00 00*17 3132333739 00*16"
         " 01 38363133383030303030303031 00*8 02 96e8 00*8"},
        {"SUBMIT_RESP: 21", SubmitAnswer{1, 8}, "00000015 80000004 00000009 00*7 01 08"},
        {"DELIVER", Deliver{1, "12379", "WARN", 0, 0, 0, "8613800000001", 0, 0, "T", {}},
         "00000056 00000005 00000009 00*7 01 3132333739 00*16 5741524e 00*6 00 00 00"
         " 38363133383030303030303031 00*8 00 01 54 00*8"},
        {"DELIVER_RESP: 21", DeliverAnswer{1, 0}, "00000015 80000005 00000009 00*7 01 00"},
        {"CANCEL_RESP: 13", CancelAnswer{1}, "0000000d 80000007 00000009 01"},
    };
    check(rows, Layout::v2);
}
// clang-format on

TEST_CASE("the protocol's own lengths: 355 for 160 letters, 335 for 70 characters, 99 numbers") {
    auto submit = warning();
    const std::string letters(160, 'x'), characters(140, 'x');
    submit.format = 0;
    submit.words = letters;
    CHECK(encode(submit, 1, Layout::v3)->size() == 355);
    submit.format = 8;
    submit.words = characters;
    CHECK(encode(submit, 1, Layout::v3)->size() == 335);
    submit.numbers.assign(99, "8613800000001");
    CHECK(encode(submit, 1, Layout::v3)->size() == 163 + 32 * 99 + 140);
    CHECK(encode(submit, 1, Layout::v2)->size() == 138 + 21 * 99 + 140);
}

TEST_CASE("a text longer than its field is refused, not cut") {
    const auto refused = [](auto change) {
        auto submit = warning();
        change(submit);
        CHECK(encode(submit, 1, Layout::v3).error().cause == Cause::over_limit);
    };
    static const std::string long_words(141, 'x'), longer_words(161, 'x');
    refused([](Submit& submit) { submit.words = long_words; });
    refused([](Submit& submit) { submit.format = 0, submit.words = longer_words; });
    refused([](Submit& submit) { submit.service_id = "ELEVENCHARS"; });
    refused([](Submit& submit) { submit.source = "1234567890123456789012"; });
    refused([](Submit& submit) { submit.message_source = "1069000"; });
    refused([](Submit& submit) { submit.numbers.assign(100, "8613800000001"); });
    auto submit = warning();
    submit.service_id = "ELEVENCHARS";
    CHECK(make_segment(submit, Layout::v3).has_error());
    submit = warning();
    submit.words = long_words;
    CHECK(make_segment(submit, Layout::v3).has_error());
}

TEST_CASE("a SUBMIT from its segment is the same as one encoded at once") {
    for (const auto layout : {Layout::v2, Layout::v3}) {
        auto submit = warning();
        submit.numbers.clear();
        auto segment = make_segment(submit, layout);
        REQUIRE(segment.has_value());
        sms::Validity validity;
        submit.valid_time = "991231235959032+";
        std::ranges::copy(submit.valid_time, validity.begin());
        segment->validity(validity);
        for (const std::uint64_t number : {1ULL, 8613800000001ULL, 999999999999999ULL}) {
            std::string out(segment->bytes_most(), 'x');
            const auto* end = segment->put(out.data(), sms::Digits(number), 0x12345678);
            out.resize(std::size_t(end - out.data()));
            const auto digits = std::to_string(number);
            submit.numbers = {digits};
            CHECK(out == *encode(submit, 0x12345678, layout));
        }
    }
}

TEST_CASE("the small PDUs that are put in place are the encoded ones") {
    std::string out;
    put_bare(out, Command::active_test, 7);
    CHECK(out == *encode(ActiveTest{}, 7, Layout::v3));
    out.clear();
    put_active_test_answer(out, 7);
    CHECK(out == *encode(ActiveTestAnswer{}, 7, Layout::v3));
    for (const auto layout : {Layout::v2, Layout::v3}) {
        out.clear();
        put_deliver_answer(out, {9, 5}, 7, layout);
        CHECK(out == *encode(DeliverAnswer{9, 5}, 7, layout));
    }
}

TEST_CASE("a report is read by its length: 71 bytes, or 60 with a short number") {
    const Report report{0x7b5a3c0012345678, "DELIVRD",       "2607211830",
                        "2607211831",       "8613800000001", 0x01020304};
    const auto wide = encode_report(report, Layout::v3);
    CHECK(hex_of(wide) == hex_of(bytes("7b5a3c0012345678 44454c49565244 32363037323131383330 "
                                       "32363037323131383331 38363133383030303030303031 00*19 "
                                       "01020304")));
    CHECK(wide.size() == 71);
    CHECK(*parse_report(wide) == report);
    const auto narrow = encode_report(report, Layout::v2);
    CHECK(narrow.size() == 60);
    CHECK(*parse_report(narrow) == report);
    for (std::size_t size = 0; size < 60; ++size)
        CHECK(parse_report(std::string_view(wide).substr(0, size)).has_error());
    CHECK(parse_report(std::string_view(wide).substr(0, 70))->message_id == report.message_id);
}

TEST_CASE("an answer of either version is understood, whatever was agreed") {
    for (const auto layout : {Layout::v2, Layout::v3}) {
        const auto submit = *encode(SubmitAnswer{7, 8}, 1, layout);
        CHECK(*parse_submit_answer(pdu_of(submit).body) == SubmitAnswer{7, 8});
        const auto connect = *encode(ConnectAnswer{4, proof, 0x20}, 1, layout);
        CHECK(*parse_connect_answer(pdu_of(connect).body) == ConnectAnswer{4, proof, 0x20});
    }
}

TEST_CASE("a PDU arrives whole wherever the stream cuts it, and the next one too") {
    const auto first = *encode(warning(), 7, Layout::v3);
    const auto second = *encode(ActiveTestAnswer{}, 0xFFFFFFFF, Layout::v3);
    const auto stream = first + second;
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        CAPTURE(cut);
        Decoder decoder;
        std::vector<std::uint32_t> seen;
        const auto drain = [&] {
            for (auto pdu = decoder.next(); *pdu; pdu = decoder.next()) {
                seen.push_back((*pdu)->sequence);
                if (seen.size() == 1) CHECK(*decode(**pdu, Layout::v3) == Body(warning()));
            }
        };
        decoder.push(stream.substr(0, cut));
        drain();
        decoder.push(stream.substr(cut));
        drain();
        CHECK(seen == std::vector<std::uint32_t>{7, 0xFFFFFFFF});
    }
}

TEST_CASE("a length outside 12 bytes to 64 KiB means that the stream is lost") {
    for (const auto* head : {"00000000", "0000000b", "00010001", "ffffffff", "80000010"}) {
        CAPTURE(head);
        Decoder decoder;
        decoder.push(bytes(head));
        CHECK(decoder.next().error().cause == Cause::malformed);
    }
    Decoder decoder;
    decoder.push(bytes("00010000"));
    CHECK(decoder.next().has_value());
}

TEST_CASE("a body cut anywhere in its fields is a fault, and no command of CMPP is refused") {
    const Body messages[] = {Connect{"106900", proof, 0x30, 1},
                             ConnectAnswer{0, proof, 0x30},
                             warning(),
                             SubmitAnswer{1, 0},
                             Deliver{1, "12379", "W", 0, 0, 0, "86138", 0, 0, "T", {}},
                             DeliverAnswer{1, 0},
                             Query{"20260721", 0, "", {}},
                             QueryAnswer{"20260721", 0, "", 1, 2, 3, 4, 5, 6, 7, 8},
                             Cancel{1},
                             CancelAnswer{0}};
    // What may be missing and the rest still be read: link ids, and results of one byte by 2.0.
    const std::size_t spare[] = {0, 3, 0, 3, 20, 3, 0, 0, 0, 3};
    std::size_t row = 0;
    for (const auto& message : messages) {
        const auto whole = *encode(message, 1, Layout::v3);
        const auto pdu = pdu_of(whole);
        CAPTURE(std::uint32_t(pdu.command));
        for (std::size_t size = 0; size < pdu.body.size() - spare[row]; ++size) {
            CAPTURE(size);
            const Pdu cut{pdu.command, pdu.sequence, std::string_view(pdu.body).substr(0, size)};
            CHECK(decode(cut, Layout::v3).has_error());
        }
        ++row;
    }
    CHECK(decode({Command(3), 1, {}}, Layout::v3).error().cause == Cause::refused);
    CHECK(decode({Command(0x80000009), 1, {}}, Layout::v3).error().cause == Cause::refused);
}

/// Any message that has a wire form; texts live in `room`.
class Some {
public:
    explicit Some(unsigned seed) : random_(seed) {}
    Body message() {
        room_.clear();
        switch (random_() % 14) {
            case 0: return Connect{text(6), octets(16), u8(), u32()};
            case 1: return ConnectAnswer{u8(), octets(16), u8()};
            case 2: return Terminate{};
            case 3: return TerminateAnswer{};
            case 4: return ActiveTest{};
            case 5: return ActiveTestAnswer{};
            case 6: return submit();
            case 7: return SubmitAnswer{u64(), u8()};
            case 8: return deliver();
            case 9: return DeliverAnswer{u64(), u8()};
            case 10: return Query{text(8), u8(), text(10), text(8)};
            case 11:
                return QueryAnswer{text(8), u8(),  text(10), u32(), u32(), u32(),
                                   u32(),   u32(), u32(),    u32(), u32()};
            case 12: return Cancel{u64()};
            default: return CancelAnswer{u8()};
        }
    }
    Report report() {
        room_.clear();
        return {u64(), text(7), text(10), text(10), text(21), u32()};
    }
    std::uint32_t u32() { return std::uint32_t(random_()); }
    bool coin() { return random_() % 2; }

private:
    std::uint8_t u8() { return std::uint8_t(random_()); }
    std::uint64_t u64() { return std::uint64_t(random_()) << 32 | random_(); }
    std::string_view octets(std::size_t count) {
        auto& out = room_.emplace_back(count, '\0');
        for (auto& byte : out) byte = char(random_());
        return out;
    }
    std::string_view text(std::size_t most) {
        auto& out = room_.emplace_back(random_() % (most + 1), '\0');
        for (auto& byte : out) byte = char(1 + random_() % 255);
        return out;
    }
    Submit submit() {
        Submit out{u64(),    u8(),     u8(), u8(), u8(),    text(10), u8(),    text(21),
                   0,        u8(),     u8(), u8(), text(6), text(2),  text(6), text(17),
                   text(17), text(21), {},   0,    {},      text(8)};
        for (auto count = random_() % 100; count > 0; --count) out.numbers.push_back(text(21));
        out.words = octets(random_() % (out.format == 0 ? 161 : 141));
        return out;
    }
    Deliver deliver() {
        return {u64(),  text(21), text(10), u8(), u8(),
                u8(),   text(21), 0,        u8(), octets(random_() % 161),
                text(8)};
    }

    std::mt19937 random_;
    std::deque<std::string> room_;
};

TEST_CASE("decode(encode(x)) is x for random messages of both versions") {
    Some some(20260721);
    for (int round = 0; round < 20000; ++round) {
        const auto message = some.message();
        const auto layout = some.coin() ? Layout::v3 : Layout::v2;
        const auto sequence = some.u32();
        CAPTURE(round);
        const auto encoded = encode(message, sequence, layout);
        REQUIRE(encoded.has_value());
        const auto pdu = pdu_of(*encoded);
        REQUIRE(pdu.sequence == sequence);
        const auto decoded = decode(pdu, layout);
        REQUIRE(decoded.has_value());
        REQUIRE(*decoded == message);
        const auto report = some.report();
        REQUIRE(*parse_report(encode_report(report, layout)) == report);
    }
}

}  // namespace
}  // namespace tocsin::cmpp
