#pragma once
#include "server/ledger/store.hpp"

/// What leaves Redis: old pages of audiences, archived alerts. Slowly, and again after a fault.
namespace tocsin::ledger {

struct RedisLedger::Tidier {
    explicit Tidier(Store& store);
    void start();
    void round();

private:
    void drop_pages(const std::string& listed);
    void drop_alert(const std::string& id);
    void drop(std::shared_ptr<std::vector<std::string>> keys, std::function<void()> then);

    Store& store_;
    boost::asio::steady_timer timer_;
};

}  // namespace tocsin::ledger
