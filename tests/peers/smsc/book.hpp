#pragma once
#include "tests/peers/smsc/options.hpp"
#include "tests/peers/smsc/pdu.hpp"

#include <cstdio>
#include <map>
#include <memory>
#include <unordered_map>

/// What happened, for exact accounting: counters, who got what twice, the journal, the summary.
namespace tocsin::smsc {

/// From a telephone number to a hash, by open addressing; neighbours stand together.
class NumberMap {
public:
    /// What is there already, or `value`, which is there now.
    std::uint64_t insert(std::uint64_t number, std::uint64_t value, bool& fresh);
    void prefetch(std::uint64_t number) const { __builtin_prefetch(&slots_[home(number)]); }
    std::size_t size() const { return used_; }

private:
    struct Slot {
        std::uint64_t number = 0, value = 0;
    };
    std::size_t home(std::uint64_t number) const {
        const auto block = (number >> 4) * 0x9E37'79B9'7F4A'7C15;
        return std::size_t((block >> 20 << 4 | (number & 15)) & (slots_.size() - 1));
    }
    Slot& place(std::uint64_t number);
    std::vector<Slot> slots_ = std::vector<Slot>(1024);
    std::size_t used_ = 0;
};

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
    bool journals() const { return file_ != nullptr; }
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
    struct Taken {
        std::uint64_t destination, text, message;
        std::uint8_t parts, part;
    };
    void count(const Taken& taken);
    void count_waiting() const;
    std::uint64_t words_hash(std::string_view words, std::uint8_t coding);

    // What was accepted, a few messages behind, so that memory has come by then.
    static constexpr std::size_t behind = 32;
    std::array<Taken, behind> taken_{};
    std::size_t taken_count_ = 0, counted_ = 0;
    NumberMap destinations_;  // with the first text of each
    HashSet texts_;           // further ones
    std::string last_words_;
    std::uint64_t last_hash_ = 0;
    std::uint8_t last_coding_ = 0;
    std::uint64_t duplicates_ = 0, messages_ = 0;
    std::unordered_map<std::uint64_t, std::uint64_t> parts_;  // bits of parts seen
    std::uint64_t first_ms_ = 0, last_ms_ = 0, second_ = 0, in_second_ = 0, best_second_ = 0;
    std::vector<std::string> named_;
    std::vector<std::uint32_t> ack_ms_ = std::vector<std::uint32_t>(60'001);
    std::unique_ptr<std::FILE, Closer> file_;
    std::string lines_;
};

}  // namespace tocsin::smsc
