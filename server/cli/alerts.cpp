#include "server/cli/answers.hpp"
#include "server/cli/follow.hpp"
#include "server/cli/screen.hpp"

#include <boost/json.hpp>

#include <iostream>

namespace tocsin::cli {

namespace json = boost::json;

namespace {

const json::array& items(const json::value& page) {
    static const json::array none;
    const auto* found = at(page, "items").if_array();
    return found ? *found : none;
}

Call cap_call(std::string path, std::string bytes) {
    return {.method = "POST",
            .path = std::move(path),
            .body = std::move(bytes),
            .content_type = "application/cap+xml"};
}

void print_warnings(const json::value& said) {
    if (const auto* list = at(said, "warnings").if_array())
        for (const auto& w : *list)
            std::cerr << fmt::format("  warning {}: {}\n", text(w, "rule"),
                                     plain(text(w, "message")));
}

void print_pace(const json::value& forecast) {
    if (const auto* rate = forecast.as_object().if_contains("rate_per_second"))
        std::cout << fmt::format(
            "  at {} segments a second, {}\n", grouped(std::uint64_t(rate->to_number<double>())),
            at(forecast, "measured") == true ? "as measured" : "as configured");
    if (const auto* list = at(forecast, "languages").if_array())
        for (const auto& l : *list)
            std::cout << fmt::format("  {}: {} people, {} each\n", text(l, "language"),
                                     grouped(number(l, "recipients")),
                                     number(l, "segments_each") == 1
                                         ? "1 segment"
                                         : fmt::format("{} segments", number(l, "segments_each")));
}

/// Of a broadcast: where it is heard, and where it should not be.
void print_cells(const json::value& footprint) {
    const auto* cells =
        footprint.is_object() ? footprint.as_object().if_contains("cells") : nullptr;
    if (!cells) return;
    std::cout << fmt::format("  {} cells", grouped(cells->to_number<std::uint64_t>()));
    const auto share = [&](const char* key) {
        return 100 * at(footprint, key).to_number<double>();
    };
    if (footprint.as_object().contains("bscs")) {
        std::cout << fmt::format(
            " of {} BSCs, heard in {:.0f} % of the area; {:.0f} % of where they "
            "are heard lies outside",
            grouped(number(footprint, "bscs")), share("covered_share"), share("outside_share"));
        if (at(footprint, "people_outside").is_number())
            std::cout << fmt::format(", about {} people",
                                     grouped(number(footprint, "people_outside")));
    }
    std::cout << "\n";
}

void print_forecast(const json::value& said) {
    if (const auto* list = at(said, "forecast").if_array())
        for (const auto& f : *list) {
            std::cout << fmt::format("{}: {} people, {} segments, about {}\n", text(f, "endpoint"),
                                     grouped(number(f, "recipients")),
                                     grouped(number(f, "segments")),
                                     duration(1000 * at(f, "seconds").to_number<double>()));
            print_pace(f);
        }
}

void print_order(const json::value& order) {
    std::cout << fmt::format("\n{} {} ({})\n", text(order, "endpoint"), text(order, "action"),
                             text(order, "mode"));
    print_cells(at(order, "footprint"));
    if (const auto* texts = at(order, "texts").if_array())
        for (const auto& t : *texts)
            if (text(t, "form") != "cap")
                std::cout << fmt::format("  [{} {}] {}\n", text(t, "form"), text(t, "language"),
                                         plain(text(t, "words")));
}

/// A stream of lines or rows to standard output as it comes.
int pour(const Context& context, std::string_view role, const Call& call) {
    const auto client = client_for(context, role);
    if (!client) return fail(context, client.error());
    const auto answer = client->stream(call, [](std::string_view part) {
        std::cout << part;
        return bool(std::cout);
    });
    if (!answer) return fail(context, answer.error());
    return answer->well() ? done : fail(context, *answer);
}

}  // namespace

int plan(const Context& context, const std::string& file) {
    auto bytes = read_input(file);
    if (!bytes) return fail(context, bytes.error());
    int code = 0;
    const auto said = ask(context, "sender", cap_call("/v1/plans", std::move(*bytes)), code);
    if (!said) return code;
    if (context.json) return print(*said), done;
    std::cout << fmt::format("{}  {}  {}\n", level(text(*said, "level"), colours()),
                             plain(text(*said, "headline")), text(*said, "mode"));
    print_forecast(*said);
    if (const auto* orders = at(*said, "orders").if_array())
        for (const auto& order : *orders) print_order(order);
    print_warnings(*said);
    return done;
}

int post(const Context& context,
         const std::string& file,
         bool follow,
         const std::string& override_reason) {
    auto bytes = read_input(file);
    if (!bytes) return fail(context, bytes.error());
    auto path = std::string("/v1/alerts");
    if (!override_reason.empty()) path += "?override=" + escaped_url(override_reason);
    int code = 0;
    const auto said = ask(context, "sender", cap_call(path, std::move(*bytes)), code);
    if (!said) return code;
    const auto id = text(*said, "id");
    if (context.json)
        print(*said);
    else if (!context.quiet)
        std::cout << id << std::endl, print_warnings(*said);
    return follow && !id.empty() ? follow_alert(context, "sender", id) : done;
}

int status(const Context& context, const std::string& prefix, bool follow) {
    if (prefix.empty()) return alerts(context, {"state=active"}, 100);
    const auto client = client_for(context, "agency");
    if (!client) return fail(context, client.error());
    const auto id = whole_id(*client, prefix);
    if (!id) return fail(context, id.error());
    if (follow) return follow_alert(context, "agency", *id);
    int code = 0;
    const auto alert = ask(context, "agency", {.path = "/v1/alerts/" + escaped_url(*id)}, code);
    if (!alert) return code;
    if (context.json) return print(*alert), done;
    const auto rows =
        client->ask({.path = "/v1/alerts/" + escaped_url(*id) + "/deliveries?limit=1000"});
    std::cout << status_screen(
        *alert, rows && rows->well() ? json::parse(rows->body) : json::value(nullptr));
    return done;
}

int alerts(const Context& context, const std::vector<std::string>& filters, std::size_t limit) {
    auto path = "/v1/alerts?limit=" + std::to_string(limit);
    for (const auto& filter : filters) {
        const auto equal = filter.find('=');
        if (equal == filter.npos)
            return fail(context,
                        Fault{Cause::malformed,
                              "a filter is KEY=VALUE, as in state=active or level=red: " + filter});
        path += "&" + escaped_url(filter.substr(0, equal)) + "=" +
                escaped_url(filter.substr(equal + 1));
    }
    int code = 0;
    const auto page = ask(context, "agency", {.path = path}, code);
    if (!page) return code;
    if (context.json) return print(*page), done;
    std::vector<std::vector<std::string>> rows;
    for (const auto& item : items(*page))
        rows.push_back({text(item, "id").substr(0, 12), text(item, "state"), text(item, "mode"),
                        level(text(item, "level"), false), plain(text(item, "headline")),
                        text(item, "sent")});
    std::cout << table(
        {{"ID"}, {"STATE"}, {"MODE"}, {"LEVEL"}, {"HEADLINE", false, true}, {"SENT", false, true}},
        rows);
    return done;
}

int deliveries(const Context& context, const std::string& prefix, const std::string& state) {
    const auto client = client_for(context, "agency");
    if (!client) return fail(context, client.error());
    const auto id = whole_id(*client, prefix);
    if (!id) return fail(context, id.error());
    auto path = "/v1/alerts/" + escaped_url(*id) + "/deliveries?limit=1000";
    if (!state.empty()) path += "&state=" + escaped_url(state);
    std::vector<std::vector<std::string>> rows;
    for (std::string cursor;;) {
        int code = 0;
        const auto page =
            ask(context, "agency",
                {.path = path + (cursor.empty() ? "" : "&cursor=" + escaped_url(cursor))}, code);
        if (!page) return code;
        for (const auto& item : items(*page)) {
            if (context.json)
                print(item);
            else
                rows.push_back(delivery_row(item));
        }
        cursor = text(*page, "next");
        if (cursor.empty()) break;
    }
    if (!context.json) std::cout << delivery_table(rows);
    return done;
}

int recipients(const Context& context,
               const std::string& prefix,
               const std::string& state,
               const std::string& who) {
    const auto client = client_for(context, "operator");
    if (!client) return fail(context, client.error());
    const auto id = whole_id(*client, prefix);
    if (!id) return fail(context, id.error());
    const auto base = "/v1/alerts/" + escaped_url(*id) + "/recipients";
    if (who.empty())
        return pour(context, "operator",
                    {.path = base + (state.empty() ? "" : "?state=" + escaped_url(state)),
                     .accept = context.json ? "application/x-ndjson" : "text/csv"});
    int code = 0;  // a number never stands in a URL
    const auto said = ask(context, "operator",
                          {.method = "POST",
                           .path = base + "/find",
                           .body = json::serialize(json::object{{"number", who}}),
                           .content_type = "application/json"},
                          code);
    if (said) print(*said);
    return code;
}

int cancel(const Context& context, const std::string& prefix, const std::string& reason, bool yes) {
    const auto client = client_for(context, "sender");
    if (!client) return fail(context, client.error());
    const auto id = whole_id(*client, prefix);
    if (!id) return fail(context, id.error());
    int code =
        sure(context, "Cancel " + *id + " on every endpoint that it reached?", yes || context.json);
    if (code != done) return code;
    const auto said = ask(context, "sender",
                          {.method = "POST",
                           .path = "/v1/alerts/" + escaped_url(*id) + "/cancel",
                           .body = json::serialize(json::object{{"reason", reason}}),
                           .content_type = "application/json"},
                          code);
    if (!said) return code;
    if (context.json)
        print(*said);
    else if (!context.quiet)
        std::cout << text(*said, "id") << "\n";
    return done;
}

}  // namespace tocsin::cli
