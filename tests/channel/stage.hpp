#pragma once
#include "server/contract/channel.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// What the conformance test must know of one channel: how to set it up, a peer that behaves as told,
/// and what that peer got. Everything else is the same for all.
namespace tocsin::conformance {

using contract::Instant;

/// How the peer behaves, from play() on.
enum class Manner : std::uint8_t {
    well,
    refuses,   // every order, for good
    busy,      // "later", to every first try
    hangs,     // takes an order and never answers
    mute,      // lets us connect and never says a word
    vanishes,  // the connection breaks in the middle of an order; later it is back
    lies       // says yes and does not do it
};

/// What a channel may be unable to play; each refusal has its reason, and README.md lists it. All
/// other rows are played by all.
enum class Row : std::uint8_t {
    words,    // the peer keeps what it got
    facts,    // severity, urgency ... reach the medium beside the words
    shows,    // the medium is a state that people look at, not a message that stays
    repeats,  // a second copy of an order can be told by its reference
    probe,    // a peer that is gone can be noticed by asking
    expires,  // an order can wait in the channel and expire there
    refuses,
    hangs,
    mute,
    vanishes,
    lies
};
inline constexpr std::string_view row_names[] = {"words", "facts",    "shows",   "repeats",
                                                 "probe", "expires",  "refuses", "hangs",
                                                 "mute",  "vanishes", "lies"};

struct Unplayed {
    Row row;
    std::string_view why;
};

/// One message as the peer has it, its parts put together again.
struct Got {
    std::string to;         // a person's number, a path
    std::string words;      // decoded
    std::string reference;  // by which it would know a copy
    Instant at{};
    bool taken = true;  // false: it reached the peer, which refused it
};

class Stage {
public:
    virtual ~Stage() = default;

    virtual std::vector<Unplayed> unplayed() const = 0;
    /// The [endpoint.<channel>] table for a peer of the last play().
    virtual std::string settings() const = 0;
    /// A peer that behaves so, always at the same address; what it got before stays known.
    virtual void play(Manner) {}
    /// Nobody at that address.
    virtual void leave() {}
    /// After `vanishes`: it is back.
    virtual void recover() { play(Manner::well); }

    virtual std::vector<Got> got() { return {}; }
    /// Row::shows: what people are shown as in force, one text an alert and place.
    virtual std::vector<std::string> shown() { return {}; }
    /// Row::facts: as they stand on the medium; an empty identifier: none of this order.
    virtual contract::Facts facts(contract::OrderId) { return {}; }
    /// The highest grade that may be claimed while the peer behaves so.
    virtual contract::Said most(Manner) const { return contract::Said::handed; }
    /// What the peer itself says then: evidence must repeat it. Empty: nothing to repeat.
    virtual std::string own_words(Manner) const { return {}; }
    /// What the peer saw that its protocol forbids.
    virtual std::vector<std::string> wrong() { return {}; }
    /// The channel gave the desk a document for the public listener.
    virtual void served(const std::string& path, const std::string& type, const std::string& body) {
        (void)path, (void)type, (void)body;
    }
};

using MakeStage = std::unique_ptr<Stage> (*)();

/// A stage says its channel's name: `const Stands here{"web", make};` in <channel>_stage.cpp.
class Stands {
public:
    Stands(std::string_view channel, MakeStage make);
};
struct Standing {
    std::string_view channel;
    MakeStage make;
};
const std::vector<Standing>& stages();
/// Null: this channel has none.
std::unique_ptr<Stage> stage_for(std::string_view channel);
bool plays(const Stage& stage, Row row);

/// A folder that is gone with the object.
class Folder {
public:
    Folder();
    ~Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    const std::filesystem::path path;
};

}  // namespace tocsin::conformance
