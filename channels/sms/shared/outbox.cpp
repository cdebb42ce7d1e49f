#include "channels/sms/shared/outbox.hpp"

#include <cstdint>
#include <cstring>

namespace tocsin::sms {
namespace {
constexpr std::size_t compact_at = 64 * 1024;
}

std::size_t Outbox::length_at(std::size_t at) const {
    std::uint32_t length;
    std::memcpy(&length, bytes_.data() + at, 4);
    return __builtin_bswap32(length);
}

void Outbox::urgent(std::string_view pdu) {
    bytes_.insert(whole_ < sent_ ? whole_ + length_at(whole_) : sent_, pdu);
}

void Outbox::sent(std::size_t bytes) {
    sent_ += bytes;
    if (sent_ == bytes_.size()) return clear();
    while (whole_ < sent_ && whole_ + length_at(whole_) <= sent_) whole_ += length_at(whole_);
    if (whole_ < compact_at) return;
    bytes_.erase(0, whole_);
    sent_ -= whole_;
    whole_ = 0;
}

void Outbox::clear() {
    bytes_.clear();
    sent_ = whole_ = 0;
}

}  // namespace tocsin::sms
