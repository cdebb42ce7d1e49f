#include "server/cap/china_words.hpp"

#include "server/cap/china.hpp"
#include "server/cap/lexical.hpp"

#include <algorithm>

namespace tocsin::cap {
namespace china {
namespace {

bool alnum(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
bool digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string_view category(std::string_view code) {
    if (code.size() < 3) return "Safety";
    const auto kind = code.substr(0, 2);
    const char group = code[2];
    if (kind == "11") {
        switch (group) {
            case 'B': return "Met";
            case 'A':
            case 'C':
            case 'D':
            case 'E': return "Geo";
            case 'F': return "Env";
            case 'G': return "Fire";
            default: return "Safety";
        }
    }
    if (kind == "12") {
        switch (group) {
            case 'G': return "Fire";
            case 'D':
            case 'T': return "CBRNE";
            case 'P':
            case 'U': return "Infra";
            case 'Q': return "Env";
            default: return group >= 'H' && group <= 'M' ? "Transport" : "Safety";
        }
    }
    if (kind == "13") return "Health";
    if (kind == "14") return "Security";
    return "Safety";
}

bool is_sender_code(std::string_view text) {
    return text.size() == 14 && std::ranges::all_of(text, alnum);
}

bool is_identifier(std::string_view text) {
    if (text.size() == 31) {
        if (text[29] != '_' || !digit(text[30])) return false;
        text.remove_suffix(2);
    }
    return text.size() == 29 && text[14] == '_' && is_sender_code(text.substr(0, 14)) &&
           std::ranges::all_of(text.substr(15), digit);
}

}  // namespace china

std::vector<std::string> split_list(std::string_view list) {
    constexpr std::string_view wide = "，";
    std::vector<std::string> out;
    std::string item;
    const auto finish = [&] {
        if (const auto trimmed = trim(item); !trimmed.empty()) out.emplace_back(trimmed);
        item.clear();
    };
    for (std::size_t at = 0; at < list.size();) {
        if (list[at] == ',') {
            finish(), ++at;
        } else if (list.substr(at).starts_with(wide)) {
            finish(), at += wide.size();
        } else {
            item += list[at++];
        }
    }
    finish();
    return out;
}

std::optional<Headline> parse_headline(std::string_view text) {
    constexpr std::string_view verbs[] = {"发布", "更新", "解除", "变更"};
    constexpr std::string_view changes[] = {"升级", "降级", "继续"};
    text = trim(text);
    if (text.ends_with(']')) text = text.substr(0, text.rfind('['));
    if (text.ends_with("信号")) text.remove_suffix(std::string_view("信号").size());
    constexpr std::string_view warning = "色预警";
    if (!text.ends_with(warning)) return {};
    text.remove_suffix(warning.size());
    Headline out;
    for (const auto& level : china::levels)
        if (text.ends_with(level.chinese)) out.colour = level.chinese;
    if (out.colour.empty()) return {};
    text.remove_suffix(out.colour.size());
    // The last verb counts: a sender's name may hold one (北京市预警信息发布中心发布...).
    std::size_t last = 0;
    for (const auto verb : verbs)
        if (const auto at = text.rfind(verb, text.size() - std::min(text.size(), verb.size() + 1));
            at != text.npos && at > last) {
            last = at;
            out.verb = verb;
        }
    if (out.verb.empty()) return {};
    out.sender = text.substr(0, last);
    out.event = text.substr(last + out.verb.size());
    for (const auto change : changes)
        if (out.sender.ends_with(change) && out.sender.size() > change.size()) {
            out.change = change;
            out.sender.resize(out.sender.size() - change.size());
            break;
        }
    return out;
}

}  // namespace tocsin::cap
