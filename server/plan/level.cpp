#include "server/plan/level.hpp"

#include "server/plan/events.hpp"

namespace tocsin::plan {
namespace {

struct Colour {
    Level level;
    std::string_view en, zh, roman;
};
constexpr Colour colours[] = {{Level::red, "red", "红", "I"},
                              {Level::orange, "orange", "橙", "II"},
                              {Level::yellow, "yellow", "黄", "III"},
                              {Level::blue, "blue", "蓝", "IV"}};

/// "Red", "红色", "3; orange; Severe" (MeteoAlarm).
std::optional<Level> colour_in(std::string_view value) {
    const auto text = lower(value);
    for (const auto& c : colours) {
        const auto at = text.find(c.en);
        const auto letter = [&](std::size_t i) {
            return i < text.size() && std::isalpha(static_cast<unsigned char>(text[i]));
        };
        if (at != text.npos && !(at > 0 && letter(at - 1)) && !letter(at + c.en.size()))
            return c.level;
        if (text.find(c.zh) != text.npos) return c.level;
    }
    return std::nullopt;
}

std::optional<Level> by_parameter(const cap::Info& info) {
    for (const auto* name : {"cn:severity", "cn:level", "awareness_level"}) {
        for (const auto& p : info.parameters) {
            if (lower(p.name) != name) continue;
            if (const auto level = colour_in(p.value)) return level;
            for (const auto& c : colours)
                if (p.value == c.roman) return c.level;
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<Level> level_in_words(std::string_view headline) {
    for (const auto& c : colours) {
        for (const auto* warning : {"色预警", "色警报"})
            if (headline.find(std::string(c.zh) + warning) != headline.npos) return c.level;
    }
    const auto text = lower(headline);
    return text.find("warning") == text.npos && text.find("alert") == text.npos ? std::nullopt
                                                                                : colour_in(text);
}

std::optional<Level> level_of_severity(cap::Severity severity) {
    switch (severity) {
        case cap::Severity::extreme: return Level::red;
        case cap::Severity::severe: return Level::orange;
        case cap::Severity::moderate: return Level::yellow;
        case cap::Severity::minor: return Level::blue;
        case cap::Severity::unknown: return std::nullopt;
    }
    return std::nullopt;
}

std::optional<Level> said_level(const cap::Info& info) {
    if (const auto level = by_parameter(info)) return level;
    if (const auto level = level_of_severity(info.severity)) return level;
    return level_in_words(info.headline);
}

Level level_of(const cap::Info& info) { return said_level(info).value_or(Level::blue); }

const char* word(Level level) {
    for (const auto& c : colours)
        if (c.level == level) return c.en.data();
    return "";
}

const char* word(Mode mode) {
    switch (mode) {
        case Mode::live: return "live";
        case Mode::exercise: return "exercise";
        case Mode::test: return "test";
        case Mode::replay: return "replay";
    }
    return "";
}

const char* word(Depth depth) {
    switch (depth) {
        case Depth::platform: return "platform";
        case Depth::front_end: return "front_end";
        case Depth::terminal: return "terminal";
    }
    return "";
}

const char* word(Action action) {
    switch (action) {
        case Action::publish: return "publish";
        case Action::update: return "update";
        case Action::withdraw: return "withdraw";
    }
    return "";
}

std::optional<Mode> mode_of(cap::Status status) {
    switch (status) {
        case cap::Status::actual: return Mode::live;
        case cap::Status::exercise: return Mode::exercise;
        case cap::Status::system:
        case cap::Status::test: return Mode::test;
        case cap::Status::draft: return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace tocsin::plan
