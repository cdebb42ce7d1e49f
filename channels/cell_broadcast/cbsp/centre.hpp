#pragma once
#include "channels/cell_broadcast/cbsp/network.hpp"
#include "channels/cell_broadcast/cbsp/setup.hpp"
#include "channels/cell_broadcast/cbsp/state.hpp"

#include <set>

/// The cell broadcast centre: an order in, what each controller should have out, and evidence by cell
/// put together again. Owns no socket, no clock and no file.
namespace tocsin::cbsp {

struct Caught;  // air.hpp

class Centre {
public:
    /// `state` of an earlier life; nothing: nobody remembers, and the desk is asked for all again.
    Centre(const Setup& setup,
           const contract::CellsFile& file,
           std::optional<State> state,
           contract::Desk& desk,
           Jitter jitter);

    /// After the constructor: tells the desk how things stand.
    void begin(Instant now);
    void carry(const contract::Order<contract::Live>& order, Instant now);
    void carry(const contract::Order<contract::Drill>& order, Instant now);
    void probe(Instant now);
    void stop();

    std::size_t size() const { return sessions_.size(); }
    Session& session(std::size_t i) { return *sessions_[i]; }
    void connected(std::size_t i, Instant now);
    void received(std::size_t i, std::string_view bytes, Instant now);
    void broke(std::size_t i, std::string_view why, Instant now);
    void caught(const Caught& caught, Instant now);
    void tick(Instant now);
    /// Sessions with something to send or to wish since the last call.
    std::vector<std::size_t> take_stirred();

    /// The state as bytes, when it has changed.
    std::optional<std::string> take_state(Instant now);

private:
    struct Chain {
        OrderId id{};
        bool withdrawn = false, active = false;  // active: `broadcast` is to be on air
        Instant expires{};
        Shared broadcast;
        std::vector<Network::Share> shares;
        std::vector<std::uint64_t> strangers;
        std::vector<Tally> tallies{};  // by session: counted anew only where something changed
        // What the desk was told.
        std::optional<contract::Said> told{};
        std::uint32_t told_reached = 0;
        std::string told_why;                          // what held up the cells that are missing
        std::optional<contract::Said> told_trouble{};  // refused or failed, once a try
        bool told_gone = false, was_on_air = false, displaced = false;
        Instant told_at{};
        std::optional<Instant> off_air_since{};
        std::set<std::string> differed{};
    };
    struct Sum {
        Tally tally;
        std::uint32_t unreachable = 0;  // cells of controllers that are not up
        std::vector<std::string> down;  // these, and why
    };

    void take(const contract::Message& order, Identity identity, Instant now);
    void publish(Chain& chain,
                 const contract::Message& order,
                 const Identity& identity,
                 Instant now);
    void withdraw(Chain& chain, const contract::Message& order, bool drill, Instant now);
    void say_all_clear(Chain& chain, const contract::Message& order, bool drill, Instant now);
    void put_on_air(Chain& chain, Broadcast broadcast, Instant now);
    void take_off_air(Chain& chain, Instant now);
    void suspect(std::uint32_t ordinal, std::uint16_t revision, bool drill, Instant now);
    std::optional<Network::Split> split(const contract::Message& order) const;
    void refuse(const contract::Message& order, std::string why, Instant now);

    void expire(Instant now);
    void fold(Instant now);
    bool fold(Chain& chain, Instant now);
    void count(std::uint32_t ordinal, std::size_t i);
    bool fold_active(Chain& chain, const Sum& sum, Instant now);
    bool fold_withdrawn(Chain& chain, const Sum& sum, Instant now);
    bool watch_air(Chain& chain, const Sum& sum, Instant now);
    Sum sum(const Chain& chain) const;
    contract::Evidence evidence(const Chain& chain,
                                contract::Said said,
                                const Sum& sum,
                                Instant now) const;
    void tell_link(Instant now);
    void answer_probe();
    void collect(std::size_t i);

    const Setup& setup_;
    Network network_;
    contract::Desk& desk_;
    cell_broadcast::Codes codes_;
    std::vector<std::unique_ptr<Session>> sessions_;
    std::map<std::uint32_t, Chain> chains_;
    std::set<std::uint32_t> pending_;  // chains to fold
    std::vector<std::size_t> stirred_;
    std::vector<std::uint8_t> stirs_;
    std::vector<Instant> due_;  // by session
    std::optional<contract::LinkState> link_;
    struct Probing {
        std::size_t waiting;
        bool well = true;
        std::chrono::milliseconds took{0};
        std::string what;
    };
    std::optional<Probing> probing_;
    bool remembers_, dirty_ = true;
    Instant saved_at_{};
    std::string saved_;
};

}  // namespace tocsin::cbsp
