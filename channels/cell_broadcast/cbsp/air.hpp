#pragma once
#include "channels/cell_broadcast/cbsp/frame.hpp"

#include <map>
#include <optional>

/// What a receiver hears on the air, as GSMTAP datagrams (of osmo-bts-virtual, or of a radio with
/// gr-gsm): blocks to pages, pages to messages. The cell's name comes from its own SYSTEM INFORMATION.
namespace tocsin::cbsp {

struct Caught {                 // a whole message
    std::optional<Place> cell;  // CGI; nothing: the cell has not said who it is
    std::uint16_t channel = 0;  // ARFCN
    std::uint16_t identifier = 0, serial = 0;
    std::uint8_t dcs = 0;
    std::vector<std::string> pages;  // octets as heard: up to 82, in whole blocks
};

class Ear {
public:
    std::optional<Caught> datagram(std::string_view bytes);

private:
    struct Key {
        std::uint16_t channel, identifier, serial;
        auto operator<=>(const Key&) const = default;
    };
    struct Partial {
        std::uint8_t total = 0;
        std::map<std::uint8_t, std::string> pages;
    };
    void learn_cell(std::uint16_t channel, std::string_view block);
    std::optional<std::string> block(std::uint32_t stream, std::string_view block);
    std::optional<Caught> page(std::uint16_t channel, std::string_view page);

    std::map<std::uint16_t, Place> cells_;          // by ARFCN
    std::map<std::uint32_t, std::string> streams_;  // by ARFCN and channel: blocks so far
    std::map<Key, Partial> messages_;
};

}  // namespace tocsin::cbsp
