#include "channels/sms/cmpp/frame.hpp"
#include "channels/sms/cmpp/proof.hpp"
#include "channels/sms/cmpp/words.hpp"

#include <fmt/format.h>

#include <cstdio>

/// Every PDU of CMPP 3.0 that we write or read, as a hex dump for text2pcap: one packet each, in the
/// order that check.py knows.
namespace {

using namespace tocsin::cmpp;

void print(std::string_view pdu) {
    for (std::size_t at = 0; at < pdu.size(); ++at) {
        if (at % 16 == 0) fmt::print("{}{:06x}", at ? "\n" : "", at);
        fmt::print(" {:02x}", static_cast<unsigned char>(pdu[at]));
    }
    fmt::print("\n\n");
}

bool print_encoded(const Body& message, std::uint32_t sequence) {
    const auto pdu = encode(message, sequence, Layout::v3);
    if (!pdu) return fmt::print(stderr, "{}\n", pdu.error().what), false;
    print(*pdu);
    return true;
}

Submit submit(const Parts& words, std::size_t part, std::string& room) {
    Submit out;
    out.parts = std::uint8_t(words.bytes.size());
    out.part = std::uint8_t(part + 1);
    out.level = 3;
    out.service_id = "WARN";
    out.fee_user_type = 2;
    out.format = words.format;
    out.message_source = "106900";
    out.fee_type = "01";
    out.fee_code = "000000";
    out.valid_time = "260721190000032+";
    out.source = "12379";
    out.numbers = {"8613800000001"};
    if (out.parts > 1) {
        out.header = 1;
        room = {5, 0, 3, 7, char(out.parts), char(part + 1)};
    }
    room += words.bytes[part];
    out.words = room;
    return out;
}

bool print_submits(std::string_view text) {
    const auto words = split(text, true);
    if (!words) return false;
    for (std::size_t part = 0; part < words->bytes.size(); ++part) {
        std::string room;
        if (!print_encoded(submit(*words, part, room), 2)) return false;
    }
    return true;
}

/// As the link sends it: from a segment made once.
bool print_from_segment() {
    std::string room;
    const auto words = split("暴雨红色预警", true);
    const auto segment = make_segment(submit(*words, 0, room), Layout::v3);
    if (!segment) return false;
    std::string out(segment->bytes_most(), '\0');
    const auto* end = segment->put(out.data(), tocsin::sms::Digits(8613800000002), 3);
    print(std::string_view(out.data(), std::size_t(end - out.data())));
    return true;
}

bool print_to_many() {
    std::string room;
    auto many = submit(*split("Flood", true), 0, room);
    many.numbers.assign(20, "8613800000001");
    return print_encoded(many, 4);
}

bool print_deliveries() {
    const auto report = encode_report(
        {0x7b5a3c0012345678, "DELIVRD", "2607211830", "2607211831", "8613800000001", 9},
        Layout::v3);
    Deliver deliver{0x7b5a3c0012345679, "12379", "WARN", 0,      0, 0,
                    "8613800000001",    0,       1,      report, {}};
    if (!print_encoded(deliver, 13)) return false;
    deliver.registered = 0;
    deliver.format = format_gbk;
    deliver.words = "TD";
    if (!print_encoded(deliver, 14)) return false;
    std::string taken;
    put_deliver_answer(taken, {0x7b5a3c0012345679, 0}, 13, Layout::v3);
    print(taken);
    return true;
}

}  // namespace

int main() {
    const auto proof = proof_of("106900", "s3cret", 721183005);
    const auto answer = answer_to(proof, "s3cret", 0, 4);
    std::string long_words, active;
    for (int i = 0; i < 71; ++i) long_words += "雨";
    bool well = print_encoded(Connect{"106900", proof, 0x30, 721183005}, 1) &&
                print_encoded(ConnectAnswer{0, answer, 0x30}, 1) &&
                print_submits("Flood: leave low ground now.") && print_submits("暴雨红色预警") &&
                print_submits(long_words) && print_from_segment() && print_to_many() &&
                print_encoded(SubmitAnswer{0x7b5a3c0012345678, 8}, 2) && print_deliveries();
    put_bare(active, Command::active_test, 11);
    print(active);
    for (const auto& message : {Body(ActiveTestAnswer{}), Body(Cancel{7}), Body(CancelAnswer{0}),
                                Body(Query{"20260721", 0, "", {}}),
                                Body(QueryAnswer{"20260721", 0, "", 1, 2, 3, 4, 5, 6, 7, 8}),
                                Body(Terminate{}), Body(TerminateAnswer{})})
        well = print_encoded(message, 20) && well;
    return well ? 0 : 1;
}
