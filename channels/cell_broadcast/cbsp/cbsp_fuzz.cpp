#include "channels/cell_broadcast/cbsp/air.hpp"
#include "channels/cell_broadcast/cbsp/frame.hpp"
#include "channels/cell_broadcast/cbsp/state.hpp"
#include "channels/cell_broadcast/shared/warning_area.hpp"

#include <cstdlib>

/// Any bytes: as a stream of messages, as datagrams off the air, as a state file. What can be read and
/// can be written is written as it was read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tocsin::cbsp;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    Reader reader;
    reader.push(bytes);
    for (auto next = reader.next(); next && *next; next = reader.next()) {
        const auto pdu = decode(**next);
        const auto again = pdu ? encode(*pdu) : tocsin::Result<std::string>(pdu.error());
        if (!again) continue;
        const auto back = decode(*again);
        if (!back || *back != *pdu) std::abort();
    }
    (void)decode(bytes);
    Ear ear;
    for (std::size_t at = 0; at < size; at += 39)
        if (const auto caught = ear.datagram(bytes.substr(at, 39)))
            if (caught->pages.empty()) std::abort();
    if (const auto state = unpack(bytes)) {
        const auto back = unpack(pack(*state));
        if (!back || *back != *state) std::abort();
    }
    if (const auto area = tocsin::cell_broadcast::decode_area(bytes))
        (void)tocsin::cell_broadcast::encode(*area);
    return 0;
}

extern "C" void tocsin_fuzz_seeds(std::vector<std::string>& seeds) {
    using namespace tocsin::cbsp;
    Pdu write{.type = Type::write_replace};
    write.identifier = 4371, write.fresh = 0x4020, write.old = 0x4010;
    write.cells = Places{Naming::cgi, {{0x64F000, 1001, 101}, {0x64F000, 1001, 102}}};
    write.channel = 0, write.category = 0, write.period = 60, write.times = 100, write.dcs = 0x48;
    write.pages = 2;
    write.contents.resize(2);
    for (auto& page : write.contents) page.length = 82;
    seeds.push_back(*encode(write));
    Pdu answer{.type = Type::write_replace_failure};
    answer.identifier = 4371, answer.fresh = 0x4020, answer.channel = 0;
    answer.failures = {{Naming::lac_ci, {0, 1001, 102}, cause::not_operational}};
    answer.counts = Counts{Naming::ci, {{{0, 0, 101}, 7, Reached::ok}}};
    seeds.push_back(*encode(answer));
    Pdu restart{.type = Type::restart};
    restart.cells = Places{Naming::all, {}};
    restart.broadcast = restart.recovery = 0;
    seeds.push_back(*encode(restart) + *encode(restart));
    State state;
    state.codes.push_back({7, 1, 7, {}});
    state.held["bsc-1"].push_back({7, 4371, 0x4071, 60, 2, {1, 2}});
    Standing standing;
    standing.broadcast.emplace();
    standing.broadcast->notices.push_back({4371, 0x4071, "zh", {0x48, {write.contents[0]}}, {}});
    state.chains.push_back(standing);
    seeds.push_back(pack(state));
}
