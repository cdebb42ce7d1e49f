#pragma once
#include "server/ledger/ledger.hpp"

/// The audit's hash chain: any line edited, cut out or moved shows. Pure.
///   hash(n) = SHA-256 of: hash(n-1), a space, the line's length in decimal, a line feed, the line
/// hash(0) is 64 zeros. A cut at the end shows only against a head that was published elsewhere.
namespace tocsin::ledger {

std::string first_hash();
std::string sealed_hash(std::string_view before, std::string_view line);

/// Takes lines in order; remembers the first that does not fit.
class AuditCheck {
public:
    void take(const AuditLine& line);
    /// A seal whose line is not there any more.
    void gone(const AuditLine& seal);
    /// What the store's head says, read before the first line: so much must be here, ending so.
    void expect(std::uint64_t sealed, std::string head);
    std::uint64_t expected() const { return expected_; }
    AuditVerdict verdict() const;
    bool broken() const { return !why_.empty(); }

private:
    void blame(const AuditLine& line, std::string why);
    std::string last_ = first_hash(), where_, why_;
    std::uint64_t sealed_ = 0, unsealed_ = 0, expected_ = 0;
    std::string expected_head_;
};

}  // namespace tocsin::ledger
