#pragma once
#include <string>
#include <string_view>
#include <vector>

/// What a phone's reply asks for. A word counts only if it is the whole reply: "stop" in a sentence
/// is a person who writes to us.
namespace tocsin::replies {

enum class Meaning { stop, start, acknowledge, other };

/// In any case, full-width letters and digits like narrow ones, without blanks and marks around.
struct Words {
    std::vector<std::string> stop{"TD", "T", "退订", "拒收", "STOP", "UNSUBSCRIBE", "QUIT"};
    std::vector<std::string> start{"KT", "恢复", "订阅", "START", "SUBSCRIBE"};
    std::vector<std::string> acknowledge{"1", "收到", "已收到", "OK", "YES"};
    bool operator==(const Words&) const = default;
};

Meaning meaning_of(std::string_view reply, const Words& words);
/// The form in which words are compared.
std::string plain(std::string_view words);

}  // namespace tocsin::replies
