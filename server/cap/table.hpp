#pragma once
#include <cstdint>
#include <span>
#include <string_view>

/// The elements of CAP 1.2 (OASIS CAP 1.2, section 3.4): order, cardinality, type, words. Our own
/// table instead of the OASIS schema: it names the fault and the cure, and reports all at once.
namespace tocsin::cap {

inline constexpr std::string_view cap_namespace = "urn:oasis:names:tc:emergency:cap:1.2";
inline constexpr std::string_view signature_namespace = "http://www.w3.org/2000/09/xmldsig#";

enum class Tag : std::uint8_t {
    // clang-format off
    alert, identifier, sender, sent, status, msg_type, source, scope, restriction, addresses, code,
    note, references, incidents, info,
    language, category, event, response_type, urgency, severity, certainty, audience, event_code,
    effective, onset, expires, sender_name, headline, description, instruction, web, contact,
    parameter, resource, area,
    resource_desc, mime_type, size, uri, deref_uri, digest,
    area_desc, polygon, circle, geocode, altitude, ceiling,
    value_name, value,
    // clang-format on
};

enum class Type : std::uint8_t { children, text, word, time, language, uri, integer, decimal };

struct Child {
    Tag tag;
    bool required;
    bool many;
};

struct Element {
    Tag tag;
    std::string_view name;
    Type type;
    std::span<const Child> children = {};
    std::span<const std::string_view> words = {};
};

const Element& element(Tag tag);
std::string_view name(Tag tag);
/// Place of a child in its parent's order, or -1: not a child of it.
int place(Tag parent, std::string_view child);

}  // namespace tocsin::cap
