#pragma once
#include "server/cap/judge.hpp"

/// How a judgement is shown to a person or a program by `tocsin validate`.
namespace tocsin::cap {

/// One line of JSON without a line end: {"file", "verdict": "valid"|"invalid", "violations":
/// [{"rule", "severity", "line", "element", "message"}]}. Warnings alone leave it valid.
std::string validate_json(std::string_view file, const Judged& judged);

/// A line a violation ("rain.xml:12 error  polygon-closed  alert/info[1]/area[1]/polygon[1]"), its
/// message indented below, each with a line end; "" if there is nothing to say.
std::string validate_text(std::string_view file, const Judged& judged);

}  // namespace tocsin::cap
