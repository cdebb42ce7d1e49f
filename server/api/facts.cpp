#include "server/api/facts.hpp"

#include "server/api/render.hpp"
#include "server/authority/credential.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace tocsin::api {
namespace {

namespace json = boost::json;

json::array list(const std::vector<std::string>& values) {
    json::array out;
    for (const auto& value : values) out.emplace_back(utf8(value));
    return out;
}

std::string text(const json::object& from, std::string_view key) {
    const auto* found = from.if_contains(key);
    return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::vector<std::string> texts(const json::object& from, std::string_view key) {
    std::vector<std::string> out;
    const auto* found = from.if_contains(key);
    if (!found || !found->is_array()) return out;
    for (const auto& one : found->get_array())
        if (one.is_string()) out.emplace_back(one.get_string());
    return out;
}

template <class T> T number(const json::object& from, std::string_view key) {
    const auto* found = from.if_contains(key);
    boost::system::error_code error;
    const auto value = found ? found->to_number<T>(error) : T{};
    return error ? T{} : value;
}

contract::Level level_of_word(std::string_view word) {
    using enum contract::Level;
    for (const auto level : {yellow, orange, red})
        if (word == authority::word(level)) return level;
    return blue;
}

plan::Forecast forecast(const json::object& row) {
    plan::Forecast out{text(row, "endpoint"), number<std::uint64_t>(row, "recipients"),
                       number<std::uint64_t>(row, "segments"), number<double>(row, "seconds"),
                       number<double>(row, "rate_per_second")};
    if (const auto* measured = row.if_contains("measured"))
        out.measured = measured->is_bool() && measured->get_bool();
    if (const auto* list = row.if_contains("languages"); list && list->is_array())
        for (const auto& one : list->get_array())
            if (const auto* of = one.if_object())
                out.languages.push_back({text(*of, "language"),
                                         number<std::uint64_t>(*of, "recipients"),
                                         number<std::uint64_t>(*of, "segments_each")});
    return out;
}

void read_lists(const json::object& from, AlertFacts& out) {
    if (const auto* list = from.if_contains("warnings"); list && list->is_array())
        for (const auto& one : list->get_array())
            if (const auto* note = one.if_object())
                out.warnings.push_back({text(*note, "rule"), text(*note, "message")});
    if (const auto* list = from.if_contains("forecast"); list && list->is_array())
        for (const auto& one : list->get_array())
            if (const auto* row = one.if_object()) out.forecast.push_back(forecast(*row));
}

}  // namespace

std::string to_json(const AlertFacts& f) {
    const json::object out{{"sender", utf8(f.sender)},
                           {"identifier", utf8(f.identifier)},
                           {"sent", f.sent},
                           {"status", f.status},
                           {"msg_type", f.msg_type},
                           {"scope", f.scope},
                           {"event", utf8(f.event)},
                           {"headline", utf8(f.headline)},
                           {"categories", list(f.categories)},
                           {"regions", list(f.regions)},
                           {"level", authority::word(f.level)},
                           {"plan_sha256", f.plan_sha256},
                           {"credential", f.credential},
                           {"person", f.person},
                           {"override", utf8(f.override_reason)},
                           {"references", list(f.references)},
                           {"orders", f.orders},
                           {"warnings", render(f.warnings)},
                           {"forecast", render(f.forecast)}};
    return json::serialize(out);
}

AlertFacts read_facts(std::string_view bytes) {
    AlertFacts out;
    boost::system::error_code error;
    const auto value = json::parse(bytes, error);
    const auto* from = error ? nullptr : value.if_object();
    if (!from) return out;
    out.sender = text(*from, "sender");
    out.identifier = text(*from, "identifier");
    out.sent = text(*from, "sent");
    out.status = text(*from, "status");
    out.msg_type = text(*from, "msg_type");
    out.scope = text(*from, "scope");
    out.event = text(*from, "event");
    out.headline = text(*from, "headline");
    out.categories = texts(*from, "categories");
    out.regions = texts(*from, "regions");
    out.level = level_of_word(text(*from, "level"));
    out.plan_sha256 = text(*from, "plan_sha256");
    out.credential = text(*from, "credential");
    out.person = text(*from, "person");
    out.override_reason = text(*from, "override");
    out.references = texts(*from, "references");
    out.orders = number<std::uint64_t>(*from, "orders");
    read_lists(*from, out);
    return out;
}

AlertFacts facts_of(const cap::Alert& alert, const plan::Plan& plan) {
    AlertFacts out;
    out.sender = alert.sender;
    out.identifier = alert.identifier;
    out.sent = cap::to_text(alert.sent);
    out.status = cap::word(alert.status);
    out.msg_type = cap::word(alert.msg_type);
    out.scope = cap::word(alert.scope);
    out.event = plan.event_key;
    out.headline = plan.headline;
    for (const auto& info : alert.infos)
        for (const auto& category : info.categories)
            if (std::ranges::find(out.categories, category) == out.categories.end())
                out.categories.push_back(category);
    out.regions = plan.regions;
    out.level = plan.level;
    out.plan_sha256 = plan.sha256;
    for (const auto& one : alert.references)
        out.references.push_back(cap::triple(one.sender, one.identifier, one.sent));
    out.orders = plan.orders.size();
    out.warnings = plan.warnings;
    out.forecast = plan.forecast;
    return out;
}

}  // namespace tocsin::api
