#pragma once
#include "channels/cell_broadcast/shared/identifiers.hpp"
#include "channels/cell_broadcast/shared/pages.hpp"
#include "channels/cell_broadcast/shared/serial.hpp"
#include "server/contract/order.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

/// An order as what is to be on air: one notice a language, and for earthquakes an alarm before.
namespace tocsin::cbsp {

using contract::Instant, contract::OrderId;

struct Notice {
    std::uint16_t identifier = 0, serial = 0;
    std::string language;
    cell_broadcast::Pages pages;                  // none: an alarm
    std::optional<std::uint16_t> warning_type{};  // ETWS primary
    bool alarm() const { return warning_type.has_value(); }
    bool operator==(const Notice&) const = default;
};

struct Broadcast {
    OrderId id{};
    bool drill = false;
    contract::Level level{};
    Instant alarm_until{};                // so long an alarm is raised where it is not yet
    Instant until{};                      // off the air then
    std::uint8_t category = 2;            // 0 high priority, 1 background, 2 normal
    std::uint16_t period = 0;             // wished, in slots of 1.883 s
    std::vector<Notice> notices;          // none: nothing is to be on air
    std::vector<std::string> left_out{};  // languages that the identifiers have no place for
    bool operator==(const Broadcast&) const = default;
};
using Shared = std::shared_ptr<const Broadcast>;

/// What the identifiers of this order are; made by two functions, one a side.
struct Identity {
    cell_broadcast::Identifier words;
    std::optional<cell_broadcast::Primary> alarm;
    bool drill;
};

struct Manner {  // how this endpoint writes
    cell_broadcast::Scope scope = cell_broadcast::Scope::plmn;
    cell_broadcast::Layout layout{};
    std::string local = "zh";  // the language of the local identifiers
    std::uint16_t period = 60;
    bool one_period = true;  // some controllers fail when a cell has messages of several periods
};

/// Over limit, malformed: a text that has no pages. Refused: nothing to say, or an identifier of the
/// other side.
Result<Broadcast> compose(const contract::Message& order,
                          const Identity& identity,
                          const Manner& manner,
                          std::uint16_t code,
                          Instant until);

/// Requested count: twice what fits, for a sparse schedule runs at double speed. It is the end only
/// if nobody is left to kill the message.
std::uint16_t broadcasts(std::chrono::milliseconds life, std::uint16_t period);

inline constexpr std::chrono::milliseconds slot{1883};

}  // namespace tocsin::cbsp
