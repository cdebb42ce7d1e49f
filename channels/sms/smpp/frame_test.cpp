#include "channels/sms/smpp/frame.hpp"

#include "channels/sms/shared/outbox.hpp"

#include <doctest/doctest.h>

#include <random>

namespace tocsin::smpp {
using sms::Outbox;

namespace {

using namespace std::string_literals;

std::string bytes(std::string_view hex) {
    std::string out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        out += char(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    return out;
}
std::string hex_of(std::string_view raw) {
    std::string out;
    for (const unsigned char byte : raw) out += fmt::format("{:02x}", byte);
    return out;
}

std::string deliver_body(std::string_view words, std::string_view tlvs = {}) {
    return "\0\1\1"s + "8613800000001\0\0\1"s + "12379\0\4\0\0\0\0\0\0\0\0"s + char(words.size()) +
           std::string(words) + std::string(tlvs);
}

TEST_CASE("a PDU arrives whole wherever the stream cuts it, and the next one too") {
    std::string stream;
    put_bare(stream, Command::enquire_link, 0, 7);
    put_taken(stream, response(Command::deliver_sm), 0, 0x7FFFFFFF);
    put_bare(stream, response(Command::submit_sm), status::throttled, 8);
    for (std::size_t cut = 0; cut <= stream.size(); ++cut)
        for (std::size_t second = cut; second <= stream.size(); second += 5) {
            Decoder decoder;
            std::vector<std::pair<Command, std::uint32_t>> seen;
            const auto feed = [&](std::string_view piece) {
                CHECK(decoder.each(piece, [&](const Pdu& pdu) {
                    seen.emplace_back(pdu.command, pdu.sequence);
                    if (pdu.sequence == 8) CHECK(pdu.status == status::throttled);
                    return true;
                }));
            };
            feed(std::string_view(stream).substr(0, cut));
            feed(std::string_view(stream).substr(cut, second - cut));
            feed(std::string_view(stream).substr(second));
            REQUIRE(seen.size() == 3);
            CHECK(seen[0] == std::pair(Command::enquire_link, 7u));
            CHECK(seen[1] == std::pair(response(Command::deliver_sm), sequence_max));
            CHECK(seen[2] == std::pair(response(Command::submit_sm), 8u));
        }
}

TEST_CASE("a length outside 16 bytes to 64 KiB means that the stream is lost") {
    for (const auto* head : {"00000000", "0000000f", "00010001", "ffffffff", "80000010"}) {
        CAPTURE(head);
        const auto none = [](const Pdu&) { return false; };
        CHECK_FALSE(Decoder().each(bytes(head), none));
        Decoder split;
        CHECK(split.each(bytes(head).substr(0, 3), none));
        CHECK_FALSE(split.each(bytes(head).substr(3), none));
    }
    CHECK(Decoder().each(bytes("00010000"), [](const Pdu&) { return false; }));
}

TEST_CASE("a submit is the template with number and sequence spliced in, byte for byte") {
    Submit submit;
    submit.source = {0, 1, "12379"};
    submit.priority = 3;
    submit.data_coding = 8;
    submit.words = bytes("96e8");
    put_tlv(submit.tlvs, 0x0204, big_endian(7));
    auto made = SubmitTemplate::make(submit);
    REQUIRE(made.has_value());
    made->validity(std::chrono::minutes(10));
    std::string out = "before";
    made->append(out, 8613800000001, 0x12345678);
    CHECK(hex_of(out.substr(6)) ==
          "0000004b"
          "00000004"
          "00000000"
          "12345678"
          "00"
          "00"
          "01"
          "313233373900"
          "01"
          "01"
          "3836313338303030303030303100"
          "00"
          "00"
          "03"
          "00"
          "30303030303030303130303030303052"
          "00"
          "01"
          "00"
          "08"
          "00"
          "02"
          "96e8"
          "020400020007");
    const auto first = out.size();
    made->append(out, 1, 1);
    CHECK(out.size() - first == 0x4b - 12);
    CHECK(out.size() - 6 - 0x4b <= made->segment().bytes_most());
}

TEST_CASE("validity is relative, patched in place, never zero and within what the format holds") {
    auto made = SubmitTemplate::make({});
    const auto written = [&](std::chrono::seconds left) {
        made->validity(left);
        std::string out;
        made->append(out, 1, 1);
        return out.substr(out.find("000R") - 12, 16);
    };
    using namespace std::chrono_literals;
    CHECK(written(10min) == "000000001000000R");
    CHECK(written(25h + 61s) == "000001010101000R");
    CHECK(written(0s) == "000000000001000R");
    CHECK(written(-5s) == "000000000001000R");
    CHECK(written(24h * 400) == "000027235959000R");
}

TEST_CASE("a long text goes as message_payload, with an empty short_message") {
    Submit submit;
    submit.words = std::string(300, 'x');
    CHECK(SubmitTemplate::make(submit).error().cause == Cause::over_limit);
    submit.payload = true;
    const auto made = SubmitTemplate::make(submit);
    REQUIRE(made.has_value());
    std::string out;
    made->append(out, 1, 1);
    CHECK(out.ends_with("\0\x04\x24\x01\x2c"s + submit.words));
}

TEST_CASE("fields longer than SMPP allows are refused, not cut") {
    Submit submit;
    submit.service_type = "SIXSIX";
    CHECK(SubmitTemplate::make(submit).has_error());
    submit = {};
    submit.source.digits = std::string(21, '1');
    CHECK(SubmitTemplate::make(submit).has_error());
}

TEST_CASE("deliver_sm gives addresses, words and TLVs, in any order, unknown ones skipped") {
    std::string tlvs;
    put_tlv(tlvs, 0x1400, "vendor");
    put_tlv(tlvs, 0x0427, "\2");
    put_tlv(tlvs, 0x001E, "ABC\0"s);
    put_tlv(tlvs, 0x0423, "\3\1\2"s);
    const auto body = deliver_body("id:ABC stat:DELIVRD", tlvs);
    const auto deliver = parse_deliver(body);
    REQUIRE(deliver.has_value());
    CHECK(deliver->from.digits == "8613800000001");
    CHECK(deliver->to.digits == "12379");
    CHECK(deliver->esm_class == 4);
    CHECK(deliver->words == "id:ABC stat:DELIVRD");
    CHECK(deliver->receipted_id == "ABC");
    CHECK(deliver->state == 2);
    CHECK(deliver->network_error == 0x0102);
}

TEST_CASE("a deliver_sm cut anywhere in its fields is a fault, cut in its TLVs it is still read") {
    const auto fields = deliver_body("id:1 stat:DELIVRD");
    std::string tlvs;
    put_tlv(tlvs, 0x001E, "ABC\0"s);
    const auto body = fields + tlvs;
    for (std::size_t size = 0; size < body.size(); ++size) {
        CAPTURE(size);
        CHECK(parse_deliver(std::string_view(body).substr(0, size)).has_value() ==
              (size >= fields.size()));
    }
}

TEST_CASE("data_sm carries its words in message_payload") {
    std::string body = "\0\1\1"s + "86138\0\0\1"s + "12379\0\4\0\0"s;
    put_tlv(body, 0x0424, "id:7 stat:DELIVRD");
    const auto data = parse_data(body);
    REQUIRE(data.has_value());
    CHECK(data->words == "id:7 stat:DELIVRD");
    CHECK(data->esm_class == 4);
    CHECK(parse_data(body.substr(0, 8)).has_error());
}

TEST_CASE("a submit_sm_resp may have no body, and an id without its NUL is a fault") {
    CHECK(*parse_message_id("") == "");
    CHECK(*parse_message_id("0A1B\0"s) == "0A1B");
    CHECK(parse_message_id("0A1B").has_error());
    CHECK(parse_message_id(std::string(300, 'x') + "\0"s).has_error());
}

TEST_CASE("bind and query, and what answers them") {
    std::string out;
    put_bind(out, Command::bind_transceiver, {"tocsin", "secret", "", {0, 0, ""}}, 1);
    CHECK(hex_of(out) ==
          "00000023"
          "00000009"
          "00000000"
          "00000001"
          "746f6373696e00"
          "73656372657400"
          "00"
          "34"
          "00"
          "00"
          "00");
    out.clear();
    put_query(out, "AB", {0, 1, "12379"}, 2);
    CHECK(hex_of(out) ==
          "0000001b"
          "00000003"
          "00000000"
          "00000002"
          "414200"
          "00"
          "01"
          "313233373900");
    std::string body = "SMSC\0"s;
    CHECK_FALSE(parse_bind_answer(body)->version);
    put_tlv(body, 0x0210, "\x34");
    CHECK(parse_bind_answer(body)->version == 0x34);
    CHECK(parse_bind_answer(body)->system_id == "SMSC");
    const auto answer = parse_query_answer("AB\0\0\2\0"s);
    REQUIRE(answer.has_value());
    CHECK(answer->state == 2);
    CHECK(parse_query_answer("AB\0\0\2"s).has_error());
}

TEST_CASE("what is encoded is what is decoded, for random messages") {
    // submit_sm and deliver_sm have the same fields in the same order.
    std::mt19937_64 random(2012);
    const auto letters = [&](std::size_t most) {
        std::string out(random() % (most + 1), '\0');
        for (auto& c : out) c = char('!' + random() % 90);
        return out;
    };
    for (int round = 0; round < 20'000; ++round) {
        Submit submit;
        submit.service_type = letters(5);
        submit.source = {std::uint8_t(random() % 7), std::uint8_t(random() % 19), letters(20)};
        submit.esm_class = std::uint8_t(random());
        submit.data_coding = std::uint8_t(random());
        submit.payload = random() % 4 == 0;
        submit.words.resize(1 + random() % (submit.payload ? 2000 : 254));
        for (auto& c : submit.words) c = char(random());
        const auto reference = std::uint16_t(random());
        const bool sar = random() % 2;
        if (sar) {
            put_tlv(submit.tlvs, 0x020C, big_endian(reference));
            put_tlv(submit.tlvs, 0x020E, "\5");
            put_tlv(submit.tlvs, 0x020F, "\3");
        }
        auto made = SubmitTemplate::make(submit);
        REQUIRE(made.has_value());
        made->validity(std::chrono::seconds(random() % 100'000));
        const auto number = 1'000'000 + random() % 999'999'999'000'000;
        const auto sequence = std::uint32_t(1 + random() % sequence_max);
        std::string stream;
        made->append(stream, number, sequence);
        std::size_t seen = 0;
        const auto cut = random() % stream.size();
        Decoder decoder;
        for (const auto piece :
             {std::string_view(stream).substr(0, cut), std::string_view(stream).substr(cut)})
            REQUIRE(decoder.each(piece, [&](const Pdu& pdu) {
                ++seen;
                CHECK(pdu.command == Command::submit_sm);
                CHECK(pdu.sequence == sequence);
                Deliver back;
                REQUIRE(read_deliver(pdu.body, back));
                CHECK(back.from.digits == submit.source.digits);
                CHECK(back.from.ton == submit.source.ton);
                CHECK(back.to.digits == std::to_string(number));
                CHECK(back.esm_class == submit.esm_class);
                CHECK(back.data_coding == submit.data_coding);
                CHECK(back.words == submit.words);
                CHECK(back.parts == (sar ? 5 : 1));
                CHECK(back.reference == (sar ? reference : 0));
                return true;
            }));
        REQUIRE(seen == 1);
    }
}

TEST_CASE("random bytes never read out of bounds") {
    std::mt19937 random(7);
    for (int round = 0; round < 20000; ++round) {
        std::string body(random() % 80, '\0');
        for (auto& byte : body) byte = random() % 3 ? char(random() % 8) : char(random());
        (void)parse_deliver(body);
        (void)parse_data(body);
        (void)parse_message_id(body);
        (void)parse_bind_answer(body);
        (void)parse_query_answer(body);
        Decoder decoder;
        const auto cut = body.size() / 2;
        for (const auto& piece : {body.substr(0, cut), body.substr(cut)})
            if (!decoder.each(piece, [](const Pdu&) { return true; })) break;
    }
}

TEST_CASE("an urgent PDU goes before all that has not begun to leave, and splits none") {
    Outbox outbox;
    for (std::uint32_t i = 1; i <= 3; ++i) put_taken(outbox.tail(), Command::submit_sm, 0, i);
    std::string urgent, seen;
    put_bare(urgent, response(Command::enquire_link), 0, 99);
    const auto leave = [&](std::size_t count) {
        seen += outbox.waiting().substr(0, count);
        outbox.sent(count);
    };
    leave(5);
    outbox.urgent(urgent);
    while (!outbox.waiting().empty()) leave(std::min<std::size_t>(7, outbox.waiting().size()));
    std::vector<std::uint32_t> order;
    CHECK(
        Decoder().each(seen, [&](const Pdu& pdu) { return order.push_back(pdu.sequence), true; }));
    CHECK(order == std::vector<std::uint32_t>{1, 99, 2, 3});
}

TEST_CASE("the outbox gives every byte once, however the socket takes them") {
    std::mt19937 random(11);
    Outbox outbox;
    std::string sent, expected;
    for (std::uint32_t i = 1; i < 20000; ++i) {
        put_taken(outbox.tail(), Command::submit_sm, 0, i);
        put_taken(expected, Command::submit_sm, 0, i);
        const auto count = std::min<std::size_t>(random() % 33, outbox.waiting().size());
        sent += outbox.waiting().substr(0, count);
        outbox.sent(count);
    }
    sent += outbox.waiting();
    CHECK(sent == expected);
}

}  // namespace
}  // namespace tocsin::smpp
