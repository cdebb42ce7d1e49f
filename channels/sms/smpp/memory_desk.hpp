#pragma once
#include "server/contract/bulk.hpp"

#include <deque>
#include <map>
#include <unordered_map>

/// A bulk desk in memory, for tests of this channel and of peers: recipients, what each part's
/// answers and receipts said, receipts that came before their answer. Durable at once, or by hand.
namespace tocsin::smpp {

class MemoryDesk final : public contract::BulkDesk {
public:
    struct Part {
        std::uint32_t code = 0;
        bool answered = false;
        std::optional<contract::Said> said;  // first final one wins
    };
    struct Person {
        std::uint64_t number = 0;
        std::vector<Part> parts;
        int taken = 0, unknown = 0;
        bool all(auto predicate) const {
            return !parts.empty() && std::ranges::all_of(parts, predicate);
        }
        bool accepted() const {
            return all([](const Part& part) { return part.answered && part.code == 0; });
        }
        bool delivered() const {
            return all([](const Part& part) { return part.said == contract::Said::delivered; });
        }
    };
    struct Campaign {
        std::vector<Person> people;
        std::vector<std::uint64_t> numbers;
        std::string language;
        std::uint32_t cursor = 0;
        std::deque<std::uint32_t> again;
        bool granted = true;
    };

    void invite(contract::OrderId order,
                std::vector<std::uint64_t> numbers,
                std::string language = {}) {
        auto& campaign = campaigns[order];
        for (const auto number : numbers) campaign.people.push_back({number, {}, 0, 0});
        campaign.numbers = std::move(numbers);
        campaign.language = std::move(language);
    }
    std::size_t count(contract::OrderId order, auto predicate) const {
        return std::size_t(std::ranges::count_if(campaigns.at(order).people, predicate));
    }
    std::size_t delivered(contract::OrderId order) const {
        return count(order, [](const Person& person) { return person.delivered(); });
    }
    std::size_t accepted(contract::OrderId order) const {
        return count(order, [](const Person& person) { return person.accepted(); });
    }

    contract::Slice take(contract::OrderId order, std::uint32_t at_most) override {
        auto& campaign = campaigns[order];
        ++takes;
        if (!campaign.granted || at_most == 0) return {};
        if (!campaign.again.empty()) {
            const auto recipient = campaign.again.front();
            campaign.again.pop_front();
            ++campaign.people[recipient].taken;
            return {recipient, {&campaign.numbers[recipient], 1}, campaign.language};
        }
        const auto first = campaign.cursor;
        const auto count = std::min<std::size_t>(at_most, campaign.numbers.size() - first);
        campaign.cursor += std::uint32_t(count);
        for (std::size_t i = 0; i < count; ++i) ++campaign.people[first + i].taken;
        return {first, {campaign.numbers.data() + first, count}, campaign.language};
    }
    void answered(contract::OrderId order, std::span<const contract::Answer> answers) override {
        for (const auto& answer : answers) {
            auto& person = campaigns.at(order).people.at(answer.recipient);
            person.parts.resize(answer.parts);
            auto& part = person.parts.at(answer.part - 1u);
            part.answered = true;
            part.code = answer.code;
            if (try_again && answer.code & contract::worth_another_try)
                campaigns.at(order).again.push_back(answer.recipient);
            if (answer.id.length == 0) continue;
            const auto key = text(answer.id);
            ids_[key] = {order, answer.recipient, answer.part};
            const auto [from, to] = parked_.equal_range(key);
            for (auto it = from; it != to; ++it) settle(ids_[key], it->second), --parked;
            parked_.erase(from, to);
        }
    }
    contract::Ticket settled(std::span<const contract::Receipt> batch) override {
        for (const auto& receipt : batch) {
            const auto found = ids_.find(text(receipt.id));
            if (found != ids_.end()) {
                settle(found->second, receipt);
            } else {
                parked_.emplace(text(receipt.id), receipt);
                ++parked;
            }
        }
        receipts += batch.size();
        return contract::Ticket(++tickets);
    }
    void unknown(contract::OrderId order, std::span<const std::uint32_t> recipients) override {
        auto& campaign = campaigns.at(order);
        for (const auto recipient : recipients) {
            ++campaign.people.at(recipient).unknown;
            if (resend) campaign.again.push_back(recipient);
        }
    }

    void hurry() override { ++hurries; }

    void report(contract::Evidence evidence) override { evidences.push_back(std::move(evidence)); }
    void link(contract::LinkState state, std::optional<Instant> until) override {
        links.push_back({state, until});
    }
    void forgot() override {}
    void budgets(std::vector<contract::Budget> own) override { told_budgets = std::move(own); }
    void probed(contract::Probed result) override { probes.push_back(std::move(result)); }
    void heard(std::string from, std::string words) override {
        messages.emplace_back(std::move(from), std::move(words));
    }
    void serve(std::string, std::string, std::string) override {}

    contract::LinkState state() const {
        return links.empty() ? contract::LinkState::down : links.back().first;
    }

    std::map<contract::OrderId, Campaign> campaigns;
    std::vector<contract::Evidence> evidences;
    std::vector<std::pair<contract::LinkState, std::optional<Instant>>> links;
    std::vector<contract::Probed> probes;
    std::vector<contract::Budget> told_budgets;
    std::vector<std::pair<std::string, std::string>> messages;
    std::uint64_t tickets = 0, receipts = 0, matched = 0, repeated = 0, parked = 0, takes = 0,
                  hurries = 0;
    bool resend = true;      // what went unknown
    bool try_again = false;  // what was worth another try

private:
    struct Where {
        contract::OrderId order;
        std::uint32_t recipient;
        std::uint8_t part;
    };
    static std::string text(const contract::MessageId& id) { return {id.bytes.data(), id.length}; }
    void settle(const Where& where, const contract::Receipt& receipt) {
        using contract::Said;
        auto& part = campaigns.at(where.order).people.at(where.recipient).parts.at(where.part - 1u);
        ++matched;
        if (part.said && *part.said != Said::accepted)
            ++repeated;
        else
            part.said = receipt.said;
    }

    std::unordered_map<std::string, Where> ids_;
    std::unordered_multimap<std::string, contract::Receipt> parked_;
};

}  // namespace tocsin::smpp
