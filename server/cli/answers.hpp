#pragma once
#include "server/cli/commands.hpp"

#include <boost/json/value.hpp>

namespace tocsin::cli {

/// A client with the least token that may do it.
Result<Client> client_for(const Context& context, std::string_view role);
/// Asks; prints what went wrong. Nothing: `code` is the exit status.
std::optional<boost::json::value> ask(const Context& context,
                                      std::string_view role,
                                      const Call& call,
                                      int& code);

/// "a.b.c" in an object; null where there is none.
const boost::json::value& at(const boost::json::value& value, std::string_view path);
std::string text(const boost::json::value& value,
                 std::string_view path,
                 std::string_view fallback = "");
std::uint64_t number(const boost::json::value& value, std::string_view path);
void print(const boost::json::value& value);  // one line

/// A unique prefix will do: the whole id, or a fault that names the candidates.
Result<std::string> whole_id(const Client& client, const std::string& prefix);
/// Asks on a terminal. `done`: go on; else the exit status: refused by the person, or usage where
/// there is nobody to ask and --yes was not said.
int sure(const Context& context, const std::string& question, bool yes);

}  // namespace tocsin::cli
