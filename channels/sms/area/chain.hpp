#pragma once
#include "channels/sms/area/compose.hpp"
#include "server/contract/channel.hpp"

/// One chain of warnings at the message centre: what shall be on air, what is, and what may be said
/// of it. Knows no link and no clock.
namespace tocsin::smpp_area {

using contract::Evidence;
using contract::OrderId;
using contract::Said;

/// message_state, SMPP 5.0, 4.7.15.
enum class State : std::uint8_t {
    scheduled,
    enroute,
    delivered,
    expired,
    deleted,
    undeliverable,
    accepted,
    unknown,
    rejected,
    skipped
};
/// No longer on air, and it will not be again.
bool is_over(State state);
std::string_view word(State state);

struct Slot {
    enum class Want : std::uint8_t {
        nothing,
        clear,   // cancel what may be there before the new one, if the peer does not replace
        put,     // broadcast_sm
        watch,   // query_broadcast_sm, now and then
        cancel,  // cancel_broadcast_sm
        verify   // a query after a cancellation that failed: is it still there?
    };
    Want want = Want::nothing;
    Broadcast broadcast;
    std::string id;      // the peer's
    bool there = false;  // taken, and nothing has said that it is over
    bool flying = false;
    std::uint32_t tries = 0;
    Instant due{};
    std::chrono::milliseconds look_again{};  // until the next query
    std::optional<std::uint32_t> refused;
    std::string own_words;  // the peer's, beside the number
    bool seen = false;      // a query has told of this revision
    State state = State::unknown;
    std::vector<Failed> failed;
    std::vector<Reached> reached;
};

struct Chain {
    OrderId id{};  // the newest revision
    bool drill = false, withdrawn = false, ending = false;
    Instant expires{};
    std::vector<Slot> slots;
    std::size_t pieces = 0;  // slots of this revision; those behind it are an older one's
    std::optional<Said> told;
    std::uint32_t told_reached = 0;
    std::vector<Broadcast> lifts;  // of a withdrawal, by slot
    std::string trouble;           // with those

    /// Takes the place of what was there. `unknown_past`: an earlier life may have left something.
    void renew(const contract::Message& message,
               bool is_drill,
               std::vector<Broadcast> broadcasts,
               bool unknown_past,
               bool replace);
    /// The same order once more: what failed goes again, the rest is looked at and told again.
    void again();
    /// Cancels what may be there, then says the words that lift it, if there are any and something was.
    void withdraw(OrderId by, bool unknown_past, std::vector<Broadcast> words, Instant until);
    /// The slot's cancellation is done.
    void cancelled(Slot& slot);
    void lift_refused(Slot& slot, std::string_view why);
    bool at_rest() const;

    /// What is newly known, if anything: at most one grade or end each time.
    std::optional<Evidence> news(const std::string& source);

private:
    void fill(std::size_t slots);
    Evidence evidence(Said said, const std::string& source) const;
    std::optional<Evidence> ended(const std::string& source);
    std::optional<Evidence> graded(const std::string& source);
    void count_taken(Evidence& out) const;
    void count_reached(Evidence& out) const;
};

}  // namespace tocsin::smpp_area
