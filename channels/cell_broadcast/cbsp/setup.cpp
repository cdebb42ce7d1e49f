#include "channels/cell_broadcast/cbsp/setup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace tocsin::cbsp {
namespace {

using namespace cell_broadcast;

std::uint16_t number(
    const Settings& settings, std::string_view key, int fallback, int least, int most) {
    return std::uint16_t(settings.number(key, fallback, least, most));
}

Manner read_manner(const Settings& settings) {
    Manner out;
    const auto scope = settings.choice("scope", "plmn", {"cell_immediate", "plmn", "area", "cell"});
    out.scope = scope == "plmn"   ? Scope::plmn
                : scope == "area" ? Scope::area
                : scope == "cell" ? Scope::cell
                                  : Scope::cell_immediate;
    out.layout.name_language = settings.flag("name_language", false);
    out.layout.pages_most = number(settings, "pages", int(pages_max), 1, int(pages_max));
    out.local = settings.text("language", "zh");
    if (two_letters(out.local) != out.local)
        settings.complain("language", "is no language code of two letters, such as zh");
    // Each slot carries one page: room for two texts in two languages as long as can be.
    out.period = number(settings, "period", 60, 30, 4095);
    out.one_period = settings.flag("one_period", true);
    return out;
}

void read_times(const Settings& settings, Setup& out) {
    auto& times = out.times;
    auto& limits = out.limits;
    times.reply_within = settings.duration("reply_timeout", times.reply_within);
    times.connect_within = settings.duration("connect_timeout", times.connect_within);
    times.keep_alive = settings.duration("keep_alive", times.keep_alive);
    times.keep_alive_within = settings.duration("keep_alive_timeout", times.keep_alive_within);
    times.reconnect = settings.duration("reconnect", times.reconnect);
    times.reconnect_most = settings.duration("reconnect_max", times.reconnect_most);
    limits.retry_first = settings.duration("retry", limits.retry_first);
    limits.retry_most = settings.duration("retry_max", limits.retry_most);
    limits.status_first = settings.duration("status_first", limits.status_first);
    limits.status_most = settings.duration("status_max", limits.status_most);
    limits.watch = settings.duration("watch", limits.watch);
    const auto least = std::chrono::milliseconds(1);
    for (auto* time :
         {&times.reply_within, &times.connect_within, &times.keep_alive, &times.keep_alive_within,
          &times.reconnect, &times.reconnect_most, &limits.retry_first, &limits.retry_most,
          &limits.status_first, &limits.status_most})
        *time = std::max(*time, least);
    if (times.reconnect_most < times.reconnect)
        settings.complain("reconnect_max", "is less than reconnect");
    if (limits.retry_most < limits.retry_first)
        settings.complain("retry_max", "is less than retry");
    out.all_clear = settings.duration("all_clear", out.all_clear);
    out.validity_most = settings.duration("validity_max", out.validity_most);
}

Controller read_controller(const Settings& table) {
    Controller out;
    out.name = table.required("name");
    out.listen = table.text("listen");
    out.host = out.listen.empty() ? table.required("host") : table.text("host");
    out.port = number(table, "port", 48049, 1, 65535);
    if (!out.listen.empty() && !host_port(out.listen))
        table.complain("listen", "is not address:port, such as 127.0.0.1:48049");
    table.finish();
    return out;
}

void check(const Settings& settings, const std::vector<Controller>& controllers) {
    if (controllers.empty()) settings.complain("bsc", "at least one [[endpoint.cbsp.bsc]]");
    std::set<std::string> names, doors;
    for (const auto& one : controllers) {
        if (!names.insert(one.name).second)
            settings.complain("bsc", fmt::format("two are called '{}'", one.name));
        if (!one.listen.empty() && !doors.insert(one.listen + " " + one.host).second)
            settings.complain("bsc", fmt::format("'{}' cannot be told from another that dials {}; "
                                                 "give each its host",
                                                 one.name, one.listen));
    }
}

Naming read_naming(const Settings& settings) {
    const auto name = settings.choice("cells_named", "cgi", {"cgi", "lac_ci", "ci"});
    return name == "cgi" ? Naming::cgi : name == "ci" ? Naming::ci : Naming::lac_ci;
}

Reset read_reset(const Settings& settings) {
    const auto name = settings.choice("reset", "unknown", {"never", "unknown", "always"});
    return name == "never" ? Reset::never : name == "always" ? Reset::always : Reset::unknown;
}

}  // namespace

std::optional<HostPort> host_port(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == text.npos || colon == 0) return std::nullopt;
    HostPort out{std::string(text.substr(0, colon)), 0};
    const auto* end = text.data() + text.size();
    const auto [at, fault] = std::from_chars(text.data() + colon + 1, end, out.port);
    if (fault != std::errc() || at != end || out.port == 0) return std::nullopt;
    return out;
}

Result<Setup> read_setup(const Settings& settings) {
    Setup out;
    out.cells = settings.file("cells");
    if (out.cells.empty()) settings.complain("cells", "is missing: a file such as cells.csv");
    out.state = settings.file("state");
    std::vector<std::string_view> names;
    for (const auto& profile : profiles()) names.push_back(profile.name);
    out.profile = find_profile(settings.choice("profile", "china", names));
    out.limits.manner = read_manner(settings);
    out.limits.naming = read_naming(settings);
    out.limits.cells_most = number(settings, "cells_max", 4000, 1, 4000);
    out.times.window = number(settings, "window", 8, 1, 64);
    out.times.reset = read_reset(settings);
    out.times.load_query = settings.flag("load_query", false);
    read_times(settings, out);
    out.covers = settings.texts("covers");
    out.air = settings.text("air");
    out.air_interface = settings.text("air_interface");
    if (!out.air.empty() && !host_port(out.air))
        settings.complain("air", "is not address:port, such as 239.193.1.1:4729");
    for (const auto& table : settings.tables("bsc"))
        out.controllers.push_back(read_controller(table));
    check(settings, out.controllers);
    settings.finish();
    if (!out.profile || out.controllers.empty() || out.cells.empty())
        return Fault{Cause::refused, "no cell broadcast without cells and controllers"};
    return out;
}

}  // namespace tocsin::cbsp
