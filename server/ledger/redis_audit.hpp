#pragma once
#include "server/ledger/audit_chain.hpp"
#include "server/ledger/store.hpp"

/// The audit: acts are written with what they did (or by audit()), fsynced; the sealer folds new
/// ones into the hash chain each second. Several nodes may seal: who is second finds it `moved`.
namespace tocsin::ledger {

struct RedisLedger::Sealer {
    explicit Sealer(Store& store);
    /// Something new is there: sealed within a second.
    void wake();

private:
    void arm(std::chrono::milliseconds wait);
    void begin();
    void read(std::uint64_t sealed, const std::string& entry, const std::string& hash);
    void seal(std::uint64_t sealed, std::string hash, const std::vector<AuditLine>& fresh);
    void end(bool more);

    Store& store_;
    boost::asio::steady_timer timer_;
    bool armed_ = false, busy_ = false, again_ = false;
};

/// A stream entry as one line; what accept wrote beside it goes in.
AuditLine audit_line_of(Reply entry);

}  // namespace tocsin::ledger
