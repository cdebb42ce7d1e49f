#pragma once
#include "server/base/settings.hpp"
#include "server/contract/order.hpp"

#include <array>

/// What a language needs beside its templates: words for levels, modes and acts, how times are
/// written and areas joined. One file: templates/language.<tag>.toml.
namespace tocsin::plan {

using Replacements = std::vector<std::pair<std::string_view, std::string>>;
/// "{h}时{m}分" with h and m put in.
std::string fill(std::string_view pattern, const Replacements& with);

struct Language {
    std::string tag;            // "zh-CN"
    bool names_in_han = false;  // regions by their Chinese names
    std::string stop;           // ends a sentence
    std::string space;          // between words; Chinese has none
    std::string mark;           // of everything that is not live; contract::Gate looks for it
    std::array<std::string, 5> before_by_mode, after_by_mode;       // by contract::Mode
    std::array<std::string, 5> colour, colour_loud, level, degree;  // by contract::Level
    struct Acts {
        std::string publish, update, raise, lower, cancel, correct;
    } acts;
    std::string area_join, area_more, area_count, area_more_districts, area_count_districts,
        area_city, area_part;
    std::vector<std::pair<std::string, std::string>> area_known;  // a name, and what people say
    std::vector<std::string> area_cut;  // "区", "District": what short names go without
    bool lower_case_events = false;     // "Hail" said as "hail" inside a sentence
    std::string hour, hour_minute, day, month_day, long_day, time_join, guidance_item,
        guidance_join;
    std::vector<std::string> months;

    static Language read(const Settings& settings, std::string tag);

    /// Without the day if it is that of `beside`: "17时30分", "30日8时", "8月1日8时".
    std::string brief_time(Instant at, Instant beside, std::chrono::minutes offset) const;
    /// "2026年7月29日17时30分"
    std::string full_time(Instant at, std::chrono::minutes offset) const;
    /// "1.…；2.…"
    std::string list(const std::vector<std::string>& items) const;

private:
    void check(const Settings& settings) const;
    Replacements parts(Instant at, std::chrono::minutes offset) const;
};

}  // namespace tocsin::plan
