#include "server/authority/authority.hpp"

#include "server/base/digest.hpp"

#include <doctest/doctest.h>

using namespace tocsin;
using namespace tocsin::authority;

namespace {

const Instant noon = *parse_rfc3339("2026-07-29T12:00:00+08:00");

/// 110000 Beijing holds 110109 and 110111; 110109001 lies in 110109; BJ-F01 lies across both.
Places places() {
    const auto within = [](std::string_view inner, std::string_view outer) {
        return inner == outer || outer == "110000" || (outer == "110109" && inner == "110109001");
    };
    return {within,
            [within](std::string_view a, std::string_view b) {
                return within(a, b) || within(b, a) || a == "BJ-F01" || b == "BJ-F01";
            },
            [](std::string_view code) { return code == "110111" ? "房山区" : ""; }};
}

Credential mentougou() {
    Credential made;
    made.name = "110109";
    made.person = "li";
    made.role = Role::sender;
    made.token_sha256 = sha256_hex("secret-token");
    made.cap_senders = {"cap@mtg.example.org"};
    made.areas = {"110109"};
    made.levels = {Level::blue, Level::yellow, Level::orange};
    made.events = {"rainstorm", "Geo"};
    made.modes = {Mode::exercise, Mode::test};
    return made;
}

Principal as(Credential credential) {
    return Principal(std::make_shared<const Credential>(std::move(credential)));
}

std::string rule(const Credential& who, Act act, const Subject& subject) {
    const auto no = Authority({}, places()).may(as(who), act, subject);
    return no ? no->rule : "";
}

}  // namespace

TEST_CASE("every role may do exactly what its row says") {
    struct Row {
        Act act;
        std::string_view roles;
    };
    // s sender, p approver, o operator, g agency, u auditor, a admin, y player
    const Row rows[] = {
        {Act::post, "s"},      {Act::plan, "so"},      {Act::cancel, "so"},
        {Act::read, "spogua"}, {Act::recipients, "o"}, {Act::see_endpoints, "pogua"},
        {Act::pause, "o"},     {Act::audiences, "o"},  {Act::me, "spoguay"}};
    for (const auto& row : rows)
        for (std::size_t i = 0; i < 7; ++i) {
            auto who = mentougou();
            who.role = Role(i);
            CAPTURE(int(row.act));
            CAPTURE(word(who.role));
            const bool may = row.roles.find("spoguay"[i]) != row.roles.npos;
            CHECK((rule(who, row.act, {}) == (may ? "" : "role-not-allowed")));
        }
}

TEST_CASE("an agency sees recipients only by an explicit right") {
    auto agency = mentougou();
    agency.role = Role::agency;
    CHECK(rule(agency, Act::recipients, {}) == "role-not-allowed");
    agency.recipients = true;
    CHECK(rule(agency, Act::recipients, {}) == "");
}

TEST_CASE("a refusal names its rule and what is allowed") {
    const std::vector<std::string> fangshan{"110111"};
    Subject subject;
    subject.regions = &fangshan;
    const auto no = Authority({}, places()).may(as(mentougou()), Act::post, subject);
    REQUIRE(no.has_value());
    CHECK(no->rule == "area-not-allowed");
    CHECK(no->message == "110109 may not warn for 110111 房山区; allowed areas: 110109");
    CHECK(no->allowed == std::vector<std::string>{"110109"});
}

TEST_CASE("the right to an area holds for what lies wholly inside it") {
    struct Row {
        std::vector<std::string> regions, areas;
        std::string_view expected;
    };
    const Row rows[] = {
        {{"110109"}, {"110109"}, ""},
        {{"110109001"}, {"110109"}, ""},
        {{"110109", "110111"}, {"110109"}, "area-not-allowed"},
        {{"110109", "110111"}, {"110109", "110111"}, ""},
        {{"110000"},
         {"110109", "110111"},
         "area-not-allowed"},  // C2: the city is a right of its own
        {{"110000"}, {"110000"}, ""},
        {{"110000"}, {"*"}, ""},
        {{"BJ-F01"}, {"110109"}, "area-not-allowed"},  // touching is not being inside
        {{"110109"}, {}, "area-not-allowed"},          // no areas: nowhere
        {{}, {"110109"}, ""},                          // nobody is reached
    };
    for (const auto& row : rows) {
        auto who = mentougou();
        who.areas = row.areas;
        Subject subject;
        subject.regions = &row.regions;
        CAPTURE(fmt::format("{} by {}", fmt::join(row.regions, ","), fmt::join(row.areas, ",")));
        CHECK(rule(who, Act::post, subject) == row.expected);
        CHECK(rule(who, Act::cancel, subject) == row.expected);
    }
}

TEST_CASE("level, event, sender and mode narrow a right one by one") {
    struct Row {
        Subject subject;
        std::string_view expected;
    };
    const auto level = [](Level one) {
        Subject made;
        made.level = one;
        return made;
    };
    const auto event = [](std::string key, std::vector<std::string> classes) {
        Subject made;
        made.event = std::move(key);
        made.categories = std::move(classes);
        return made;
    };
    const auto sender = [](std::string name) {
        Subject made;
        made.cap_sender = std::move(name);
        return made;
    };
    const auto mode = [](Mode one, Depth depth) {
        Subject made;
        made.mode = one;
        made.depth = depth;
        return made;
    };
    const Row rows[] = {
        {level(Level::orange), ""},
        {level(Level::red), "level-not-allowed"},
        {event("rainstorm", {"Met"}), ""},
        {event("lightning", {"Met"}), "event-not-allowed"},
        {event("landslide", {"Geo"}), ""},
        {event("landslide", {"Geo", "Safety"}), "event-not-allowed"},
        {event("landslide", {}), "event-not-allowed"},
        {sender("cap@mtg.example.org"), ""},
        {sender("cap@other.example.org"), "sender-unknown"},
        {sender(""), "sender-unknown"},
        {mode(Mode::test, Depth::front_end), ""},
        {mode(Mode::exercise, Depth::terminal), "depth-not-allowed"},
        {mode(Mode::live, Depth::front_end), "mode-not-allowed"},
        {mode(Mode::replay, Depth::platform), "mode-not-allowed"},
    };
    for (std::size_t i = 0; i < std::size(rows); ++i) {
        CAPTURE(i);
        CHECK(rule(mentougou(), Act::post, rows[i].subject) == rows[i].expected);
        CHECK(rule(mentougou(), Act::cancel, rows[i].subject) == rows[i].expected);
    }
}

TEST_CASE("A1: no role with drill modes only may ever send live") {
    for (unsigned role = 0; role <= unsigned(Role::player); ++role)
        for (const auto act : {Act::post, Act::cancel}) {
            auto who = mentougou();
            who.role = Role(role);
            who.areas = who.events = {"*"};
            Subject subject;
            subject.mode = Mode::live;
            CHECK(rule(who, act, subject) != "");
        }
}

TEST_CASE("readers see what touches their area and what they sent themselves") {
    const std::vector<std::string> fangshan{"110111"}, street{"110109001"}, across{"BJ-F01"},
        city{"110000"}, none{};
    const auto reads = [](const std::vector<std::string>& regions, std::string sender) {
        auto who = mentougou();
        who.role = Role::agency;
        Subject subject;
        subject.regions = &regions;
        subject.cap_sender = std::move(sender);
        return rule(who, Act::read, subject) == "";
    };
    CHECK_FALSE(reads(fangshan, "x"));
    CHECK(reads(street, "x"));
    CHECK(reads(across, "x"));
    CHECK(reads(city, "x"));
    CHECK_FALSE(reads(none, "x"));
    CHECK(reads(fangshan, "cap@mtg.example.org"));
}

TEST_CASE("a token opens its credential only, until it expires, and refusals are alike") {
    auto gone = mentougou();
    gone.name = "gone";
    gone.token_sha256 = sha256_hex("old-token");
    gone.expires = noon;
    const Authority authority({mentougou(), gone}, places());
    REQUIRE(authority.by_token("secret-token", noon).has_value());
    CHECK((*authority.by_token("secret-token", noon))->name == "110109");
    CHECK(authority.by_token("old-token", noon - std::chrono::milliseconds(1)).has_value());
    const auto expired = authority.by_token("old-token", noon);
    const auto unknown = authority.by_token("nothing", noon);
    REQUIRE((expired.has_error() && unknown.has_error()));
    CHECK(expired.error().what == unknown.error().what);
    CHECK(authority.by_token("", noon).has_error());
    // Who watches for long is asked again.
    CHECK(authority.stands(as(gone), noon - std::chrono::milliseconds(1)));
    CHECK_FALSE(authority.stands(as(gone), noon));
    CHECK_FALSE(Authority({gone}, places()).stands(as(mentougou()), noon));
    // What is stored is not what opens.
    CHECK(authority.by_token(sha256_hex("secret-token"), noon).has_error());
}

TEST_CASE("a certificate is known by its whole alternative name") {
    auto bureau = mentougou();
    bureau.token_sha256.clear();
    bureau.certificate_san = "DNS:mtg.example.org";
    bureau.expires = noon;
    const Authority authority({bureau}, places());
    const auto early = noon - std::chrono::hours(1);
    CHECK(authority.by_certificate({"DNS:a", "DNS:mtg.example.org"}, early).has_value());
    CHECK(authority.by_certificate({"DNS:mtg.example.org.evil"}, early).has_error());
    CHECK(authority.by_certificate({"URI:mtg.example.org"}, early).has_error());
    CHECK(authority.by_certificate({}, early).has_error());
    CHECK(authority.by_certificate({"DNS:mtg.example.org"}, noon).has_error());
    CHECK(authority.by_token("", early).has_error());
}

TEST_CASE("G1: credentials are read strictly, and one with a fault gives no right") {
    Complaints complaints;
    const auto digest = sha256_hex("x");
    const auto root = Settings::parse(fmt::format(R"(
[[credential]]
name = "good"
person = "li"
role = "sender"
token_sha256 = "{}"
cap_senders = ["a@b"]
areas = ["*"]
levels = ["red", "blue"]
events = ["*"]
modes = ["*"]
expires = "2027-01-01T00:00:00+08:00"
[[credential]]
name = "no-key"
role = "operator"
[[credential]]
name = "empty-token"
role = "operator"
token_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
[[credential]]
name = "typo"
role = "sendr"
token_sha256 = "{}"
level = ["red"]
[[credential]]
name = "same-token"
role = "operator"
token_sha256 = "{}"
)",
                                                  digest, sha256_hex("y"), digest),
                                      "t.toml", complaints);
    REQUIRE(root.has_value());
    const auto read = read_credentials(*root, complaints);
    REQUIRE(read.size() == 1);
    CHECK(read[0].name == "good");
    CHECK(read[0].modes.size() == 4);
    CHECK(read[0].levels == std::vector<Level>{Level::red, Level::blue});
    CHECK(complaints.list().size() == 5);  // no key, empty token, role, unknown key, twice
}
