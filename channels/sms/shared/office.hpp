#pragma once
#include "channels/sms/shared/session.hpp"

/// One endpoint: its orders, all its links, and what they are together. It is up while one link is
/// up, throttled only when all that are up are. Owns no socket and no clock.
namespace tocsin::sms {

struct LinkSetup {
    LaneSetup lane;
    Times times;
    bool pair = false;  // transmitter and receiver; else a transceiver while the peer takes it
    std::size_t account = 0;  // links of one account at one peer: receipts may come by any of them
    std::unique_ptr<Speech> speech, receiving;  // receiving: null where there are no pairs
};

struct OfficeSetup {
    std::vector<LinkSetup> links;
    std::shared_ptr<const Portability> ported;
    std::uint8_t parts_most = 4;
    std::chrono::milliseconds validity_most{30 * 60 * 1000};
    std::chrono::milliseconds receipts_within{60000};
};

class Office final : private Session::Watcher {
public:
    Office(OfficeSetup setup, contract::BulkDesk& desk, const Protocol& protocol, Jitter jitter);

    void carry(const contract::Message& message, bool drill);
    void probe() { probe_asked_ = true; }
    void stop();
    void durable(contract::Ticket up_to);
    void tick(Instant now);
    /// After stop(): nothing is left to do.
    bool ended() const;

    /// Two a link: the second brings receipts where links are pairs, and sleeps elsewhere.
    std::size_t sessions() const { return sessions_.size(); }
    Session& session(std::size_t index) { return *sessions_[index]; }
    std::size_t link_of(std::size_t session) const { return session / 2; }
    Submitter& submitter() { return submitter_; }

private:
    struct Account {
        std::uint64_t receipts_seen = 0, accepted_before = 0;
        std::optional<Instant> receiptless_since;
        bool receiptless = false;  // and said so
    };
    void changed(Session& session, Instant now) override;
    void enquired(Session& session, bool well, std::string what, Instant now) override;
    void only_pairs(Session& session, Instant now) override;
    void answer_probe(Instant now);
    void watch_receipts(Instant now);
    void watch_receipts(std::size_t account, Instant now);
    bool receiptless() const;
    void tell_state(Instant now);
    std::string down() const;
    void tell_rates(Instant now);

    contract::BulkDesk& desk_;
    const Protocol& protocol_;
    std::chrono::milliseconds receipts_within_;
    Submitter submitter_;
    Replies replies_;
    std::vector<std::unique_ptr<Session>> sessions_;
    std::vector<std::size_t> account_of_;  // by link
    std::vector<Account> accounts_;
    bool stopping_ = false;
    std::optional<Instant> rates_told_;

    bool probe_asked_ = false;
    std::vector<const Session*> probing_;  // asked and silent yet
    Instant probed_at_{};
    std::optional<contract::LinkState> told_;
    std::optional<Instant> told_until_;
    std::vector<contract::Evidence> refused_;  // by carry(), which is told no time
};

}  // namespace tocsin::sms
