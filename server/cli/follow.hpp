#pragma once
#include "server/cli/commands.hpp"

#include <boost/json/value.hpp>

namespace tocsin::cli {

/// Watches until every delivery has ended; Ctrl-C ends the watching, not the alert, and says so.
int follow_alert(const Context& context, std::string_view role, const std::string& id);
/// Head, then a line an endpoint, trouble first.
std::string status_screen(const boost::json::value& alert, const boost::json::value& deliveries);
std::vector<std::string> delivery_row(const boost::json::value& delivery);
std::string delivery_table(std::vector<std::vector<std::string>> rows);

}  // namespace tocsin::cli
