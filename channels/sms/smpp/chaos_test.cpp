#include "channels/sms/smpp/bench_for_tests.hpp"

#include <queue>
#include <random>
#include <set>

/// Simulated minutes of several links with peers that throttle, lose, repeat and cut: everything is
/// drawn from a seed, time is a number, and at the end the books of both sides are compared.
namespace tocsin::smpp {
namespace {

struct Faults {
    std::chrono::milliseconds cut_every{0}, throttle_every{0};
    double lose_answer = 0, lose_receipt = 0, repeat_receipt = 0, strange_receipt = 0;
};

/// All peers of one account: ids and receipts are common, connections are not.
class World {
public:
    World(Setup with, Faults faults, unsigned seed)
        : bench(std::move(with)), faults_(faults), random_(seed), lines_(bench.office.sessions()) {}

    void pass() {
        bench.now += 5ms;
        if (faults_.cut_every.count() > 0 && bench.now - last_cut_ >= faults_.cut_every) cut();
        bench.office.tick(bench.now);
        for (std::size_t i = 0; i < lines_.size(); ++i) {
            auto& session = bench.office.session(i);
            if (session.wish() == Wish::connect) lines_[i].connecting = true;
            for (const auto& seen : bench.read(i)) heard(i, seen);
            if (session.wish() == Wish::close) session.broke("closed", bench.now), closed(i);
            if (std::exchange(lines_[i].connecting, false)) session.connected(bench.now);
        }
        speak();
        bench.office.durable(Ticket(bench.desk.tickets));
    }
    bool done(std::size_t people) {
        return bench.desk.count(flood, [](const auto& p) { return p.accepted(); }) == people &&
               !busy();
    }
    bool busy() const {
        return !said_.empty() || !receipts_.empty() ||
               std::ranges::any_of(lines_, [](const Line& l) { return !l.unacknowledged.empty(); });
    }

    Bench bench;
    std::map<std::string, int> accepted;  // by number, how often
    std::set<std::string> delivered;      // ids that a receipt said so of, and which arrived
    std::size_t cuts = 0, throttled = 0, most_open = 0;

private:
    struct Line {
        bool connecting = false, open = false, brings = false;
        int connection = 0;
        std::uint32_t sequence = 0;
        std::map<std::uint32_t, std::string> unacknowledged;  // receipt's words
    };
    struct Due {
        Instant at;
        std::uint64_t order;
        std::size_t line;
        int connection;
        std::string bytes;
        bool operator<(const Due& other) const {
            return std::tie(at, order) > std::tie(other.at, other.order);
        }
    };
    struct ReceiptDue {
        Instant at;
        std::uint64_t order;
        std::string words;
        bool operator<(const ReceiptDue& other) const {
            return std::tie(at, order) > std::tie(other.at, other.order);
        }
    };
    bool lucky(double share) { return std::uniform_real_distribution<>(0, 1)(random_) < share; }
    std::chrono::milliseconds some(int most) {
        return std::chrono::milliseconds(random_() % unsigned(most));
    }
    static std::string pdu(Command command,
                           std::uint32_t status,
                           std::uint32_t sequence,
                           const std::string& body) {
        std::string out;
        put_bare(out, command, status, sequence);
        out[2] = char((16 + body.size()) >> 8), out[3] = char(16 + body.size());
        return out + body;
    }
    void later(std::size_t line, std::chrono::milliseconds after, std::string bytes) {
        said_.push({bench.now + after, ++order_, line, lines_[line].connection, std::move(bytes)});
    }
    void heard(std::size_t i, const Seen& seen) {
        auto& line = lines_[i];
        switch (seen.command) {
            case Command::bind_transceiver:
            case Command::bind_receiver:
            case Command::bind_transmitter:
                line.open = true;
                line.brings = seen.command != Command::bind_transmitter;
                return later(i, 5ms, pdu(response(seen.command), 0, seen.sequence, "SIM\0"s));
            case Command::submit_sm: return submitted(i, seen);
            case Command::enquire_link:
                return later(i, 5ms, pdu(response(seen.command), 0, seen.sequence, ""));
            default: break;
        }
        if (seen.command == response(Command::deliver_sm))
            CHECK(line.unacknowledged.erase(seen.sequence) == 1);
    }
    void submitted(std::size_t i, const Seen& seen) {
        const bool burst = faults_.throttle_every.count() > 0 &&
                           (bench.now - noon) % faults_.throttle_every < faults_.throttle_every / 8;
        if (burst && i == 0) {
            ++throttled;
            const auto status = throttled % 3 ? status::throttled : status::queue_full;
            return later(i, some(20), pdu(response(Command::submit_sm), status, seen.sequence, ""));
        }
        const auto from = seen.body.find("86");
        ++accepted[seen.body.substr(from, seen.body.find('\0', from) - from)];
        const auto id = fmt::format("{:X}", ++ids_);
        if (!lucky(faults_.lose_answer))
            later(i, some(20), pdu(response(Command::submit_sm), 0, seen.sequence, id + "\0"s));
        const auto words = [](const std::string& of) {
            return "id:" + of + " sub:001 dlvrd:001 stat:DELIVRD err:000 text:";
        };
        if (!lucky(faults_.lose_receipt))
            receipts_.push({bench.now + some(3000), ++order_, words(id)});
        if (lucky(faults_.repeat_receipt))
            receipts_.push({bench.now + some(3000), ++order_, words(id)});
        if (lucky(faults_.strange_receipt))
            receipts_.push({bench.now + some(3000), ++order_, words("FFFF" + id)});
    }
    void speak() {
        for (; !said_.empty() && said_.top().at <= bench.now; said_.pop()) {
            const auto& due = said_.top();
            if (lines_[due.line].connection == due.connection) bench.say(due.bytes, due.line);
        }
        for (; !receipts_.empty() && receipts_.top().at <= bench.now; receipts_.pop()) {
            std::vector<std::size_t> open;
            for (std::size_t i = 0; i < lines_.size(); ++i)
                if (lines_[i].brings && bench.office.session(i).phase() == Phase::bound)
                    open.push_back(i);
            if (open.empty()) return;
            bring(open[random_() % open.size()], receipts_.top().words);
        }
    }
    void bring(std::size_t i, const std::string& words) {
        auto& line = lines_[i];
        line.unacknowledged[++line.sequence] = words;
        delivered.insert(words.substr(3, words.find(' ') - 3));
        bench.receipt(line.sequence, words, i);
    }
    void cut() {
        last_cut_ = bench.now;
        const auto i = random_() % lines_.size();
        if (!bench.office.session(i).up()) return;
        ++cuts;
        bench.office.session(i).broke("cut", bench.now);
        closed(i);
    }
    /// What was not acknowledged is brought again.
    void closed(std::size_t i) {
        auto& line = lines_[i];
        ++line.connection;
        line.open = line.brings = false;
        for (const auto& [sequence, words] : line.unacknowledged)
            receipts_.push({bench.now + 50ms, ++order_, words});
        line.unacknowledged.clear();
    }

    Faults faults_;
    std::mt19937 random_;
    std::vector<Line> lines_;
    std::priority_queue<Due> said_;
    std::priority_queue<ReceiptDue> receipts_;
    std::uint64_t order_ = 0, ids_ = 0x1000;
    Instant last_cut_ = noon;
};

Setup chaos_links(std::size_t count) {
    Setup out;
    for (std::size_t i = 0; i < count; ++i) {
        out.links.push_back(link(fmt::format("link {}", i + 1)));
        auto& one = out.links.back();
        one.window = 50;
        one.rate = i == 0 ? 2000 : 0;
        one.response_within = 500ms;
        one.times.retry_first = 100ms;
        one.times.retry_most = 1s;
    }
    return out;
}

void check_books(World& world, std::size_t people) {
    auto& desk = world.bench.desk;
    CHECK(world.accepted.size() == people);
    std::uint64_t handed = 0, went_unknown = 0;
    for (const auto& [number, count] : world.accepted) handed += std::uint64_t(count);
    const auto& campaign = desk.campaigns[flood];
    for (const auto& person : campaign.people) {
        CHECK(person.accepted());
        went_unknown += std::uint64_t(person.unknown);
    }
    // Nobody is sent twice but who had gone unknown.
    CHECK(handed <= people + went_unknown);
    CHECK(went_unknown <= (world.cuts + 40) * 50);
}

TEST_CASE("F11 E8: links cut each 100 ms: everybody is accepted, only cut windows go twice") {
    for (unsigned seed = 1; seed <= 4; ++seed) {
        CAPTURE(seed);
        World world(chaos_links(4), {.cut_every = 100ms}, seed);
        world.bench.order(flood, 4'000);
        for (int i = 0; i < 20'000 && !world.done(4'000); ++i) world.pass();
        for (int i = 0; i < 2'000 && world.busy(); ++i) world.pass();
        CHECK(world.cuts > 5);
        check_books(world, 4'000);
        // Every receipt was brought until it was acknowledged.
        CHECK(world.bench.desk.delivered(flood) == 4'000);
    }
}

TEST_CASE("throttle bursts on one link: it slows, the others don't, nobody is lost or doubled") {
    World world(chaos_links(3), {.throttle_every = 400ms}, 7);
    world.bench.order(flood, 8'000);
    int passes = 0;
    for (; passes < 20'000 && !world.done(8'000); ++passes) world.pass();
    CHECK(world.throttled > 0);
    check_books(world, 8'000);
    for (const auto& [number, count] : world.accepted) CHECK(count == 1);
    CHECK(world.bench.office.submitter().lane(0).counters().throttled == world.throttled);
    CHECK(world.bench.office.submitter().lane(1).counters().throttled == 0);
}

TEST_CASE(
    "receipts lost, repeated and of unknown ids, answers lost, links cut: exact all the same") {
    for (unsigned seed = 1; seed <= 3; ++seed) {
        CAPTURE(seed);
        World world(chaos_links(4),
                    {.cut_every = 400ms,
                     .throttle_every = 700ms,
                     .lose_answer = 0.001,
                     .lose_receipt = 0.05,
                     .repeat_receipt = 0.05,
                     .strange_receipt = 0.01},
                    seed);
        world.bench.order(flood, 5'000);
        for (int i = 0; i < 30'000 && !world.done(5'000); ++i) world.pass();
        for (int i = 0; i < 2'000 && world.busy(); ++i) world.pass();
        check_books(world, 5'000);
        const auto delivered = world.bench.desk.delivered(flood);
        CHECK(delivered >= 4'500);
        CHECK(delivered <= world.delivered.size());  // nothing that the peers did not say
    }
}

TEST_CASE("pairs cut on either side: the same") {
    auto with = chaos_links(2);
    for (auto& link : with.links) link.pair = true;
    World world(with, {.cut_every = 200ms}, 3);
    world.bench.order(flood, 3'000);
    for (int i = 0; i < 20'000 && !world.done(3'000); ++i) world.pass();
    for (int i = 0; i < 2'000 && world.busy(); ++i) world.pass();
    check_books(world, 3'000);
    CHECK(world.bench.desk.delivered(flood) == 3'000);
}

}  // namespace
}  // namespace tocsin::smpp
