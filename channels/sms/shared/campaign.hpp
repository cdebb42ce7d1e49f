#pragma once
#include "channels/sms/shared/segment.hpp"
#include "channels/sms/shared/window.hpp"
#include "server/contract/bulk.hpp"

#include <deque>
#include <vector>

/// One order, encoded: each language's segments, once for each form that the endpoint's links need.
namespace tocsin::sms {

struct Worded {
    std::string language;
    /// By form, then by part. All forms have the same number of parts: a part is a part on any link.
    std::vector<std::vector<Segment>> forms;
    std::size_t parts() const { return forms.front().size(); }
};

struct Campaign {
    std::uint32_t serial = 0;
    contract::OrderId id{};
    contract::Level level{};
    bool retraction = false;
    Instant expires;
    std::vector<Worded> texts;  // 255 at most
    std::uint8_t parts_most = 1;
    bool by_form = false;  // its forms differ in what a peer may refuse (flash)

    // The submitter's own.
    bool begun = false, superseded = false, stopped = false;
    std::uint64_t refused_by = 0;  // lanes, as bits, whose peer refuses every recipient alike
    std::uint32_t jobs = 0;        // with a peer or waiting
    std::uint32_t waiting_jobs = 0;
    std::vector<std::deque<Job>> waiting;  // by route; before anything new
    std::int64_t validity_set = -1;        // seconds that its segments say
    std::vector<contract::Answer> answers;
    std::vector<std::uint32_t> unknown;

    bool in_force(Instant now) const { return !superseded && !stopped && now < expires; }
    /// The text of a slice's language: exactly, else of the same primary language, else the first.
    std::uint8_t text_for(std::string_view language) const;
};

/// The same for the same order on every link and after every restart (scar E8), and different for
/// neighbouring orders to the same handset.
std::uint16_t reference_of(contract::OrderId id);

}  // namespace tocsin::sms
