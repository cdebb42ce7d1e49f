#include "server/ledger/reply.hpp"

#include <hiredis/hiredis.h>

#include <charconv>

namespace tocsin::ledger {

bool Reply::null() const { return !at_ || at_->type == REDIS_REPLY_NIL; }

std::string_view Reply::text() const {
    if (!at_ || (at_->type != REDIS_REPLY_STRING && at_->type != REDIS_REPLY_STATUS)) return {};
    return {at_->str, std::size_t(at_->len)};
}

std::int64_t Reply::number() const {
    if (at_ && at_->type == REDIS_REPLY_INTEGER) return at_->integer;
    std::int64_t out = 0;
    const auto digits = text();
    std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return out;
}

std::size_t Reply::size() const {
    return at_ && at_->type == REDIS_REPLY_ARRAY ? at_->elements : 0;
}

Reply Reply::operator[](std::size_t i) const {
    return i < size() ? Reply(at_->element[i]) : Reply();
}

bool Reply::is_error() const { return at_ && at_->type == REDIS_REPLY_ERROR; }

std::string_view Reply::error() const {
    return is_error() ? std::string_view(at_->str, std::size_t(at_->len)) : std::string_view();
}

namespace {

struct Meaning {
    std::string_view word;
    Cause cause;
    bool doubt;
    std::string_view what;
};

// clang-format off
constexpr Meaning meanings[] = {
    {"LOADING",     Cause::unreachable, true,  "Redis is still loading its data"},
    {"BUSY",        Cause::unreachable, true,  "Redis is busy with a script"},
    {"READONLY",    Cause::unreachable, true,  "Redis is a replica and takes no writes"},
    {"MISCONF",     Cause::unreachable, true,  "Redis cannot write to its disk"},
    {"OOM",         Cause::unreachable, true,  "Redis is out of the memory it may use"},
    {"NOREPLICAS",  Cause::unreachable, true,  "Redis misses the replicas it must have"},
    {"MASTERDOWN",  Cause::unreachable, true,  "Redis is a replica without its master"},
    {"TRYAGAIN",    Cause::unreachable, false, "the Cluster is moving these keys"},
    {"CLUSTERDOWN", Cause::unreachable, true,  "the Cluster is down"},
    {"MOVED",       Cause::internal,    true,  "these keys are on another node of the Cluster"},
    {"ASK",         Cause::internal,    true,  "these keys are moving to another node of the Cluster"},
    {"NOAUTH",      Cause::refused,     true,  "Redis asks for a password"},
    {"WRONGPASS",   Cause::refused,     true,  "Redis does not take this password"},
    {"NOPERM",      Cause::refused,     true,  "Redis does not permit this user to do that"},
    {"NOSCRIPT",    Cause::unreachable, false, "Redis forgot a script"},
};
// clang-format on

const Meaning* meaning_of(std::string_view error) {
    // A fault inside a script is told as "ERR <words>" or as the inner word itself.
    const auto word = error.substr(0, error.find(' '));
    for (const auto& meaning : meanings)
        if (meaning.word == word) return &meaning;
    return nullptr;
}

}  // namespace

Fault fault_of(std::string_view error) {
    const auto* meaning = meaning_of(error);
    if (!meaning) return {Cause::internal, fmt::format("Redis: {}", error.substr(0, 300))};
    return {meaning->cause, fmt::format("{} ({})", meaning->what, error.substr(0, 200))};
}

bool is_noscript(std::string_view error) { return error.starts_with("NOSCRIPT"); }

bool casts_doubt(std::string_view error) {
    const auto* meaning = meaning_of(error);
    return meaning && meaning->doubt;
}

}  // namespace tocsin::ledger
