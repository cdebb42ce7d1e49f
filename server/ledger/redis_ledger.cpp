#include "server/ledger/redis_ledger.hpp"

#include "server/base/digest.hpp"
#include "server/ledger/redis_audit.hpp"
#include "server/ledger/redis_tidy.hpp"
#include "server/ledger/store.hpp"

namespace tocsin::ledger {
namespace {

RedisLedger::Options filled(RedisLedger::Options options) {
    if (options.boot.empty())
        options.boot = make_ulid();  // a restart of the same node is another boot
    return options;
}

}  // namespace

RedisLedger::RedisLedger(boost::asio::io_context& loop, Options options)
    : store_(std::make_unique<Store>(loop, filled(std::move(options)))),
      sealer_(std::make_unique<Sealer>(*store_)),
      tidier_(std::make_unique<Tidier>(*store_)) {
    tidier_->start();
}

RedisLedger::~RedisLedger() = default;

void RedisLedger::stopping() { store_->watch().stopping(); }
std::uint64_t RedisLedger::restarts() const { return store_->watch().restarts(); }
void RedisLedger::tidy() { tidier_->round(); }

Health RedisLedger::health() const { return store_->watch().health(); }
void RedisLedger::on_health(std::function<void(const Health&)> tell) {
    store_->watch().on_health(std::move(tell));
}

}  // namespace tocsin::ledger
