#include "channels/web/feed.hpp"

#include <boost/json.hpp>

namespace tocsin::web {
namespace {

namespace json = boost::json;

constexpr int version = 1;

json::object to_json(const Entry& e) {
    json::array words;
    for (const auto& w : e.words) words.push_back({w.language, w.headline, w.page});
    return {{"ordinal", e.id.ordinal},
            {"revision", e.id.revision},
            {"lifted", e.state == State::lifted},
            {"level", int(e.level)},
            {"msg_type", e.msg_type},
            {"facts",
             {e.facts.event, e.facts.severity, e.facts.urgency, e.facts.certainty, e.facts.sender,
              e.facts.identifier}},
            {"sent", e.facts.sent.time_since_epoch().count()},
            {"onset", e.facts.onset.time_since_epoch().count()},
            {"expires", e.expires.time_since_epoch().count()},
            {"words", std::move(words)},
            {"regions", json::value_from(e.regions)},
            {"geometry", e.geometry},
            {"cap", e.cap}};
}

Instant instant(const json::value& value) {
    return Instant(std::chrono::milliseconds(value.to_number<std::int64_t>()));
}

std::string text(const json::value& value) { return json::value_to<std::string>(value); }

Entry from_json(const json::value& v) {
    Entry e;
    e.id = {v.at("ordinal").to_number<std::uint32_t>(),
            v.at("revision").to_number<std::uint16_t>()};
    e.state = v.at("lifted").as_bool() ? State::lifted : State::in_force;
    e.level = contract::Level(v.at("level").to_number<std::uint8_t>());
    e.msg_type = text(v.at("msg_type"));
    const auto& facts = v.at("facts").as_array();
    e.facts = {text(facts.at(0)), text(facts.at(1)), text(facts.at(2)),     text(facts.at(3)),
               text(facts.at(4)), text(facts.at(5)), instant(v.at("sent")), instant(v.at("onset"))};
    e.expires = instant(v.at("expires"));
    for (const auto& w : v.at("words").as_array())
        e.words.push_back({text(w.at(0)), text(w.at(1)), text(w.at(2))});
    e.regions = json::value_to<std::vector<std::string>>(v.at("regions"));
    e.geometry = text(v.at("geometry"));
    e.cap = text(v.at("cap"));
    return e;
}

}  // namespace

std::string pack(const Entries& entries) {
    json::array all;
    for (const auto& [_, entry] : entries) all.push_back(to_json(entry));
    return json::serialize(json::object{{"version", version}, {"entries", std::move(all)}});
}

Result<Entries> unpack(std::string_view bytes) try {
    const auto value = json::parse(bytes);
    if (value.at("version").to_number<int>() != version)
        return Fault{Cause::malformed, "state of another version"};
    Entries entries;
    for (const auto& one : value.at("entries").as_array()) {
        auto entry = from_json(one);
        entries[entry.id.ordinal] = std::move(entry);
    }
    return entries;
} catch (const std::exception& error) {
    return Fault{Cause::malformed, std::string("state of the site: ") + error.what()};
}

}  // namespace tocsin::web
