#pragma once
#include "server/contract/bulk.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

/// From a message id back to its recipient, in memory; rebuilt from the pages after a restart.
namespace tocsin::campaign {

/// Open addressing, 8 B a slot: 32 bits of the id's hash and the recipient; its place holds 25 bits
/// more at 20 million. Nothing is ever removed, so a lookup may stop at the first empty slot. An
/// insert that meets its own fingerprint on its way goes to an exact side table, which is asked
/// first: so two ids of ours never mix; a foreign one matches with p ~ 5e-10.
class Table {
public:
    explicit Table(std::size_t recipients);
    /// False: this very id is another recipient's already (a peer that gives one id to all).
    bool insert(std::uint64_t hash, std::string_view exact, std::uint32_t recipient);
    std::optional<std::uint32_t> find(std::uint64_t hash, std::string_view exact) const;
    /// Asks the memory for the slot: find() or insert() of many ids soon after wait once, not each.
    void expect(std::uint64_t hash) const { __builtin_prefetch(&slots_[hash >> shift_], 1); }
    std::size_t size() const { return used_ + side_.size(); }
    std::size_t aside() const { return side_.size(); }

private:
    struct Slot {
        std::uint32_t fingerprint, recipient;  // recipient + 1; 0: empty
    };
    struct Free {
        void operator()(Slot* slots) const;
    };
    unsigned shift_;
    std::size_t mask_, used_ = 0;
    std::unique_ptr<Slot[], Free> slots_;  // calloc: untouched pages cost nothing
    std::unordered_map<std::string, std::uint32_t> side_;
};

/// Receipts that came before the answer that names their id (scar F11). Bounded by time and number.
class Parking {
public:
    struct Parked {
        contract::Said said;
        std::uint16_t code;
        contract::Instant at;
    };
    Parking(std::chrono::milliseconds keep, std::size_t most) : keep_(keep), most_(most) {}
    /// False: it is full.
    bool park(const contract::MessageId& id, const Parked& receipt);
    /// All that waited for this id, oldest first.
    std::vector<Parked> claim(const contract::MessageId& id);
    /// Drops what waited too long: that many are orphans.
    std::size_t age(contract::Instant now);
    bool empty() const { return waiting_.empty(); }
    std::size_t size() const { return count_; }

private:
    std::chrono::milliseconds keep_;
    std::size_t most_, count_ = 0;
    std::unordered_map<std::string, std::vector<Parked>> waiting_;
    std::deque<std::pair<contract::Instant, std::string>> order_;
};

inline std::string_view text_of(const contract::MessageId& id) {
    return {id.bytes.data(), std::min<std::size_t>(id.length, id.bytes.size())};
}

}  // namespace tocsin::campaign
