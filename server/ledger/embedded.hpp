#pragma once
#include "server/base/fault.hpp"
#include "server/ledger/address.hpp"

#include <boost/asio/io_context.hpp>
#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tocsin::ledger {

/// Our own redis-server: a child in its data directory (0700), on a Unix socket there, started
/// again with growing pauses whenever it ends.
///
/// Redis 7.0 does not lock its directory, and two of them on one log lose what was acknowledged.
/// So we hold two locks there: `tocsind.lock` is ours alone (a second tocsind is refused), and
/// `redis.lock` is inherited by the child. A Redis that outlived a killed tocsind still holds it
/// and is adopted, as it is, with all that it knows; nothing kills it with its parent
/// (PR_SET_PDEATHSIG was left out on purpose: the next tocsind finds a warm store at once).
class Embedded {
public:
    struct Options {
        std::filesystem::path data;
        std::string program = "redis-server";  // looked up in PATH
        std::chrono::milliseconds pause_least{100}, pause_most{5'000};
        std::chrono::milliseconds stop_within{10'000};  // then it is killed: all is fsynced anyway
        std::uint64_t rewrite_at_bytes =
            256U << 20U;                // the log is rewritten from there, each time doubled
        std::vector<std::string> more;  // further lines of its configuration
    };

    /// Refused: another tocsind is at work there, the directory cannot be used, no redis-server.
    static Result<std::unique_ptr<Embedded>> start(boost::asio::io_context& loop, Options options);
    /// Leaves Redis running, as a crash would; stop() first for a clean end.
    ~Embedded();

    /// Ends it in order; `then` when it is gone. It is not started again.
    void stop(std::function<void()> then);

    Address address() const;
    /// Why it does not run, in words for an operator; empty while it does.
    std::string why() const;
    pid_t pid() const;
    bool adopted() const;
    std::uint64_t restarts() const;

private:
    struct Keeper;
    explicit Embedded(std::shared_ptr<Keeper> keeper) : keeper_(std::move(keeper)) {}
    std::shared_ptr<Keeper> keeper_;
};

/// What redis-server is started with.
std::string redis_configuration(const Embedded::Options& options);

}  // namespace tocsin::ledger
