#include "server/base/time.hpp"

#include <fmt/format.h>

#include <charconv>

namespace tocsin {
namespace {

using namespace std::chrono;

/// Reads exactly `digits` digits at `at` and moves on; -1 if there are none.
int number(std::string_view text, std::size_t& at, std::size_t digits) {
    if (at + digits > text.size()) return -1;
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        const char c = text[at + i];
        if (c < '0' || c > '9') return -1;
        value = value * 10 + (c - '0');
    }
    at += digits;
    return value;
}

bool take(std::string_view text, std::size_t& at, char c) {
    if (at >= text.size() || text[at] != c) return false;
    ++at;
    return true;
}

Fault bad(std::string_view text, std::string_view why) {
    return {Cause::malformed, fmt::format("'{}' is no RFC 3339 time: {}", text, why)};
}

milliseconds fraction(std::string_view text, std::size_t& at) {
    if (!take(text, at, '.')) return {};
    int value = 0, places = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
        if (places < 3) value = value * 10 + (text[at] - '0'), ++places;
    for (; places > 0 && places < 3; ++places) value *= 10;
    return milliseconds(value);
}

Result<minutes> offset(std::string_view text, std::size_t& at) {
    if (take(text, at, 'Z') || take(text, at, 'z')) return minutes(0);
    const bool plus = take(text, at, '+');
    if (!plus && !take(text, at, '-')) return bad(text, "no offset");
    const int hour = number(text, at, 2);
    if (hour < 0 || !take(text, at, ':')) return bad(text, "the offset is not hh:mm");
    const int minute = number(text, at, 2);
    if (minute < 0 || minute > 59 || hour > 14 || (hour == 14 && minute > 0))
        return bad(text, "the offset is beyond 14:00");
    return (plus ? 1 : -1) * (hours(hour) + minutes(minute));
}

}  // namespace

Instant now() { return floor<milliseconds>(system_clock::now()); }

std::string rfc3339(Instant at, minutes shift) {
    const auto local = at + shift;
    const auto day = floor<days>(local);
    const year_month_day date(day);
    const hh_mm_ss clock(local - day);
    const auto ms = clock.subseconds().count();
    const auto off = abs(shift).count();
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}{}{:02}:{:02}", int(date.year()),
                       unsigned(date.month()), unsigned(date.day()), clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count(),
                       ms ? fmt::format(".{:03}", ms) : "", shift < minutes(0) ? '-' : '+',
                       off / 60, off % 60);
}

Result<Instant> parse_rfc3339(std::string_view text) {
    std::size_t at = 0;
    const int y = number(text, at, 4);
    if (y < 0 || !take(text, at, '-')) return bad(text, "no year");
    const int m = number(text, at, 2);
    if (m < 0 || !take(text, at, '-')) return bad(text, "no month");
    const int d = number(text, at, 2);
    if (d < 0 || !(take(text, at, 'T') || take(text, at, 't'))) return bad(text, "no day and T");
    const int hour = number(text, at, 2);
    if (hour < 0 || hour > 23 || !take(text, at, ':')) return bad(text, "no hour");
    const int minute = number(text, at, 2);
    if (minute < 0 || minute > 59 || !take(text, at, ':')) return bad(text, "no minute");
    const int second = number(text, at, 2);
    if (second < 0 || second > 59) return bad(text, "no second");
    const auto ms = fraction(text, at);
    const auto shift = offset(text, at);
    if (!shift) return shift.error();
    if (at != text.size()) return bad(text, "something follows the offset");
    const year_month_day date{year(y), month(unsigned(m)), day(unsigned(d))};
    if (!date.ok()) return bad(text, "no such day");
    return Instant(sys_days(date) + hours(hour) + minutes(minute) + seconds(second) + ms - *shift);
}

}  // namespace tocsin
