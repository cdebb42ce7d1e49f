#include "channels/cell_broadcast/shared/serial.hpp"

namespace tocsin::cell_broadcast {
namespace {

/// So long a phone knows a message again (Android: 24 h).
constexpr auto remembered = std::chrono::hours(24);

}  // namespace

std::uint16_t Codes::of(std::uint32_t ordinal) const {
    const auto at = last_.find(ordinal);
    return at == last_.end() ? std::uint16_t(ordinal % codes) : at->second;
}

std::uint16_t Codes::take(std::uint32_t ordinal,
                          std::uint16_t revision,
                          Instant now,
                          Instant until) {
    const auto at = last_.find(ordinal);
    if (at != last_.end()) {
        auto& entry = used_.at(at->second);
        const int ahead = int(revision) - int(entry.revision);
        if (ahead <= updates_ahead_max) {
            entry.revision = std::max(entry.revision, revision);
            entry.until = std::max(entry.until, until);
            return entry.code;
        }
    }
    const auto wanted = at == last_.end() ? std::uint16_t(ordinal % codes)
                                          : std::uint16_t((at->second + 1) % codes);
    const auto code = free_from(wanted, ordinal, now);
    if (const auto before = used_.find(code); before != used_.end())
        if (const auto own = last_.find(before->second.ordinal);
            own != last_.end() && own->second == code)
            last_.erase(own);
    used_.insert_or_assign(code, Entry{ordinal, revision, code, std::max(now, until)});
    last_[ordinal] = code;
    return code;
}

/// All taken within a day: the one that left the air first.
std::uint16_t Codes::free_from(std::uint16_t wanted, std::uint32_t ordinal, Instant now) const {
    std::uint16_t oldest = wanted;
    std::optional<Instant> since;
    for (std::uint16_t i = 0; i < codes; ++i) {
        const auto code = std::uint16_t((wanted + i) % codes);
        const auto at = used_.find(code);
        if (at == used_.end() || at->second.until + remembered <= now) return code;
        if (at->second.ordinal == ordinal) continue;
        if (!since || at->second.until < *since) since = at->second.until, oldest = code;
    }
    return oldest;
}

std::vector<Codes::Entry> Codes::entries() const {
    std::vector<Entry> out;
    for (const auto& [_, entry] : used_) out.push_back(entry);
    return out;
}

/// An alert may have left a code behind: the one of its highest revision is its own.
void Codes::restore(std::span<const Entry> entries) {
    used_.clear();
    last_.clear();
    for (const auto& entry : entries) {
        used_.insert_or_assign(entry.code, entry);
        const auto at = last_.find(entry.ordinal);
        if (at == last_.end() || used_.at(at->second).revision < entry.revision)
            last_[entry.ordinal] = entry.code;
    }
}

}  // namespace tocsin::cell_broadcast
