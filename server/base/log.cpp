#include "server/base/log.hpp"

#include "server/base/time.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

namespace tocsin::log {
namespace {

std::string quoted(std::string_view text) {
    return boost::json::serialize(boost::json::value(text));
}

spdlog::level::level_enum level(Severity severity) {
    switch (severity) {
        case Severity::debug: return spdlog::level::debug;
        case Severity::info: return spdlog::level::info;
        case Severity::warning: return spdlog::level::warn;
        case Severity::error: return spdlog::level::err;
    }
    return spdlog::level::err;
}

spdlog::logger& logger() {
    static const auto one = [] {
        auto made = spdlog::stderr_logger_mt("tocsin");
        made->set_pattern("%v");
        return made;
    }();
    return *one;
}

std::string line(Severity severity, std::string_view event, std::initializer_list<Field> fields) {
    const auto name = std::string_view(spdlog::level::to_string_view(level(severity)).data());
    std::string out;
    if (isatty(STDERR_FILENO)) {
        out = fmt::format("{} {:7} {}", rfc3339(now()), name, event);
        for (const auto& [key, value] : fields) out += fmt::format(" {}={}", key, quoted(value));
        return out;
    }
    out = fmt::format(R"({{"time":"{}","level":"{}","event":"{}")", rfc3339(now()), name, event);
    for (const auto& [key, value] : fields)
        out += fmt::format(",{}:{}", quoted(key), quoted(value));
    return out + "}";
}

}  // namespace

void event(Severity severity, std::string_view event, std::initializer_list<Field> fields) {
    auto& to = logger();
    if (to.should_log(level(severity)))
        to.log(level(severity), "{}", line(severity, event, fields));
}

void threshold(Severity least) { logger().set_level(level(least)); }

}  // namespace tocsin::log
