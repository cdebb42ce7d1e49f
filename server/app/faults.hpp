#pragma once
#include "server/base/fault.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// What is wrong with a configuration, and where: for people as a line, for programs as values.
namespace tocsin::app {

struct ConfigFault {
    std::string file;  // as seen from the configuration's folder: "tocsin.toml", "templates/..."
    long line = 0, column = 0;  // 0: of the file as a whole
    std::string key;            // "endpoint[2].areas", a template's name; may be empty
    std::string rule;           // "unknown-key", "missing", "out-of-range", ...
    std::string message;
};

/// "tocsin.toml:12:3: limits.rate: what", as far as each part is known.
std::string to_text(const ConfigFault& fault);

/// A complaint of Settings, or of who reads files by it. Complaints are texts; this is the one place
/// that takes them apart. `file`: where it has no place of its own.
ConfigFault read_complaint(std::string_view complaint, const std::string& file);

/// Of Templates::load: one a line, named relative to the folder of templates.
std::vector<ConfigFault> template_faults(const Fault& fault, const std::string& folder);

/// Of Atlas::load. The line is found in the file: that of the JSON's break, the feature or the code.
ConfigFault region_fault(const Fault& fault,
                         const std::filesystem::path& path,
                         const std::string& name);

}  // namespace tocsin::app
