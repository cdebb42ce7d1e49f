#include "tests/channel/orders.hpp"

namespace tocsin::conformance {
namespace {

bool chinese(std::string_view language) { return language.starts_with("zh"); }

std::string name_in(std::string_view language, OrderId id) {
    return fmt::format(fmt::runtime(chinese(language) ? "第{}号{}版" : "no.{} rev.{};"), id.ordinal,
                       id.revision);
}

std::string body_in(std::string_view language, const Wish& wish) {
    const bool over = wish.action == Action::withdraw;
    if (chinese(language)) return over ? "暴雨红色预警解除," : "暴雨红色预警,请立即避险,";
    return over ? "Red rainstorm warning lifted, " : "Red rainstorm warning, take shelter now, ";
}

std::string_view mark_in(std::string_view language) {
    return chinese(language) ? "演练" : "EXERCISE";
}

std::size_t units(Budget::Unit unit, std::string_view text) {
    if (unit == Budget::Unit::bytes) return text.size();
    return std::size_t(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

/// As many more as still fit; one segment of a paged budget loses some units to its header.
std::string filler(const Budget& budget, std::string_view language, std::size_t taken) {
    constexpr std::size_t enough = 4000;
    const auto room = std::min<std::size_t>(std::size_t(budget.per_page) * budget.pages, enough);
    const bool timed = budget.unit == Budget::Unit::milliseconds;
    const std::string_view one = chinese(language) ? "雨" : "x";
    const auto each = units(budget.unit, one);
    std::string out;
    for (auto used = taken + each; !timed && used <= room; used += each) out += one;
    return out;
}

std::string words_in(std::string_view language, const Wish& wish, const Budget& budget) {
    const bool drill = wish.mode != Mode::live;
    const auto mark = mark_in(language);
    const auto head = drill ? fmt::format("{} ", mark) : std::string();
    const auto tail = drill ? fmt::format(" {}", mark) : std::string();
    const auto core = body_in(language, wish) + name_in(language, wish.id);
    const auto taken = units(budget.unit, head + core + tail);
    return head + core + (wish.full ? filler(budget, language, taken) : "") + tail;
}

std::string cap_of(const Wish& wish) {
    const char* types[] = {"Alert", "Update", "Cancel"};
    return fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<alert "
        "xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"><identifier>id-{}-{}</identifier>"
        "<status>{}</status><msgType>{}</msgType><headline>{}</headline></alert>\n",
        wish.id.ordinal, wish.id.revision, wish.mode == Mode::live ? "Actual" : "Exercise",
        types[std::size_t(wish.action)], name_in("zh-CN", wish.id));
}

/// Never what a channel might put there of its own, and another for the next ordinal.
Facts facts_of(OrderId id) {
    const char* severities[] = {"Minor", "Moderate", "Unknown", "Severe"};
    const char* urgencies[] = {"Future", "Past", "Unknown", "Expected"};
    const char* certainties[] = {"Unlikely", "Possible", "Unknown", "Observed"};
    const auto turn = id.ordinal % 4;
    const Instant sent{std::chrono::seconds(1'790'000'000 + 3600 * std::int64_t(id.ordinal))};
    return {fmt::format("事件{}", id.ordinal),
            severities[turn],
            urgencies[turn],
            certainties[turn],
            fmt::format("bureau-{}@example.org", id.ordinal),
            fmt::format("id-{}-{}", id.ordinal, id.revision),
            sent,
            sent + std::chrono::minutes(5)};
}

}  // namespace

Message message(const Capabilities& can, const Wish& wish, std::uint32_t people) {
    Message m{};
    m.id = wish.id;
    m.shown = wish.shown;
    m.mode = wish.mode;
    m.depth = wish.depth;
    m.action = wish.action;
    m.level = Level::red;
    m.expires = now() + wish.lasts;
    m.facts = facts_of(wish.id);
    for (const auto& budget : can.budgets) {
        if (budget.form == Form::cap) {
            m.texts.push_back({Form::cap, "", cap_of(wish)});
            continue;
        }
        for (const auto language : languages)
            m.texts.push_back(
                {budget.form, std::string(language), words_in(language, wish, budget)});
    }
    if (can.bulk)
        m.footprint = Audience{fmt::format("c{}", wish.id.ordinal), people,
                               wish.action == Action::withdraw ? wish.shown : std::uint16_t(0)};
    else
        m.footprint = Regions{{"110105"}};
    return m;
}

bool names(std::string_view words, OrderId id) {
    return std::ranges::any_of(
        languages, [&](auto language) { return words.find(name_in(language, id)) != words.npos; });
}

std::string without_texts(std::string document, const Message& m) {
    for (const auto& text : m.texts)
        for (auto at = document.find(text.words); at != document.npos;
             at = document.find(text.words, at))
            document.erase(at, text.words.size());
    return document;
}

bool has_a_text(std::string_view document, const Message& m) {
    return std::ranges::any_of(
        m.texts, [&](const Text& text) { return document.find(text.words) != document.npos; });
}

}  // namespace tocsin::conformance
