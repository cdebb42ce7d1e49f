#include "server/campaign/wire.hpp"

#include "server/base/log.hpp"
#include "server/campaign/store.hpp"

namespace tocsin::campaign {

namespace {
const std::string_view* const all_scripts[] = {&open_script, &commit_script, &close_script};
constexpr auto again_after = std::chrono::milliseconds(30);
}  // namespace

Wire::Wire(boost::asio::io_context& loop, const Where& where)
    : loop_(loop), redis_(loop, where.address, where.login, where.limits, [this](bool up) {
          up_ = false;
          digests_.clear();
          if (up) load();
      }) {}

void Wire::load() {
    for (const auto* script : all_scripts)
        redis_.ask({"SCRIPT", "LOAD", *script},
                   [this, script](const auto& reply) { loaded(*script, reply); });
}

void Wire::loaded(std::string_view script, const Result<ledger::Reply>& reply) {
    if (reply.has_error()) {  // it loads its data, or is gone again: then ready() comes anew
        if (redis_.up()) again([this] { load(); });
        return;
    }
    digests_[script] = (*reply).str();
    up_ = digests_.size() == std::size(all_scripts);
}

void Wire::again(std::function<void()> what) {
    auto timer = std::make_shared<boost::asio::steady_timer>(loop_, again_after);
    timer->async_wait([timer, alive = std::weak_ptr<bool>(alive_), what = std::move(what)](auto) {
        if (!alive.expired()) what();
    });
}

/// Insisting on what Redis will never do (rights, a key of another type) should not be silent.
void Wire::complain(const Fault& fault) {
    const auto now = std::chrono::steady_clock::now();
    if (worth_retrying(fault.cause) || now < quiet_until_) return;
    quiet_until_ = now + std::chrono::seconds(10);
    log::error("campaign.redis_refuses", {{"why", fault.what}});
}

void Wire::ask(const Words& words, Answer answer) {
    redis_.ask({words.begin(), words.end()}, std::move(answer));
}

void Wire::insist(Words words, Answer answer) {
    std::vector<std::string_view> views(words.begin(), words.end());
    auto kept = std::make_shared<std::pair<Words, Answer>>(std::move(words), std::move(answer));
    views.assign(kept->first.begin(), kept->first.end());
    redis_.ask(views, [this, kept](const Result<ledger::Reply>& reply) {
        if (reply.has_value()) return kept->second(reply);
        complain(reply.error());
        again([this, kept] { insist(std::move(kept->first), std::move(kept->second)); });
    });
}

void Wire::run(std::string_view script, Words words, Answer answer) {
    const auto digest = digests_.find(script);
    std::vector<std::string_view> views{"EVALSHA", "-"};
    if (digest != digests_.end()) views[1] = digest->second;
    views.insert(views.end(), words.begin(), words.end());
    redis_.ask(views, [this, answer = std::move(answer)](const Result<ledger::Reply>& reply) {
        if (!reply.has_value() || !(*reply).is_error()) return answer(reply);
        if (std::exchange(up_, false)) load();  // somebody flushed the scripts
        answer(Fault{Cause::unreachable, "Redis forgot a script"});
    });
}

void Wire::insist_run(std::string_view script, Words words, Answer answer) {
    auto kept = std::make_shared<std::pair<Words, Answer>>(std::move(words), std::move(answer));
    run(script, kept->first, [this, script, kept](const Result<ledger::Reply>& reply) {
        if (reply.has_value()) return kept->second(reply);
        complain(reply.error());
        again([this, script, kept] {
            insist_run(script, std::move(kept->first), std::move(kept->second));
        });
    });
}

}  // namespace tocsin::campaign
