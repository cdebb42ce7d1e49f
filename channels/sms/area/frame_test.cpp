#include "channels/sms/area/frame.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <random>

namespace tocsin::smpp_area {
namespace {

std::string hex_of(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) out += fmt::format("{:02x}", std::uint8_t(c));
    return out;
}
std::string_view body_of(const std::string& pdu) {
    return std::string_view(pdu).substr(header_bytes);
}

Broadcast sample() {
    Broadcast out;
    out.service_type = "CBS";
    out.source = {0, 1, "12379"};
    out.priority = 1;
    out.valid_s = 600;
    out.replace = true;
    out.data_coding = 8;
    out.areas = {named("110105")};
    out.words = std::string("\x96\xe8", 2);
    out.reference = 0x0038;
    return out;
}

TEST_CASE("broadcast_sm is byte for byte as SMPP 5.0, 4.4.1 lists it") {
    const auto pdu = encode(sample(), 7);
    REQUIRE(pdu.has_value());
    CHECK(hex_of(*pdu) ==
          "0000005e"
          "00000111"
          "00000000"
          "00000007"
          "43425300"  // service_type
          "00"
          "01"
          "313233373900"                        // source
          "00"                                  // message_id
          "01"                                  // priority: immediate
          "00"                                  // schedule
          "3030303030303030313030303030305200"  // validity: 10 minutes from now
          "01"
          "08"
          "00"  // replace, data_coding, no canned message
          "0606"
          "0007"
          "00"
          "313130313035"  // area by name
          "0601"
          "0003"
          "00"
          "0001"  // emergency broadcasts
          "0604"
          "0002"
          "0000"  // until its validity ends
          "0605"
          "0003"
          "00"
          "0000"  // as often as possible
          "0424"
          "0002"
          "96e8"  // words
          "0204"
          "0002"
          "0038");
}

TEST_CASE("query, cancel and bind are as the tables list them") {
    const Which by_id{"", "id-1", {0, 1, "12379"}, {}};
    const Which by_reference{"CBS", "", {0, 1, "12379"}, 0x38};
    CHECK(hex_of(*encode_query(by_id, 2)) ==
          "0000001d"
          "00000112"
          "00000000"
          "00000002"
          "69642d3100"
          "00"
          "01"
          "313233373900");
    CHECK(hex_of(*encode_cancel(by_reference, 3)) ==
          "00000023"
          "00000113"
          "00000000"
          "00000003"
          "43425300"
          "00"
          "00"
          "01"
          "313233373900"
          "0204"
          "0002"
          "0038");
    CHECK(hex_of(*encode(Command::bind_transmitter, {"tocsin", "pw", ""}, 1)) ==
          "0000001f"
          "00000002"
          "00000000"
          "00000001"
          "746f6373696e00"
          "707700"
          "00"
          "50"
          "00"
          "00"
          "00");
}

TEST_CASE("what is longer than its field is a fault, not a cut") {
    auto broadcast = sample();
    broadcast.service_type = "SIXSIX";
    CHECK_FALSE(encode(broadcast, 1).has_value());
    broadcast = sample(), broadcast.source.digits = std::string(21, '1');
    CHECK_FALSE(encode(broadcast, 1).has_value());
    broadcast = sample(), broadcast.words = std::string(65'500, 'x');
    CHECK_FALSE(encode(broadcast, 1).has_value());
    CHECK_FALSE(encode(Command::bind_transmitter, {std::string(16, 's'), "", ""}, 1).has_value());
}

TEST_CASE("answers: areas that were not taken, states and shares, and empty bodies") {
    const auto failed = parse_broadcast_answer(
        body_of(encode_answer(BroadcastAnswer{"id", {{0x10D, named("110105")}}}, 1)));
    REQUIRE(failed.has_value());
    CHECK(failed->failed == std::vector<Failed>{{0x10D, named("110105")}});
    CHECK(parse_broadcast_answer("")->message_id.empty());
    CHECK(parse_query_answer("")->state == 7);
    // A single area may go without its name.
    const std::string bare("id\0\x04\x27\0\x01\x01\x06\x08\0\x01\x50", 13);
    const auto told = parse_query_answer(bare);
    REQUIRE(told.has_value());
    CHECK(told->state == 1);
    REQUIRE(told->areas.size() == 1);
    CHECK(told->areas[0].success == 80);
    CHECK_FALSE(parse_query_answer(std::string_view("id\0\x04\x27\0\x02\x01\x01", 9)).has_value());
    CHECK_FALSE(parse_broadcast_answer("no end").has_value());
}

TEST_CASE("a stream cut anywhere gives the same PDUs; an impossible length ends it") {
    const auto whole = *encode(sample(), 7) + bare(Command::enquire_link, 0, 8);
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        Decoder decoder;
        std::vector<Pdu> seen;
        for (const auto& piece : {whole.substr(0, cut), whole.substr(cut)}) {
            decoder.push(piece);
            while (true) {
                auto next = decoder.next();
                REQUIRE(next.has_value());
                if (!*next) break;
                seen.push_back(**next);
            }
        }
        CHECK(seen.size() == 2);
        CHECK(seen[0].command == Command::broadcast_sm);
        CHECK(seen[1].sequence == 8);
    }
    for (const std::string_view lost :
         {std::string_view("\0\0\0\x0f", 4), std::string_view("\0\x01\0\x01", 4)}) {
        Decoder decoder;
        decoder.push(lost);
        CHECK_FALSE(decoder.next().has_value());
    }
}

struct Any {
    std::mt19937_64 random;
    std::string text(std::size_t most) {
        std::string out(random() % (most + 1), ' ');
        for (auto& c : out) c = char(0x21 + random() % 90);
        return out;
    }
    std::string octets(std::size_t most) {
        std::string out(random() % (most + 1), ' ');
        for (auto& c : out) c = char(random());
        return out;
    }
    Address address() {
        return {std::uint8_t(random() % 7), std::uint8_t(random() % 19), text(20)};
    }
    Area area() { return {AreaFormat(random() % 3), octets(99)}; }
    std::optional<std::uint16_t> reference() {
        if (random() % 2) return std::nullopt;
        return std::uint16_t(random());
    }
    Broadcast broadcast() {
        Broadcast out;
        out.service_type = text(5), out.source = address(), out.message_id = text(64);
        out.priority = std::uint8_t(random() % 5),
        out.valid_s = std::uint32_t(random() % (28 * 86400));
        out.replace = random() % 2, out.data_coding = std::uint8_t(random());
        for (auto n = random() % 20; n > 0; --n) out.areas.push_back(area());
        out.content_network = std::uint8_t(random()), out.content_type = std::uint16_t(random());
        out.repetitions = std::uint16_t(random()), out.interval_unit = std::uint8_t(random());
        out.interval = std::uint16_t(random()), out.words = octets(400);
        out.reference = reference();
        if (random() % 2) out.message_class = std::uint8_t(random());
        return out;
    }
};

TEST_CASE("decode(encode(x)) is x, over random messages") {
    Any any{std::mt19937_64(7)};
    for (int i = 0; i < 2000; ++i) {
        CAPTURE(i);
        const auto broadcast = any.broadcast();
        const auto pdu = encode(broadcast, 1);
        REQUIRE(pdu.has_value());
        const auto read = parse_broadcast(body_of(*pdu));
        REQUIRE(read.has_value());
        CHECK(*read == broadcast);
        const Which query{"", any.text(64), any.address(), any.reference()};
        const Which cancel{any.text(5), any.text(64), any.address(), any.reference()};
        CHECK(*parse_query(body_of(*encode_query(query, 1))) == query);
        CHECK(*parse_cancel(body_of(*encode_cancel(cancel, 1))) == cancel);
        BroadcastAnswer answer{any.text(64), {}};
        QueryAnswer told{any.text(64), std::uint8_t(any.random()), {}};
        for (auto n = any.random() % 5; n > 0; --n) {
            answer.failed.push_back({std::uint32_t(any.random()), any.area()});
            told.areas.push_back({any.area(), std::uint8_t(any.random())});
        }
        CHECK(*parse_broadcast_answer(body_of(encode_answer(answer, 1))) == answer);
        CHECK(*parse_query_answer(body_of(encode_answer(told, 1))) == told);
    }
}

}  // namespace
}  // namespace tocsin::smpp_area
