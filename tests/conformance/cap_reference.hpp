#pragma once
#include "server/cap/judge.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

/// The reference set of CAP messages, if it is on this machine.
namespace tocsin::reference {

using Row = std::map<std::string, std::string>;  // by column name; "-" is kept

/// $TOCSIN_SHARED, else ../shared; nothing (and a line on stdout) if it is not there.
std::optional<std::string> folder();
std::string read(const std::string& path);
/// cap/manifest.tsv, a map a row.
std::vector<Row> manifest(const std::string& folder);
std::vector<std::string> words(const std::string& list, char separator = ',');

/// libxml2 prints some of its errors past every handler: not in the tests' output.
void silence();
/// Line of the element at "alert/info[1]/area[2]" by libxml2's own tree; 0 if there is none.
long line_of(const std::string& bytes, const std::string& path);
/// The same path without a leading '/' and with every index written.
std::string canonical(const std::string& path);

}  // namespace tocsin::reference
