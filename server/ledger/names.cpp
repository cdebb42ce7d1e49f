#include "server/ledger/names.hpp"

#include "server/base/digest.hpp"
#include "server/ledger/keys.hpp"

namespace tocsin::ledger {
namespace {

/// With lengths in front, no two lists of parts give the same bytes.
std::string joined(std::initializer_list<std::string_view> parts) {
    std::string out;
    for (const auto part : parts) out += fmt::format("{}:{};", part.size(), part);
    return out;
}

}  // namespace

Named name_of(const Triple& triple) {
    const auto at = parse_rfc3339(triple.sent);
    Named named;
    named.sent = at.has_value() ? at->time_since_epoch().count() : 0;
    const auto sent = at.has_value() ? fmt::format("@{}", named.sent) : triple.sent;
    named.digest = sha256_hex(joined({triple.sender, triple.identifier, sent}));
    named.name = sha256_hex(joined({triple.sender, triple.identifier}));
    return named;
}

std::string make_alert_id(Mode mode) { return keys::mode_letter(mode) + make_ulid(); }

std::optional<Mode> mode_of_id(std::string_view id) {
    if (id.size() != 27) return std::nullopt;
    for (const auto mode : {Mode::live, Mode::exercise, Mode::test, Mode::replay})
        if (id.front() == keys::mode_letter(mode)) return mode;
    return std::nullopt;
}

char letter(Mode mode) { return keys::mode_letter(mode); }

const char* word(Kind kind) {
    switch (kind) {
        case Kind::alert: return "alert";
        case Kind::update: return "update";
        case Kind::cancel: return "cancel";
    }
    return "";
}

std::optional<Kind> kind_of(std::string_view text) {
    for (const auto kind : {Kind::alert, Kind::update, Kind::cancel})
        if (text == word(kind)) return kind;
    return std::nullopt;
}

char letter(contract::Action action) { return "puw"[std::size_t(action)]; }

std::optional<contract::Action> action_of(char letter) {
    switch (letter) {
        case 'p': return contract::Action::publish;
        case 'u': return contract::Action::update;
        case 'w': return contract::Action::withdraw;
    }
    return std::nullopt;
}

std::string state_now(std::string_view stored, Instant expires, Instant now) {
    if (stored != "accepted") return std::string(stored);
    return now < expires ? "active" : "expired";
}

// What a store need not have: it then says so, and nobody takes silence for an empty list.
void Ledger::audit_lines(const std::string&, std::size_t, Then<std::vector<AuditLine>> then) {
    then(Fault{Cause::refused, "this store keeps no audit to read"});
}
void Ledger::verify_audit(Then<AuditVerdict> then) {
    then(Fault{Cause::refused, "this store keeps no audit to verify"});
}
void Ledger::probes(const std::string&, Then<std::vector<std::string>> then) {
    then(Fault{Cause::refused, "this store keeps no link tests"});
}

}  // namespace tocsin::ledger
