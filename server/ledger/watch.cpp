#include "server/ledger/watch.hpp"

#include "server/base/log.hpp"
#include "server/ledger/keys.hpp"
#include "server/ledger/scripts.hpp"

namespace tocsin::ledger {

using std::chrono::steady_clock;

Watch::Watch(boost::asio::io_context& loop, Redis& link, WatchOptions options)
    : link_(link), options_(std::move(options)), timer_(loop) {
    beat();
}

/// Only answers of this connection, and only while we live.
template <class F> Redis::Answer Watch::guarded(F then) {
    return [this, alive = std::weak_ptr<bool>(alive_), connection = connection_,
            then = std::move(then)](const Result<Reply>& reply) {
        if (!alive.expired() && connection == connection_) then(reply);
    };
}

void Watch::linked(bool up) {
    ++connection_;
    probing_ = probed_ = late_ = checking_ = known_ = announced_ = false;
    probe_trouble_.clear();
    objections_.clear();
    if (up) {
        load_scripts();
        check();
        probe();
    }
    judge();
}

void Watch::doubt() {
    if (!link_.up()) return;
    check();
    probe();
}

void Watch::beat() {
    static constexpr auto every = std::chrono::milliseconds(100);
    timer_.expires_after(every);
    timer_.async_wait([this, alive = std::weak_ptr<bool>(alive_),
                       due = steady_clock::now() + every](boost::system::error_code error) {
        if (error || alive.expired()) return;
        const auto now = steady_clock::now();
        // If this very loop stood still, the answer may lie unread: give it one more beat.
        stalled_ = !stalled_ && now > due + every;
        if (link_.up() && !stalled_) look(now);
        judge();
        beat();
    });
}

void Watch::look(steady_clock::time_point now) {
    late_ = probing_ && now - probed_at_ > options_.probe_within;
    if (!probing_ && now - probed_at_ >= options_.probe_every) probe();
    // While something is wrong, look often: intake is refused meanwhile.
    const auto wait = known_ && objections_.empty()
                          ? options_.check_every
                          : std::min(options_.check_every, options_.probe_every);
    if (!checking_ && now - checked_at_ >= wait) check();
}

void Watch::load_scripts() {
    for (const auto& one : scripts())
        link_.ask({"SCRIPT", "LOAD", one.text}, guarded([this, &one](const Result<Reply>& reply) {
                      // Unreachable (LOADING, ...): the first use sends it then.
                      if (reply.has_error() && reply.error().cause != Cause::unreachable)
                          log::error("ledger.degraded",
                                     {{"script", one.name}, {"why", reply.error().what}});
                  }));
}

void Watch::check() {
    if (std::exchange(checking_, true)) return;
    checked_at_ = steady_clock::now();
    facts_ = {};
    link_.ask({"INFO"}, guarded([this](const Result<Reply>& reply) {
                  if (reply.has_error())
                      facts_.trouble = reply.error().what;
                  else
                      facts_.info = read_info((*reply).text());
              }));
    std::vector<std::string_view> words{"CONFIG", "GET", "min-replicas-to-write"};
    for (const auto& setting : settings_required()) words.push_back(setting.name);
    link_.ask(words, guarded([this](const Result<Reply>& reply) {
                  if (reply.has_error()) {
                      facts_.trouble = reply.error().what;
                      return;
                  }
                  for (std::size_t i = 0; i + 1 < (*reply).size(); i += 2)
                      facts_.settings[(*reply)[i].str()] = (*reply)[i + 1].str();
              }));
    link_.ask({"GET", keys::intake("accepted")}, guarded([this](const Result<Reply>& reply) {
                  if (reply.has_error())
                      facts_.trouble = reply.error().what;
                  else
                      compare(std::uint64_t((*reply).number()));
                  checked();
              }));
}

void Watch::compare(std::uint64_t accepted) {
    if (accepted < accepted_ && forgot_.empty()) {
        forgot_ = fmt::format(
            "Redis forgot: {} alerts were accepted, it knows of {}; restore it, then restart "
            "tocsind",
            accepted_, accepted);
        log::error("ledger.degraded", {{"why", forgot_}});
    }
    if (forgot_.empty()) remember(accepted);
}

void Watch::checked() {
    checking_ = false;
    known_ = true;
    const auto run_id = facts_.info.find("run_id");
    if (run_id != facts_.info.end() && run_id->second != run_id_) {
        if (!run_id_.empty()) {
            ++restarts_;
            log::warn("ledger.restarted", {{"run_id", run_id->second}});
        }
        run_id_ = run_id->second;
    }
    objections_ = objections(facts_, options_.replicas_required);
    if (options_.own && facts_.trouble.empty()) repair();
    judge();
}

/// Somebody changed our own child's settings: put them back, and look once more.
void Watch::repair() {
    bool any = false;
    for (const auto& [name, value] : settings_required()) {
        if (facts_.settings[std::string(name)] == value) continue;
        any = true;
        log::warn("ledger.degraded", {{"setting", std::string(name)},
                                      {"was", facts_.settings[std::string(name)]},
                                      {"put_back_to", std::string(value)}});
        link_.ask({"CONFIG", "SET", name, value}, guarded([](const Result<Reply>&) {}));
    }
    if (any) check();
}

void Watch::probe() {
    if (std::exchange(probing_, true)) return;
    probed_at_ = steady_clock::now();
    link_.ask({"SET", keys::intake("probe"), std::to_string(++probes_)},
              guarded([this](const Result<Reply>& reply) {
                  probing_ = late_ = false;
                  probe_trouble_ = reply.has_error() ? reply.error().what : "";
                  probed_ = probed_ || reply.has_value();
                  if (reply.has_error()) check();
                  judge();
              }));
}

Health Watch::judged() const {
    if (!link_.up()) {
        const auto known = options_.why_down ? options_.why_down() : "";
        return {false, false, known.empty() ? "no connection to Redis: " + link_.why() : known};
    }
    if (late_)
        return {false, false,
                fmt::format("Redis takes no write within {} ms", options_.probe_within.count())};
    if (!forgot_.empty()) return {true, false, forgot_};
    if (!probe_trouble_.empty()) return {true, false, "a test write failed: " + probe_trouble_};
    if (!objections_.empty())
        return {true, false, fmt::format("Redis: {}", fmt::join(objections_, "; "))};
    if (!probed_ || !known_) return {true, false, "Redis is being checked"};
    return {true, true, ""};
}

void Watch::judge() {
    auto is = judged();
    const bool same = is.up == health_.up && is.durable == health_.durable && is.why == health_.why;
    const bool turned = is.durable != health_.durable;
    health_ = std::move(is);
    if (turned && health_.durable)
        log::info("ledger.ready");
    else if (turned && !stopping_)
        log::error("ledger.degraded", {{"why", health_.why}});
    if (health_.durable && !std::exchange(announced_, true))
        for (const auto& tell : ready_) tell();
    if (!same)
        for (const auto& tell : watchers_) tell(health_);
}

}  // namespace tocsin::ledger
