#pragma once
#include "server/base/time.hpp"

#include <optional>
#include <string>
#include <vector>

/// A CAP 1.2 message as values (OASIS CAP 1.2, section 3.2). Nothing is defaulted here that the
/// message did not say, but for `language` (CAP 1.2, 3.2.2: absent means en-US).
namespace tocsin::cap {

enum class Status { actual, exercise, system, test, draft };
enum class MsgType { alert, update, cancel, ack, error };
enum class Scope { public_, restricted, private_ };
enum class Urgency { immediate, expected, future, past, unknown };
enum class Severity { extreme, severe, moderate, minor, unknown };
enum class Certainty { observed, likely, possible, unlikely, unknown };

/// eventCode, parameter, geocode.
struct Named {
    std::string name, value;
    bool operator==(const Named&) const = default;
};

/// A time with the offset it was written with, so that writing gives back what was read.
struct Time {
    Instant at{};
    std::chrono::minutes offset{};
    bool unknown_offset = false;  // "-00:00"
    bool operator==(const Time&) const = default;
};

/// One member of `references`: "sender,identifier,sent".
struct Reference {
    std::string sender, identifier;
    Time sent;
    bool operator==(const Reference&) const = default;
};

/// WGS 84, degrees, CAP's order.
struct Point {
    double lat, lon;
    bool operator==(const Point&) const = default;
};
using Ring = std::vector<Point>;  // first equals last

struct Circle {
    Point centre;
    double radius_km;
    bool operator==(const Circle&) const = default;
};

struct Area {
    std::string desc;
    std::vector<Ring> polygons;
    std::vector<Circle> circles;
    std::vector<Named> geocodes;
    std::optional<double> altitude_ft, ceiling_ft;
    bool operator==(const Area&) const = default;
};

struct Resource {
    std::string desc, mime_type, uri, deref_uri, digest;
    std::optional<std::int64_t> size_bytes;
    bool operator==(const Resource&) const = default;
};

struct Info {
    std::string language = "en-US";
    bool language_given = false;
    std::vector<std::string> categories;  // as written: "Met", "Geo", ...
    std::string event;
    std::vector<std::string> response_types;
    Urgency urgency{};
    Severity severity{};
    Certainty certainty{};
    std::string audience;
    std::vector<Named> event_codes;
    std::optional<Time> effective, onset, expires;
    std::string sender_name, headline, description, instruction, web, contact;
    std::vector<Named> parameters;
    std::vector<Resource> resources;
    std::vector<Area> areas;
    bool operator==(const Info&) const = default;
};

struct Alert {
    std::string identifier, sender;
    Time sent;
    Status status{};
    MsgType msg_type{};
    std::string source;
    Scope scope{};
    std::string restriction;
    std::string addresses;           // as written
    std::vector<std::string> codes;  // kept whether known or not
    std::string note;
    std::vector<Reference> references;
    std::string incidents;
    std::vector<Info> infos;
    bool operator==(const Alert&) const = default;
};

/// The standard's own words: "Actual", "Update", "Extreme", ...
const char* word(Status);
const char* word(MsgType);
const char* word(Scope);
const char* word(Urgency);
const char* word(Severity);
const char* word(Certainty);

/// "2026-07-29T17:30:00+08:00": always with the offset it came with.
std::string to_text(const Time& time);
/// "sender,identifier,sent", the name of a message everywhere (CAP 1.2, 3.2.1 references).
std::string triple(std::string_view sender, std::string_view identifier, const Time& sent);

}  // namespace tocsin::cap
