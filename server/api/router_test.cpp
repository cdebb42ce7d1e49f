#include "server/api/router.hpp"

#include "server/api/http.hpp"
#include "server/api/problem.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <sstream>

using namespace tocsin::api;

namespace {

/// "GET /v1/alerts" for each operation under `paths:`, by indentation.
std::set<std::string> described() {
    std::set<std::string> out;
    std::istringstream yaml{std::string(description())};
    bool in_paths = false;
    std::string path;
    for (std::string line; std::getline(yaml, line);) {
        if (!line.empty() && line[0] != ' ' && line[0] != '#') in_paths = line == "paths:";
        if (!in_paths) continue;
        if (line.starts_with("  /") && line.ends_with(":")) path = line.substr(2, line.size() - 3);
        for (const auto* method : {"get", "post", "put", "delete"})
            if (line == std::string("    ") + method + ":") {
                std::string upper(method);
                for (char& c : upper) c = char(c - 'a' + 'A');
                out.insert(upper + " " + path);
            }
    }
    return out;
}

std::set<std::string> served() {
    std::set<std::string> out;
    for (const auto& route : routes())
        out.insert(std::string(route.method) + " " + std::string(route.pattern));
    return out;
}

/// The block of one operation.
std::string operation(const Route& route) {
    const std::string yaml(description());
    const auto path = yaml.find("\n  " + std::string(route.pattern) + ":\n");
    REQUIRE(path != yaml.npos);
    std::string method(route.method);
    for (char& c : method) c = char(c - 'A' + 'a');
    const auto from = yaml.find("\n    " + method + ":\n", path);
    REQUIRE(from != yaml.npos);
    auto until = from + 1;
    while ((until = yaml.find('\n', until + 1)) != yaml.npos)
        if (yaml.compare(until, 6, "\n     ") != 0 && yaml.compare(until, 2, "\n\n") != 0) break;
    return yaml.substr(from, until - from);
}

}  // namespace

TEST_CASE("schemas/openapi.yaml describes every route, and nothing else") {
    CHECK(served().size() == routes().size());
    for (const auto& one : served())
        CHECK_MESSAGE(described().contains(one), one << " is not described");
    for (const auto& one : described())
        CHECK_MESSAGE(served().contains(one), one << " is not served");
}

TEST_CASE("schemas/openapi.yaml names every parameter of every route") {
    for (const auto& route : routes()) {
        const auto block = operation(route);
        for (const auto parameter : route.parameters) {
            CAPTURE(route.pattern);
            CAPTURE(parameter);
            const bool inlined = block.find(fmt::format("name: {},", parameter)) != block.npos;
            const bool shared = block.find(fmt::format("parameters/{}'", parameter)) != block.npos;
            CHECK((inlined || shared));
        }
    }
}

TEST_CASE("schemas/openapi.yaml names no parameter that a route does not take") {
    const std::string yaml(description());
    // Of `components/parameters`: those that stand in the query.
    const auto in_query = [&](const std::string& name) {
        const auto at = yaml.find("\n    " + name + ":\n      name: ");
        REQUIRE(at != yaml.npos);
        const auto line = yaml.find("\n      in: ", at);
        return yaml.compare(line, 16, "\n      in: query") == 0;
    };
    for (const auto& route : routes()) {
        const auto block = operation(route);
        const auto taken = [&](const std::string& name) {
            return std::ranges::find(route.parameters, name) != route.parameters.end();
        };
        CAPTURE(route.pattern);
        const std::string inlined = "{name: ", shared = "#/components/parameters/";
        for (auto at = block.find(inlined); at != block.npos; at = block.find(inlined, at + 1)) {
            const auto from = at + inlined.size();
            const auto name = block.substr(from, block.find(',', from) - from);
            const auto rest = block.substr(from, block.find('\n', from) - from);
            CHECK_MESSAGE((rest.find("in: query") == rest.npos || taken(name)), name);
        }
        for (auto at = block.find(shared); at != block.npos; at = block.find(shared, at + 1)) {
            const auto from = at + shared.size();
            const auto name = block.substr(from, block.find('\'', from) - from);
            CHECK_MESSAGE((!in_query(name) || taken(name)), name);
        }
    }
}

TEST_CASE("what is paged takes `cursor` and gives `next`, in the description as in the routes") {
    int paged = 0;
    for (const auto& route : routes()) {
        const auto block = operation(route);
        const auto has = [&](std::string_view text) { return block.find(text) != block.npos; };
        if (std::ranges::find(route.parameters, "cursor") == route.parameters.end()) continue;
        ++paged;
        CAPTURE(route.pattern);
        CHECK(has("parameters/cursor'"));
        CHECK(has("parameters/limit'"));
        CHECK(has("required: [items, next]"));
        CHECK(has("next: {$ref: '#/components/schemas/Cursor'}"));
    }
    CHECK(paged == 3);
}

TEST_CASE("schemas/openapi.yaml knows every type of problem") {
    const std::string yaml(description());
    for (const auto& row : problem_types()) {
        CAPTURE(row.type);
        CHECK(yaml.find(fmt::format("/problems/{}", row.type)) != yaml.npos);
    }
}

TEST_CASE("a path finds its route, its arguments and the methods that it has") {
    struct Row {
        std::string_view method, path, pattern, allow;
        std::vector<std::string> args;
    };
    const Row rows[] = {
        {"POST", "/v1/alerts", "/v1/alerts", "POST, GET, HEAD, OPTIONS", {}},
        {"HEAD", "/v1/alerts", "/v1/alerts", "POST, GET, HEAD, OPTIONS", {}},
        {"GET", "/v1/alerts/l01", "/v1/alerts/{id}", "GET, HEAD, OPTIONS", {"l01"}},
        {"GET", "/v1/alerts/%6C01/cap", "/v1/alerts/{id}/cap", "GET, HEAD, OPTIONS", {"l01"}},
        {"DELETE", "/v1/alerts", "", "POST, GET, HEAD, OPTIONS", {}},
        {"GET", "/v1/alerts/", "", ", OPTIONS", {}},
        {"GET", "/v1//alerts", "", ", OPTIONS", {}},
        {"GET", "/v1/alerts/../me", "", ", OPTIONS", {}},
        {"GET", "/v1/alerts/%zz", "", ", OPTIONS", {}},
        {"GET", "/V1/alerts", "", ", OPTIONS", {}},
        {"POST", "/v1/endpoints/pause", "/v1/endpoints/pause", "POST, GET, HEAD, OPTIONS", {}},
        {"POST",
         "/v1/endpoints/a%2Fb/probe",
         "/v1/endpoints/{name}/probe",
         "POST, OPTIONS",
         {"a/b"}},
        {"GET", "", "", ", OPTIONS", {}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.method);
        CAPTURE(row.path);
        const auto found = match(routes(), row.method, row.path);
        CHECK((found.route ? found.route->pattern : "") == row.pattern);
        CHECK(found.args == row.args);
        CHECK(allow_header(found) == row.allow);
    }
}

TEST_CASE("parameters that nobody knows, or that come twice, are refused by name") {
    const auto* route = match(routes(), "GET", "/v1/alerts").route;
    REQUIRE(route);
    const auto with = [](std::vector<Field> query) {
        Request request;
        request.query = std::move(query);
        return request;
    };
    CHECK(bad_parameter(*route, with({{"state", "active"}, {"level", "red"}})).empty());
    CHECK(bad_parameter(*route, with({{"colour", "red"}})).find("'colour'") != std::string::npos);
    CHECK(bad_parameter(*route, with({{"state", "a"}, {"state", "b"}})).find("twice") !=
          std::string::npos);
}

TEST_CASE("G6: an answer's head cannot be broken by what a peer said") {
    Request request;
    request.id = "r";
    Response response{
        200, "text/plain", "", {{"Location", "/a\r\nSet-Cookie: x=y\r\n\r\n<script>"}}, false};
    const auto head = format_head(response, request, 0, true, true);
    CHECK(head.find("\r\nSet-Cookie") == head.npos);
    CHECK(head.find("\r\n\r\n") == head.size() - 4);
    CHECK(request_id("abc-1.2_3") == "abc-1.2_3");
    for (const auto* bad : {"", "a b", "a\r\nb", "<x>"}) CHECK(request_id(bad) != bad);
    CHECK(request_id(std::string(65, 'a')).size() == 26);
}
