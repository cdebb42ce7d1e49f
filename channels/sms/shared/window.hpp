#pragma once
#include "server/base/time.hpp"

#include <cstdint>
#include <vector>

/// What is with the peer and unanswered: a ring by sequence number. No lock, timer or allocation a
/// message; one deadline for all, that of the oldest.
namespace tocsin::sms {

/// One segment for one recipient, or all of them that were not handed over yet.
struct Job {
    static constexpr std::uint8_t all_parts = 0xFF, nobody = 0xFF;

    std::uint64_t number;
    std::uint32_t recipient;
    std::uint32_t campaign;    // Campaign::serial
    std::uint32_t status = 0;  // why it is to go again; 0: it goes for the first time
    std::uint16_t route = 0;   // RouteId
    std::uint8_t text, part, tries = 0;
    std::uint8_t form = 0;        // that its message went out in
    std::uint8_t avoid = nobody;  // the lane that failed it last
};

class Window {
public:
    explicit Window(std::uint32_t size, std::uint32_t first_sequence = 1);

    std::uint32_t free() const { return in_use_ < size_ ? size_ - in_use_ : 0; }
    std::uint32_t in_use() const { return in_use_; }

    /// The next number of our own requests; 1 follows 0x7FFFFFFF. Skips those whose slot is taken.
    std::uint32_t next_sequence() {
        while (at(next_).state == Slot::waiting) next_ = after(next_);
        const auto sequence = next_;
        next_ = after(next_);
        return sequence;
    }
    void sent(std::uint32_t sequence, const Job& job, Instant now) {
        at(sequence) = {job, sequence, Slot::waiting, now};
        ++in_use_;
    }

    enum class Found : std::uint8_t { waiting, late, nothing };
    struct Answered {
        Found found;
        Job job;
    };
    /// Frees the slot. `late`: it had been given up as unknown, and is answered after all.
    Answered answered(std::uint32_t sequence) {
        auto& slot = at(sequence);
        if (slot.sequence != sequence || slot.state == Slot::empty) return {Found::nothing, {}};
        const auto found = slot.state == Slot::waiting ? Found::waiting : Found::late;
        if (found == Found::waiting) --in_use_;
        slot.state = Slot::empty;
        return {found, slot.job};
    }

    /// Gives each job older than `age` to `tell` and frees its room (a lost answer must never
    /// shrink the window for ever); the slot remembers it for a late answer.
    template <class Tell>
    std::uint32_t overdue(Instant now, std::chrono::milliseconds age, Tell tell) {
        std::uint32_t count = 0;
        for (; oldest_ != next_; oldest_ = after(oldest_)) {
            auto& slot = at(oldest_);
            if (slot.sequence != oldest_ || slot.state != Slot::waiting) continue;
            if (now - slot.sent < age) break;
            slot.state = Slot::given_up;
            --in_use_, ++count;
            tell(slot.job);
        }
        return count;
    }
    /// The link is gone: gives up all.
    template <class Tell> void lost(Tell tell) {
        for (auto& slot : slots_) {
            if (slot.state == Slot::waiting) tell(slot.job);
            slot.state = Slot::empty;
        }
        in_use_ = 0;
        oldest_ = next_;
    }

private:
    struct Slot {
        enum State : std::uint8_t { empty, waiting, given_up };
        Job job{};
        std::uint32_t sequence = 0;
        State state = empty;
        Instant sent;
    };
    static std::uint32_t after(std::uint32_t sequence) {
        return sequence >= 0x7FFFFFFF ? 1 : sequence + 1;
    }
    Slot& at(std::uint32_t sequence) { return slots_[sequence & mask_]; }

    std::uint32_t size_, mask_, in_use_ = 0;
    std::uint32_t next_, oldest_;
    std::vector<Slot> slots_;
};

}  // namespace tocsin::sms
