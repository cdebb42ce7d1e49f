#include "server/cli/answers.hpp"
#include "server/cli/screen.hpp"

#include <boost/json.hpp>

#include <iostream>

/// What phones replied: who has read an alert, and words that somebody should read.
namespace tocsin::cli {

namespace json = boost::json;

namespace {

constexpr std::size_t page_most = 1000;  // of the API

const json::array& items(const json::value& page) {
    static const json::array none;
    const auto* found = at(page, "items").if_array();
    return found ? *found : none;
}

/// A number where it could be told, else what the gateway wrote.
std::string sender(const json::value& reply) {
    const auto number = text(reply, "number");
    return number.empty() ? plain(text(reply, "from", "-")) : number;
}

}  // namespace

int acknowledgements(const Context& context, const std::string& prefix) {
    const auto client = client_for(context, "operator");
    if (!client) return fail(context, client.error());
    const auto id = whole_id(*client, prefix);
    if (!id) return fail(context, id.error());
    int code = 0;
    const auto page = ask(context, "operator",
                          {.path = "/v1/alerts/" + escaped_url(*id) + "/acknowledgements"}, code);
    if (!page) return code;
    std::vector<std::vector<std::string>> rows;
    for (const auto& item : items(*page)) {
        if (context.json)
            print(item);
        else
            rows.push_back({text(item, "number"), text(item, "endpoint"), text(item, "role", "-"),
                            text(item, "at")});
    }
    if (!context.json)
        std::cout << table({{"NUMBER"}, {"ENDPOINT", false, true}, {"ROLE"}, {"AT", false, true}},
                           rows);
    return done;
}

/// As many as asked for, by as many pages as that takes; scripts get a line a reply.
int replies(const Context& context, std::size_t limit) {
    std::vector<std::vector<std::string>> rows;
    std::size_t left = limit;
    for (std::string cursor; left > 0;) {
        auto path = fmt::format("/v1/replies?limit={}", std::min(left, page_most));
        if (!cursor.empty()) path += "&cursor=" + escaped_url(cursor);
        int code = 0;
        const auto page = ask(context, "operator", {.path = path}, code);
        if (!page) return code;
        for (const auto& item : items(*page)) {
            if (context.json)
                print(item);
            else
                rows.push_back({text(item, "at"), sender(item), text(item, "endpoint"),
                                plain(text(item, "words"))});
        }
        left -= std::min(left, items(*page).size());
        cursor = text(*page, "next");
        if (cursor.empty()) break;
    }
    if (!context.json)
        std::cout << table({{"AT"}, {"NUMBER"}, {"ENDPOINT", false, true}, {"WORDS", false, true}},
                           rows);
    return done;
}

}  // namespace tocsin::cli
