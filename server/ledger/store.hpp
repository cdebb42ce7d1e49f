#pragma once
#include "server/ledger/redis_ledger.hpp"
#include "server/ledger/watch.hpp"

namespace tocsin::ledger {

/// Which connection a question goes by. Small things share one, in order; large ones (an alert's
/// bytes, lists, pages) take turns on the others, since Redis reads 16 KiB a turn and connection.
enum class Lane { small, large };

/// RedisLedger's connections, its scripts by digest, its health.
class Store {
public:
    using Answer = Redis::Answer;
    Store(boost::asio::io_context& loop, RedisLedger::Options options);

    void ask(Lane lane, const std::vector<std::string_view>& words, Answer answer);
    /// EVALSHA; if Redis forgot the script, EVAL once.
    void run(Lane lane,
             std::string_view script,
             std::vector<std::string> keys,
             std::vector<std::string> arguments,
             Answer answer);
    /// Never from inside the call; not at all once we are gone.
    void later(std::function<void()> work);
    Watch& watch() { return *watch_; }
    const RedisLedger::Options& options() const { return options_; }
    boost::asio::io_context& loop() { return loop_; }
    std::weak_ptr<bool> alive() const { return alive_; }

private:
    Redis& pick(Lane lane);
    Answer doubting(Answer answer);

    boost::asio::io_context& loop_;
    RedisLedger::Options options_;
    std::unique_ptr<Watch> watch_;
    std::vector<std::unique_ptr<Redis>> links_;
    std::size_t turn_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// `then` with what `make` makes of the reply, or with the fault.
template <class T, class F> Redis::Answer told(Then<T> then, F make) {
    return [then = std::move(then), make = std::move(make)](const Result<Reply>& reply) {
        if (reply.has_error()) return then(reply.error());
        then(make(*reply));
    };
}
inline Redis::Answer told_done(Then<Done> then) {
    return told<Done>(std::move(then), [](Reply) -> Result<Done> { return Done{}; });
}

}  // namespace tocsin::ledger
