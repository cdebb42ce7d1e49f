#include "channels/sms/area/frame.hpp"

#include <cstdint>
#include <cstdlib>
#include <vector>

/// Bytes of a hostile peer: whatever they are, nothing is read out of bounds, and what was understood
/// means the same after being written again.
namespace {

using namespace tocsin::smpp_area;

template <class Parsed, class Encode, class Parse>
void same_again(const Parsed& parsed, Encode encode, Parse parse) {
    if (!parsed) return;
    const std::string pdu = encode(*parsed);
    if (pdu.empty()) return;
    const auto again = parse(std::string_view(pdu).substr(header_bytes));
    if (!again || !(*again == *parsed)) std::abort();
}

std::string whole(const tocsin::Result<std::string>& pdu) { return pdu ? *pdu : std::string(); }

}  // namespace

void tocsin_fuzz_seeds(std::vector<std::string>& seeds);
void tocsin_fuzz_seeds(std::vector<std::string>& seeds) {
    Broadcast broadcast;
    broadcast.service_type = "CBS", broadcast.source = {0, 1, "12379"};
    broadcast.valid_s = 600, broadcast.words = "rain", broadcast.reference = 56;
    broadcast.areas = {named("110105"), polygon({{116, 39}, {117, 39}, {117, 40}}),
                       arc({{116, 39}, 1000})};
    const Which which{"CBS", "id", {0, 1, "12379"}, 56};
    const std::string pdus[] = {whole(encode(broadcast, 1)), whole(encode_query(which, 2)),
                                whole(encode_cancel(which, 3)),
                                encode_answer(BroadcastAnswer{"id", {{0x10D, named("110105")}}}, 4),
                                encode_answer(QueryAnswer{"id", 1, {{named("110105"), 40}}}, 5)};
    for (const auto& pdu : pdus) seeds.push_back(pdu), seeds.push_back(pdu.substr(header_bytes));
    seeds.push_back(
        R"({"type":"MultiPolygon","coordinates":[[[[116,39],[117,39],[117,40],[116,39]]]]})");
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    Decoder decoder;
    decoder.push(bytes);
    for (auto next = decoder.next(); next && *next; next = decoder.next()) continue;

    same_again(
        parse_broadcast(bytes),
        [](const Broadcast& m) {
            return m.valid_s >= 29 * 86400 ? std::string() : whole(encode(m, 1));
        },
        parse_broadcast);
    same_again(
        parse_query(bytes), [](const Which& m) { return whole(encode_query(m, 1)); }, parse_query);
    same_again(
        parse_cancel(bytes), [](const Which& m) { return whole(encode_cancel(m, 1)); },
        parse_cancel);
    (void)parse_broadcast_answer(bytes);
    (void)parse_query_answer(bytes);
    (void)parse_bind_answer(bytes);
    for (const char format : {0, 1, 2}) {
        const Area area{AreaFormat(format), std::string(bytes)};
        (void)to_text(area), (void)points_of(area);
    }
    if (const auto rings = rings_of(bytes))
        for (const auto& ring : *rings) (void)shape_around(ring);
    return 0;
}
