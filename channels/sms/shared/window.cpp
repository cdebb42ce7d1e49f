#include "channels/sms/shared/window.hpp"

#include <bit>

namespace tocsin::sms {

Window::Window(std::uint32_t size, std::uint32_t first_sequence)
    : size_(size),
      mask_(std::bit_ceil(size * 2) - 1),
      next_(first_sequence),
      oldest_(first_sequence),
      slots_(mask_ + 1) {}

std::uint32_t Window::next_sequence() {
    while (at(next_).state == Slot::waiting) next_ = after(next_);
    const auto sequence = next_;
    next_ = after(next_);
    return sequence;
}

void Window::sent(std::uint32_t sequence, const Job& job, Instant now) {
    at(sequence) = {job, sequence, Slot::waiting, now};
    ++in_use_;
}

Window::Answered Window::answered(std::uint32_t sequence) {
    auto& slot = at(sequence);
    if (slot.sequence != sequence || slot.state == Slot::empty) return {Found::nothing, {}};
    const auto found = slot.state == Slot::waiting ? Found::waiting : Found::late;
    if (found == Found::waiting) --in_use_;
    slot.state = Slot::empty;
    return {found, slot.job};
}

}  // namespace tocsin::sms
