#pragma once
#include "server/base/settings.hpp"
#include "server/base/time.hpp"
#include "server/contract/order.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Who may do what, as data (design.md 13). A credential is a line of configuration; what it allows
/// is decided in authority.hpp alone.
namespace tocsin::authority {

using contract::Depth, contract::Level, contract::Mode;

enum class Role : std::uint8_t { sender, approver, operator_, agency, auditor, admin, player };

struct Credential {
    std::string name;
    std::string person;  // approver and sender must differ by it
    Role role{};
    std::string token_sha256;     // 64 lower-case hex digits of SHA-256 of the token's characters
    std::string certificate_san;  // "DNS:sender.example.org", "URI:...", "email:...", "IP:..."
    std::vector<std::string> cap_senders;
    std::vector<std::string> areas;  // region codes; "*" is everywhere
    std::vector<Level> levels;
    std::vector<std::string>
        events;  // event keys, their classes, CAP categories; "*" is every event
    std::vector<Mode> modes;
    Depth depth = Depth::front_end;  // how deep its drills may go
    bool recipients = false;         // an agency that may look at single recipients
    std::optional<Instant> expires;
};

/// Every [[credential]] of the file; faults go to the complaints (those that `root` was read with).
/// A credential with a fault is left out, so that half a right is never a right.
std::vector<Credential> read_credentials(const Settings& root, Complaints& complaints);

const char* word(Role role);
const char* word(Level level);
const char* word(Mode mode);

}  // namespace tocsin::authority
