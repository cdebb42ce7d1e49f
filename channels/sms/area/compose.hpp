#pragma once
#include "channels/sms/area/setup.hpp"
#include "server/contract/order.hpp"

/// An order as broadcasts: one a language, more if there are more areas than fit into one.
namespace tocsin::smpp_area {

/// Broadcasts of a chain; each has a reference of its own, the same in every revision, so that a
/// later one takes its place at the peer, whoever remembers what.
inline constexpr std::size_t slots_max = 8;
std::uint16_t reference_of(std::uint32_t ordinal, std::size_t slot);

/// Validity and replacement are left to the moment of sending. Over limit: more than slots_max.
[[nodiscard]] Result<std::vector<Broadcast>> compose(const contract::Message& message,
                                                     bool drill,
                                                     const Setup& setup);

}  // namespace tocsin::smpp_area
