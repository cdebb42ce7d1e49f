#include "server/ledger/redis_tidy.hpp"

#include "server/base/log.hpp"
#include "server/base/time.hpp"
#include "server/ledger/keys.hpp"
#include "server/ledger/names.hpp"

#include <charconv>
#include <sstream>

namespace tocsin::ledger {
namespace {

constexpr std::size_t keys_at_once = 500;
constexpr const char* a_few = "50";  // of what is due; the next round takes more

std::string millis(Instant at) { return std::to_string(at.time_since_epoch().count()); }

}  // namespace

RedisLedger::Tidier::Tidier(Store& store) : store_(store), timer_(store.loop()) {}

void RedisLedger::Tidier::start() {
    timer_.expires_after(store_.options().tidy_every);
    timer_.async_wait([this, alive = store_.alive()](boost::system::error_code error) {
        if (error || alive.expired()) return;
        round();
        start();
    });
}

void RedisLedger::Tidier::round() {
    store_.ask(Lane::large,
               {"ZRANGEBYSCORE", keys::intake("audience_garbage"), "-inf", millis(now()), "LIMIT",
                "0", a_few},
               [this](const Result<Reply>& reply) {
                   for (std::size_t i = 0; reply.has_value() && i < (*reply).size(); ++i)
                       drop_pages((*reply)[i].str());
               });
    if (!store_.options().forget_after) return;
    const auto keep =
        std::max<std::chrono::hours>(*store_.options().forget_after, dedupe_after_expiry);
    store_.ask(
        Lane::large,
        {"ZRANGEBYSCORE", keys::intake("ends"), "-inf", millis(now() - keep), "LIMIT", "0", a_few},
        [this](const Result<Reply>& reply) {
            for (std::size_t i = 0; reply.has_value() && i < (*reply).size(); ++i)
                drop_alert((*reply)[i].str());
        });
}

/// "<name>/<version> <pages of group 0> ...", as redis_audience.cpp wrote it.
void RedisLedger::Tidier::drop_pages(const std::string& listed) {
    std::istringstream in(listed);
    std::string version;
    in >> version;
    auto keys = std::make_shared<std::vector<std::string>>();
    std::size_t pages = 0;
    for (std::size_t group = 0; in >> pages; ++group)
        for (std::size_t page = 0; page < pages; ++page)
            keys->push_back(audience_page_key(version, group, page));
    drop(keys, [this, listed] {
        store_.ask(Lane::large, {"ZREM", keys::intake("audience_garbage"), listed},
                   [](const Result<Reply>&) {});
    });
}

void RedisLedger::Tidier::drop_alert(const std::string& id) {
    if (!mode_of_id(id)) return;
    auto others = std::make_shared<std::vector<std::string>>(
        std::vector{keys::deliveries(id), keys::events(id)});
    drop(others, [this, id] {
        store_.run(Lane::large, "remove",
                   {keys::intake(""), keys::intake("recent"), keys::intake("orders"),
                    keys::intake("ends")},
                   {id}, [id](const Result<Reply>& reply) {
                       if (reply.has_value()) log::info("alert.expired", {{"removed", id}});
                   });
    });
}

/// All of them, some at a time; then what stands for them.
void RedisLedger::Tidier::drop(std::shared_ptr<std::vector<std::string>> keys,
                               std::function<void()> then) {
    if (keys->empty()) return then();
    const auto some = std::min(keys_at_once, keys->size());
    std::vector<std::string> batch(std::make_move_iterator(keys->end() - std::ptrdiff_t(some)),
                                   std::make_move_iterator(keys->end()));
    keys->resize(keys->size() - some);
    std::vector<std::string_view> words{"UNLINK"};
    words.insert(words.end(), batch.begin(), batch.end());
    store_.ask(Lane::large, words,
               [this, keys, then = std::move(then)](const Result<Reply>& reply) mutable {
                   if (reply.has_value()) drop(keys, std::move(then));  // else: the next round
               });
}

}  // namespace tocsin::ledger
