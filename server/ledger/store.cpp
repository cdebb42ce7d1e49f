#include "server/ledger/store.hpp"

#include "server/ledger/scripts.hpp"

#include <boost/asio/post.hpp>

namespace tocsin::ledger {

Store::Store(boost::asio::io_context& loop, RedisLedger::Options options)
    : loop_(loop), options_(std::move(options)) {
    const RedisLimits limits{options_.in_flight_max, options_.bytes_max, options_.patience};
    const Redis::Login login{options_.user, options_.password};
    for (std::size_t i = 0; i < std::max<std::size_t>(options_.connections, 1); ++i)
        links_.push_back(std::make_unique<Redis>(loop, options_.at, login, limits,
                                                 [this, first = i == 0](bool up) {
                                                     if (first) watch_->linked(up);
                                                 }));
    watch_ = std::make_unique<Watch>(
        loop, *links_.front(),
        WatchOptions{options_.own, options_.replicas_required, options_.probe_every,
                     options_.probe_within, options_.check_every, options_.why_down});
}

Redis& Store::pick(Lane lane) {
    if (lane == Lane::small || links_.size() == 1) return *links_.front();
    for (std::size_t tried = 1; tried < links_.size(); ++tried) {
        turn_ = turn_ % (links_.size() - 1) + 1;
        if (links_[turn_]->up()) return *links_[turn_];
    }
    return *links_.front();
}

/// LOADING, READONLY, MISCONF, ...: the watch looks at once, not at its next round.
Store::Answer Store::doubting(Answer answer) {
    return [this, answer = std::move(answer)](const Result<Reply>& reply) {
        if (reply.has_error() && reply.error().cause != Cause::over_limit) watch_->doubt();
        answer(reply);
    };
}

void Store::later(std::function<void()> work) {
    boost::asio::post(loop_, [alive = std::weak_ptr<bool>(alive_), work = std::move(work)] {
        if (!alive.expired()) work();
    });
}

void Store::ask(Lane lane, const std::vector<std::string_view>& words, Answer answer) {
    pick(lane).ask(words, doubting(std::move(answer)));
}

void Store::run(Lane lane,
                std::string_view name,
                std::vector<std::string> keys,
                std::vector<std::string> arguments,
                Answer answer) {
    struct Call {
        const Script& script;
        std::string count;
        std::vector<std::string> keys, arguments;
        std::vector<std::string_view> words(bool whole) const {
            std::vector<std::string_view> out{whole ? "EVAL" : "EVALSHA",
                                              whole ? script.text : script.digest, count};
            out.insert(out.end(), keys.begin(), keys.end());
            out.insert(out.end(), arguments.begin(), arguments.end());
            return out;
        }
    };
    auto count = std::to_string(keys.size());
    auto call = std::make_shared<const Call>(
        Call{script(name), std::move(count), std::move(keys), std::move(arguments)});
    auto& link = pick(lane);
    const auto words = call->words(false);
    link.ask(words,
             [this, &link, call, answer = doubting(std::move(answer))](const Result<Reply>& reply) {
                 if (reply.has_error() || !is_noscript((*reply).error())) return answer(reply);
                 link.ask(call->words(true), answer);
             });
}

}  // namespace tocsin::ledger
