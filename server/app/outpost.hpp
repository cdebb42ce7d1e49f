#pragma once
#include "server/api/pages.hpp"
#include "server/app/config.hpp"
#include "server/campaign/engine.hpp"
#include "server/dispatch/station.hpp"

#include <boost/asio/io_context.hpp>

/// One endpoint's channel on its own loop, and the two crossings: orders from its station (core
/// loop) to the channel, evidence from the channel to its station. Each call is posted, in order.
namespace tocsin::app {

class Outpost final : public dispatch::Port,
                      public dispatch::BulkEvents,
                      public contract::Desk,
                      public std::enable_shared_from_this<Outpost> {
public:
    struct Loops {
        boost::asio::io_context &core, &own;
    };
    Outpost(const Endpoint& endpoint, Loops loops, std::shared_ptr<api::Pages> pages);
    ~Outpost() override;

    /// On its own loop: opens the channel; a bulk one gets an engine of campaigns first.
    Result<bool> open(const campaign::Settings* bulk);
    /// On the core loop: who hears what the channel says. Before that it is kept.
    void attach(dispatch::Station* station);
    /// On its own loop, when nothing calls any more.
    void close();

    std::shared_ptr<dispatch::BulkPort> bulk_port();
    dispatch::BulkReports* reports() { return engine_.get(); }
    const std::string& name() const { return name_; }
    /// Phones replied; told on the core loop. Before open().
    void on_replies(std::function<void()> tell) { on_replies_ = std::move(tell); }
    bool bulk() const { return bulk_; }
    /// Any thread: the channel said that its link is down (or it never came up).
    bool down() const { return down_; }

    // Port
    void carry(contract::Cleared order) override;
    void probe() override;
    void stop() override;
    // BulkEvents, already on the core loop
    void opened(contract::OrderId order, bool well, std::string why) override;
    void asked(contract::OrderId order) override;
    void exhausted(contract::OrderId order) override;
    void totals(contract::OrderId order, receipts::Counts counts, bool all_final) override;
    void rate(double per_second) override;
    void replies() override {
        if (on_replies_) on_replies_();
    }
    // Desk, on its own loop
    void report(contract::Evidence evidence) override;
    void link(contract::LinkState state, std::optional<Instant> until) override;
    void forgot() override;
    void budgets(std::vector<contract::Budget> own) override;
    void probed(contract::Probed result) override;
    void heard(std::string from, std::string words) override;
    void serve(std::string path, std::string type, std::string body) override;

private:
    template <class F> void on_core(F what);
    template <class F> void on_own(F what);

    const std::string name_, prefix_;
    const contract::Listed* listed_ = nullptr;
    Settings settings_;
    Loops loops_;
    std::shared_ptr<api::Pages> pages_;
    const bool bulk_;
    std::atomic<bool> down_{true};
    // core loop
    dispatch::Station* station_ = nullptr;
    std::vector<std::function<void(dispatch::Station&)>> early_;
    std::function<void()> on_replies_;
    // own loop
    std::unique_ptr<contract::Loop> loop_;
    std::unique_ptr<campaign::Engine> engine_;
    std::unique_ptr<contract::Channel> channel_;
};

}  // namespace tocsin::app
