#include "server/authority/credential.hpp"

#include <set>

namespace tocsin::authority {
namespace {

struct RoleWord {
    Role role;
    std::string_view word;
};
constexpr RoleWord roles[] = {
    {Role::sender, "sender"}, {Role::approver, "approver"}, {Role::operator_, "operator"},
    {Role::agency, "agency"}, {Role::auditor, "auditor"},   {Role::admin, "admin"},
    {Role::player, "player"},
};
struct LevelWord {
    Level level;
    std::string_view word;
};
constexpr LevelWord levels[] = {{Level::blue, "blue"},
                                {Level::yellow, "yellow"},
                                {Level::orange, "orange"},
                                {Level::red, "red"}};
struct ModeWord {
    Mode mode;
    std::string_view word;
};
constexpr ModeWord modes[] = {{Mode::live, "live"},
                              {Mode::exercise, "exercise"},
                              {Mode::test, "test"},
                              {Mode::replay, "replay"}};

Role read_role(const Settings& at) {
    const auto said =
        at.choice("role", "agency",
                  {"sender", "approver", "operator", "agency", "auditor", "admin", "player"});
    for (const auto& row : roles)
        if (row.word == said) return row.role;
    return Role::agency;
}

/// A list of words of a table; "*" is all of them.
template <class Value, class Rows>
std::vector<Value> read_words(const Settings& at, std::string_view key, const Rows& rows) {
    std::vector<Value> out;
    for (const auto& said : at.texts(key)) {
        bool known = said == "*";
        for (const auto& [value, word] : rows) {
            if (said != "*" && said != word) continue;
            out.push_back(value);
            known = true;
        }
        if (!known) at.complain(key, fmt::format("'{}' is unknown", said));
    }
    return out;
}

bool is_digest(std::string_view text) {
    return text.size() == 64 && std::ranges::all_of(text, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

bool is_san(std::string_view text) {
    constexpr std::string_view kinds[] = {"DNS:", "URI:", "email:", "IP:"};
    return std::ranges::any_of(
        kinds, [&](auto kind) { return text.starts_with(kind) && text.size() > kind.size(); });
}

void check_identity(const Settings& at, const Credential& made) {
    if (made.token_sha256.empty() && made.certificate_san.empty())
        at.complain("token_sha256", "is missing, and so is certificate_san: nobody could use this");
    if (!made.token_sha256.empty() && !is_digest(made.token_sha256))
        at.complain("token_sha256", "must be 64 lower-case hexadecimal digits");
    // A token that everybody knows is no token (scar G1).
    if (made.token_sha256 == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        at.complain("token_sha256", "is the digest of an empty token");
    if (!made.certificate_san.empty() && !is_san(made.certificate_san))
        at.complain("certificate_san", "must begin with DNS:, URI:, email: or IP:");
}

void check_rights(const Settings& at, const Credential& made) {
    if (made.role != Role::sender) return;
    if (made.cap_senders.empty())
        at.complain("cap_senders", "is missing: a sender speaks only for the CAP senders named");
    if (made.modes.empty())
        at.complain("modes", "is missing: a sender without modes sends nothing");
}

std::optional<Instant> read_expiry(const Settings& at) {
    const auto said = at.text("expires");
    if (said.empty()) return std::nullopt;
    const auto parsed = parse_rfc3339(said);
    if (parsed) return *parsed;
    at.complain("expires", parsed.error().what);
    return Instant{};  // expired: a fault never lengthens a right
}

Depth read_depth(const Settings& at) {
    const auto said = at.choice("depth", "front_end", {"platform", "front_end", "terminal"});
    if (said == "platform") return Depth::platform;
    return said == "terminal" ? Depth::terminal : Depth::front_end;
}

Credential read_one(const Settings& at) {
    Credential made;
    made.name = at.required("name");
    made.person = at.text("person", made.name);
    made.role = read_role(at);
    made.token_sha256 = at.text("token_sha256");
    made.certificate_san = at.text("certificate_san");
    made.cap_senders = at.texts("cap_senders");
    made.areas = at.texts("areas");
    made.levels = read_words<Level>(at, "levels", levels);
    made.events = at.texts("events");
    made.modes = read_words<Mode>(at, "modes", modes);
    made.depth = read_depth(at);
    made.recipients = at.flag("recipients", false);
    made.expires = read_expiry(at);
    check_identity(at, made);
    check_rights(at, made);
    at.finish();
    return made;
}

}  // namespace

std::vector<Credential> read_credentials(const Settings& root, Complaints& complaints) {
    std::vector<Credential> out;
    std::set<std::string> names, keys;
    for (const auto& at : root.tables("credential")) {
        const auto before = complaints.list().size();
        auto made = read_one(at);
        if (!names.insert(made.name).second) at.complain("name", "is used twice");
        if (!made.token_sha256.empty() && !keys.insert(made.token_sha256).second)
            at.complain("token_sha256", "is used twice");
        if (!made.certificate_san.empty() && !keys.insert(made.certificate_san).second)
            at.complain("certificate_san", "is used twice");
        if (complaints.list().size() == before) out.push_back(std::move(made));
    }
    return out;
}

const char* word(Role role) {
    for (const auto& row : roles)
        if (row.role == role) return row.word.data();
    return "?";
}

const char* word(Level level) {
    for (const auto& row : levels)
        if (row.level == level) return row.word.data();
    return "?";
}

const char* word(Mode mode) {
    for (const auto& row : modes)
        if (row.mode == mode) return row.word.data();
    return "?";
}

}  // namespace tocsin::authority
