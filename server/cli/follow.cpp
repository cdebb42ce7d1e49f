#include "server/cli/follow.hpp"

#include "server/cli/answers.hpp"
#include "server/cli/screen.hpp"

#include <boost/json.hpp>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <iostream>
#include <thread>

namespace tocsin::cli {

namespace json = boost::json;

namespace {

std::atomic<bool> interrupted{false};

bool trouble(const std::vector<std::string>& row) {
    return row[2] == "failed" || row[2] == "timed_out" || row[2] == "expired";
}

std::string done_of_all(const json::value& d) {
    const auto total = number(d, "counts.total");
    if (total == 0) return "-";
    return grouped(number(d, "counts.delivered")) + " / " + grouped(total);
}

std::string last_evidence(const json::value& d) {
    const auto* list = at(d, "evidence").if_array();
    if (!list || list->empty()) return "";
    const auto& last = list->back();
    return plain(text(last, "code") + (text(last, "text").empty() ? "" : " " + text(last, "text")));
}

/// Nothing: not yet; else the exit status.
std::optional<int> draw(const Context& context, const Client& client, const std::string& id) {
    const auto path = "/v1/alerts/" + escaped_url(id);
    const auto answer = client.ask({.path = path});
    if (!answer) return fail(context, answer.error());
    if (!answer->well()) return fail(context, *answer);
    const auto alert = json::parse(answer->body);
    const bool ended = !at(alert, "progress.complete_ms").is_null();
    if (!context.json && !context.quiet && (ended || isatty(STDOUT_FILENO))) {
        const auto rows = client.ask({.path = path + "/deliveries?limit=1000"});
        const auto screen = status_screen(
            alert, rows && rows->well() ? json::parse(rows->body) : json::value(nullptr));
        if (isatty(STDOUT_FILENO)) std::cout << "\x1b[H\x1b[J";
        std::cout << screen << std::flush;
    }
    if (!ended) return std::nullopt;
    if (context.json) print(alert);
    return number(alert, "progress.states.failed") + number(alert, "progress.states.timed_out") > 0
               ? refused
               : done;
}

}  // namespace

std::vector<std::string> delivery_row(const json::value& d) {
    const auto first = at(d, "first_handed_ms"), last = at(d, "complete_ms");
    return {text(d, "channel"),
            text(d, "endpoint"),
            text(d, "state"),
            done_of_all(d),
            first.is_number() ? duration(first.to_number<double>()) : "-",
            last.is_number() ? duration(last.to_number<double>()) : "-",
            last_evidence(d)};
}

std::string delivery_table(std::vector<std::vector<std::string>> rows) {
    std::ranges::stable_sort(rows,
                             [](const auto& a, const auto& b) { return trouble(a) > trouble(b); });
    return table({{"CHANNEL"},
                  {"ENDPOINT"},
                  {"STATE"},
                  {"DONE / ALL", true},
                  {"FIRST", true},
                  {"LAST", true},
                  {"NOTE", false, true}},
                 rows);
}

std::string status_screen(const json::value& alert, const json::value& deliveries) {
    auto out = fmt::format("{}  {}\n{}  {}  until {}\n", level(text(alert, "level"), colours()),
                           fit(plain(text(alert, "headline")), 66), text(alert, "mode"),
                           text(alert, "state"), text(alert, "expires"));
    std::vector<std::vector<std::string>> rows;
    if (const auto* list = at(deliveries, "items").if_array())
        for (const auto& d : *list) rows.push_back(delivery_row(d));
    const auto failed = std::ranges::count_if(rows, trouble);
    out += delivery_table(rows);
    if (failed > 0)
        out += fmt::format("{} failed: tocsin deliveries {} --state failed\n", failed,
                           text(alert, "id").substr(0, 12));
    return out;
}

/// The events say when to look again; the alert itself says what is so.
int follow_alert(const Context& context, std::string_view role, const std::string& id) {
    auto watching = context;
    watching.where.timeout_s = 24 * 3600;
    const auto events = client_for(watching, role);
    const auto client = client_for(context, role);
    if (!events || !client) return fail(context, client.error());
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = true; };
    sigaction(SIGINT, &action, nullptr);
    std::optional<int> code;
    auto drawn = std::chrono::steady_clock::time_point();
    const auto look =
        [&](std::string_view) {  // at most five times a second, and never skips the last
            std::this_thread::sleep_until(drawn + std::chrono::milliseconds(200));
            drawn = std::chrono::steady_clock::now();
            code = draw(context, *client, id);
            return !code && !interrupted;
        };
    while (look("")) {
        const auto answer = events->stream(
            {.path = "/v1/alerts/" + escaped_url(id) + "/events", .accept = "text/event-stream"},
            look);
        if (!answer && !interrupted) return fail(context, answer.error());
        if (answer && !answer->well() && !code) return fail(context, *answer);
    }
    if (code) return *code;
    std::cerr << "tocsin: stopped watching; the alert goes on: tocsin status " << id.substr(0, 12)
              << "\n";
    return done;
}

}  // namespace tocsin::cli
