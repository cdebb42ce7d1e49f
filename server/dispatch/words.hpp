#pragma once
#include "server/contract/order.hpp"

/// Labels of metrics and fields of logs.
namespace tocsin::dispatch {

constexpr const char* word(contract::Mode mode) {
    switch (mode) {
        case contract::Mode::live: return "live";
        case contract::Mode::exercise: return "exercise";
        case contract::Mode::test: return "test";
        case contract::Mode::replay: return "replay";
    }
    return "?";
}
constexpr const char* word(contract::Action action) {
    switch (action) {
        case contract::Action::publish: return "publish";
        case contract::Action::update: return "update";
        case contract::Action::withdraw: return "withdraw";
    }
    return "?";
}
constexpr const char* word(contract::Level level) {
    switch (level) {
        case contract::Level::blue: return "blue";
        case contract::Level::yellow: return "yellow";
        case contract::Level::orange: return "orange";
        case contract::Level::red: return "red";
    }
    return "?";
}
inline std::string word(contract::OrderId id) {
    return std::to_string(id.ordinal) + "." + std::to_string(id.revision);
}

}  // namespace tocsin::dispatch
