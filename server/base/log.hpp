#pragma once
#include <initializer_list>
#include <string>
#include <string_view>

/// One line an event on standard error: JSON, or text on a terminal (experience.md 11). Never
/// numbers, tokens or full texts of alerts. Thread safe.
namespace tocsin::log {

enum class Severity { debug, info, warning, error };

struct Field {
    std::string_view key;
    std::string value;
};

/// `event` is one of the documented names, such as "alert.accepted".
void event(Severity severity, std::string_view event, std::initializer_list<Field> fields = {});
inline void info(std::string_view name, std::initializer_list<Field> fields = {}) {
    event(Severity::info, name, fields);
}
inline void warn(std::string_view name, std::initializer_list<Field> fields = {}) {
    event(Severity::warning, name, fields);
}
inline void error(std::string_view name, std::initializer_list<Field> fields = {}) {
    event(Severity::error, name, fields);
}

/// Events below are dropped. Tests set `error`.
void threshold(Severity least);

}  // namespace tocsin::log
