#pragma once
#include "tests/peers/smsc/options.hpp"
#include "tests/peers/smsc/pdu.hpp"

#include <cstdio>
#include <map>
#include <memory>
#include <unordered_map>

/// What happened, for exact accounting: counters, who got what twice, the journal, the summary.
namespace tocsin::smsc {

/// Set of hashes by open addressing; 0 is nobody's hash.
class HashSet {
public:
    bool insert(std::uint64_t hash);  // false: was there
    std::size_t size() const { return used_; }

private:
    bool place(std::uint64_t hash);
    std::vector<std::uint64_t> slots_ = std::vector<std::uint64_t>(1024);
    std::size_t used_ = 0;
};

std::uint64_t hash_of(std::string_view bytes, std::uint64_t seed = 0);
/// In [0, 1), the same for the same three.
double chance(std::uint64_t seed, std::uint64_t of, std::uint64_t purpose);

class Book {
public:
    explicit Book(const Options& options);
    ~Book();
    /// What is journalled so far reaches the file.
    void flush();

    void submitted(std::uint64_t now_ms);
    void journal(const Submit& submit,
                 std::uint64_t now_ms,
                 std::uint32_t bind,
                 std::uint32_t status,
                 std::string_view id,
                 std::string_view final);
    void violated(std::string_view what);
    void acknowledged(std::uint64_t after_ms);
    std::string summary() const;

    std::uint64_t submits = 0, accepted = 0, throttled = 0, receipts = 0, receipts_acked = 0,
                  receipts_nacked = 0, redelivered = 0, receipts_lost = 0, receipts_doubled = 0,
                  answers_lost = 0, binds = 0, binds_refused = 0, unbinds = 0, drops = 0,
                  closed_without_unbind = 0, enquiries = 0, violations = 0, bytes_in = 0,
                  bytes_out = 0, reads = 0, writes = 0, waiting = 0, unanswered = 0;
    std::map<std::uint32_t, std::uint64_t> errors;

private:
    struct Closer {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };

    const Options& options_;
    HashSet destinations_, texts_;
    std::uint64_t duplicates_ = 0, messages_ = 0;
    std::unordered_map<std::uint64_t, std::uint64_t> parts_;  // bits of parts seen
    std::uint64_t first_ms_ = 0, last_ms_ = 0, second_ = 0, in_second_ = 0, best_second_ = 0;
    std::vector<std::string> named_;
    std::vector<std::uint32_t> ack_ms_ = std::vector<std::uint32_t>(60'001);
    std::unique_ptr<std::FILE, Closer> file_;
    std::string lines_;
};

}  // namespace tocsin::smsc
