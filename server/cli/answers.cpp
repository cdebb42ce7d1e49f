#include "server/cli/answers.hpp"

#include "server/cli/screen.hpp"

#include <boost/json.hpp>
#include <unistd.h>

#include <iostream>

namespace tocsin::cli {

namespace json = boost::json;

namespace {

int status_of(Cause cause) {
    switch (cause) {
        case Cause::unreachable: return unreachable;
        case Cause::malformed: return usage;
        case Cause::refused:
        case Cause::over_limit:
        case Cause::internal: return refused;
    }
    return refused;
}

void print_error(const Context& context,
                 std::string_view type,
                 std::string_view title,
                 std::string_view detail,
                 std::string_view hint) {
    if (context.json)
        return print(json::object{
            {"error", {{"type", type}, {"title", title}, {"detail", detail}, {"hint", hint}}}});
    std::cerr << "tocsin: " << title;
    if (!detail.empty()) std::cerr << ": " << plain(detail);
    std::cerr << "\n";
    if (!hint.empty()) std::cerr << "  " << plain(hint) << "\n";
}

json::value parsed(const std::string& body) {
    boost::system::error_code bad;
    auto value = json::parse(body, bad);
    return bad ? json::value(nullptr) : value;
}

}  // namespace

const json::value& at(const json::value& value, std::string_view path) {
    static const json::value none;
    const auto* here = &value;
    while (!path.empty()) {
        const auto dot = path.find('.');
        const auto* object = here->if_object();
        const auto* next = object ? object->if_contains(path.substr(0, dot)) : nullptr;
        if (!next) return none;
        here = next;
        path = dot == path.npos ? std::string_view() : path.substr(dot + 1);
    }
    return *here;
}

std::string text(const json::value& value, std::string_view path, std::string_view fallback) {
    const auto& found = at(value, path);
    if (found.is_string()) return std::string(found.get_string());
    return found.is_null() ? std::string(fallback) : json::serialize(found);
}

std::uint64_t number(const json::value& value, std::string_view path) {
    boost::system::error_code bad;
    const auto count = at(value, path).to_number<std::uint64_t>(bad);
    return bad ? 0 : count;
}

void print(const json::value& value) { std::cout << json::serialize(value) << "\n"; }

int fail(const Context& context, const Fault& fault) {
    const auto* hint = fault.cause == Cause::unreachable
                           ? "is tocsind running, and are --url and --ca right?"
                           : "";
    const auto* title = fault.cause == Cause::unreachable ? "cannot reach the server"
                        : fault.cause == Cause::malformed ? "cannot read"
                                                          : "refused";
    print_error(context, "about:blank", title, fault.what, hint);
    return status_of(fault.cause);
}

int fail(const Context& context, const Answer& answer) {
    const auto problem = parsed(answer.body);
    const auto title = text(problem, "title", "refused");
    if (context.json) {
        json::object error{{"type", text(problem, "type", "about:blank")},
                           {"title", title},
                           {"status", answer.status},
                           {"detail", text(problem, "detail")},
                           {"hint", ""}};
        if (const auto& violations = at(problem, "violations"); violations.is_array())
            error["violations"] = violations;
        print(json::object{{"error", std::move(error)}});
        return refused;
    }
    print_error(context, "", fmt::format("refused ({})", answer.status),
                text(problem, "detail", title), "");
    if (const auto* violations = at(problem, "violations").if_array())
        for (const auto& v : *violations)
            std::cerr << fmt::format("  line {} {}  {}  {}\n            {}\n", number(v, "line"),
                                     text(v, "severity"), text(v, "rule"), text(v, "element"),
                                     plain(text(v, "message")));
    return refused;
}

Result<Client> client_for(const Context& context, std::string_view role) {
    auto to = reach(context.where, role);
    if (!to) return to.error();
    return Client(to->url, to->token, to->ca, std::chrono::seconds(context.where.timeout_s));
}

std::optional<json::value> ask(const Context& context,
                               std::string_view role,
                               const Call& call,
                               int& code) {
    const auto client = client_for(context, role);
    if (!client) return code = fail(context, client.error()), std::nullopt;
    const auto answer = client->ask(call);
    if (!answer) return code = fail(context, answer.error()), std::nullopt;
    if (!answer->well()) return code = fail(context, *answer), std::nullopt;
    code = done;
    return parsed(answer->body);
}

Result<std::string> whole_id(const Client& client, const std::string& prefix) {
    if (prefix.size() >= 27) return prefix;
    const auto answer = client.ask({.path = "/v1/alerts?limit=1000"});
    if (!answer) return answer.error();
    if (!answer->well()) return prefix;
    std::vector<std::string> found;
    const auto page = parsed(answer->body);
    if (const auto* items = at(page, "items").if_array())
        for (const auto& item : *items)
            if (auto id = text(item, "id"); id.starts_with(prefix)) found.push_back(std::move(id));
    if (found.size() == 1) return found.front();
    if (found.empty()) return Fault{Cause::refused, "no alert's id begins with " + prefix};
    return Fault{Cause::refused,
                 fmt::format("{} is not unique: {}", prefix, fmt::join(found, ", "))};
}

int sure(const Context& context, const std::string& question, bool yes) {
    if (yes) return done;
    if (!isatty(STDIN_FILENO)) {
        print_error(context, "about:blank", "this needs --yes when there is no terminal to ask on",
                    question, "");
        return usage;
    }
    std::cerr << question << " [y/N] ";
    std::string said;
    std::getline(std::cin, said);
    return said == "y" || said == "Y" || said == "yes" ? done : refused;
}

}  // namespace tocsin::cli
