#pragma once
#include "server/contract/bulk.hpp"
#include "tests/channel/stage.hpp"

#include <deque>
#include <thread>

/// The desk of a channel under test: keeps all that it says, hands out recipients, and writes down
/// whatever no channel may ever do. It gives recipients of expired and superseded orders too, on
/// purpose: the server's desk would not, and a channel must not lean on that.
namespace tocsin::conformance {

using namespace contract;

struct Heard {
    Said said;
    std::string source, code, text;
};

class Witness final : public BulkDesk {
public:
    Witness(const Capabilities& can, Stage& stage) : can_(can), stage_(stage) {}

    /// The order is about to be handed over (for the first time or again).
    void expect(OrderId order, std::uint32_t people);
    /// Whether recipients are given at all.
    bool granting = true;

    /// The highest grade proven for everybody; nothing while somebody has none.
    std::optional<Said> reached(OrderId order) const;
    /// The highest proven for anybody.
    std::optional<Said> claimed(OrderId order) const;
    bool heard_of(OrderId order, Said said) const;
    /// Everything but grades: refused, failed, gone, lost; of bulk also recipients' own.
    std::vector<Heard> bad(OrderId order) const;
    /// How often a recipient was said to be unanswered.
    std::uint32_t unknown(OrderId order, std::uint64_t number) const;
    bool up() const { return !links.empty() && links.back() != LinkState::down; }

    std::vector<LinkState> links;
    std::vector<Probed> probes;
    std::vector<Budget> budgets_told;
    std::uint32_t forgotten = 0;
    Ticket tickets{};
    std::vector<std::string> wrong;  // what no channel may do
    void complain(std::string what);

    /// Set by whoever drives the channel: between destruction and the next opening nothing may come.
    bool channel_there = true;
    bool telling() const { return depth_ > 0; }

    void report(Evidence evidence) override;
    void link(LinkState state, std::optional<Instant> until) override;
    void forgot() override;
    void budgets(std::vector<Budget> own) override;
    void probed(Probed result) override;
    void heard(std::string from, std::string words) override;
    void serve(std::string path, std::string type, std::string body) override;
    Slice take(OrderId order, std::uint32_t at_most) override;
    void answered(OrderId order, std::span<const Answer> answers) override;
    Ticket settled(std::span<const contract::Receipt> receipts) override;
    void unknown(OrderId order, std::span<const std::uint32_t> recipients) override;

private:
    struct Part {
        std::optional<std::uint32_t> code;
        bool delivered = false;
    };
    struct Person {
        std::vector<Part> parts;
        std::uint32_t taken = 0, unknown = 0;
    };
    struct Story {
        std::vector<Heard> said;
        std::optional<Said> last;  // grade since it was handed over
        std::uint32_t carried = 0;
        std::vector<std::uint64_t> numbers;
        std::vector<Person> people;
        std::uint32_t cursor = 0;
        std::deque<std::uint32_t> again;
    };
    struct Where {
        OrderId order;
        std::uint32_t recipient;
        std::uint8_t part;
    };
    /// Around each call: whose thread, and that the channel is still there.
    class Call {
    public:
        Call(Witness& witness, const char* name);
        ~Call() { --witness_.depth_; }

    private:
        Witness& witness_;
    };
    void check(const Evidence& evidence);
    void settle(const Where& where, const contract::Receipt& receipt);
    static std::optional<Said> grade(const Person& person);

    const Capabilities& can_;
    Stage& stage_;
    const std::thread::id loop_ = std::this_thread::get_id();
    int depth_ = 0;
    std::map<OrderId, Story> stories_;
    std::map<std::string, Where> ids_;
    std::multimap<std::string, contract::Receipt> early_;
};

std::string name(Said said);
std::string name(OrderId order);

}  // namespace tocsin::conformance
