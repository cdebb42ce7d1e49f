#pragma once
#include "channels/cell_broadcast/cbsp/session.hpp"
#include "server/base/settings.hpp"

namespace tocsin::cbsp {

struct Controller {
    std::string name;
    std::string host;  // where we dial; with `listen`: from where it dials, if several share a port
    std::uint16_t port = 48049;
    std::string listen;  // "address:port": the controller dials
};

struct Setup {
    std::filesystem::path cells, state;
    const cell_broadcast::Profile* profile = nullptr;
    Limits limits;
    Times times;
    std::chrono::milliseconds all_clear{600'000}, validity_most{82'800'000};
    std::vector<std::string> covers;  // region codes that all cells together are
    std::string air;                  // "address:port" of a listener's GSMTAP, or a group's
    std::string air_interface;        // address of the interface that joins the group
    std::vector<Controller> controllers;
};

Result<Setup> read_setup(const Settings& settings);

struct HostPort {
    std::string host;
    std::uint16_t port;
};
std::optional<HostPort> host_port(std::string_view text);

}  // namespace tocsin::cbsp
