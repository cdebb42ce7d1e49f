#pragma once
#include "server/base/fault.hpp"
#include "server/base/time.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

/// What one endpoint is asked to do. No CAP, no Redis, no Asio in here.
namespace tocsin::contract {

using tocsin::Instant;

enum class Mode : std::uint8_t {
    live = 1,
    exercise,
    test,
    replay
};  // 0: a zeroed record is nothing
enum class Depth : std::uint8_t { platform, front_end, terminal };
enum class Level : std::uint8_t { blue = 1, yellow, orange, red };
enum class Action : std::uint8_t { publish, update, withdraw };  // correction: withdraw with words
enum class Form : std::uint8_t { sms, cb, speech, crawl, full_screen, board, page, headline, cap };

/// A warning's name on every medium, made at acceptance. CB serial, EBM id, board slot and SMPP
/// reference are computed from it, so a late answer finds its order.
struct OrderId {
    std::uint32_t ordinal;   // one per chain, rising
    std::uint16_t revision;  // within the chain, from 1
    auto operator<=>(const OrderId&) const = default;
};

struct Text {
    Form form;
    std::string language, words;
};
struct Facts {  // from the alert, never from a default (scar H4)
    std::string event, severity, urgency, certainty, sender, identifier;
    Instant sent, onset;
};
struct Regions {
    std::vector<std::string> codes;
    std::string geometry = {};  // GeoJSON (RFC 7946: longitude first), for maps; may be empty
};                              // the whole city is its own code
struct Cells {
    std::vector<std::uint64_t> cgi;
};
struct Audience {
    std::string campaign;
    std::uint32_t recipients;
    std::uint16_t only_reached_by = 0;
};  // revision
using Footprint = std::variant<Regions, Cells, Audience>;

struct Message {
    OrderId id;
    std::uint16_t shown;  // revision on air at this endpoint, 0 none: what an update replaces
    Mode mode;
    Depth depth;
    Action action;
    Level level;
    Instant expires;
    Facts facts;
    std::vector<Text> texts;
    Footprint footprint;
};

struct Live {};
struct Drill {};

/// A message that passed the gate. Copies keep their side; nothing turns one side into the other.
template <class Side> class Order {
public:
    const Message& operator*() const { return *message_; }
    const Message* operator->() const { return message_.get(); }

private:
    friend class Gate;
    explicit Order(std::shared_ptr<const Message> message) : message_(std::move(message)) {}
    std::shared_ptr<const Message> message_;
};
using Cleared = std::variant<Order<Live>, Order<Drill>>;

}  // namespace tocsin::contract
