#include "server/base/log.hpp"
#include "server/base/time.hpp"
#include "server/ledger/keys.hpp"
#include "server/ledger/pages.hpp"
#include "server/ledger/store.hpp"

/// Audiences: pages first, in bounded batches, then the index in one step. A version's pages are
/// booked as garbage before the first is written, and taken off that list with the index: so an
/// import that dies half way is swept up too.
namespace tocsin::ledger {
namespace {

constexpr std::size_t pages_at_once = 32;  // 256 KB under way

std::string index_key() { return keys::intake("audiences"); }
std::string pages_key() { return keys::intake("audience_pages"); }
std::string garbage_key() { return keys::intake("audience_garbage"); }
std::string due_in(std::chrono::milliseconds wait) {
    return std::to_string((now() + wait).time_since_epoch().count());
}

/// "<name>/<version> <pages of group 0> <pages of group 1> ...": all that removing it needs.
std::string list_of_pages(const plan::Audience& made) {
    auto out = made.name + "/" + made.version;
    for (const auto& group : made.groups) out += fmt::format(" {}", pages_of(group.count));
    return out;
}

struct Import : std::enable_shared_from_this<Import> {
    Import(Store& store, std::vector<Ledger::GroupNumbers> groups, Then<plan::Audience> then)
        : store(store), alive(store.alive()), groups(std::move(groups)), then(std::move(then)) {}

    void begin(const std::string& name) {
        made.name = name;
        for (const auto& [group, numbers] : groups) {
            made.groups.push_back(group);
            made.groups.back().count = std::uint32_t(numbers.size());
        }
        const auto on = [self = shared_from_this()](const Result<Reply>& reply) {
            if (reply.has_error()) return self->then(reply.error());
            self->made.version = std::to_string((*reply).number());
            self->book();
        };
        store.ask(Lane::large, {"INCR", keys::intake("audience_version")}, on);
    }

    void book() {
        const auto on = [self = shared_from_this()](const Result<Reply>& reply) {
            if (reply.has_error()) return self->then(reply.error());
            self->more();
        };
        store.ask(
            Lane::large,
            {"ZADD", garbage_key(), due_in(store.options().audience_grace), list_of_pages(made)},
            on);
    }

    void more() {
        while (under_way < pages_at_once && !fault && group < groups.size()) {
            const auto& numbers = groups[group].numbers;
            if (page * audience_page_numbers >= numbers.size()) {
                ++group, page = 0;
                continue;
            }
            const auto key = audience_page_key(made.name + "/" + made.version, group, page);
            const auto bytes = pack_page(numbers, page++);
            ++under_way;
            store.ask(Lane::large, {"SET", key, bytes},
                      [self = shared_from_this()](const Result<Reply>& reply) {
                          --self->under_way;
                          if (reply.has_error()) self->fault = reply.error();
                          self->more();
                      });
        }
        if (under_way > 0 || done) return;
        done = true;
        if (fault) return then(std::move(*fault));
        finish();
    }

    void finish() {
        store.run(Lane::large, "audience", {index_key(), pages_key(), garbage_key()},
                  {made.name, pack_audience(made), list_of_pages(made),
                   due_in(store.options().audience_grace)},
                  [self = shared_from_this()](const Result<Reply>& reply) {
                      if (reply.has_error()) return self->then(reply.error());
                      self->then(std::move(self->made));
                  });
    }

    Store& store;
    std::weak_ptr<bool> alive;
    std::vector<Ledger::GroupNumbers> groups;
    Then<plan::Audience> then;
    plan::Audience made;
    std::size_t group = 0, page = 0, under_way = 0;
    std::optional<Fault> fault;
    bool done = false;
};

}  // namespace

void RedisLedger::put_audience(const std::string& name,
                               std::vector<GroupNumbers> groups,
                               Then<plan::Audience> then) {
    if (auto bad = unfit(name, groups))
        return store_->later([then = std::move(then), bad = std::move(*bad)] { then(bad); });
    std::make_shared<Import>(*store_, std::move(groups), std::move(then))->begin(name);
}

void RedisLedger::audiences(Then<std::vector<plan::Audience>> then) {
    using Out = std::vector<plan::Audience>;
    store_->ask(Lane::large, {"HGETALL", index_key()},
                ledger::told<Out>(std::move(then), [](Reply r) -> Result<Out> {
                    Out out;
                    for (std::size_t i = 1; i < r.size(); i += 2) {
                        auto audience = unpack_audience(r[i].text());
                        if (audience.has_error()) return audience.error();
                        out.push_back(std::move(*audience));
                    }
                    std::ranges::sort(out, {}, &plan::Audience::name);
                    return out;
                }));
}

void RedisLedger::remove_audience(const std::string& name, Then<bool> then) {
    store_->run(Lane::large, "audience", {index_key(), pages_key(), garbage_key()},
                {name, "", "", due_in(store_->options().audience_grace)},
                ledger::told<bool>(std::move(then),
                                   [](Reply r) -> Result<bool> { return r.number() > 0; }));
}

}  // namespace tocsin::ledger
