#pragma once
#include "server/base/fault.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

struct redisReply;

namespace tocsin::ledger {

/// A look at one of Redis' answers; valid only while it is being told. What is not there is empty:
/// an absent item, a null, text where a number was meant.
class Reply {
public:
    Reply() = default;
    explicit Reply(const redisReply* at) : at_(at) {}
    bool null() const;
    std::string_view text() const;  // of a string or a status
    std::string str() const { return std::string(text()); }
    std::int64_t number() const;  // of an integer, or of a string in decimal
    std::size_t size() const;     // of an array
    Reply operator[](std::size_t i) const;
    bool is_error() const;
    std::string_view error() const;

private:
    const redisReply* at_ = nullptr;
};

/// What Redis' error word means to us. Unreachable: Redis is there but cannot do it now (LOADING,
/// READONLY, MISCONF, OOM, NOREPLICAS, BUSY, ...), so the caller may try again.
Fault fault_of(std::string_view error);
bool is_noscript(std::string_view error);
/// The word tells of a Redis whose settings, role or disk should be looked at now.
bool casts_doubt(std::string_view error);

}  // namespace tocsin::ledger
