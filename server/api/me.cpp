#include "server/api/calls.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace tocsin::api {
namespace {

namespace json = boost::json;

json::array list(const std::vector<std::string>& values) {
    json::array out;
    for (const auto& value : values) out.emplace_back(value);
    return out;
}

template <class Value> json::array words(const std::vector<Value>& values) {
    json::array out;
    for (const auto value : values) out.emplace_back(authority::word(value));
    return out;
}

}  // namespace

void show_me(Shared&, std::shared_ptr<Exchange> exchange) {
    const auto& who = **asker(*exchange).who;
    send(*exchange, 200,
         json::object{
             {"name", who.name},
             {"person", who.person},
             {"role", authority::word(who.role)},
             {"cap_senders", list(who.cap_senders)},
             {"areas", list(who.areas)},
             {"levels", words(who.levels)},
             {"events", list(who.events)},
             {"modes", words(who.modes)},
             {"recipients", who.recipients || who.role == authority::Role::operator_},
             {"expires", who.expires ? json::value(rfc3339(*who.expires)) : json::value(nullptr)}});
}

}  // namespace tocsin::api
