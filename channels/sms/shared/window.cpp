#include "channels/sms/shared/window.hpp"

#include <bit>

namespace tocsin::sms {

Window::Window(std::uint32_t size, std::uint32_t first_sequence)
    : size_(size),
      mask_(std::bit_ceil(size * 2) - 1),
      next_(first_sequence),
      oldest_(first_sequence),
      slots_(mask_ + 1) {}

}  // namespace tocsin::sms
