#pragma once
#include "server/campaign/campaign.hpp"
#include "server/campaign/wire.hpp"
#include "server/dispatch/bulk_port.hpp"

/// All campaigns of one bulk endpoint: what its channel pulls (BulkDesk), what its station grants
/// (BulkPort), what the API reads (BulkReports). Lives on the bulk loop with its own connections to
/// Redis; calls of BulkPort and BulkReports may come from any thread and are posted, and what
/// BulkEvents and reports are told is posted to the core loop.
///
/// A pass: the channel's tick, where it brings answers and receipts and takes recipients. Each `tick`
/// a pass begins with writing: all that is dirty goes to Redis. While a pass moves much, the next one
/// follows at once; while the channel waits for intents, they are written at once.
namespace tocsin::campaign {

struct Settings {
    std::string endpoint;
    Wire::Where redis;
    Limits limits;
    milliseconds tick{10}, tick_idle{20};
    std::chrono::microseconds tick_hurried{700};
    milliseconds park{5000};  // a receipt before its answer
    std::size_t park_most = 200'000;
    std::uint32_t orphans_kept = 100'000;  // segments of them
    milliseconds linger{60'000};           // a finished campaign stays in memory for late words
    std::chrono::hours keep{90 * 24};      // a closed campaign in Redis; 0: for ever
    std::function<Instant()> clock = tocsin::now;
    std::function<bool(std::uint64_t)> opted_out;  // asked on the bulk loop; empty: nobody has
    std::function<bool()> opt_outs_known;          // until then nobody is told; empty: they are
};

struct Metrics {
    std::uint64_t receipts = 0, matched = 0, repeats = 0, conflicts = 0, noted = 0;
    std::uint64_t parked = 0, unparked = 0,
                  orphans = 0;  // receipts = matched + repeats + ... : no loss
    std::uint64_t commits = 0, segments = 0, failed_writes = 0;
    std::size_t parked_now = 0, campaigns = 0;
};

struct Loaded;   // load.hpp
struct Reached;  // reached.hpp

class Engine : public contract::BulkDesk, public dispatch::BulkPort, public dispatch::BulkReports {
public:
    /// `desk` takes what is no matter of bulk (link states, replies); called on the bulk loop.
    Engine(boost::asio::io_context& bulk,
           boost::asio::io_context& core,
           Settings settings,
           contract::Desk& desk,
           dispatch::BulkEvents& events);
    ~Engine() override;

    /// The channel that was opened with this desk; before start().
    void attach(contract::BulkChannel& channel) { channel_ = &channel; }
    /// Takes up what an earlier run left, then ticks. On the bulk loop.
    void start();
    /// Nothing more is taken or written; on the bulk loop. What is unanswered stays unacknowledged.
    void halt();

    // BulkPort, BulkReports: from any thread.
    void open(dispatch::CampaignSpec spec) override;
    void grant(OrderId order, std::uint32_t recipients) override;
    void stop(OrderId order, std::string why) override;
    void recipients(OrderId order,
                    contract::Mode mode,
                    std::uint32_t page,
                    ledger::Then<dispatch::RecipientPage> then) override;
    void find(OrderId order,
              contract::Mode mode,
              std::uint64_t number,
              ledger::Then<std::optional<dispatch::Recipient>> then) override;

    // BulkDesk: from the channel, on the bulk loop.
    contract::Slice take(OrderId order, std::uint32_t at_most) override;
    void answered(OrderId order, std::span<const contract::Answer> answers) override;
    contract::Ticket settled(std::span<const contract::Receipt> receipts) override;
    void unknown(OrderId order, std::span<const std::uint32_t> recipients) override;
    void hurry() override { hurries_ = true; }
    void report(contract::Evidence evidence) override { desk_.report(std::move(evidence)); }
    void link(contract::LinkState state, std::optional<Instant> until) override {
        desk_.link(state, until);
    }
    void forgot() override { desk_.forgot(); }
    void budgets(std::vector<contract::Budget> own) override { desk_.budgets(std::move(own)); }
    void probed(contract::Probed result) override { desk_.probed(std::move(result)); }
    /// On disk before durable() of the next ticket: a phone's "stop" is not lost with the process.
    void heard(std::string from, std::string words) override;
    void serve(std::string path, std::string type, std::string body) override {
        desk_.serve(std::move(path), std::move(type), std::move(body));
    }

    Metrics metrics() const;
    const Campaign* campaign(OrderId order) const;

private:
    struct Held {
        std::string name;
        std::unique_ptr<Campaign> campaign;
        bool attached = false;  // core knows it
        bool told_exhausted = false, told_final = false, fenced = false, retiring = false,
             closing = false;
        receipts::Counts told;
        Instant told_at{}, commit_after{}, read_after{};
        std::optional<Instant> finished;
        std::uint64_t last_ticket = 0;  // of a batch with words of this campaign
    };
    struct Batch {  // of receipts, in the order of their tickets
        std::uint64_t ticket;
        std::vector<Wire::Words> commands;
        std::size_t unanswered = 0;
        bool sent = false, failed = false, stored = false, replies = false;
    };

    template <class F> void on_bulk(F what);
    template <class F> void tell(F what);

    // engine.cpp: the tick
    void arm();
    std::chrono::microseconds tick() const {
        return hurries_ ? settings_.tick_hurried : settings_.tick;
    }
    void run_at(std::chrono::steady_clock::time_point when);
    void stir();
    void pass();
    void write_all(Instant now);
    void tend(Instant now);
    void flush(Held& held, Instant now);
    void send_commit(Held& held, Instant now);
    void commit_answered(OrderId order,
                         std::uint64_t fence,
                         std::uint64_t seq,
                         const Result<ledger::Reply>& reply);
    void read_numbers(Held& held, Instant now);
    void tell_core(Held& held, Instant now);
    void measure(Instant now);
    Held* held(OrderId order);

    // campaigns.cpp: opening and closing
    bool not_yet(OrderId order) const;
    void recover();
    void recovered_one();
    void open_here(const dispatch::CampaignSpec& spec);
    void supersede(OrderId newer);
    void narrow(const dispatch::CampaignSpec& spec, Plan plan);
    void begin_narrowed(const dispatch::CampaignSpec& spec,
                        Plan plan,
                        std::span<const Reached> revisions);
    void begin(const dispatch::CampaignSpec& spec, Plan plan, std::optional<std::string> mask);
    void opened(const dispatch::CampaignSpec& spec, const std::string& name, Loaded loaded);
    void attach_to(Held& held);
    void tell_closed(OrderId order, const receipts::Counts& counts);
    void consider_end(Held& held, Instant now);
    void close(Held& held);
    void close_pages(OrderId order, std::uint32_t from);
    void forget(OrderId order);
    void match_orphans(Held& held);

    // report.cpp
    struct Reading;
    struct Search;
    using Found = std::function<void(Result<std::optional<dispatch::Recipient>>)>;
    using LookedUp = std::function<void(Result<std::shared_ptr<Reading>>)>;
    void look_up(OrderId order, contract::Mode mode, LookedUp then);
    void keep_read(const std::shared_ptr<Reading>& reading);
    const Campaign* shape_of(const Reading& reading) const;
    void read_page(std::shared_ptr<Reading> reading, std::function<void(bool)> then);
    std::optional<dispatch::Recipient> recipient_of(const Reading& reading,
                                                    std::uint32_t offset) const;
    void search(std::shared_ptr<Reading> reading, std::uint64_t number, Found answer);
    void halve(const std::shared_ptr<Search>& search);
    void look_into(const std::shared_ptr<Search>& search);
    void tell_hit(const std::shared_ptr<Search>& search);

    // settle.cpp: receipts
    void settle_all(std::span<const contract::Receipt> receipts, Instant now);
    void set_aside(const contract::Receipt& receipt, Instant now);
    std::pair<Campaign*, std::optional<Match>> find_id(const contract::MessageId& id,
                                                       std::uint64_t hash);
    void count(Settled settled);
    void unpark(const contract::Answer& answer, Instant now);
    void seal_batch();
    void send_batches(Instant now);
    void batch_answered(std::uint64_t ticket, bool well);
    void acknowledge();

    boost::asio::io_context& bulk_;
    boost::asio::io_context& core_;
    Settings settings_;
    contract::Desk& desk_;
    dispatch::BulkEvents& events_;
    contract::BulkChannel* channel_ = nullptr;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    boost::asio::steady_timer timer_;
    std::chrono::steady_clock::time_point last_pass_{};
    std::chrono::steady_clock::time_point write_at_{};
    bool started_ = false, halted_ = false, stirred_ = false;
    std::size_t moved_ = 0;  // taken, answered, settled since the last pass began
    bool hurries_ = false;
    bool starving_ = false;  // the channel had room and found nobody to take
    bool starved_ = false;   // so it was, since the rate was measured last

    std::map<OrderId, Held> campaigns_;
    struct Early {
        std::uint32_t granted = 0;
        std::string stop;
    };
    std::map<OrderId, Early> early_;  // said before it was open
    std::set<OrderId> opening_;
    std::vector<dispatch::CampaignSpec> wait_for_recovery_;
    std::size_t recovering_ = 0;  // campaigns being taken up
    bool recovery_done_ = false;  // receipts wait for it, unacknowledged

    Parking parking_;
    std::vector<contract::Receipt> waiting_receipts_;
    std::vector<OrphanRecord> orphan_records_;
    std::vector<Wire::Words> heard_;  // commands
    std::deque<Batch> batches_;
    std::uint64_t next_ticket_ = 1;
    bool ticket_used_ = false;
    Instant batches_after_{};

    std::uint64_t answered_ = 0, answered_before_ = 0;
    Instant measured_at_{};
    bool busy_throughout_ = false;
    double rate_ = 0, rate_told_ = 0;
    Metrics metrics_;
    std::shared_ptr<Reading> last_read_;  // of one that is only on disk
    Instant last_read_at_{};
    Wire writer_, reader_;  // last: they go first, and with them whatever would call back
};

}  // namespace tocsin::campaign
