#include "server/ledger/audit_chain.hpp"

#include "server/base/digest.hpp"

namespace tocsin::ledger {

std::string first_hash() { return std::string(64, '0'); }

std::string sealed_hash(std::string_view before, std::string_view line) {
    return sha256_hex(fmt::format("{} {}\n{}", before, line.size(), line));
}

void AuditCheck::blame(const AuditLine& line, std::string why) {
    if (broken()) return;
    where_ = line.entry;
    why_ = std::move(why);
}

void AuditCheck::take(const AuditLine& line) {
    if (line.number == 0) {
        ++unsealed_;
        return;
    }
    if (unsealed_ > 0) blame(line, "a sealed line after one without a seal");
    if (line.number != sealed_ + 1)
        blame(line, fmt::format("line {} follows line {}", line.number, sealed_));
    if (line.before != last_) blame(line, "it does not follow the line before it");
    if (line.hash != sealed_hash(line.before, line.line)) blame(line, "its words were changed");
    if (line.number == expected_ && line.hash != expected_head_) blame(line, "it is not the head");
    sealed_ = line.number;
    last_ = line.hash;
}

void AuditCheck::gone(const AuditLine& seal) {
    blame(seal, fmt::format("line {} was removed", seal.number));
    sealed_ = seal.number;
    last_ = seal.hash;
}

void AuditCheck::expect(std::uint64_t sealed, std::string head) {
    expected_ = sealed;
    expected_head_ = std::move(head);
}

AuditVerdict AuditCheck::verdict() const {
    AuditVerdict out{!broken(), sealed_, unsealed_, last_, where_, why_};
    if (out.whole && sealed_ < expected_) {
        out.whole = false;
        out.where = "the end";
        out.why = fmt::format("the head says {} lines, {} are here", expected_, sealed_);
    }
    return out;
}

}  // namespace tocsin::ledger
