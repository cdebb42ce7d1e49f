#include "server/plan/language.hpp"

#include "server/plan/plan.hpp"

namespace tocsin::plan {
namespace {

std::array<std::string, 5> by_level(const Settings& s) {
    std::array<std::string, 5> words;
    for (const auto level : {Level::blue, Level::yellow, Level::orange, Level::red})
        words[std::size_t(level)] = s.required(word(level));
    s.finish();
    return words;
}

std::array<std::string, 5> by_mode(const Settings& s) {
    std::array<std::string, 5> words;
    for (const auto mode : {Mode::exercise, Mode::test, Mode::replay})
        words[std::size_t(mode)] = s.required(word(mode));
    s.finish();
    return words;
}

std::chrono::local_time<std::chrono::milliseconds> local(Instant at, std::chrono::minutes offset) {
    return std::chrono::local_time<std::chrono::milliseconds>(at.time_since_epoch() + offset);
}

}  // namespace

std::string fill(std::string_view pattern, const Replacements& with) {
    std::string out;
    for (std::size_t at = 0; at < pattern.size();) {
        const auto open = pattern.find('{', at);
        const auto close = open == pattern.npos ? pattern.npos : pattern.find('}', open);
        if (close == pattern.npos) return out.append(pattern.substr(at));
        out.append(pattern.substr(at, open - at));
        const auto name = pattern.substr(open + 1, close - open - 1);
        const auto found = std::ranges::find(with, name, &Replacements::value_type::first);
        out.append(found == with.end() ? pattern.substr(open, close - open + 1)
                                       : std::string_view(found->second));
        at = close + 1;
    }
    return out;
}

Language Language::read(const Settings& s, std::string tag) {
    Language l;
    l.tag = std::move(tag);
    l.names_in_han = s.choice("regions", "en", {"zh", "en"}) == "zh";
    l.mark = s.required("mark");
    l.stop = s.required("stop");
    l.space = s.flag("spaces", true) ? " " : "";
    l.lower_case_events = s.flag("lower_case_events", false);
    l.before_by_mode = by_mode(s.table("before"));
    l.after_by_mode = by_mode(s.table("after"));
    for (auto& words : l.before_by_mode) words += l.space;
    for (auto& words : l.after_by_mode) words = l.space + words;
    l.colour = by_level(s.table("colour"));
    l.colour_loud = by_level(s.table("colour_loud"));
    l.level = by_level(s.table("level"));
    l.degree = by_level(s.table("degree"));
    const auto acts = s.table("acts");
    l.acts = {acts.required("publish"), acts.required("update"), acts.required("raise"),
              acts.required("lower"),   acts.required("cancel"), acts.required("correct")};
    acts.finish();
    const auto areas = s.table("areas");
    l.area_join = areas.text("join") + l.space;
    l.area_more = areas.required("more");
    l.area_more_districts = areas.required("more_districts");
    l.area_count = areas.required("count");
    l.area_count_districts = areas.required("count_districts");
    l.area_city = areas.required("city");
    l.area_part = areas.required("part");
    l.area_cut = areas.texts("cut");
    for (const auto& pair : areas.texts("known")) {
        const auto sign = pair.find(" = ");
        if (sign == pair.npos || sign == 0 || sign + 3 == pair.size())
            areas.complain("known", fmt::format("'{}' is not \"name = what people say\"", pair));
        else
            l.area_known.emplace_back(pair.substr(0, sign), pair.substr(sign + 3));
    }
    areas.finish();
    const auto time = s.table("time");
    l.hour = time.required("hour");
    l.hour_minute = time.required("hour_minute");
    l.day = time.required("day");
    l.month_day = time.required("month_day");
    l.long_day = time.required("long_day");
    l.time_join = time.text("join") + l.space;
    l.months = time.texts("months");
    time.finish();
    const auto guidance = s.table("guidance");
    l.guidance_item = guidance.required("item");
    l.guidance_join = guidance.text("join") + l.space;
    guidance.finish();
    l.check(s);
    s.finish();
    return l;
}

void Language::check(const Settings& s) const {
    const std::string_view wanted = tag.starts_with("zh") ? "演练" : "EXERCISE";
    if (mark != wanted)
        s.complain("mark",
                   fmt::format("must be \"{}\": the gate lets no drill out without it", wanted));
    for (const auto mode : {Mode::exercise, Mode::test, Mode::replay}) {
        if (!before_by_mode[std::size_t(mode)].starts_with(mark))
            s.complain("before", fmt::format("{} must start with {}", word(mode), mark));
        if (!after_by_mode[std::size_t(mode)].ends_with(mark))
            s.complain("after", fmt::format("{} must end with {}", word(mode), mark));
    }
    if (!months.empty() && months.size() != 12) s.complain("time.months", "must be twelve names");
}

Replacements Language::parts(Instant at, std::chrono::minutes offset) const {
    const auto when = local(at, offset);
    const auto days = std::chrono::floor<std::chrono::days>(when);
    const std::chrono::year_month_day date{days};
    const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::minutes>(when - days)};
    const auto month = unsigned(date.month());
    const auto h = clock.hours().count(), m = clock.minutes().count();
    return {{"Y", std::to_string(int(date.year()))},
            {"M", std::to_string(month)},
            {"Mon", months.size() == 12 ? months[month - 1] : std::to_string(month)},
            {"D", std::to_string(unsigned(date.day()))},
            {"h", std::to_string(h)},
            {"hh", fmt::format("{:02}", h)},
            {"m", std::to_string(m)},
            {"mm", fmt::format("{:02}", m)}};
}

std::string Language::brief_time(Instant at, Instant beside, std::chrono::minutes offset) const {
    const auto its = parts(at, offset), other = parts(beside, offset);
    const auto clock = fill(its[6].second == "0" ? hour : hour_minute, its);
    const auto same = [&](std::size_t i) { return its[i].second == other[i].second; };
    if (same(0) && same(1) && same(3)) return clock;
    return fill(same(0) && same(1) ? day : month_day, its) + time_join + clock;
}

std::string Language::full_time(Instant at, std::chrono::minutes offset) const {
    const auto its = parts(at, offset);
    return fill(long_day, its) + time_join + fill(its[6].second == "0" ? hour : hour_minute, its);
}

std::string Language::list(const std::vector<std::string>& items) const {
    std::string out;
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (i > 0) out += guidance_join;
        out += fill(guidance_item, {{"n", std::to_string(i + 1)}, {"text", items[i]}});
    }
    return out;
}

}  // namespace tocsin::plan
