#include "server/authority/authority.hpp"

#include "server/base/digest.hpp"

namespace tocsin::authority {
namespace {

constexpr std::uint8_t bit(Role role) { return std::uint8_t(1U << unsigned(role)); }
template <class... Roles> constexpr std::uint8_t any_of(Roles... roles) {
    return std::uint8_t((bit(roles) | ...));
}

constexpr auto readers =
    any_of(Role::sender, Role::approver, Role::operator_, Role::agency, Role::auditor, Role::admin);

struct Row {
    Act act;
    std::uint8_t roles;
    std::string_view verb;
};

// An act without a row is nobody's.
// clang-format off
constexpr Row acts[] = {
    {Act::post,          any_of(Role::sender),                                       "post alerts"},
    {Act::plan,          any_of(Role::sender, Role::operator_),                      "make plans"},
    {Act::cancel,        any_of(Role::sender, Role::operator_),                      "cancel alerts"},
    {Act::read,          readers,                                                    "read alerts"},
    {Act::recipients,    any_of(Role::operator_, Role::agency),                      "see recipients"},
    {Act::see_endpoints, any_of(Role::operator_, Role::agency, Role::approver,
                                Role::auditor, Role::admin),                         "see endpoints"},
    {Act::pause,         any_of(Role::operator_),                                    "pause or probe endpoints"},
    {Act::audiences,     any_of(Role::operator_),                                    "handle audiences"},
    {Act::me,            std::uint8_t(readers | bit(Role::player)),                  "ask who it is"},
};
// clang-format on

const Row* find(Act act) {
    for (const auto& row : acts)
        if (row.act == act) return &row;
    return nullptr;
}

bool has(const std::vector<std::string>& list, std::string_view what) {
    return std::ranges::find(list, what) != list.end();
}

template <class Value> std::vector<std::string> words(const std::vector<Value>& values) {
    std::vector<std::string> out;
    for (const auto value : values) out.emplace_back(word(value));
    return out;
}

Refusal refuse(std::string rule,
               std::string what,
               std::string_view kind,
               std::vector<std::string> allowed) {
    const auto list =
        allowed.empty() ? std::string("none") : fmt::format("{}", fmt::join(allowed, ", "));
    return {std::move(rule), fmt::format("{}; allowed {}: {}", what, kind, list),
            std::move(allowed)};
}

std::optional<Refusal> role_forbids(const Credential& who, Act act) {
    const auto* row = find(act);
    bool fine = row && (row->roles & bit(who.role)) != 0;
    if (act == Act::recipients && who.role == Role::agency && !who.recipients) fine = false;
    if (fine) return std::nullopt;
    std::vector<std::string> allowed;
    for (unsigned role = 0; row && role <= unsigned(Role::player); ++role)
        if (row->roles & bit(Role(role))) allowed.emplace_back(word(Role(role)));
    return refuse("role-not-allowed",
                  fmt::format("{} is {} and may not {}", who.name, word(who.role),
                              row ? row->verb : "do that"),
                  "roles", std::move(allowed));
}

/// What an alert may be sent by: operators act for the city, so only a sender is bound to names.
std::optional<Refusal> sender_forbids(const Credential& who, const Subject& subject) {
    if (!subject.cap_sender || who.role != Role::sender) return std::nullopt;
    if (has(who.cap_senders, *subject.cap_sender)) return std::nullopt;
    return refuse(
        "sender-unknown",
        fmt::format("{} may not speak for the CAP sender {}", who.name, *subject.cap_sender),
        "senders", who.cap_senders);
}

std::optional<Refusal> mode_forbids(const Credential& who, const Subject& subject) {
    if (!subject.mode) return std::nullopt;
    if (std::ranges::find(who.modes, *subject.mode) == who.modes.end())
        return refuse("mode-not-allowed",
                      fmt::format("{} may not send in mode {}", who.name, word(*subject.mode)),
                      "modes", words(who.modes));
    if (subject.depth && *subject.depth > who.depth && *subject.mode != Mode::live)
        return refuse("depth-not-allowed",
                      fmt::format("{} may not drill down to the terminals", who.name), "depths",
                      {who.depth == Depth::platform ? "platform" : "front_end"});
    return std::nullopt;
}

std::optional<Refusal> event_forbids(const Credential& who, const Subject& subject) {
    if (!subject.event || has(who.events, "*") || has(who.events, *subject.event))
        return std::nullopt;
    if (!subject.event_class.empty() && has(who.events, subject.event_class)) return std::nullopt;
    const auto& categories = subject.categories;
    if (!categories.empty() &&
        std::ranges::all_of(categories, [&](const auto& one) { return has(who.events, one); }))
        return std::nullopt;
    return refuse("event-not-allowed",
                  fmt::format("{} may not warn of {}", who.name, *subject.event), "events",
                  who.events);
}

std::optional<Refusal> level_forbids(const Credential& who, const Subject& subject) {
    if (!subject.level) return std::nullopt;
    if (std::ranges::find(who.levels, *subject.level) != who.levels.end()) return std::nullopt;
    return refuse("level-not-allowed",
                  fmt::format("{} may not warn at level {}", who.name, word(*subject.level)),
                  "levels", words(who.levels));
}

bool covered(const Credential& who, const Places& places, std::string_view region) {
    return std::ranges::any_of(who.areas, [&](const std::string& area) {
        return area == "*" || places.within(region, area);
    });
}

std::optional<Refusal> area_forbids(const Credential& who,
                                    const Places& places,
                                    const Subject& subject,
                                    std::string_view verb) {
    if (!subject.regions) return std::nullopt;
    std::vector<std::string> outside;
    for (const auto& region : *subject.regions) {
        if (covered(who, places, region)) continue;
        const auto name = places.name(region);
        outside.push_back(name.empty() ? region : fmt::format("{} {}", region, name));
    }
    if (outside.empty()) return std::nullopt;
    return refuse("area-not-allowed",
                  fmt::format("{} may not {} {}", who.name, verb, fmt::join(outside, ", ")),
                  "areas", who.areas);
}

/// Readers see what touches their area, and what they sent; what covers nothing has no area to ask.
std::optional<Refusal> reading_forbids(const Credential& who,
                                       const Places& places,
                                       const Subject& subject) {
    if (has(who.areas, "*")) return std::nullopt;
    if (subject.cap_sender && has(who.cap_senders, *subject.cap_sender)) return std::nullopt;
    if (!subject.regions) return std::nullopt;
    for (const auto& region : *subject.regions)
        for (const auto& area : who.areas)
            if (places.shares(region, area)) return std::nullopt;
    return refuse("area-not-allowed", fmt::format("{} may not read alerts of this area", who.name),
                  "areas", who.areas);
}

}  // namespace

Authority::Authority(std::vector<Credential> credentials, Places places)
    : places_(std::move(places)) {
    for (auto& one : credentials)
        credentials_.push_back(std::make_shared<const Credential>(std::move(one)));
}

Result<Principal> Authority::by_token(std::string_view token, Instant now) const {
    const auto digest = sha256_hex(token);
    std::shared_ptr<const Credential> found;
    for (const auto& one : credentials_)  // all of them, whether found or not
        if (same_in_constant_time(one->token_sha256, digest)) found = one;
    if (!found || (found->expires && now >= *found->expires))
        return Fault{Cause::refused, "the token is unknown or has expired"};
    return Principal(std::move(found));
}

Result<Principal> Authority::by_certificate(const std::vector<std::string>& sans,
                                            Instant now) const {
    for (const auto& one : credentials_) {
        if (one->certificate_san.empty() || !has(sans, one->certificate_san)) continue;
        if (one->expires && now >= *one->expires) break;
        return Principal(one);
    }
    return Fault{Cause::refused, "the certificate is bound to no credential that is in force"};
}

bool Authority::stands(const Principal& who, Instant now) const {
    return std::ranges::any_of(credentials_, [&](const auto& one) {
        return one->name == who->name && one->token_sha256 == who->token_sha256 &&
               one->certificate_san == who->certificate_san && one->role == who->role &&
               (!one->expires || now < *one->expires);
    });
}

std::optional<Refusal> Authority::may(const Principal& who, Act act, const Subject& subject) const {
    if (auto no = role_forbids(*who, act)) return no;
    switch (act) {
        case Act::post:
        case Act::plan:
        case Act::cancel:
            if (auto no = sender_forbids(*who, subject)) return no;
            if (auto no = mode_forbids(*who, subject)) return no;
            if (auto no = event_forbids(*who, subject)) return no;
            if (auto no = level_forbids(*who, subject)) return no;
            return area_forbids(*who, places_, subject, "warn for");
        case Act::read:
        case Act::recipients: return reading_forbids(*who, places_, subject);
        case Act::pause: return area_forbids(*who, places_, subject, "pause endpoints of");
        case Act::see_endpoints:
        case Act::audiences:
        case Act::me: return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace tocsin::authority
