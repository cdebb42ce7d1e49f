#pragma once
#include "server/area/atlas.hpp"
#include "server/cap/alert.hpp"
#include "server/cap/judge.hpp"
#include "server/contract/channel.hpp"
#include "server/plan/census.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>

namespace tocsin::area {
class CellMap;  // server/area/cell_map.hpp
}

/// From an alert to orders: which endpoints, whom, in which words, how long (design.md 3.4, 12).
/// Pure: no clock, no Redis, no socket.
namespace tocsin::plan {

using contract::Action, contract::Depth, contract::Footprint, contract::Level, contract::Mode;

/// One endpoint as the planner sees it; app makes it from configuration and the channel's
/// capabilities.
struct Endpoint {
    std::string name, channel;
    std::string bearer;              // independent ways of reaching people: "sms", "web", "tv", ...
    std::vector<std::string> areas;  // region codes that it reaches; empty reaches nobody
    bool live = false;               // the peer is the public; else a sandbox
    Depth drills = Depth::platform;  // on a live peer: how deep drills may go
    std::string sandbox;             // a live endpoint's twin for drills; may be empty
    std::string backup;              // carried there when this one fails
    bool backup_only = false;        // gets orders only as somebody's backup
    std::vector<std::string> languages;  // empty: the city's
    std::vector<contract::Budget> budgets;
    contract::Said highest = contract::Said::handed;
    bool bulk = false;
    std::string audience;  // of a bulk endpoint
    bool red_overrides_opt_out = false;
    bool withdraws = true, updates_in_place = true;
    double rate = 0;          // of a bulk endpoint: segments a second, for the forecast
    bool restricted = false;  // carries alerts of scope Restricted and Private too (CAP rule B22)
    std::vector<contract::Radio> cells;  // it broadcasts to cells of these technologies ...
    std::vector<std::string> bscs;       // ... of these BSCs; empty: of all in the map
};

struct Note {
    std::string rule, message;
};

struct Forecast {
    std::string endpoint;
    std::uint64_t recipients = 0, segments = 0;
    double seconds = 0;
    double rate = 0;        // segments a second that this is reckoned with
    bool measured = false;  // by what its links did last; else as configured
    struct Language {
        std::string language;
        std::uint64_t recipients = 0, segments_each = 0;
    };
    std::vector<Language> languages = {};  // of the texts, in their order
};

/// Measured segments a second, by endpoint.
using Rates = std::map<std::string, double, std::less<>>;

/// How well the cells of one endpoint fit what is warned.
struct CellReach {
    std::string endpoint;
    std::uint64_t cells = 0, bscs = 0;
    double place_km2 = 0;                              // what is warned
    double covered_km2 = 0;                            // of that, where one of the cells is heard
    double outside_km2 = 0;                            // beyond it, where one is heard too
    std::optional<std::uint64_t> people_outside = {};  // estimate; nothing: nobody is listed
    double overshoot() const {
        const auto all = covered_km2 + outside_km2;
        return all > 0 ? outside_km2 / all : 0;
    }
};

struct Order {
    std::string endpoint;
    Action action = Action::publish;
    std::vector<contract::Text> texts;
    Footprint footprint;
    std::string audience_version;       // bulk: "<name>/<version>"
    std::vector<std::uint32_t> groups;  // bulk: indices into that audience's groups
    std::string sense;  // bulk: digest of what the words say, whether new or updated
    std::vector<Group> people =
        {};  // bulk: those groups as they were: an import later changes nothing
};

/// What one language was told: needed by the update or cancel that follows.
struct Spoken {
    std::string language, event, sender;
    std::string digest;  // of the sender's own words; empty if it had none in this language
};

struct Plan {
    Mode mode = Mode::test;
    Depth depth = Depth::front_end;
    Level level = Level::blue;
    Instant sent{}, expires{};
    contract::Facts facts;
    std::string event_key;             // "rainstorm": folder of the templates; empty: unknown
    std::string event_class;           // "natural", "accident", "health", "security" or empty
    std::string event_code;            // CN:eventType as said
    std::string headline;              // in the city's first language
    std::vector<std::string> regions;  // covered, in code order
    std::vector<area::Ring> polygons;  // as said, for the web
    std::vector<area::Circle> circles;
    std::vector<Order> orders;  // by endpoint name
    /// Bulk orders of an earlier revision that this one leaves as they are (an update that changes
    /// neither text nor level): nothing is sent, and a cancel still finds whom they reached.
    std::vector<Order> standing;
    std::vector<Spoken> spoken;
    std::vector<Note> warnings;
    std::vector<Forecast> forecast;
    std::vector<CellReach> cell_reach;
    std::string sha256;  // over area, endpoints, words, mode: what is approved (A5)
};

/// The shapes that the alert draws, as one GeoJSON MultiPolygon for maps (RFC 7946: longitude first;
/// circles by 64 points); empty if it names its area by codes only.
std::string geojson(const Plan& plan);

std::string pack(const Plan& plan);
Result<Plan> unpack(std::string_view bytes);

struct Request {
    const cap::Alert* alert = nullptr;
    std::string_view received;  // the CAP bytes, for Form::cap
    Mode mode = Mode::test;
    Depth depth = Depth::front_end;
    const Plan* before =
        nullptr;            // of the revision that this one updates or cancels; null: none known
    bool cancels = false;   // an Update whose Cancel came first is planned as a Cancel too
    bool corrects = false;  // of a Cancel: what it takes back was sent by mistake
    Instant now{};          // only for the words and the forecast
    const Rates* rates = nullptr;  // of endpoints that have been measured
};

struct Made {
    std::optional<Plan> plan;                // only if no violation is an error
    std::vector<cap::Violation> violations;  // area, event, clock-free rules of sections C13, E, F
};

/// What the planner knows of the city; immutable, swapped whole on reload.
struct City {
    std::shared_ptr<const area::Atlas> atlas;
    std::shared_ptr<const area::CellMap> cells;  // null: the city says nothing of its cells
    std::vector<Endpoint> endpoints;
    std::vector<std::string> languages{"zh-CN", "en-US"};
    std::string name_zh = "北京", name_en = "Beijing";
    std::string signature_zh = "北京预警", signature_en = "Beijing Alert";  // 【…】 in front of SMS
    std::chrono::minutes utc_offset{480};
    std::chrono::hours default_life{24};  // C8: where the alert has no expires
    std::filesystem::path templates;
};

class CellGround;  // server/plan/cells.hpp
class Templates;   // all words, parsed and checked once; server/plan/templates.hpp

class Planner {
public:
    /// Loads and checks all templates; the fault lists every template with a missing variable,
    /// unknown variable or syntax fault, with file and line.
    static Result<std::shared_ptr<const Planner>> make(City city);
    /// Thread safe. `census` is as of now.
    Made make_plan(const Request& request, const Census& census) const;
    const City& city() const { return city_; }
    /// "rainstorm" -> "natural"; empty for what is no event.
    std::string event_class(std::string_view key) const;

private:
    Planner() = default;

    City city_;
    std::shared_ptr<const Templates> templates_;
    std::shared_ptr<const CellGround> ground_;
};

/// red..blue of an alert: `CN:severity` or colour words of a profile first, else severity.
Level level_of(const cap::Info& info);
const char* word(Level level);    // "red"
const char* word(Mode mode);      // "live", "exercise", "test", "replay"
const char* word(Depth depth);    // "platform", "front_end", "terminal"
const char* word(Action action);  // "publish", "update", "withdraw"
/// CAP status -> mode (Actual live; Exercise exercise; Test, System test). Draft has none.
std::optional<Mode> mode_of(cap::Status status);

}  // namespace tocsin::plan
