#include "server/cli/answers.hpp"
#include "server/cli/screen.hpp"

#include <boost/json.hpp>
#include <signal.h>

#include <fstream>
#include <iostream>

namespace tocsin::cli {

namespace json = boost::json;

namespace {

std::string shown(const json::value& item) {
    auto state = text(item, "state", "?");
    if (!text(item, "paused_until").empty()) state += " until " + text(item, "paused_until");
    return state;
}

const json::array& items(const json::value& page) {
    static const json::array none;
    const auto* found = at(page, "items").if_array();
    return found ? *found : none;
}

}  // namespace

int endpoints(const Context& context) {
    int code = 0;
    const auto page = ask(context, "agency", {.path = "/v1/endpoints"}, code);
    if (!page) return code;
    if (context.json) return print(*page), done;
    std::vector<std::vector<std::string>> rows;
    for (const auto& item : items(*page)) {
        const auto& probe = at(item, "last_probe");
        const auto probed = probe.is_null()
                                ? "never"
                                : fmt::format("{} {}", at(probe, "well") == true ? "ok" : "FAILED",
                                              text(probe, "at"));
        rows.push_back({text(item, "name"), text(item, "channel"), shown(item),
                        text(item, "queued", "0"), probed, text(item, "next_retry", "-")});
    }
    std::cout << table({{"NAME"},
                        {"CHANNEL"},
                        {"STATE", false, true},
                        {"QUEUE", true},
                        {"LAST PROBE", false, true},
                        {"NEXT", false, true}},
                       rows);
    return done;
}

int endpoint_act(const Context& context,
                 const std::string& act,
                 const std::string& name,
                 const std::string& until,
                 const std::string& reason) {
    json::object body;
    if (!until.empty()) body["until"] = until;
    if (!reason.empty()) body["reason"] = reason;
    const auto path =
        name == "all" ? "/v1/endpoints/" + act : "/v1/endpoints/" + escaped_url(name) + "/" + act;
    int code = 0;
    const auto said = ask(context, "operator",
                          {.method = "POST",
                           .path = path,
                           .body = json::serialize(body),
                           .content_type = "application/json"},
                          code);
    if (!said) return code;
    if (context.json) return print(*said), done;
    if (!context.quiet)
        std::cout << name << ": " << act << (act == "probe" ? ": " + json::serialize(*said) : "")
                  << "\n";
    return act == "probe" && at(*said, "well") == false ? refused : done;
}

int audience_import(const Context& context, const std::string& name, const std::string& file) {
    int code = 0;
    Call call{
        .method = "PUT", .path = "/v1/audiences/" + escaped_url(name), .content_type = "text/csv"};
    if (file == "-") {
        auto bytes = read_input(file);
        if (!bytes) return fail(context, bytes.error());
        call.body = std::move(*bytes);
    } else {
        call.upload = file;
    }
    const auto said = ask(context, "operator", call, code);
    if (!said) return code;
    if (context.json) return print(*said), done;
    if (!context.quiet)
        std::cout << fmt::format("{}: {} people, {} lines rejected\n", name,
                                 grouped(number(*said, "recipients")),
                                 grouped(number(*said, "rejected")));
    if (const auto* lines = at(*said, "rejected_lines").if_array())
        for (const auto& line : *lines)
            std::cerr << fmt::format("  line {}: {}\n", number(line, "line"),
                                     plain(text(line, "reason")));
    return done;
}

int audience_list(const Context& context) {
    int code = 0;
    const auto page = ask(context, "operator", {.path = "/v1/audiences"}, code);
    if (!page) return code;
    if (context.json) return print(*page), done;
    std::vector<std::vector<std::string>> rows;
    for (const auto& item : items(*page))
        rows.push_back(
            {text(item, "name"), grouped(number(item, "recipients")), text(item, "version")});
    std::cout << table({{"NAME"}, {"PEOPLE", true}, {"VERSION", false, true}}, rows);
    return done;
}

int audience_remove(const Context& context, const std::string& name, bool yes) {
    int code =
        sure(context, "Remove the audience " + name + "? Nobody in it can be reached then.", yes);
    if (code != done) return code;
    const auto said = ask(context, "operator",
                          {.method = "DELETE", .path = "/v1/audiences/" + escaped_url(name)}, code);
    if (said && context.json) print(json::object{{"removed", name}});
    return code;
}

int me(const Context& context) {
    int code = 0;
    const auto said = ask(context, "sender", {.path = "/v1/me"}, code);
    if (said) print(*said);
    return code;
}

int reload(const Context& context) {
    const auto folder = home(context.where);
    if (!folder) return fail(context, folder.error());
    std::ifstream file(*folder / "data" / "tocsind.pid");
    pid_t pid = 0;
    if (!(file >> pid) || pid <= 1 || ::kill(pid, SIGHUP) != 0)
        return fail(context, Fault{Cause::unreachable, "no tocsind runs from " + folder->string()});
    if (context.json)
        print(json::object{{"asked", pid}});
    else if (!context.quiet)
        std::cout << "asked to reload; the log says config.applied or config.refused\n";
    return done;
}

}  // namespace tocsin::cli
