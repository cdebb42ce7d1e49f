#pragma once
#include "server/contract/channel.hpp"

#include <string>
#include <string_view>

/// Orders for a channel, made from nothing but what it declares: each names itself in every text, so
/// what the peer has can be traced to it.
namespace tocsin::conformance {

using namespace contract;

struct Wish {
    OrderId id{};
    Action action = Action::publish;
    Mode mode = Mode::live;
    Depth depth = Depth::terminal;
    std::uint16_t shown = 0;
    std::chrono::milliseconds lasts = std::chrono::minutes(10);
    bool full = false;  // texts as long as the budget allows
};

inline constexpr std::uint32_t people_usual = 6;
inline constexpr std::string_view languages[] = {"zh-CN", "en-US"};

Message message(const Capabilities& can, const Wish& wish, std::uint32_t people = people_usual);
/// Whether these words are of this very revision.
bool names(std::string_view words, OrderId id);
/// `document` without any whole text of `m`: what is left must not name the order.
std::string without_texts(std::string document, const Message& m);
bool has_a_text(std::string_view document, const Message& m);

}  // namespace tocsin::conformance
