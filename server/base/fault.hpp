#pragma once
#include <boost/system/result.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace tocsin {

/// What the caller can do about it. `what` is for people; no code reads it.
enum class Cause { malformed, refused, unreachable, over_limit, internal };

struct [[nodiscard]] Fault {
    Cause cause;
    std::string what;

    /// Adds what we were doing, outermost last: "CRC 1A2B, not 77F0; reading board 17".
    Fault during(std::string_view doing) && {
        what.append("; ").append(doing);
        return std::move(*this);
    }
};

/// Fault has no throw_exception_from_error, so .value() does not compile: ask first, then use *.
template <class T> using Result = boost::system::result<T, Fault>;

/// Only an unreachable peer may change its mind; the others stay wrong on a second try.
constexpr bool worth_retrying(Cause cause) { return cause == Cause::unreachable; }

}  // namespace tocsin
