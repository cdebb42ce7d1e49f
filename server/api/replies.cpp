#include "server/replies/replies.hpp"

#include "server/api/calls.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <charconv>

/// What phones replied: who has read an alert, and words that an operator should read.
namespace tocsin::api {
namespace {

namespace json = boost::json;

constexpr std::size_t limit_usual = 100, limit_most = 1000;

/// A stream id, "1720000000000-0": anything else never came from us.
bool is_cursor(std::string_view text) {
    const auto digits = [](std::string_view part) {
        return !part.empty() && part.find_first_not_of("0123456789") == part.npos;
    };
    const auto dash = text.find('-');
    return text.size() < 40 && dash != text.npos && digits(text.substr(0, dash)) &&
           digits(text.substr(dash + 1));
}

std::optional<std::size_t> limit_in(const Request& request) {
    const auto text = request.parameter("limit");
    if (!text) return limit_usual;
    std::size_t limit = 0;
    const auto* all = text->data() + text->size();
    const auto [end, error] = std::from_chars(text->data(), all, limit);
    if (error != std::errc() || end != all || limit == 0 || limit > limit_most) return std::nullopt;
    return limit;
}

json::object render(const replies::Unread& reply) {
    return {{"id", reply.id},
            {"number", reply.number == 0 ? std::string() : fmt::format("+{}", reply.number)},
            {"from", utf8(reply.from)},
            {"endpoint", reply.endpoint},
            {"words", utf8(reply.words)},
            {"at", rfc3339(reply.at)}};
}

json::object render(const replies::Acknowledged& one) {
    json::object out{{"number", fmt::format("+{}", one.number)},
                     {"endpoint", one.endpoint},
                     {"at", rfc3339(one.at)}};
    if (!one.role.empty()) out["role"] = one.role;
    return out;
}

}  // namespace

void list_acknowledgements(Shared& shared, std::shared_ptr<Exchange> exchange) {
    if (!shared.deps.replies)
        return refuse(*exchange, problem("unavailable", "no endpoint here can be replied to"));
    with_alert(
        shared, exchange, [&shared, exchange](const ledger::AlertRecord& alert, const auto&) {
            auto then = back<std::vector<replies::Acknowledged>>(
                exchange, [exchange](const std::vector<replies::Acknowledged>& all) {
                    json::array items;
                    for (const auto& one : all) items.push_back(render(one));
                    send(*exchange, 200, json::object{{"items", std::move(items)}, {"next", ""}});
                });
            on_core(shared, [&shared, id = alert.id, then] {
                shared.deps.replies->acknowledged(id, then);
            });
        });
}

void list_replies(Shared& shared, std::shared_ptr<Exchange> exchange) {
    if (!shared.deps.replies)
        return refuse(*exchange, problem("unavailable", "no endpoint here can be replied to"));
    const auto limit = limit_in(exchange->request);
    const auto cursor = exchange->request.parameter("cursor");
    if (!limit || (cursor && !is_cursor(*cursor)))
        return refuse(*exchange,
                      problem("unknown-parameter", limit ? "cursor is none of ours"
                                                         : "limit is a number from 1 to 1000"));
    auto then = back<std::vector<replies::Unread>>(
        exchange, [exchange, limit = *limit](const std::vector<replies::Unread>& all) {
            json::array items;
            for (const auto& one : all) items.push_back(render(one));
            send(*exchange, 200,
                 json::object{{"items", std::move(items)},
                              {"next", all.size() < limit ? std::string() : all.back().id}});
        });
    on_core(shared, [&shared, limit = *limit, before = cursor.value_or(""), then] {
        shared.deps.replies->unread(limit, before, then);
    });
}

}  // namespace tocsin::api
