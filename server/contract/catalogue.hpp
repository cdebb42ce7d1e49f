#pragma once
#include "server/base/settings.hpp"
#include "server/contract/channel.hpp"

#include <string_view>

namespace tocsin::contract {

using tocsin::Settings;  // the [endpoint.<channel>] table; server/base/settings.hpp
class Loop;              // hides the io_context: only link.cpp includes loop.hpp

/// `settings` may be empty; a channel calls settings.finish() when it has read its keys. A bulk
/// channel is handed a BulkDesk (bulk.hpp): it takes it by `static_cast<BulkDesk&>(desk)`.
using Open = Result<std::unique_ptr<Channel>>(const Settings& settings, Loop& loop, Desk& desk);
struct Listed {
    std::string_view name;
    const Capabilities& can;
    Open* open;
};
std::span<const Listed> catalogue();  // defined in server/app

}  // namespace tocsin::contract
