#pragma once
#include "server/base/fault.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tocsin::cap {

/// Any small XML message as names and texts, for profiles whose namespaces nobody can rely on.
struct Plain {
    std::string name;  // local
    std::string text;  // its own text, all nodes joined
    long line = 0;
    std::vector<Plain> children;

    /// The first child of that name in any case, or nullptr.
    const Plain* child(std::string_view name) const;
    /// Its text without blanks at the ends; "" if it is not there.
    std::string_view at(std::string_view name) const;
};

/// As strict about XML as for CAP: no DOCTYPE, no entities, no network; UTF-8, UTF-16 with a mark,
/// GB 18030; at most 1 MiB, 16 levels, 20,000 elements.
Result<Plain> read_plain(std::string_view bytes);

}  // namespace tocsin::cap
