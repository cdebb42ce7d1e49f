#include "channels/sms/shared/protocol.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::sms {

Validity Protocol::relative_validity(std::chrono::seconds left) {
    using namespace std::chrono;
    const auto whole = std::clamp<std::int64_t>(left.count(), 1, 28 * 86400 - 1);
    const hh_mm_ss clock(seconds(whole % 86400));
    Validity out;
    fmt::format_to_n(out.data(), out.size(), "0000{:02}{:02}{:02}{:02}000R", whole / 86400,
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
    return out;
}

}  // namespace tocsin::sms
