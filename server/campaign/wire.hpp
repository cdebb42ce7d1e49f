#pragma once
#include "server/ledger/redis.hpp"

#include <set>

/// One of the engine's connections to Redis: scripts are loaded before it counts as up, and a
/// question may insist on its answer.
namespace tocsin::campaign {

class Wire {
public:
    using Answer = ledger::Redis::Answer;
    using Words = std::vector<std::string>;
    struct Where {
        ledger::Address address;
        ledger::Redis::Login login;
        ledger::RedisLimits limits;
    };
    Wire(boost::asio::io_context& loop, const Where& where);
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    bool up() const { return up_; }
    void ask(const Words& words, Answer answer);
    /// Asks again until Redis answers without a fault; so only what may be done twice.
    void insist(Words words, Answer answer);
    /// words: number of keys, keys, arguments.
    void run(std::string_view script, Words words, Answer answer);
    void insist_run(std::string_view script, Words words, Answer answer);

private:
    void load();
    void loaded(std::string_view script, const Result<ledger::Reply>& reply);
    void again(std::function<void()> what);
    void complain(const Fault& fault);

    boost::asio::io_context& loop_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    bool up_ = false;
    std::chrono::steady_clock::time_point quiet_until_{};
    std::map<std::string_view, std::string> digests_;
    ledger::Redis redis_;
};

}  // namespace tocsin::campaign
