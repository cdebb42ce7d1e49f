#include "server/cap/table.hpp"

#include <array>

namespace tocsin::cap {
namespace {

using enum Tag;
constexpr bool must = true, may = false, many = true, once = false;

// clang-format off
constexpr Child alert_children[] = {
    {identifier,  must, once}, {sender,     must, once}, {sent,        must, once},
    {status,      must, once}, {msg_type,   must, once}, {source,      may,  once},
    {scope,       must, once}, {restriction, may, once}, {addresses,   may,  once},
    {code,        may,  many}, {note,        may, once}, {references,  may,  once},
    {incidents,   may,  once}, {info,        may, many}};

constexpr Child info_children[] = {
    {language,    may,  once}, {category,    must, many}, {event,       must, once},
    {response_type, may, many}, {urgency,    must, once}, {severity,    must, once},
    {certainty,   must, once}, {audience,    may,  once}, {event_code,  may,  many},
    {effective,   may,  once}, {onset,       may,  once}, {expires,     may,  once},
    {sender_name, may,  once}, {headline,    may,  once}, {description, may,  once},
    {instruction, may,  once}, {web,         may,  once}, {contact,     may,  once},
    {parameter,   may,  many}, {resource,    may,  many}, {area,        may,  many}};

constexpr Child resource_children[] = {
    {resource_desc, must, once}, {mime_type, must, once}, {size,   may, once},
    {uri,           may,  once}, {deref_uri, may,  once}, {digest, may, once}};

constexpr Child area_children[] = {
    {area_desc, must, once}, {polygon,  may, many}, {circle,  may, many},
    {geocode,   may,  many}, {altitude, may, once}, {ceiling, may, once}};

constexpr Child pair_children[] = {{value_name, must, once}, {value, must, once}};

constexpr std::string_view statuses[] = {"Actual", "Exercise", "System", "Test", "Draft"};
constexpr std::string_view msg_types[] = {"Alert", "Update", "Cancel", "Ack", "Error"};
constexpr std::string_view scopes[] = {"Public", "Restricted", "Private"};
constexpr std::string_view categories[] = {"Geo", "Met", "Safety", "Security", "Rescue", "Fire",
    "Health", "Env", "Transport", "Infra", "CBRNE", "Other"};
constexpr std::string_view responses[] = {"Shelter", "Evacuate", "Prepare", "Execute", "Avoid",
    "Monitor", "Assess", "AllClear", "None"};
constexpr std::string_view urgencies[] = {"Immediate", "Expected", "Future", "Past", "Unknown"};
constexpr std::string_view severities[] = {"Extreme", "Severe", "Moderate", "Minor", "Unknown"};
constexpr std::string_view certainties[] = {"Observed", "Likely", "Possible", "Unlikely",
    "Unknown"};

constexpr Element elements[] = {
    {alert,         "alert",        Type::children, alert_children},
    {identifier,    "identifier",   Type::text},
    {sender,        "sender",       Type::text},
    {sent,          "sent",         Type::time},
    {status,        "status",       Type::word, {}, statuses},
    {msg_type,      "msgType",      Type::word, {}, msg_types},
    {source,        "source",       Type::text},
    {scope,         "scope",        Type::word, {}, scopes},
    {restriction,   "restriction",  Type::text},
    {addresses,     "addresses",    Type::text},
    {code,          "code",         Type::text},
    {note,          "note",         Type::text},
    {references,    "references",   Type::text},
    {incidents,     "incidents",    Type::text},
    {info,          "info",         Type::children, info_children},
    {language,      "language",     Type::language},
    {category,      "category",     Type::word, {}, categories},
    {event,         "event",        Type::text},
    {response_type, "responseType", Type::word, {}, responses},
    {urgency,       "urgency",      Type::word, {}, urgencies},
    {severity,      "severity",     Type::word, {}, severities},
    {certainty,     "certainty",    Type::word, {}, certainties},
    {audience,      "audience",     Type::text},
    {event_code,    "eventCode",    Type::children, pair_children},
    {effective,     "effective",    Type::time},
    {onset,         "onset",        Type::time},
    {expires,       "expires",      Type::time},
    {sender_name,   "senderName",   Type::text},
    {headline,      "headline",     Type::text},
    {description,   "description",  Type::text},
    {instruction,   "instruction",  Type::text},
    {web,           "web",          Type::uri},
    {contact,       "contact",      Type::text},
    {parameter,     "parameter",    Type::children, pair_children},
    {resource,      "resource",     Type::children, resource_children},
    {area,          "area",         Type::children, area_children},
    {resource_desc, "resourceDesc", Type::text},
    {mime_type,     "mimeType",     Type::text},
    {size,          "size",         Type::integer},
    {uri,           "uri",          Type::uri},
    {deref_uri,     "derefUri",     Type::text},
    {digest,        "digest",       Type::text},
    {area_desc,     "areaDesc",     Type::text},
    {polygon,       "polygon",      Type::text},
    {circle,        "circle",       Type::text},
    {geocode,       "geocode",      Type::children, pair_children},
    {altitude,      "altitude",     Type::decimal},
    {ceiling,       "ceiling",      Type::decimal},
    {value_name,    "valueName",    Type::text},
    {value,         "value",        Type::text},
};
// clang-format on

consteval bool in_order() {
    int at = 0;
    for (const auto& row : elements)
        if (static_cast<int>(row.tag) != at++) return false;
    return at == static_cast<int>(value) + 1;
}
static_assert(in_order(), "a tag is the number of its row");

}  // namespace

const Element& element(Tag tag) { return elements[static_cast<std::size_t>(tag)]; }

std::string_view name(Tag tag) { return element(tag).name; }

int place(Tag parent, std::string_view child) {
    const auto children = element(parent).children;
    for (std::size_t i = 0; i < children.size(); ++i)
        if (name(children[i].tag) == child) return static_cast<int>(i);
    return -1;
}

}  // namespace tocsin::cap
