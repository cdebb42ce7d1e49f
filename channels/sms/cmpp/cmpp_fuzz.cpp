#include "channels/sms/cmpp/frame.hpp"
#include "channels/sms/cmpp/receipt.hpp"
#include "channels/sms/cmpp/words.hpp"

#include <cstdlib>

/// Bytes of a hostile gateway: nothing is read out of bounds, and whatever is understood and fits its
/// fields means the same after being written again.
namespace {

using namespace tocsin::cmpp;

void same_again(const Body& message, std::uint32_t sequence, Layout layout) {
    const auto written = encode(message, sequence, layout);
    if (!written) return;  // a result or text that only the other version can hold, bytes over 140
    Decoder decoder;
    decoder.push(*written);
    const auto pdu = decoder.next();
    if (!pdu || !*pdu || (*pdu)->sequence != sequence) std::abort();
    const auto read = decode(**pdu, layout);
    if (!read || *read != message) std::abort();
}

void read_on(const Body& message) {
    const auto* deliver = std::get_if<Deliver>(&message);
    if (!deliver) return;
    const auto piece = piece_of(*deliver);
    (void)tocsin::sms::words_of(piece.octets, piece.letters);
    (void)person(deliver->from);
    if (const auto report = parse_report(deliver->words)) (void)meaning_of_stat(report->stat);
}

}  // namespace

void tocsin_fuzz_seeds(std::vector<std::string>& seeds);
void tocsin_fuzz_seeds(std::vector<std::string>& seeds) {
    const std::string proof(16, 'p');
    const auto report =
        encode_report({7, "MK:0012", "2607211830", "2607211831", "86138", 1}, Layout::v3);
    const Body messages[] = {
        Connect{"106900", proof, 0x30, 721103005},
        ConnectAnswer{0, proof, 0x30},
        SubmitAnswer{7, 8},
        Deliver{1, "12379", "W", 0, 0, 15, "8613800000001", 0, 0, "\xcd\xcb\xb6\xa9", {}},
        Deliver{2, "12379", "W", 0, 1, 0, "8613800000001", 0, 1, report, {}},
        QueryAnswer{"20260721", 0, "", 1, 2, 3, 4, 5, 6, 7, 8}};
    for (const auto layout : {Layout::v2, Layout::v3})
        for (const auto& message : messages) {
            const auto one = *encode(message, 1, layout);
            seeds.push_back(one);
            seeds.push_back(one + one);
        }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    for (const auto layout : {Layout::v2, Layout::v3}) {
        Decoder decoder;
        decoder.push(bytes);
        while (true) {
            const auto pdu = decoder.next();
            if (!pdu || !*pdu) break;
            const auto message = decode(**pdu, layout);
            if (!message) continue;
            read_on(*message);
            // A CONNECT_RESP of 3.0 has a status that one byte cannot hold, and so on.
            if (layout == Layout::v3) same_again(*message, (*pdu)->sequence, layout);
        }
    }
    return 0;
}
