#pragma once
#include "server/campaign/engine.hpp"
#include "server/campaign/store.hpp"
#include "server/ledger/keys.hpp"

#include <boost/asio/io_context.hpp>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <thread>

/// For tests only: a real redis-server, a peer that outlives our crashes, a channel between, and a
/// core that grants whatever is asked for.
namespace tocsin::campaign::rig {

using namespace std::chrono_literals;
using contract::Answer, contract::MessageId, contract::Receipt, contract::Ticket;

class RedisChild {
public:
    RedisChild() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "tocsin-campaign-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
        start();
    }
    ~RedisChild() {
        kill();
        std::filesystem::remove_all(folder_);
    }
    RedisChild(const RedisChild&) = delete;
    RedisChild& operator=(const RedisChild&) = delete;

    void start() {
        pid_ = fork();
        if (pid_ == 0) {
            const int nothing = ::open("/dev/null", O_WRONLY);
            dup2(nothing, 1), dup2(nothing, 2);
            execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket().c_str(),
                   "--dir", folder_.c_str(), "--appendonly", "yes", "--appendfsync", "always",
                   "--save", "", static_cast<char*>(nullptr));
            _exit(127);
        }
        for (int i = 0; i < 500; ++i) {
            if (auto* reply = ask({"PING"})) return freeReplyObject(reply);
            std::this_thread::sleep_for(10ms);
        }
        throw std::runtime_error("redis-server does not start");
    }
    void kill() {
        if (pid_ <= 0) return;
        ::kill(std::exchange(pid_, 0), SIGKILL);
        waitpid(-1, nullptr, 0);
        if (sync_) redisFree(std::exchange(sync_, nullptr));
    }
    std::string socket() const { return folder_ + "/redis.sock"; }
    ledger::Address address() const {
        ledger::Address address;
        address.socket = socket();
        return address;
    }
    /// Blocking; null if it does not answer or answers "loading".
    redisReply* ask(const std::vector<std::string>& words) {
        if (sync_ && sync_->err) redisFree(std::exchange(sync_, nullptr));
        if (!sync_) sync_ = redisConnectUnix(socket().c_str());
        if (!sync_ || sync_->err) return nullptr;
        std::vector<const char*> at;
        std::vector<std::size_t> length;
        for (const auto& word : words) at.push_back(word.data()), length.push_back(word.size());
        auto* reply = static_cast<redisReply*>(
            redisCommandArgv(sync_, int(words.size()), at.data(), length.data()));
        if (reply && reply->type == REDIS_REPLY_ERROR) {
            freeReplyObject(reply);
            return nullptr;
        }
        return reply;
    }
    std::string text(const std::vector<std::string>& words) {
        auto* reply = ask(words);
        std::string out = reply && reply->str ? std::string(reply->str, reply->len) : "";
        if (reply && reply->type == REDIS_REPLY_INTEGER) out = std::to_string(reply->integer);
        if (reply) freeReplyObject(reply);
        return out;
    }

private:
    std::string folder_;
    pid_t pid_ = 0;
    redisContext* sync_ = nullptr;
};

inline MessageId id_of(const std::string& text) {
    MessageId id{};
    id.length = std::uint8_t(text.size());
    std::memcpy(id.bytes.data(), text.data(), text.size());
    return id;
}

struct Nature {  // of the peer, in a thousand
    int refuses = 0, asks_again = 0, early = 0, twice = 0, foreign = 0, fails = 0, link_dies = 0;
    std::uint8_t parts = 1;
    std::uint32_t window = 500, each_tick = 400;
    bool receipts = true;
};

/// The message centre: remembers what it took, and gives a receipt until it is acknowledged.
struct Peer {
    struct Copy {
        std::uint64_t number = 0;
        std::uint8_t part = 1;
        Said said{};
        bool acknowledged = false;
    };
    std::map<std::string, Copy> copies;              // by id
    std::map<std::uint64_t, std::uint32_t> taken;    // number -> copies of its first part
    std::map<std::uint64_t, std::uint32_t> refused;  // for good
    std::deque<std::string> due;                     // receipts to give
    std::uint64_t ids = 0, foreign_given = 0, receipts_given = 0, foreign_acknowledged = 0;
};

class Channel : public contract::BulkChannel {
public:
    Channel(contract::BulkDesk& desk, Peer& peer, Nature nature, std::mt19937& random)
        : desk_(desk), peer_(peer), nature_(nature), random_(random) {
        for (const auto& [id, copy] :
             peer_.copies)  // a new bind: what was not acknowledged comes again
            if (!copy.acknowledged && nature_.receipts) peer_.due.push_back(id);
        std::ranges::shuffle(peer_.due, random_);
    }
    std::vector<OrderId> orders;
    std::function<void(std::uint32_t)> on_taken = [](std::uint32_t) {};
    std::function<void(Ticket)> on_durable = [](Ticket) {};
    std::uint64_t taken = 0, may_repeat = 0;
    bool hung = false, hurries = false;
    std::vector<std::string> languages;

    void tick(Instant) override {
        if (hung) return;
        if (hurries) desk_.hurry();
        answer();
        if (one_in(nature_.link_dies)) die();
        for (const auto order : orders) fill(order);
        give_receipts();
    }
    void durable(Ticket up_to) override {
        on_durable(up_to);
        while (!waiting_.empty() && waiting_.front().first <= std::uint64_t(up_to)) {
            for (const auto& id : waiting_.front().second) {
                const auto at = peer_.copies.find(id);
                if (at != peer_.copies.end())
                    at->second.acknowledged = true;
                else
                    ++peer_.foreign_acknowledged;
            }
            waiting_.pop_front();
        }
    }
    void carry(const contract::Order<contract::Live>&) override {}
    void carry(const contract::Order<contract::Drill>&) override {}
    void probe() override {}
    void stop() override {}
    std::size_t in_air() const { return air_.size(); }
    bool idle() const { return air_.empty() && peer_.due.empty() && waiting_.empty(); }

    void die() {
        std::map<OrderId, std::vector<std::uint32_t>> lost;
        for (const auto& flying : air_) {
            lost[flying.order].push_back(flying.recipient);
            if (one_in(500))
                accept(flying, nullptr), ++may_repeat;  // it had arrived, its answer had not
        }
        air_.clear();
        for (const auto& [order, recipients] : lost) desk_.unknown(order, recipients);
        waiting_.clear();
        for (const auto& [id, copy] : peer_.copies)
            if (!copy.acknowledged && nature_.receipts) peer_.due.push_back(id);
    }

private:
    struct Flying {
        OrderId order;
        std::uint32_t recipient;
        std::uint64_t number;
        int ticks;
    };
    bool one_in(int thousandth) { return thousandth > 0 && int(random_() % 1000) < thousandth; }

    void fill(OrderId order) {
        for (std::uint32_t room = nature_.each_tick; room > 0 && air_.size() < nature_.window;) {
            const auto slice = desk_.take(
                order, std::min<std::uint32_t>(room, nature_.window - std::uint32_t(air_.size())));
            if (slice.numbers.empty()) return;
            languages.emplace_back(slice.language);
            for (std::uint32_t i = 0; i < slice.numbers.size(); ++i) {
                if (slice.numbers[i] == 0) continue;
                ++taken;
                on_taken(slice.first + i);
                air_.push_back({order, slice.first + i, slice.numbers[i], int(random_() % 4)});
            }
            room -= std::min<std::uint32_t>(room, std::uint32_t(slice.numbers.size()));
        }
    }

    void accept(const Flying& flying, std::vector<Answer>* answers) {
        ++peer_.taken[flying.number];
        const bool fails = one_in(nature_.fails);
        for (std::uint8_t part = 1; part <= nature_.parts; ++part) {
            const auto id = fmt::format("id-{:x}", ++peer_.ids * 2654435761U);
            peer_.copies[id] = {flying.number, part, fails ? Said::refused : Said::delivered,
                                !nature_.receipts};
            if (answers) answers->push_back({flying.recipient, 0, id_of(id), part, nature_.parts});
            if (!nature_.receipts) continue;
            if (one_in(nature_.early))
                give({id});
            else
                peer_.due.insert(
                    peer_.due.begin() + std::ptrdiff_t(random_() % (peer_.due.size() + 1)), id);
        }
    }

    void answer() {
        std::map<OrderId, std::vector<Answer>> answers;
        std::vector<Flying> still;
        for (auto& flying : air_) {
            if (flying.ticks-- > 0)
                still.push_back(flying);
            else if (one_in(nature_.refuses)) {
                ++peer_.refused[flying.number];
                answers[flying.order].push_back({flying.recipient, 0x0b, {}});
            } else if (one_in(nature_.asks_again))
                answers[flying.order].push_back(
                    {flying.recipient, contract::worth_another_try | 0x58, {}});
            else
                accept(flying, &answers[flying.order]);
        }
        air_ = std::move(still);
        for (auto& [order, some] : answers) {
            std::ranges::shuffle(some, random_);
            desk_.answered(order, some);
        }
    }

    void give(const std::vector<std::string>& ids) {
        std::vector<Receipt> receipts;
        for (const auto& id : ids) {
            const auto at = peer_.copies.find(id);
            if (at == peer_.copies.end()) ++peer_.foreign_given;
            const auto said = at == peer_.copies.end() ? Said::delivered : at->second.said;
            receipts.push_back({id_of(id), said, std::uint16_t(said == Said::refused ? 5 : 0)});
        }
        peer_.receipts_given += receipts.size();
        waiting_.emplace_back(std::uint64_t(desk_.settled(receipts)), ids);
    }
    void give_receipts() {
        std::vector<std::string> ids;
        for (std::uint32_t n = 0; n < 2 * nature_.each_tick * nature_.parts && !peer_.due.empty();
             ++n) {
            ids.push_back(peer_.due.front());
            peer_.due.pop_front();
            if (one_in(nature_.twice)) ids.push_back(ids.back());
            if (one_in(nature_.foreign))
                ids.push_back(fmt::format("foreign-{}", random_() % 100000));
        }
        if (!ids.empty()) give(ids);
    }

    contract::BulkDesk& desk_;
    Peer& peer_;
    Nature nature_;
    std::mt19937& random_;
    std::vector<Flying> air_;
    std::deque<std::pair<std::uint64_t, std::vector<std::string>>> waiting_;  // for durable
};

struct NoDesk : contract::Desk {
    void report(contract::Evidence) override {}
    void link(contract::LinkState, std::optional<Instant>) override {}
    void forgot() override {}
    void budgets(std::vector<contract::Budget>) override {}
    void probed(contract::Probed) override {}
    void heard(std::string, std::string) override {}
    void serve(std::string, std::string, std::string) override {}
};

/// Core: grants what is asked, and remembers what it was told.
struct Core : dispatch::BulkEvents {
    dispatch::BulkPort* port = nullptr;
    std::uint32_t slice = 1000;
    bool grants = true;
    struct Told {
        bool opened = false, well = false, exhausted = false, all_final = false;
        int asked = 0, totals = 0;
        receipts::Counts counts;
        std::string why;
    };
    std::map<OrderId, Told> told;
    double rate_told = 0;

    void opened(OrderId order, bool well, std::string why) override {
        told[order].opened = true;
        told[order].well = well;
        told[order].why = std::move(why);
    }
    void asked(OrderId order) override {
        ++told[order].asked;
        if (grants && port) port->grant(order, slice);
    }
    void exhausted(OrderId order) override { told[order].exhausted = true; }
    void totals(OrderId order, receipts::Counts counts, bool all_final) override {
        ++told[order].totals;
        told[order].counts = counts;
        told[order].all_final = all_final;
    }
    void rate(double per_second) override { rate_told = per_second; }
};

struct Rig {
    explicit Rig(std::uint32_t seed = 1) : random(seed) {
        settings.endpoint = "sms-a";
        settings.redis.address = redis.address();
        settings.tick = settings.tick_idle = 2ms;
        settings.limits.retry_first = 5ms;
        settings.limits.retry_longest = 20ms;
        settings.limits.tries = 50;
        settings.limits.unknown_tries = 50;
        settings.park = 500ms;
        settings.linger = 200ms;
        settings.clock = [this] { return tocsin::now() + clock_ahead; };
    }
    RedisChild redis;
    boost::asio::io_context io;
    std::mt19937 random;
    Nature nature;
    Peer peer;
    Core core;
    NoDesk desk;
    Settings settings;
    milliseconds clock_ahead{0};
    std::unique_ptr<Engine> engine;
    std::unique_ptr<Channel> channel;
    std::vector<OrderId> orders;

    void up() {
        engine = std::make_unique<Engine>(io, io, settings, desk, core);
        channel = std::make_unique<Channel>(*engine, peer, nature, random);
        channel->orders = orders;
        engine->attach(*channel);
        core.port = engine.get();
        engine->start();
    }
    std::uint64_t may_repeat = 0;  // how many persons may have got it twice so far
    /// As a crash: nothing is said to anybody. Redis must be there to be asked what it knows.
    void down(const dispatch::CampaignSpec& spec) {
        core.port = nullptr;
        engine.reset();
        may_repeat += channel->in_air() + channel->may_repeat + touched() - answers_in_redis(spec);
        channel.reset();
    }
    std::uint64_t touched() const {
        std::set<std::uint64_t> numbers;
        for (const auto& [number, _] : peer.taken) numbers.insert(number);
        for (const auto& [number, _] : peer.refused) numbers.insert(number);
        return numbers.size();
    }
    std::uint64_t answers_in_redis(const dispatch::CampaignSpec& spec) {
        std::uint64_t answers = 0;
        const auto name = name_of(spec.mode, spec.endpoint, spec.order);
        for (std::uint32_t page = 0; page < 100; ++page) {
            const auto bytes = redis.text({"GET", ledger::campaign_page_key(name, page)});
            for (std::size_t i = 0; i + submit_bytes <= std::min(bytes.size(), outcome_column);
                 i += submit_bytes) {
                const auto submit =
                    get_submit(std::span<const char, submit_bytes>(bytes.data() + i, submit_bytes));
                if (!submit) throw std::runtime_error("a submit record with a wrong CRC");
                answers += submit->state == State::accepted || submit->state == State::failed;
            }
        }
        return answers;
    }
    std::uint64_t repeats() const {
        std::uint64_t more = 0;
        for (const auto& [_, copies] : peer.taken) more += copies - 1;
        return more;
    }
    /// Groups of so many people each; numbers rise from 8613800000000 on.
    dispatch::CampaignSpec audience(const std::vector<std::uint32_t>& sizes,
                                    OrderId order = {7, 1}) {
        dispatch::CampaignSpec spec;
        spec.order = order;
        spec.mode = contract::Mode::test;
        spec.endpoint = settings.endpoint;
        spec.alert = "t01";
        spec.expires = settings.clock() + 1h;
        spec.level = contract::Level::red;
        spec.audience = "public/1";
        std::uint64_t number = 8613800000000;
        for (std::uint32_t g = 0; g < sizes.size(); ++g) {
            plan::Group group;
            group.count = sizes[g];
            group.language = g % 2 == 0 ? "zh-CN" : "en-US";
            spec.groups.push_back(group);
            spec.indices.push_back(3 * g);
            for (std::uint32_t done = 0; done < sizes[g]; done += page_recipients) {
                std::vector<std::uint64_t> page;
                for (auto i = done; i < std::min(sizes[g], done + page_recipients); ++i)
                    page.push_back(number++);
                redis.text(
                    {"SET", ledger::audience_page_key(spec.audience, 3 * g, done / page_recipients),
                     std::string(reinterpret_cast<const char*>(page.data()), page.size() * 8)});
            }
        }
        return spec;
    }
    void open(const dispatch::CampaignSpec& spec) {
        orders.push_back(spec.order);
        channel->orders = orders;
        engine->open(spec);
    }
    template <class Done> bool run_until(Done done, milliseconds most = 20s) {
        const auto end = std::chrono::steady_clock::now() + most;
        while (!done()) {
            if (std::chrono::steady_clock::now() > end) return false;
            io.restart();
            io.run_one_for(5ms);
        }
        return true;
    }
    void run_for(milliseconds time) {
        const auto end = std::chrono::steady_clock::now() + time;
        run_until([&] { return std::chrono::steady_clock::now() >= end; });
    }
    std::string how(OrderId order) {
        const auto& c = core.told[order].counts;
        const auto* live = engine ? engine->campaign(order) : nullptr;
        const auto m = engine ? engine->metrics() : Metrics{};
        return fmt::format(
            "opened {} {} asked {} counts {}/{}/{}/{}/{}/{} taken {} due {} air {} cursor {} in "
            "flight {} "
            "commits {} failed {} matched {} parked {}",
            core.told[order].opened, core.told[order].why, core.told[order].asked, c.total,
            c.handed, c.accepted, c.delivered, c.failed, c.expired, channel ? channel->taken : 0,
            peer.due.size(), channel ? channel->in_air() : 0, live ? live->cursor() : 0,
            live ? live->in_flight() : 0, m.commits, m.failed_writes, m.matched, m.parked);
    }
    std::vector<dispatch::Recipient> report(const dispatch::CampaignSpec& spec) {
        std::vector<dispatch::Recipient> all;
        std::optional<std::uint32_t> page = 0;
        while (page) {
            bool here = false;
            engine->recipients(spec.order, spec.mode, *page,
                               [&](Result<dispatch::RecipientPage> result) {
                                   here = true;
                                   if (!result && result.error().cause == Cause::unreachable)
                                       return;  // asked again
                                   page.reset();
                                   if (!result) throw std::runtime_error(result.error().what);
                                   for (auto& row : (*result).recipients)
                                       all.push_back(std::move(row));
                                   page = (*result).next;
                               });
            if (!run_until([&] { return here; })) throw std::runtime_error("no page");
        }
        return all;
    }
};

}  // namespace tocsin::campaign::rig
